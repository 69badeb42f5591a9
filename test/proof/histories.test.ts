import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { createClient } from "redis";
import { startRedis } from "../support/redis-server.js";
import { FAULTS } from "./faults.js";
import { histories } from "./history.js";
import { HistoryRedis } from "./registries.js";
import { live, type Counts, type RunOptions } from "./run.js";

jest.setTimeout(600_000);

const BEGAN = Date.UTC(2026, 0, 1);

describe("random histories", () => {
  beforeAll(() => {
    // The clock of a history stands still unless time passes in it, and no timer of the code under test goes off.
    jest.useFakeTimers({ doNotFake: ["setImmediate", "clearImmediate", "nextTick", "queueMicrotask", "performance"] });
  });
  afterAll(() => {
    jest.useRealTimers();
  });

  const counts: Counts = { histories: 0, steps: 0, requests: 0, kicks: 0 };

  const keepsEveryPromise = (options: () => Omit<RunOptions, "setTime">, counts: Counts) =>
    fc.asyncProperty(histories, async (history) => {
      jest.clearAllTimers();
      jest.setSystemTime(BEGAN);
      await live(history, { ...options(), setTime: (ms) => jest.setSystemTime(ms) }, counts);
    });

  it("keep every promise", async () => {
    await fc.assert(
      keepsEveryPromise(() => ({}), counts),
      { numRuns: Number(process.env["HISTORIES"] ?? 1_000) },
    );

    expect(counts.histories).toBeGreaterThan(0);
  });

  describe("on Redis, command by command", () => {
    let server: Awaited<ReturnType<typeof startRedis>>;
    let client: ReturnType<typeof createClient>;
    let redis: HistoryRedis;
    beforeAll(async () => {
      server = await startRedis();
      client = createClient({ url: server.url });
      await client.connect();
      redis = new HistoryRedis(client);
      await redis.start();
    });
    afterAll(async () => {
      client.destroy();
      await server.stop();
    });

    it("keep every promise", async () => {
      await fc.assert(
        keepsEveryPromise(() => ({ redis }), counts),
        { numRuns: Number(process.env["HISTORIES"] ?? 1_000) },
      );
    });
  });

  it.each(Object.entries(FAULTS))("find a fault: %s", async (_name, Faulty) => {
    const { failed } = await fc.check(
      keepsEveryPromise(() => ({ memory: new Faulty() }), counts),
      { numRuns: 1_000, endOnFailure: true },
    );

    expect(failed).toBe(true);
  });
});
