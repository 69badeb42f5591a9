import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { LinkedList, type ListNode } from "../../lib/util/linked-list.js";

interface Named extends ListNode<Named> {
  readonly name: string;
}

const NAMES = ["a", "b", "c", "d"] as const;
const names = (order: LinkedList<Named>): string[] => [...order].map(({ name }) => name);

describe("a linked list", () => {
  it("has the order of an array in which moved items come first", () => {
    const steps = fc.array(
      fc.record({ does: fc.constantFrom("moveToFront" as const, "delete" as const), name: fc.constantFrom(...NAMES) }),
    );
    fc.assert(
      fc.property(steps, (taken) => {
        const items: Record<string, Named> = Object.fromEntries(NAMES.map((name) => [name, { name }]));
        const order = new LinkedList<Named>();
        let expected: string[] = [];
        for (const { does, name } of taken) {
          order[does](items[name] ?? { name });
          expected = [...(does === "moveToFront" ? [name] : []), ...expected.filter((other) => other !== name)];
          expect(names(order)).toEqual(expected);
          expect(order.size).toBe(expected.length);
          expect(order.oldest?.name).toBe(expected.at(-1));
        }
      }),
    );
  });

  it("continues to iterate after the current item is deleted", () => {
    const order = new LinkedList<Named>();
    for (const name of ["a", "b", "c"]) order.moveToFront({ name });
    const found: string[] = [];
    for (const item of order) {
      found.push(item.name);
      order.delete(item);
    }
    expect(found).toEqual(["c", "b", "a"]);
    expect(order.size).toBe(0);
  });
});
