import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "@jest/globals";
import { createClient } from "redis";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { startRedis } from "../support/redis-server.js";

const ROOT = join(__dirname, "../..");
const USERS = 40;

/** A process that kicks some of the users once it is asked to, and then reports its metrics. */
function startProcess(url: string, from: number, to: number) {
  const args = [join(__dirname, "metrics-process.mjs"), url, ...[from, to, USERS].map(String)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  return {
    ready: line,
    run: async () => {
      child.stdin.write("go\n");
      return JSON.parse(await line()) as { heard: number; kicked: number; kicks: number };
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("the metrics of two processes that share logins", () => {
  it("have each kick once, in the process that made it, although both hear it", async () => {
    const redis = await startRedis();
    const client = createClient({ url: redis.url });
    const processes = [startProcess(redis.url, 0, 10), startProcess(redis.url, 10, USERS)];
    try {
      await client.connect();
      const registry = new RedisLoginRegistry({ client });
      registry.init({ appId: "shop", maxSessionAgeMs: 3_600_000 });
      for (let user = 0; user < USERS; user += 1) {
        const userId = String(user);
        await registry.add({ id: userId.padStart(22, "0"), userId, sid: `of ${userId}`, ttlMs: 3_600_000 });
      }
      for (const each of processes) expect(await each.ready()).toBe("ready");
      expect(await Promise.all(processes.map((each) => each.run()))).toEqual([
        { heard: USERS, kicked: 10, kicks: 10 },
        { heard: USERS, kicked: USERS - 10, kicks: USERS - 10 },
      ]);
    } finally {
      for (const each of processes) await each.stop();
      client.destroy();
      await redis.stop();
    }
  }, 120_000);
});

describe("an app without @opentelemetry/api", () => {
  const script = (load: string) => `
    ${load}
    const auth = logout({ store: new MemoryStore(), appId: "shop" });
    try {
      instrument(auth);
    } catch (error) {
      console.log(error.code, error.message, error.cause.code);
    }
    auth.close();
  `;
  const loads = {
    "esm.mjs": `
      import { logout } from "express-logout";
      import { instrument } from "express-logout/opentelemetry";
      import session from "express-session";
      const { MemoryStore } = session;`,
    "cjs.cjs": `
      const { logout } = require("express-logout");
      const { instrument } = require("express-logout/opentelemetry");
      const { MemoryStore } = require("express-session");`,
  };

  it.each(Object.entries(loads))("gets an error that names the fix, and can use all else: %s", (file, load) => {
    const folder = mkdtempSync(join(tmpdir(), "express-logout-otel-"));
    try {
      const packages = join(folder, "node_modules");
      mkdirSync(join(packages, "express-logout"), { recursive: true });
      for (const part of ["dist", "package.json"]) {
        cpSync(join(ROOT, part), join(packages, "express-logout", part), { recursive: true });
      }
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: object };
      for (const name of [...Object.keys(dependencies), "express", "express-session"]) {
        symlinkSync(join(ROOT, "node_modules", name), join(packages, name));
      }
      writeFileSync(join(folder, file), script(load));
      const printed = execFileSync(process.execPath, [join(folder, file)], { encoding: "utf8" });
      expect(printed).toMatch(/^ERR_OPTION_INVALID .*npm install @opentelemetry\/api\. .* MODULE_NOT_FOUND\n$/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
