import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { FAULTS } from "./faults.js";
import { histories } from "./history.js";
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

  const keepsEveryPromise = (options: () => Omit<RunOptions, "setTime">, counts: Counts) =>
    fc.asyncProperty(histories, async (history) => {
      jest.clearAllTimers();
      jest.setSystemTime(BEGAN);
      await live(history, { ...options(), setTime: (ms) => jest.setSystemTime(ms) }, counts);
    });

  it("keep every promise", async () => {
    const counts: Counts = { histories: 0, steps: 0, requests: 0, kicks: 0 };
    await fc.assert(
      keepsEveryPromise(() => ({}), counts),
      { numRuns: Number(process.env["HISTORIES"] ?? 1_000) },
    );

    expect(counts.histories).toBeGreaterThan(0);
  });

  it.each(Object.entries(FAULTS))("find a fault: %s", async (_name, Faulty) => {
    const counts: Counts = { histories: 0, steps: 0, requests: 0, kicks: 0 };
    const { failed } = await fc.check(
      keepsEveryPromise(() => ({ memory: new Faulty() }), counts),
      { numRuns: 1_000, endOnFailure: true },
    );

    expect(failed).toBe(true);
  });
});
