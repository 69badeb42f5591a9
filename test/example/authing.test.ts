import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { startRedis } from "../support/redis-server.js";

const DEMO = join(__dirname, "../../example-app/dist/demo-authing.js");
const run = promisify(execFile);

async function demo(place: Readonly<Record<string, string>> = {}): Promise<string> {
  const { REDIS_URL: _ours, LOGINS: _oursToo, ...env } = process.env;
  const { stdout } = await run(process.execPath, [DEMO], { env: { ...env, ...place } });
  return stdout;
}

describe("the SDKs of Authing, unchanged", () => {
  it("have the expected answers in one process in memory", async () => {
    const transcript = await demo();
    expect(transcript).toContain("One process, in memory");
    expect(transcript).toContain("Every step came as expected.");
  }, 60_000);

  it("have the expected answers over two processes on Redis", async () => {
    const redis = await startRedis();
    try {
      const transcript = await demo({ REDIS_URL: redis.url });
      expect(transcript).toContain("Two processes");
      expect(transcript).toContain("Every step came as expected.");
    } finally {
      await redis.stop();
    }
  }, 60_000);
});
