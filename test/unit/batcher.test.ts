import { describe, expect, it } from "@jest/globals";
import { Batcher } from "../../lib/util/batcher.js";

describe("a batch", () => {
  it("has all items of one tick, and returns to each its own result", async () => {
    const batches: (readonly number[])[] = [];
    const doubles = new Batcher((numbers: readonly number[]) => {
      batches.push(numbers);
      return Promise.resolve(numbers.map((number) => 2 * number));
    });
    expect(await Promise.all([1, 2, 3].map((number) => doubles.add(number)))).toEqual([2, 4, 6]);
    expect(await doubles.add(4)).toBe(8);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it("is split at the maximum size", async () => {
    const batches: (readonly number[])[] = [];
    const runBatch = (numbers: readonly number[]) => {
      batches.push(numbers);
      return Promise.resolve(numbers);
    };
    const batcher = new Batcher(runBatch, 2);
    expect(await Promise.all([1, 2, 3, 4, 5].map((number) => batcher.add(number)))).toEqual([1, 2, 3, 4, 5]);
    expect(batches).toEqual([[1, 2], [3, 4], [5]]);
  });

  it("that fails rejects its items, and no later ones", async () => {
    const failures = [new Error("no answer")];
    const batcher = new Batcher((names: readonly string[]) => {
      const failure = failures.pop();
      return failure === undefined ? Promise.resolve(names) : Promise.reject(failure);
    });
    const outcomes = await Promise.allSettled([batcher.add("one"), batcher.add("two")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await batcher.add("three")).toBe("three");
  });
});
