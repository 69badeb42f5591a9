import { describe, expect, it } from "@jest/globals";
import { CONDITIONS, cssWidth, isPossibleCondition } from "../support/page-conditions.js";
import { allCombinations, keyOf, pairsIn, pairsOf, pairwise, type Factors } from "../support/pairwise.js";

const always = (): boolean => true;
const pairsCovered = (rows: readonly object[]): Set<string> =>
  new Set(rows.flatMap((row) => pairsIn(row as Readonly<Record<string, unknown>>).map(keyOf)));

describe("pairwise combinations", () => {
  const SMALL = { a: [1, 2, 3], b: ["x", "y"], c: [true, false], d: [0, 1] };

  it.each<[string, Factors, (values: Readonly<Record<string, unknown>>) => boolean]>([
    ["four factors", SMALL, always],
    ["four factors, of which some pairs cannot be", SMALL, ({ a, b }) => !(a === 3 && b === "y")],
    ["two factors", { a: [1, 2], b: [1, 2, 3] }, always],
    ["the conditions of the pages", CONDITIONS, isPossibleCondition],
  ])("have every possible pair of %s, and no other", (_what, factors, isPossible) => {
    const rows = pairwise(factors, isPossible);
    const wanted = [...pairsOf(factors, isPossible).keys()];
    expect([...pairsCovered(rows)].sort()).toEqual(wanted.sort());
    for (const row of rows) expect(Object.keys(row).sort()).toEqual(Object.keys(factors).sort());
    expect(rows.every((row) => isPossible(row))).toBe(true);
  });

  it("are few, and the same each time", () => {
    const rows = pairwise(CONDITIONS, isPossibleCondition);
    expect(rows.length).toBeLessThanOrEqual(20);
    expect(pairwise(CONDITIONS, isPossibleCondition)).toEqual(rows);
  });

  it("cannot be made if a value stands with none of another factor", () => {
    const factors = { a: [1, 2], b: [1], c: [1] };
    expect(() => pairwise(factors, ({ a, b }) => a !== 2 || b === undefined)).toThrow("No b is possible");
  });
});

describe("all combinations", () => {
  it("are each one once, but for those that cannot be", () => {
    expect(allCombinations({ a: [1, 2], b: ["x", "y"] }, ({ a, b }) => a !== 2 || b !== "y")).toEqual([
      { a: 1, b: "x" },
      { a: 1, b: "y" },
      { a: 2, b: "x" },
    ]);
    const all = allCombinations(CONDITIONS, isPossibleCondition);
    expect(all).toHaveLength(2 * 2 * 10 * 3 * 2);
    expect(Math.min(...all.map(cssWidth))).toBe(256);
  });
});
