import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import type { MemoryLoginRegistry } from "../../lib/index.js";
import { FAULTS, POLICY_FAULTS } from "./faults.js";
import { KEY_FAULTS } from "./key-faults.js";
import {
  histories,
  keyHistories,
  mixedHistories,
  policyHistories,
  redisHistories,
  shardedHistories,
  type History,
} from "./history.js";
import { HistorySqlite } from "./history-sqlite.js";
import { HistoryRedis } from "./registries.js";
import { live, type Counts, type RunOptions } from "./run.js";

/** How many histories; `npm run test:long` asks for more, and for the counts in a file. */
const HISTORIES = Number(process.env["HISTORIES"] ?? 1_000);
const COUNTS_FILE = process.env["HISTORIES_COUNTS"];
/** With a seed the same histories are drawn every time. */
const SEED_OF_RUN = process.env["HISTORIES_SEED"];
/**
 * As many of them on Redis, with a divided index, with the coherent cache, on SQLite, beside a process without the package, with external
 * keys in each of two places, and with limits and lifetimes in each of three: one in eleven each.
 */
const SHARE = Math.floor(HISTORIES / 11);
const SEED = 1;
const BEGAN = Date.UTC(2026, 0, 1);

// A failing history takes minutes to become a short one.
jest.setTimeout(6 * 3_600_000);

describe("random histories", () => {
  beforeAll(() => {
    // The clock of a history stands still unless time passes in it, and no timer of the code under test goes off.
    jest.useFakeTimers({ doNotFake: ["setImmediate", "clearImmediate", "nextTick", "queueMicrotask", "performance"] });
  });
  afterAll(() => {
    jest.useRealTimers();
  });

  const runs = (numRuns: number): fc.Parameters<[History]> => ({
    numRuns,
    ...(SEED_OF_RUN === undefined ? {} : { seed: Number(SEED_OF_RUN) }),
  });
  const keepsEveryPromise = (counts: Counts, options: () => Omit<RunOptions, "setTime">, drawn = histories) =>
    fc.asyncProperty(drawn, async (history) => {
      jest.clearAllTimers();
      jest.setSystemTime(BEGAN);
      await live(history, { ...options(), setTime: (ms) => jest.setSystemTime(ms) }, counts);
    });

  describe("of several nodes", () => {
    const counts: Counts = { histories: 0, steps: 0, requests: 0, kicks: 0 };
    let redis: HistoryRedis;
    let sqlite: HistorySqlite;
    beforeAll(async () => {
      redis = await HistoryRedis.start();
      sqlite = new HistorySqlite();
    });
    afterAll(async () => {
      await redis.stop();
      await sqlite.stop();
      if (COUNTS_FILE !== undefined) writeFileSync(COUNTS_FILE, JSON.stringify(counts));
    });

    it("keep every promise", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({})),
        runs(HISTORIES - 10 * SHARE),
      );
    });

    it("keep every kick beside a process without the package", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({}), mixedHistories),
        runs(SHARE),
      );
    });

    it("keep every promise on Redis, command by command", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({ redis }), redisHistories),
        runs(SHARE),
      );
    });

    it("keep every promise on Redis with an index that is divided, command by command", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({ redis }), shardedHistories),
        runs(SHARE),
      );
    });

    it.each([
      ["in memory", () => ({})],
      ["on Redis", () => ({ redis })],
      ["on SQLite", () => ({ sqlite })],
    ] as const)("keep every promise with limits and lifetimes, %s", async (_where, options) => {
      await fc.assert(keepsEveryPromise(counts, options, policyHistories), runs(SHARE));
    });

    it.each([
      ["in memory", () => ({})],
      ["on Redis, command by command", () => ({ redis })],
    ] as const)("keep every promise with external keys, %s", async (_where, options) => {
      await fc.assert(keepsEveryPromise(counts, options, keyHistories), { ...runs(SHARE), endOnFailure: true });
    });

    it("keep every promise on SQLite, step by step", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({ sqlite })),
        runs(SHARE),
      );
    });

    it("keep every promise with a coherent cache", async () => {
      await fc.assert(
        keepsEveryPromise(counts, () => ({ redis, coherentCache: true }), redisHistories),
        runs(SHARE),
      );
    });
  });

  describe("of a faulty registry", () => {
    const finds = async (Faulty: new () => MemoryLoginRegistry, drawn = histories): Promise<boolean> => {
      const counts: Counts = { histories: 0, steps: 0, requests: 0, kicks: 0 };
      const memory = () => ({ memory: new Faulty() });
      // The same histories every time: of random ones the rarest fault takes some thousands in some runs.
      const { failed } = await fc.check(keepsEveryPromise(counts, memory, drawn), {
        numRuns: 4_000,
        endOnFailure: true,
        seed: SEED,
      });
      return failed;
    };

    it.each(Object.entries(FAULTS))("find the fault: %s", async (_name, Faulty) => {
      expect(await finds(Faulty)).toBe(true);
    });

    it.each(Object.entries(POLICY_FAULTS))("find the fault of limits and lifetimes: %s", async (_name, Faulty) => {
      expect(await finds(Faulty, policyHistories)).toBe(true);
    });

    it.each(Object.entries(KEY_FAULTS))("find the fault of external keys: %s", async (_name, Faulty) => {
      expect(await finds(Faulty, keyHistories)).toBe(true);
    });

    it("find the fault beside a process without the package: adopt without the kick record", async () => {
      expect(await finds(FAULTS["adopt without the kick record"], mixedHistories)).toBe(true);
    });
  });
});
