import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { startRedis, type RedisServer } from "../support/redis-server.js";

jest.setTimeout(60_000);

const SCRIPT = join(__dirname, "live-process.mjs");
const run = promisify(execFile);

describe("a process in which everything live is over", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it.each([
    ["on memory", "after auth.close()", "closes"],
    ["on memory", "by itself", ""],
    ["on Redis", "after auth.close()", "closes"],
    ["on Redis", "by itself", ""],
  ])("ends: %s, %s", async (where, _how, closes) => {
    const { stdout } = await run(process.execPath, [SCRIPT, where === "on Redis" ? redis.url : "memory", closes]);
    expect(stdout).toBe("over\n");
  });
});
