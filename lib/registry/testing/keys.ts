import { randomBytes } from "node:crypto";
import type { KeyDigest, KeyIndex, KeyRow, LoginRegistry } from "../../types/registry.js";
import { mapLimit } from "../../util/map-limit.js";
import { eventually, pause, same } from "./assertions.js";
import { HOUR_MS, newKick, newLogin, newSpace, unique, type RegistryContext } from "./context.js";
import type { Suite } from "./suite.js";

/** Later than any time that is in use. */
const LATEST = 1e12;
/** A pool of connections refuses calls that wait for too long. */
export const AT_ONCE = 50;
const ODD_IDS = ["", " ", "a b", "b c", "a", "b", "{a}:b", "%uD800", '"', "\\", "a\0", "名前", "😀", "\ud800", "\udc00x"];
const MORE_ODD_IDS = ["__proto__", "=", "*", "1 2", "x".repeat(300)];

/** What a test of `keys` uses. */
export interface Keyed {
  readonly registry: LoginRegistry;
  readonly keys: KeyIndex;
  readonly context: RegistryContext;
  /** A key that no other test has. */
  readonly key: KeyDigest;
  /** Binds a row for an hour. */
  readonly bind: (row: KeyRow) => ReturnType<KeyIndex["bind"]>;
  /** Reads the rows of a key, in an order of their own. */
  readonly rows: (key?: KeyDigest) => Promise<KeyRow[]>;
}

export type KeyTest = (title: string, body: (keyed: Keyed) => Promise<void>) => void;

export const newKey = (): KeyDigest => randomBytes(16).toString("base64url");

export const newRow = (since?: number, more: Partial<KeyRow> = {}): KeyRow => ({
  userId: "alice",
  loginId: unique("login"),
  since,
  ...more,
});

export async function readRows(keys: KeyIndex, key: KeyDigest): Promise<KeyRow[]> {
  const found: KeyRow[] = [];
  for await (const rows of keys.rows(key)) found.push(...rows);
  return inOrder(found);
}

