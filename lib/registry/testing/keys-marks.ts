import { same } from "./assertions.js";
import { HOUR_MS, newKick } from "./context.js";
import { inOrder, LATEST, newKey, newRow, type KeyTest } from "./keys-context.js";

export function markTests(test: KeyTest): void {
  const CASES: readonly [since: number | undefined, before: number | undefined, applies: boolean][] = [
    [10, 12, true],
    [12, 12, true],
    [12.001, 12, false],
    [12, 12.001, true],
    [9, 10, true],
    [10, 9, false],
    [1_700_000_000, 1_700_000_000, true],
    [1_700_000_001, 1_700_000_000, false],
    [1_700_000_000.002, 1_700_000_000.001, false],
    [LATEST, LATEST, true],
    [LATEST, LATEST - 0.001, false],
    [LATEST - 0.001, LATEST, true],
    [undefined, LATEST, false],
    [undefined, undefined, false],
    [0, undefined, true],
    [0, 0, true],
    [0, 5, true],
    [0.001, undefined, false],
    [5, undefined, false],
  ];
  for (const [since, before, applies] of CASES) {
    const [row, mark] = [since, before].map((time) => (time === undefined ? "none" : String(time)));
    test(`a mark with the time ${String(mark)} ${applies ? "applies" : "does not apply"} to the time ${String(row)}`, async (keyed) => {
      const { keys, key, bind, rows } = keyed;
      const [record, bound] = [newKick(), newRow(since)];
      await keys.mark(key, record, before);
      same(await bind(bound), applies ? record : undefined);
      // The row is written in any case.
      same(await rows(), [bound]);
      same(await bind(bound), applies ? record : undefined);
    });
  }

  test("a mark does not change the rows", async ({ keys, key, bind, rows }) => {
    const bound = [newRow(), newRow(0), newRow(10)];
    for (const row of bound) await bind(row);
    await keys.mark(key, newKick(), 10);
    same(await rows(), inOrder(bound));
  });

  test("a mark applies by the later time of the row: an old save ends no newer login", async ({
    keys,
    key,
    bind,
    rows,
  }) => {
    const [row, record] = [newRow(10), newKick()];
    await keys.mark(key, record, 15);
    same(await bind(row), record);
    same(await bind({ ...row, since: undefined }), record);
    same(await bind({ ...row, since: 20 }), undefined);
    for (const since of [10, undefined]) same(await bind({ ...row, since }), undefined);
    same(await rows(), [{ ...row, since: 20 }]);
  });

  for (const more of [
    {},
    { reason: "Signed out at your company.", by: "https://op.example" },
    { reason: '"\\\n\0 \ud800 名前 😀', by: " 12 {} " },
    { reason: "", by: "" },
    { cause: "limit" as const, by: undefined },
    { cause: "lifetime" as const, by: undefined },
  ]) {
    test(`a mark gives its record back: ${JSON.stringify(more)}`, async ({ keys, key, bind }) => {
      const record = newKick({ at: new Date(1_700_000_000_123), ...more });
      await keys.mark(key, record, 10);
      same(await bind(newRow(10)), record);
    });
  }

  test("a mark stays when the registry is cleared, for the logins in flight", async ({ registry, keys, key, bind }) => {
    const record = newKick();
    await keys.mark(key, record, 10);
    await registry.clear();
    same(await bind(newRow(10)), record);
  });
}

export function greatestMarkTests(test: KeyTest): void {
  test("of several marks the greatest counts, in any order", async ({ keys }) => {
    const times = [undefined, 9, 100];
    for (const order of ordersOf(times)) {
      const key = newKey();
      const records = new Map<number | undefined, ReturnType<typeof newKick>>();
      for (const before of [...order, ...order]) {
        const record = newKick();
        records.set(before, record);
        await keys.mark(key, record, before);
      }
      for (const since of [0, 9, 10, 100]) same(await keys.bind(key, newRow(since), HOUR_MS), records.get(100));
      same(await keys.bind(key, newRow(100.5), HOUR_MS), undefined);
    }
  });

  test("of two marks with the same time the later one counts", async ({ keys, key, bind }) => {
    for (const before of [undefined, 0, 10, 10]) {
      const record = newKick();
      await keys.mark(key, record, before);
      same(await bind(newRow(before ?? 0)), record);
    }
  });
}

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => ordersOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
