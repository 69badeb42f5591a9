import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { KeyIndex, KeyRow } from "../../lib/registry/index.js";
import { MIGRATIONS } from "../../lib/registry/sqlite/sql/bundle.js";
import { SCHEMA_VERSION } from "../../lib/registry/sqlite/migrations.js";
import { newKey, readRows } from "../../lib/registry/testing/keys-context.js";
import { HOUR_MS, newKick, newLogin, next } from "../support/registry-calls.js";
import { SqliteSite } from "../support/sqlite-site.js";
import { openFile } from "../support/sqlite-engine.js";

const DAY_MS = 86_400_000;

let site: SqliteSite;
beforeEach(() => {
  site = new SqliteSite();
});
afterEach(() => site.stop());

const row = (userId: string, since?: number): KeyRow => ({ userId, loginId: next("login"), since });
const count = (table: string): number => site.database().prepare(`SELECT 1 FROM express_logout_${table}`).all().length;

describe("what an SQLite file keeps of external keys", () => {
  it("is a mark for a day from its last writing, and none of an expired one", async () => {
    const { keys } = site.open();
    const [key, own] = [newKey(), site.database()];
    const left = (): number => {
      const [mark] = own.prepare("SELECT until FROM express_logout_key_marks").all() as { until: number }[];
      return Number(mark?.until) - Date.now();
    };
    await keys.mark(key, newKick(), 20);
    for (const before of [30, 10, undefined]) {
      own.exec(`UPDATE express_logout_key_marks SET until = ${String(Date.now() + HOUR_MS)}`);
      await keys.mark(key, newKick(), before);
      expect(Math.abs(left() - DAY_MS)).toBeLessThan(60_000);
    }
    own.exec(`UPDATE express_logout_key_marks SET until = ${String(Date.now())}`);
    expect(await keys.bind(key, row("alice", 5), HOUR_MS)).toBeUndefined();
    const kick = newKick();
    await keys.mark(key, kick, 5);
    expect(await keys.bind(key, row("alice", 5), HOUR_MS)).toEqual(kick);
    expect(await keys.bind(key, row("alice", 20), HOUR_MS)).toBeUndefined();
  });

  it("is swept at a login: rows and marks that have expired, of this application", async () => {
    const [appId, key, stays] = [next("app"), newKey(), row("stays", 10)];
    const { keys } = site.open({ appId, timeoutMs: 20_000 });
    const others = site.open();
    const own = site.database();
    await Promise.all(Array.from({ length: 1_100 }, (_value, i) => keys.bind(key, row(`user ${String(i)}`), HOUR_MS)));
    await keys.mark(newKey(), newKick(), 1);
    await others.keys.bind(key, row("alice"), HOUR_MS);
    for (const table of ["bound", "key_marks"]) own.exec(`UPDATE express_logout_${table} SET until = 1`);
    await keys.bind(key, stays, HOUR_MS);
    await keys.mark(key, newKick(), 1);
    expect([count("bound"), count("key_marks")]).toEqual([1_102, 2]);
    const starting = site.open({ appId });
    await starting.add(newLogin("who sweeps"));
    await starting.close();
    expect([count("bound"), count("key_marks")]).toEqual([2, 1]);
    expect(await readRows(keys, key)).toEqual([stays]);
  });

  it("survives a power failure: binds and marks wait for the disk, drops do not", async () => {
    const executed: string[] = [];
    const registry = site.open({
      database: () => {
        const database = openFile(site.file);
        return Object.assign(Object.create(database) as typeof database, {
          exec: (sql: string) => {
            executed.push(sql);
            return database.exec(sql);
          },
          prepare: (sql: string) => database.prepare(sql),
          close: () => {
            database.close();
          },
        });
      },
    });
    const [key, alice] = [newKey(), row("alice", 10)];
    const synchronous = async (act: () => Promise<unknown>): Promise<string | undefined> => {
      await registry.finishKick("alice", []);
      executed.splice(0);
      await act();
      return executed.find((sql) => sql.startsWith("PRAGMA synchronous"));
    };
    const FULL = "PRAGMA synchronous = FULL";
    expect(await synchronous(() => registry.keys.bind(key, alice, HOUR_MS))).toBe(FULL);
    expect(await synchronous(() => registry.keys.mark(key, newKick(), 5))).toBe(FULL);
    expect(await synchronous(() => registry.keys.drop(key, [alice]))).toBeUndefined();
  });

  it("is an error after all other rows have been read, if a row cannot be read", async () => {
    const { keys } = site.open();
    const [key, broken, other] = [newKey(), row("broken", 10), row("other", 10)];
    for (const each of [broken, other]) await keys.bind(key, each, HOUR_MS);
    site.database().exec(`UPDATE express_logout_bound SET user = 'x' WHERE user = '"broken"'`);
    const found: KeyRow[] = [];
    const read = async (): Promise<void> => {
      for await (const rows of keys.rows(key)) found.push(...rows);
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(found).toEqual([other]);
  });
});

describe("external keys in a file that is locked", () => {
  const CALLS: Readonly<Record<string, (keys: KeyIndex, key: string) => Promise<unknown>>> = {
    bind: (keys, key) => keys.bind(key, row("late", 10), HOUR_MS),
    mark: (keys, key) => keys.mark(key, newKick(), 20),
    drop: (keys, key) => keys.drop(key, [{ userId: "alice", loginId: "login", since: 10 }]),
  };

  it.each(Object.entries(CALLS))("reject %s in time, and it does not take effect later", async (_name, call) => {
    const { keys } = site.open({ timeoutMs: 1_000 });
    const [key, alice] = [newKey(), { userId: "alice", loginId: "login", since: 10 }];
    await keys.bind(key, alice, HOUR_MS);
    const own = site.database();
    own.exec("BEGIN IMMEDIATE");
    try {
      await expect(call(keys, key)).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
      expect(await readRows(keys, key)).toEqual([alice]);
    } finally {
      own.exec("ROLLBACK");
    }
    expect(await readRows(keys, key)).toEqual([alice]);
    expect(await keys.bind(key, alice, HOUR_MS)).toBeUndefined();
  });
});

describe("the migration to external keys", () => {
  it("leaves what is there, and serves processes of the release before, which go on", async () => {
    const [appId, own, before] = [next("app"), site.database(), 4];
    for (const sql of MIGRATIONS.slice(0, before)) own.exec(sql);
    own.exec("CREATE TABLE express_logout_schema (version, serves)");
    own.exec(`INSERT INTO express_logout_schema VALUES (${String(before)}, 2)`);
    const far = String(Date.now() + HOUR_MS);
    const list = (userId: string): void => {
      const key = [appId, userId, "login"].map((text) => `'${JSON.stringify(text)}'`).join(", ");
      // The columns by their places, as the release before writes them.
      own.exec(
        `INSERT INTO express_logout_logins VALUES (${key}, 1, 2, ${far}, ${far}, NULL, NULL, '["sid"]', NULL, NULL)`,
      );
    };
    list("alice");
    const registry = site.open({ appId });
    expect(await registry.find("alice", "login")).toMatchObject({ sids: ["sid"] });
    expect(own.prepare("SELECT version, serves FROM express_logout_schema").all()).toMatchObject([
      { version: SCHEMA_VERSION, serves: 2 },
    ]);
    const [key, alice, kick] = [newKey(), { userId: "alice", loginId: "login", since: 10 }, newKick()];
    await registry.keys.bind(key, alice, HOUR_MS);
    await registry.keys.mark(key, kick, 10);
    expect(await registry.keys.bind(key, alice, HOUR_MS)).toEqual(kick);
    expect(await readRows(registry.keys, key)).toEqual([alice]);
    list("bob");
    expect(await registry.find("bob", "login")).toMatchObject({ sids: ["sid"] });
  });
});
