import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { createClient } from "redis";
import type { AuditEntry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { startExample } from "../support/example-server.js";
import { Browser } from "../support/http.js";
import { startRedis } from "../support/redis-server.js";

const run = promisify(execFile);
const KICKS = 1_000;
const users = Array.from({ length: KICKS }, (_each, number) => String(number));

describe("two processes that kick 1,000 users", () => {
  it("have exactly 1,000 entries, each in the process where the kick was made", async () => {
    const redis = await startRedis();
    const client = createClient({ url: redis.url });
    try {
      await client.connect();
      const registry = new RedisLoginRegistry({ client, timeoutMs: 60_000 });
      registry.init({ appId: "shop", maxSessionAgeMs: 3_600_000 });
      const login = (userId: string) => ({
        id: userId.padStart(22, "0"),
        userId,
        sid: `of ${userId}`,
        ttlMs: 3_600_000,
      });
      await Promise.all(users.map((userId) => registry.add(login(userId))));
      const halves = [
        ["0", String(KICKS / 2)],
        [String(KICKS / 2), String(KICKS)],
      ];
      const script = join(__dirname, "audit-process.mjs");
      const outputs = await Promise.all(halves.map((half) => run(process.execPath, [script, redis.url, ...half])));
      const entries = outputs.flatMap(({ stdout }) =>
        stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as AuditEntry),
      );
      expect(entries.map(({ userId }) => userId).sort()).toEqual([...users].sort());
      expect(new Set(entries.map(({ id }) => id)).size).toBe(KICKS);
      const unexpected = entries.filter(
        ({ action, logins, by, userId }) =>
          action !== "kick" || logins !== 1 || by !== `process ${Number(userId) < KICKS / 2 ? "0" : "500"}`,
      );
      expect(unexpected).toEqual([]);
    } finally {
      client.destroy();
      await redis.stop();
    }
  }, 120_000);
});

describe("the example app", () => {
  it("writes its audit log to a file: a kick is in it once it is answered, also if the process ends at once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "express-logout-audit-"));
    try {
      const file = join(folder, "audit.log");
      const example = await startExample({ AUDIT_LOG: file });
      await new Browser(example.origin).post("/login", { username: "alice", password: "wonderland" });
      await example.kick(["alice"]);
      await example.kill();
      const entries = readFileSync(file, "utf8").trimEnd().split("\n");
      expect(entries.map((line) => JSON.parse(line) as AuditEntry)).toMatchObject([
        { action: "login", userId: "alice" },
        { action: "kick", userId: "alice", logins: 1, by: "admin API", reason: expect.any(String) },
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