/** Sorts rows, whose order means nothing. */
export function inOrder(rows: readonly KeyRow[]): KeyRow[] {
  const textOf = ({ userId, loginId }: KeyRow): string => JSON.stringify([userId, loginId]);
  return [...rows].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

/** Returns a function that registers a test of `keys`. It passes without a check on a registry that has none. */
export function keyTest(suite: Suite): KeyTest {
  return (title, body) => {
    suite.test(title, async (context) => {
      const { registry } = context;
      const { keys } = registry;
      if (keys === undefined) return;
      const key = newKey();
      const bind: Keyed["bind"] = (row) => keys.bind(key, row, HOUR_MS);
      const rows: Keyed["rows"] = (another = key) => readRows(keys, another);
      await body({ registry, keys, context, key, bind, rows });
    });
  };
}

/** Tests of `keys`. */
export function keyTests(suite: Suite): void {
  const test = keyTest(suite);
  suite.describe("external keys", () => {
    rowTests(test);
    expiryTests(test);
    markTests(test);
    greatestMarkTests(test);
    dropTests(test);
    separateTests(test);
  });
}

function rowTests(test: KeyTest): void {
  test("have the rows that were bound, and no others", async ({ bind, rows }) => {
    same(await rows(), []);
    const sinces = [undefined, 0, 0.5, 1_700_000_000, 1_700_000_000.123, LATEST - 0.25, LATEST];
    const bound = sinces.map((since) => newRow(since));
    for (const row of bound) same(await bind(row), undefined);
    same(await rows(), inOrder(bound));
    same(await rows(newKey()), []);
  });

  test("have a row once that was bound twice, with the later since", async ({ bind, rows }) => {
    const row = newRow();
    for (const [since, kept] of [
      [undefined, undefined],
      [0, 0],
      [20, 20],
      [20, 20],
      [10, 20],
      [undefined, 20],
      [0, 20],
      [20.25, 20.25],
      [100, 100],
      [20.5, 100],
      [LATEST, LATEST],
      [LATEST - 0.5, LATEST],
    ]) {
      await bind({ ...row, since });
      same(await rows(), [{ ...row, since: kept }]);
    }
  });

  test("keep a row when its login ends", async ({ registry, context, bind, rows }) => {
    const login = newLogin("alice");
    await context.begin(login);
    const row = newRow(10, { loginId: login.id });
    await bind(row);
    await registry.end("alice", { loginId: login.id });
    await registry.end("alice", { kick: newKick() });
    same(await rows(), [row]);
  });
}

function expiryTests(test: KeyTest): void {
  test("have no row that has expired", async ({ keys, key, bind, rows }) => {
    const stays = newRow(10);
    await keys.bind(key, newRow(10), 1);
    await bind(stays);
    await eventually(async () => (await rows()).length, 1);
    same(await rows(), [stays]);
  });

  test("keep a row until the later expiry", async ({ keys, key, rows }) => {
    const [shortened, extended] = [newRow(10), newRow(10)];
    await keys.bind(key, shortened, HOUR_MS);
    await keys.bind(key, shortened, 1);
    await keys.bind(key, extended, 400);
    await keys.bind(key, extended, HOUR_MS);
    const passing = newRow(10);
    await keys.bind(key, passing, 400);
    await eventually(async () => (await rows()).length, 2);
    same(await rows(), inOrder([shortened, extended]));
  });

  test("know nothing more of a row that has expired", async ({ keys, key, bind, rows }) => {
    const row = newRow(20);
    await keys.bind(key, row, 1);
    await pause(5);
    await eventually(() => rows(), []);
    await bind({ ...row, since: 10 });
    same(await rows(), [{ ...row, since: 10 }]);
  });

  test("know nothing more of a row that has expired, and was not read", async ({ keys, key, bind, rows }) => {
    const row = newRow(20);
    await keys.bind(key, row, 1);
    const marker = newRow(20, { loginId: "marker" });
    const another = newKey();
    await keys.bind(another, marker, 5);
    // When the second has expired by the clock of the registry, so has the first.
    await eventually(() => rows(another), []);
    await bind({ ...row, since: 10 });
    same(await rows(), [{ ...row, since: 10 }]);
  });
}

function markTests(test: KeyTest): void {
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

  test("a mark applies by the time that is being bound, not by that of the row", async ({ keys, key, bind, rows }) => {
    const [row, record] = [newRow(20), newKick()];
    await keys.mark(key, record, 15);
    same(await bind(row), undefined);
    same(await bind({ ...row, since: 10 }), record);
    same(await bind({ ...row, since: undefined }), undefined);
    same(await rows(), [row]);
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

function greatestMarkTests(test: KeyTest): void {
  test("of several marks the greatest counts, in any order", async ({ keys }) => {
    const times = [undefined, 9, 10.5, 100];
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

function dropTests(test: KeyTest): void {
  test("dropping removes rows, and leaves the others and the mark", async ({ keys, key, bind, rows }) => {
    const [first, second, third] = [newRow(10), newRow(), newRow(0)];
    const namesake = newRow(10, { userId: "bob", loginId: first.loginId });
    const record = newKick();
    for (const row of [first, second, third, namesake]) await bind(row);
    await keys.mark(key, record, 10);
    await keys.drop(key, [first, second]);
    same(await rows(), inOrder([third, namesake]));
    await keys.drop(key, []);
    await keys.drop(key, [first, newRow(10)]);
    await keys.drop(newKey(), [third]);
    same(await rows(), inOrder([third, namesake]));
    same(await bind(first), record);
    same(await rows(), inOrder([first, third, namesake]));
  });

  const CASES: readonly [kept: number | undefined, dropped: number | undefined, leaves: boolean][] = [
    [10, 10, true],
    [9, 10, true],
    [10, 9, false],
    [10.5, 10, false],
    [100, 20, false],
    [LATEST, LATEST - 0.001, false],
    [undefined, undefined, true],
    [undefined, 0, true],
    [undefined, 10, true],
    [0, undefined, false],
    [10, undefined, false],
    [0, 0, true],
  ];
  for (const [kept, dropped, leaves] of CASES) {
    const [row, drop] = [kept, dropped].map((time) => (time === undefined ? "none" : String(time)));
    test(`a row with the time ${String(row)} ${leaves ? "goes" : "stays"} when it is dropped with the time ${String(drop)}`, async (keyed) => {
      const { keys, key, bind, rows } = keyed;
      const bound = newRow(kept);
      await bind(bound);
      await keys.drop(key, [{ ...bound, since: dropped }]);
      same(await rows(), leaves ? [] : [bound]);
    });
  }
}

function separateTests(test: KeyTest): void {
  test("two keys have nothing in common", async ({ keys, key, bind, rows }) => {
    const [another, row, mine, other] = [newKey(), newRow(10), newKick(), newKick()];
    await keys.mark(another, other, 10);
    same(await bind(row), undefined);
    await keys.mark(key, mine, 20);
    same(await keys.bind(another, row, HOUR_MS), other);
    await keys.drop(another, [row]);
    same([await rows(), await rows(another)], [[row], []]);
  });

  test("two applications have nothing in common", async ({ context, keys, key, bind, rows }) => {
    const { keys: others } = await context.another({ space: newSpace() });
    const row = newRow(10);
    await keys.mark(key, newKick(), 10);
    await bind(row);
    same(others && (await readRows(others, key)), []);
    same(await others?.bind(key, row, HOUR_MS), undefined);
    await others?.drop(key, [row]);
    same(await rows(), [row]);
  });

  test("ids may be any text", async ({ keys, key, bind, rows }) => {
    const ids = [...ODD_IDS, ...MORE_ODD_IDS];
    const all = ids.flatMap((userId) => ids.map((loginId) => newRow(10, { userId, loginId })));
    await mapLimit(AT_ONCE, all, bind);
    same(await rows(), inOrder(all));
    const [dropped, left] = [all.filter((_row, index) => index % 2 === 0), all.filter((_row, index) => index % 2 === 1)];
    await keys.drop(key, dropped);
    same(await rows(), inOrder(left));
  });
}

function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) => ordersOf(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}
