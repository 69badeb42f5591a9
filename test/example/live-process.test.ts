import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { startRedis, type RedisServer } from "../support/redis-server.js";

jest.setTimeout(60_000);

const SCRIPT = join(__dirname, "live-process.mjs");
const run = promisify(execFile);

describe("a process that is done with live connections", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it.each([
    ["on memory", "after auth.close()", "closes"],
    ["on memory", "after auth.close() while one is live", "closes while one is live"],
    ["on memory", "by itself", ""],
    ["on Redis", "after auth.close()", "closes"],
    ["on Redis", "after auth.close() while one is live", "closes while one is live"],
    ["on Redis", "by itself", ""],
  ])("ends: %s, %s", async (where, _how, closes) => {
    const { stdout } = await run(process.execPath, [SCRIPT, where === "on Redis" ? redis.url : "memory", closes]);
    expect(stdout).toBe("over\n");
  });
});
