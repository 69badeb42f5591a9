import { setImmediate as nextTurn } from "node:timers/promises";
import type { KeyIndex, KeyRow } from "../../types/registry.js";
import { mapLimit } from "../../util/map-limit.js";
import { eventually, isTrue, rejects, same } from "./assertions.js";
import { HOUR_MS, newKick } from "./context.js";
import {
  AT_ONCE,
  inOrder,
  keyTest,
  newKey,
  newRow,
  readRows,
  textOf,
  type Keyed,
  type KeyTest,
} from "./keys-context.js";
import type { Outage } from "./outage.js";
import type { Suite } from "./suite.js";

/** More than a registry reads in one step. */
const MANY = 3_000;
const CALLS = 20;
const INTERLEAVINGS = 200;

/** Returns the index of a second process of the same application. */
async function secondIndex({ context, keys }: Keyed): Promise<KeyIndex> {
  return (await context.another()).keys ?? keys;
}

/** Tests of `keys` in which several processes use one key, or a key has many rows. */
export function keysAtOnceTests(suite: Suite): void {
  const test = keyTest(suite);
  suite.describe("external keys of two processes", () => {
    sharingTests(test);
    atOnceTests(test);
    manyRowsTests(test);
  });
}

function sharingTests(test: KeyTest): void {
  test("are the same", async (keyed) => {
    const other = await secondIndex(keyed);
    const [row, record] = [newRow(10), newKick()];
    await keyed.bind(row);
    same(await readRows(other, keyed.key), [row]);
    await other.mark(keyed.key, record, 10);
    same(await keyed.bind(row), record);
    await other.drop(keyed.key, [row]);
    same(await keyed.rows(), []);
  });
}

function atOnceTests(test: KeyTest): void {
  /** Calls an index and the other in turn, all at once, with each time once, in no order. */
  const atOnce = async (keyed: Keyed, call: (keys: KeyIndex, time: number) => Promise<unknown>): Promise<void> => {
    const other = await secondIndex(keyed);
    const times = Array.from({ length: CALLS }, (_value, count) => (count * 7) % CALLS);
    await Promise.all(times.map((time, count) => call(count % 2 === 0 ? keyed.keys : other, time)));
  };

  test("keep the greatest time of a login that is bound often at once", async (keyed) => {
    const row = newRow();
    await atOnce(keyed, (keys, since) => keys.bind(keyed.key, { ...row, since }, HOUR_MS));
    same(await keyed.rows(), [{ ...row, since: CALLS - 1 }]);
  });

  test("keep the greatest of marks that come at once", async (keyed) => {
    const records = Array.from({ length: CALLS }, () => newKick());
    await atOnce(keyed, (keys, before) => keys.mark(keyed.key, records[before] ?? newKick(), before));
    same(await keyed.bind(newRow(CALLS - 1)), records.at(-1));
  });

  test(`miss no login that is bound beside a mark: ${String(INTERLEAVINGS)} times`, async (keyed) => {
    const { keys } = keyed;
    const other = await secondIndex(keyed);
    const missed: number[] = [];
    for (let count = 0; count < INTERLEAVINGS; count += 1) {
      const [key, row, record] = [newKey(), newRow(10), newKick()];
      const waitingBind = async (): Promise<unknown> => {
        for (let turns = count % 5; turns > 0; turns -= 1) await nextTurn();
        return keys.bind(key, row, HOUR_MS);
      };
      const waitingKick = async (): Promise<KeyRow[]> => {
        for (let turns = Math.floor(count / 5) % 5; turns > 0; turns -= 1) await nextTurn();
        await other.mark(key, record, 12);
        return readRows(other, key);
      };
      const [refused, found] = await Promise.all([waitingBind(), waitingKick()]);
      if (refused === undefined && found.length === 0) missed.push(count);
    }
    same(missed, []);
  });
}

function manyRowsTests(test: KeyTest): void {
  test(`miss none of ${String(MANY)} rows while others come and go, and drop them`, async (keyed) => {
    const { keys, key, bind, rows } = keyed;
    const all = Array.from({ length: MANY }, (_value, index) => newRow(10, { userId: `user ${String(index % 50)}` }));
    const leave = Array.from({ length: AT_ONCE }, () => newRow(10));
    await mapLimit(AT_ONCE, [...all, ...leave], bind);
    const change = async (row: KeyRow): Promise<KeyRow> => {
      const come = newRow(10);
      await keys.drop(key, [row]);
      await bind(come);
      return come;
    };
    const [during, stay] = await Promise.all([rows(), mapLimit(2, leave, change)]);
    const texts = during.map(textOf);
    const found = new Set(texts);
    same(texts.length, found.size);
    same(
      all.filter((row) => !found.has(textOf(row))),
      [],
    );
    same(await rows(), inOrder([...all, ...stay]));
    await keys.drop(key, all);
    same(await rows(), inOrder(stay));
  });
}

/** Tests of `keys` while the data is unreachable. */
export function keyOutageTests(suite: Suite, outage: Outage): void {
  const test = keyTest(suite);
  const [bound, late] = [newRow(10), newRow(20)];
  const calls: Readonly<Record<string, (keyed: Keyed) => Promise<unknown>>> = {
    bind: ({ bind }) => bind(late),
    mark: ({ keys, key }) => keys.mark(key, newKick(), 30),
    rows: ({ rows }) => rows(),
    drop: ({ keys, key }) => keys.drop(key, [bound]),
  };
  suite.describe("external keys, while the data is unreachable", () => {
    for (const [name, call] of Object.entries(calls)) {
      test(`${name} rejects, and does not take effect later`, async (keyed) => {
        const { bind, rows } = keyed;
        await bind(bound);
        const began = Date.now();
        await outage.begin();
        try {
          await rejects(() => call(keyed), "ERR_REGISTRY_UNAVAILABLE");
        } finally {
          await outage.end();
        }
        isTrue(Date.now() - began < 60_000, "the call takes more than a minute");
        // The data may become reachable a little later.
        await eventually(() => rows().catch(() => undefined), [bound]);
        // A command that was sent late would run before this one.
        same(await bind(bound), undefined);
        same(await rows(), [bound]);
      });
    }
  });
}
