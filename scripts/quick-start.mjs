// Runs the app of docs/quick-start.md, word for word, and makes its calls.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./consumer.mjs";

/** The `app.js` of the page. */
function appOfPage() {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync("docs/quick-start.md", "utf8")) ?? [];
  if (code === undefined) throw new Error("docs/quick-start.md has no app.");
  return code;
}

/** A browser that keeps one cookie. */
function createBrowser(origin) {
  let cookie = "";
  return async (method, path, body) => {
    const options = { method, headers: { Accept: "application/json", cookie }, redirect: "manual" };
    const res = await fetch(origin + path, body === undefined ? options : { ...options, body });
    const [set] = res.headers.getSetCookie();
    if (set !== undefined) [cookie] = set.split(";");
    return `${res.status} ${(await res.text()).trim()}`;
  };
}

function expect(got, pattern) {
  if (!pattern.test(got)) throw new Error(`The quick start: expected ${pattern}, got ${got}`);
}

async function untilReady(browse) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await browse("GET", "/");
    } catch (error) {
      if (attempt === 100) throw error;
      await wait(100);
    }
  }
}

/** @param project - a folder in which express, express-session and the tarball are installed */
export async function tryQuickStart(project) {
  writeFileSync(join(project, "app.js"), appOfPage());
  const port = await freePort();
  const app = spawn(process.execPath, ["app.js"], {
    cwd: project,
    env: { ...process.env, PORT: String(port) },
    stdio: "inherit",
  });
  const ended = once(app, "exit");
  try {
    const browse = createBrowser(`http://localhost:${port}`);
    expect(await untilReady(browse), /^200 Hello visitor$/);
    expect(await browse("POST", "/login", new URLSearchParams({ user: "u1" })), /^302 /);
    expect(await browse("GET", "/"), /^200 Hello u1$/);
    expect(await browse("POST", "/kick/u1"), /^200 \{"users":1,"logins":1\}$/);
    expect(await browse("GET", "/"), /^401 .*Your account was closed\./);
    expect(await browse("GET", "/"), /^200 Hello visitor$/);
  } finally {
    app.kill();
    await ended;
  }
  console.log("Quick start: its app does what the page says");
}
