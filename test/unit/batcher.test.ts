import { describe, expect, it } from "@jest/globals";
import { Batcher } from "../../lib/util/batcher.js";

describe("what is asked in one go", () => {
  it("is one question, and each gets his own answer", async () => {
    const asked: (readonly number[])[] = [];
    const doubles = new Batcher((numbers: readonly number[]) => {
      asked.push(numbers);
      return Promise.resolve(numbers.map((number) => 2 * number));
    });
    expect(await Promise.all([1, 2, 3].map((number) => doubles.add(number)))).toEqual([2, 4, 6]);
    expect(await doubles.add(4)).toBe(8);
    expect(asked).toEqual([[1, 2, 3], [4]]);
  });

  it("is several questions, where one would be too long", async () => {
    const asked: (readonly number[])[] = [];
    const askAll = (numbers: readonly number[]) => {
      asked.push(numbers);
      return Promise.resolve(numbers);
    };
    const together = new Batcher(askAll, 2);
    expect(await Promise.all([1, 2, 3, 4, 5].map((number) => together.add(number)))).toEqual([1, 2, 3, 4, 5]);
    expect(asked).toEqual([[1, 2], [3, 4], [5]]);
  });

  it("fails for all who asked, and for nobody who asks later", async () => {
    const failures = [new Error("no answer")];
    const together = new Batcher((names: readonly string[]) => {
      const failure = failures.pop();
      return failure === undefined ? Promise.resolve(names) : Promise.reject(failure);
    });
    const outcomes = await Promise.allSettled([together.add("one"), together.add("two")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await together.add("three")).toBe("three");
  });
});
