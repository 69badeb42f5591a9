import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Recency, type Recent } from "../../lib/util/linked-list.js";

interface Named extends Recent<Named> {
  readonly name: string;
}

const NAMES = ["a", "b", "c", "d"] as const;
const names = (order: Recency<Named>): string[] => [...order].map(({ name }) => name);

describe("an order by activity", () => {
  it("is that of a list in which whoever is active is put first", () => {
    const steps = fc.array(
      fc.record({ does: fc.constantFrom("touch" as const, "delete" as const), name: fc.constantFrom(...NAMES) }),
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const items: Record<string, Named> = Object.fromEntries(NAMES.map((name) => [name, { name }]));
        const order = new Recency<Named>();
        let expected: string[] = [];
        for (const { does, name } of taken) {
          order[does](items[name] ?? { name });
          expected = [...(does === "touch" ? [name] : []), ...expected.filter((other) => other !== name)];
          expect(names(order)).toEqual(expected);
          expect(order.size).toBe(expected.length);
          expect(order.oldest?.name).toBe(expected.at(-1));
        }
      }),
    );
  });

  it("goes on where what it gave is deleted", () => {
    const order = new Recency<Named>();
    for (const name of ["a", "b", "c"]) order.touch({ name });
    const found: string[] = [];
    for (const item of order) {
      found.push(item.name);
      order.delete(item);
    }
    expect(found).toEqual(["c", "b", "a"]);
    expect(order.size).toBe(0);
  });
});
