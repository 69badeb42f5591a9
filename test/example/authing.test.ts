import { describe, expect, it } from "@jest/globals";
import { runDemo } from "../support/demo.js";
import { startRedis } from "../support/redis-server.js";

const demo = (place?: NodeJS.ProcessEnv): Promise<string> => runDemo("demo-authing.js", place);

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
