import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { startRedis } from "../support/redis-server.js";

const run = promisify(execFile);

describe("a process that kicks many users at once", () => {
  // Jest hears no warnings of Node.
  it("prints no warning", async () => {
    const redis = await startRedis();
    try {
      const { stdout, stderr } = await run(process.execPath, [join(__dirname, "kick-process.mjs"), redis.url]);
      expect({ stdout, stderr }).toEqual({ stdout: "0 users\n", stderr: "" });
    } finally {
      await redis.stop();
    }
  }, 30_000);
});
