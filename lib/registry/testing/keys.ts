import type { KeyRow } from "../../types/registry.js";
import { mapLimit } from "../../util/map-limit.js";
import { eventually, pause, same } from "./assertions.js";
import { HOUR_MS, newKick, newLogin, newSpace } from "./context.js";
import { AT_ONCE, inOrder, keyTest, LATEST, newKey, newRow, readRows, type KeyTest } from "./keys-context.js";
import { greatestMarkTests, markTests } from "./keys-marks.js";
import type { Suite } from "./suite.js";

const ODD_IDS = [
  "",
  " ",
  "a b",
  "b c",
  "a",
  "b",
  "{a}:b",
  "%uD800",
  '"',
  "\\",
  "a\0",
  "名前",
  "😀",
  "\ud800",
  "\udc00x",
];
const MORE_ODD_IDS = ["__proto__", "=", "*", "1 2", "x".repeat(300)];

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
    const isPassing = ({ loginId }: KeyRow): boolean => loginId === passing.loginId;
    await eventually(async () => (await rows()).some(isPassing), false);
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
    const [dropped, left] = [
      all.filter((_row, index) => index % 2 === 0),
      all.filter((_row, index) => index % 2 === 1),
    ];
    await keys.drop(key, dropped);
    same(await rows(), inOrder(left));
  });
}
