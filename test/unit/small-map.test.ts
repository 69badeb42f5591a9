import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { SmallMap } from "../../lib/util/small-map.js";

const keys = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({ does: fc.constant("set" as const), key: keys, value: fc.nat(9) }),
  fc.record({ does: fc.constant("delete" as const), key: keys }),
  fc.record({ does: fc.constant("clear" as const) }),
);

describe("a map that mostly has one entry", () => {
  it("is like a Map", () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const [small, map] = [new SmallMap<string, number>(), new Map<string, number>()];
        for (const each of steps) {
          for (const target of [small, map]) {
            if (each.does === "set") target.set(each.key, each.value);
            else if (each.does === "delete") target.delete(each.key);
            else target.clear();
          }
          expect([small.size, ...small.values()]).toEqual([map.size, ...map.values()]);
          for (const key of ["a", "b", "c"]) expect(small.get(key)).toBe(map.get(key));
        }
      }),
    );
  });

  it("may lose entries while its values are read", () => {
    const small = new SmallMap<string, string>();
    for (const key of ["a", "b"]) small.set(key, key);
    for (const value of small.values()) small.delete(value);
    expect(small.size).toBe(0);
    small.set("a", "a");
    for (const value of small.values()) small.delete(value);
    expect([...small.values()]).toEqual([]);
  });
});
