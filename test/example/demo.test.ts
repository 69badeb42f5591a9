import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { runDemo } from "../support/demo.js";
import { startRedis } from "../support/redis-server.js";

const demo = (place?: NodeJS.ProcessEnv): Promise<string> => runDemo("demo.js", place);

describe("the demo", () => {
  it("has the expected steps in one process in memory", async () => {
    const transcript = await demo();
    expect(transcript).toContain("One process, in memory");
    expect(transcript).toContain("Every step came as expected.");
  }, 30_000);

  it("has the expected steps over two processes on one SQLite file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "express-logout-demo-"));
    try {
      const transcript = await demo({ LOGINS: join(folder, "logins.db") });
      expect(transcript).toContain("Two processes, on /");
      expect(transcript).toContain("Every step came as expected.");
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 30_000);

  it("has the expected steps over two processes on Redis", async () => {
    const redis = await startRedis();
    try {
      const transcript = await demo({ REDIS_URL: redis.url });
      expect(transcript).toContain("Two processes");
      expect(transcript).toContain("Every step came as expected.");
    } finally {
      await redis.stop();
    }
  }, 30_000);
});
