import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { Deadline } from "../../lib/util/deadline.js";

const never = new Promise<never>(() => undefined);

describe("a time limit", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it("times a task out when its time is over, and not before", () => {
    const late = jest.fn();
    new Deadline(100).start(late);
    jest.advanceTimersByTime(99);
    expect(late).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(late).toHaveBeenCalledTimes(1);
  });

  it("does not time out a task that is done in time", () => {
    const limit = new Deadline(30);
    const [late, done] = [jest.fn(), jest.fn()];
    const started = limit.start(done);
    limit.start(late);
    clearTimeout(started);
    jest.advanceTimersByTime(100);
    expect([late.mock.calls.length, done.mock.calls.length]).toEqual([1, 0]);
  });

  it("counts from the start of each task, also after none was left", () => {
    const limit = new Deadline(120);
    const began = performance.now();
    const times: number[] = [];
    const note = (): void => void times.push(performance.now() - began);
    limit.start(note);
    jest.advanceTimersByTime(60);
    limit.start(note);
    jest.advanceTimersByTime(240);
    limit.start(note);
    jest.advanceTimersByTime(240);
    expect(times).toEqual([120, 180, 420]);
  });
});

describe("a process with a time limit", () => {
  it("is not kept alive by it", () => {
    const before = process.getActiveResourcesInfo();
    new Deadline(60_000).start(() => undefined);
    expect(process.getActiveResourcesInfo()).toEqual(before);
  });
});

describe("work within a time limit", () => {
  it("settles with its own result", async () => {
    const limit = new Deadline(1_000);
    const broken = new Error("broken");
    await expect(limit.run(() => Promise.resolve(3))).resolves.toBe(3);
    await expect(limit.run(() => Promise.reject(broken))).rejects.toBe(broken);
  });

  it("is aborted on timeout, and rejects with an error that names the limit", async () => {
    const limit = new Deadline(30);
    let signal: AbortSignal | undefined;
    const work = limit.run((aborting) => {
      signal = aborting;
      return never;
    });
    await expect(work).rejects.toThrow("no answer within 30 ms");
    expect(signal?.aborted).toBe(true);
  });

  it("shares its signal with work of the same tick only", async () => {
    const limit = new Deadline(30);
    const signals: AbortSignal[] = [];
    const late = (aborting: AbortSignal): Promise<never> => {
      signals.push(aborting);
      return never;
    };
    const works = [limit.run(late), limit.run(late)];
    await new Promise(setImmediate);
    works.push(limit.run(late));
    const outcomes = await Promise.allSettled(works);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    const [first, second, third] = signals;
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it.each([
    ["is done", () => Promise.resolve()],
    ["has failed", () => Promise.reject(new Error("broken"))],
  ])("is not aborted once it %s", async (_what, work) => {
    const limit = new Deadline(30);
    let signal: AbortSignal | undefined;
    await limit
      .run((aborting) => {
        signal = aborting;
        return work();
      })
      .catch(() => undefined);
    await wait(100);
    expect(signal?.aborted).toBe(false);
  });
});
