import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { TimeLimit } from "../../lib/time-limit.js";

const never = new Promise<never>(() => undefined);

describe("a time limit", () => {
  it("gives up what takes too long, when its time is over and not before", async () => {
    const limit = new TimeLimit(100);
    const began = performance.now();
    await new Promise<void>((resolve) => limit.start(resolve));
    const ms = performance.now() - began;
    expect(ms).toBeGreaterThanOrEqual(99);
    expect(ms).toBeLessThan(1_000);
  });

  it("gives up nothing that is done in time", async () => {
    const limit = new TimeLimit(30);
    const givenUp: string[] = [];
    const done = limit.start(() => givenUp.push("done"));
    limit.start(() => givenUp.push("late"));
    limit.done(done);
    await wait(100);
    expect(givenUp).toEqual(["late"]);
  });

  it("counts for each from its own beginning", async () => {
    const limit = new TimeLimit(120);
    const began = performance.now();
    const times: number[] = [];
    const note = (): void => void times.push(performance.now() - began);
    limit.start(note);
    await wait(60);
    limit.start(note);
    await wait(20);
    expect(times).toEqual([]);
    await wait(75);
    expect(times).toHaveLength(1);
    await wait(120);
    expect(times).toHaveLength(2);
    expect(times[1]).toBeGreaterThanOrEqual(179);
    // It starts anew when nothing was left to wait for.
    await new Promise<void>((resolve) => limit.start(resolve));
  });

  it("keeps no process alive", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    new TimeLimit(60_000).start(() => undefined);
    await wait(1);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).toHaveLength(before);
  });
});

describe("work within a time limit", () => {
  it("is answered with what it comes to", async () => {
    const limit = new TimeLimit(1_000);
    const broken = new Error("broken");
    await expect(limit.within(() => Promise.resolve(3))).resolves.toBe(3);
    await expect(limit.within(() => Promise.reject(broken))).rejects.toBe(broken);
  });

  it("is told that it is given up, and answered with an error that says after how long", async () => {
    const limit = new TimeLimit(30);
    let signal: AbortSignal | undefined;
    const work = limit.within((givenUp) => {
      signal = givenUp;
      return never;
    });
    await expect(work).rejects.toThrow("no answer within 30 ms");
    expect(signal?.aborted).toBe(true);
  });

  it.each([
    ["is done", () => Promise.resolve()],
    ["has failed", () => Promise.reject(new Error("broken"))],
  ])("is not given up once it %s", async (_what, work) => {
    const limit = new TimeLimit(30);
    let signal: AbortSignal | undefined;
    await limit
      .within((givenUp) => {
        signal = givenUp;
        return work();
      })
      .catch(() => undefined);
    await wait(100);
    expect(signal?.aborted).toBe(false);
  });
});
