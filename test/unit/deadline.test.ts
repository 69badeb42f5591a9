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

  it("gives up what takes too long, when its time is over and not before", () => {
    const late = jest.fn();
    new Deadline(100).start(late);
    jest.advanceTimersByTime(99);
    expect(late).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(late).toHaveBeenCalledTimes(1);
  });

  it("gives up nothing that is done in time", () => {
    const limit = new Deadline(30);
    const [late, done] = [jest.fn(), jest.fn()];
    const started = limit.start(done);
    limit.start(late);
    limit.done(started);
    jest.advanceTimersByTime(100);
    expect([late.mock.calls.length, done.mock.calls.length]).toEqual([1, 0]);
  });

  it("counts for each from its own beginning, and anew when nothing was left to wait for", () => {
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
  it("is answered with what it comes to", async () => {
    const limit = new Deadline(1_000);
    const broken = new Error("broken");
    await expect(limit.run(() => Promise.resolve(3))).resolves.toBe(3);
    await expect(limit.run(() => Promise.reject(broken))).rejects.toBe(broken);
  });

  it("is told that it is given up, and answered with an error that says after how long", async () => {
    const limit = new Deadline(30);
    let signal: AbortSignal | undefined;
    const work = limit.run((givenUp) => {
      signal = givenUp;
      return never;
    });
    await expect(work).rejects.toThrow("no answer within 30 ms");
    expect(signal?.aborted).toBe(true);
  });

  it("has a signal in common with what begins in the same go, and with nothing that begins later", async () => {
    const limit = new Deadline(30);
    const signals: AbortSignal[] = [];
    const late = (givenUp: AbortSignal): Promise<never> => {
      signals.push(givenUp);
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
  ])("is not given up once it %s", async (_what, work) => {
    const limit = new Deadline(30);
    let signal: AbortSignal | undefined;
    await limit
      .run((givenUp) => {
        signal = givenUp;
        return work();
      })
      .catch(() => undefined);
    await wait(100);
    expect(signal?.aborted).toBe(false);
  });
});
