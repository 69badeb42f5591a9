// Projects that have the package as its users get it: packed, and installed from the tarball.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));

/** The environment of what runs in memory. */
export const { REDIS_URL: _ofTheShell, LOGINS: _alsoOfIt, ...inMemory } = process.env;

/** A package in the version that the tests of this project use. */
export const asInTests = (name) => `${name}@${devDependencies[name]}`;

/** libsql, which the tests of this project have under the name of better-sqlite3. */
export const LIBSQL = devDependencies["better-sqlite3"].replace("npm:", "");

export const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8", ...options });

/** Packs the package into a folder. */
export function pack(folder) {
  const [{ filename, files, size }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", folder]));
  return { tarball: join(folder, filename), paths: files.map(({ path }) => path), size };
}

/** Makes a project with the tarball and other packages in it, and what `test/package` holds. */
export function makeConsumer(folder, tarball, packages, { args = [], env = process.env } = {}) {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  run("npm", ["install", ...quiet, ...args, tarball, ...packages], { cwd: folder, env });
  cpSync("test/package", folder, { recursive: true });
  return folder;
}

/** Runs with a redis-server of its own, on a free port; `act` is given its URL. */
export async function withRedis(act) {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-redis-"));
  const { url, stop } = await startRedis(folder);
  try {
    return await act(url);
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Another process may take a free port first: then the next is tried. */
async function startRedis(folder, attempts = 5) {
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const server = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => server.once("exit", resolve));
  const isReady = await new Promise((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    void exited.then(() => resolve(false));
    server.stdout.on("data", (chunk) => {
      log += chunk;
      if (log.includes("Ready to accept connections")) resolve(true);
    });
  });
  if (!isReady && attempts > 1) return startRedis(folder, attempts - 1);
  if (!isReady) throw new Error("redis-server does not start: no port was free, or it is broken.");
  const stop = () => {
    server.kill("SIGKILL");
    return exited;
  };
  return { url: `redis://127.0.0.1:${port}`, stop };
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once("error", reject)
      .listen(0, "127.0.0.1", () => {
        const { port } = server.address();
        server.close(() => resolve(port));
      });
  });
}
