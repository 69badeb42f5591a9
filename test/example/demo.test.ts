import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { ExamplePlace } from "../support/example-server.js";
import { startRedis } from "../support/redis-server.js";

const DEMO = join(__dirname, "../../example-app/dist/demo.js");
const run = promisify(execFile);

async function demo(place: ExamplePlace = {}): Promise<string> {
  const { REDIS_URL: _ours, LOGINS: _oursToo, ...env } = process.env;
  const { stdout } = await run(process.execPath, [DEMO], { env: { ...env, ...place } });
  return stdout;
}

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
