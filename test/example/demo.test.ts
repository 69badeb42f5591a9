import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { startRedis } from "../support/redis-server.js";

const DEMO = join(__dirname, "../../example-app/dist/demo.js");
const run = promisify(execFile);

async function demo(redisUrl?: string): Promise<string> {
  const { REDIS_URL: _ours, ...env } = process.env;
  const { stdout } = await run(process.execPath, [DEMO], {
    env: redisUrl === undefined ? env : { ...env, REDIS_URL: redisUrl },
  });
  return stdout;
}

describe("the demo", () => {
  it("has the expected steps in one process in memory", async () => {
    const transcript = await demo();
    expect(transcript).toContain("One process, in memory");
    expect(transcript).toContain("Every step came as expected.");
  }, 30_000);

  it("has the expected steps over two processes on Redis", async () => {
    const redis = await startRedis();
    try {
      const transcript = await demo(redis.url);
      expect(transcript).toContain("Two processes");
      expect(transcript).toContain("Every step came as expected.");
    } finally {
      await redis.stop();
    }
  }, 30_000);
});
