import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Pool } from "pg";
import type { KeyIndex, KeyRow } from "../../lib/registry/index.js";
import { PostgresLoginRegistry, type PostgresClient } from "../../lib/registry/postgres/index.js";
import { migrationsOf, SCHEMA_VERSION } from "../../lib/registry/postgres/migrations.js";
import { digest, Names } from "../../lib/registry/postgres/names.js";
import { newKey, readRows } from "../../lib/registry/testing/keys-context.js";
import { before, open, PostgresSite } from "../support/postgres-site.js";
import { eventually, HOUR_MS, kickUser, newKick, newLogin, next } from "../support/registry-calls.js";

// A server starts, and calls wait for each other.
jest.setTimeout(60_000);

const DAY_MS = 86_400_000;
const UNAVAILABLE = expect.objectContaining({ code: "ERR_REGISTRY_UNAVAILABLE" });

let site: PostgresSite;
/** The connections of the test itself, which reads the tables and holds locks. */
let own: Pool;
beforeAll(async () => {
  site = await PostgresSite.start();
  own = site.pool();
});
afterAll(() => site.stop());

const row = (userId: string, since?: number): KeyRow => ({ userId, loginId: next("login"), since });

async function count(table: string, appId: string): Promise<number> {
  const { rowCount } = await own.query(`SELECT FROM express_logout_${table} WHERE app = $1`, [appId]);
  return rowCount ?? 0;
}

async function waitingForLocks(): Promise<number> {
  const { rowCount } = await own.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
  return rowCount ?? 0;
}

/** Holds the lock of a key meanwhile. */
async function holding(appId: string, key: string, act: () => Promise<unknown>): Promise<void> {
  const holder = await own.connect();
  try {
    await holder.query("BEGIN");
    await holder.query("SELECT express_logout_lock_key(extract(epoch FROM now()) * 1000 + 60000, $1)", [
      digest(appId, key),
    ]);
    await act();
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
}

describe("the lock of an external key", () => {
  const CALLS: Readonly<Record<string, (keys: KeyIndex, key: string) => Promise<unknown>>> = {
    bind: (keys, key) => keys.bind(key, row("late", 10), HOUR_MS),
    mark: (keys, key) => keys.mark(key, newKick(), 20),
    drop: (keys, key) => keys.drop(key, [{ userId: "alice", loginId: "login", since: 10 }]),
  };

  it.each(Object.entries(CALLS))("is waited for by %s, which changes nothing after its time", async (_name, call) => {
    const [appId, key] = [next("app"), newKey()];
    const keys = open(own, { appId }).keys;
    const alice = { userId: "alice", loginId: "login", since: 10 };
    await keys.bind(key, alice, HOUR_MS);
    await holding(appId, key, async () => {
      await expect(call(open(own, { appId, timeoutMs: 400 }).keys, key)).rejects.toEqual(UNAVAILABLE);
      await eventually(async () => (await waitingForLocks()) === 0);
      // Reads and other keys do not wait.
      expect(await readRows(keys, key)).toEqual([alice]);
      await call(keys, newKey());
    });
    expect(await readRows(keys, key)).toEqual([alice]);
    expect(await keys.bind(key, alice, HOUR_MS)).toBeUndefined();
  });

  it("is not the lock of a user, nor that of the application", async () => {
    const [appId, key] = [next("app"), newKey()];
    const registry = open(own, { appId });
    await holding(appId, key, async () => {
      await registry.add(newLogin());
      expect(await kickUser(registry, "alice", newKick())).toHaveLength(1);
      await registry.kickEveryone(newKick());
    });
  });

  it("makes a bind that has not been committed visible to the mark that waits for it", async () => {
    const [appId, key] = [next("app"), newKey()];
    let binding: PostgresClient | undefined;
    const committing = before("bind_key", site.pool(), async (client) => {
      await client.query({ text: "BEGIN" });
      binding = client;
    });
    const alice = row("alice", 10);
    const keys = open(own, { appId }).keys;
    expect(await open(committing, { appId }).keys.bind(key, alice, HOUR_MS)).toBeUndefined();
    const state = { isMarked: false };
    const found = (async () => {
      await keys.mark(key, newKick(), 20);
      state.isMarked = true;
      return readRows(keys, key);
    })();
    await eventually(async () => state.isMarked || (await waitingForLocks()) > 0);
    expect(state.isMarked).toBe(false);
    await binding?.query({ text: "COMMIT" });
    expect(await found).toEqual([alice]);
  });

  it("makes a mark that has not been committed visible to the bind that waits for it", async () => {
    const [appId, key] = [next("app"), newKey()];
    let marking: PostgresClient | undefined;
    const committing = before("mark_key", site.pool(), async (client) => {
      await client.query({ text: "BEGIN" });
      marking = client;
    });
    const [keys, kick] = [open(own, { appId }).keys, newKick()];
    await open(committing, { appId }).keys.mark(key, kick, 20);
    const refused = keys.bind(key, row("alice", 10), HOUR_MS);
    await eventually(async () => (await waitingForLocks()) > 0);
    await marking?.query({ text: "COMMIT" });
    expect(await refused).toEqual(kick);
  });
});

describe("what PostgreSQL keeps of external keys", () => {
  const millisecondsLeft = async (appId: string): Promise<number> => {
    const { rows } = await own.query<{ left: string }>(
      "SELECT extract(epoch FROM until - now()) * 1000 AS left FROM express_logout_key_marks WHERE app = $1",
      [appId],
    );
    return Number(rows[0]?.left);
  };

  it("is a mark for a day from its last writing, and none of an expired one", async () => {
    const [appId, key] = [next("app"), newKey()];
    const { keys } = open(own, { appId });
    const age = (): Promise<unknown> =>
      own.query("UPDATE express_logout_key_marks SET until = now() + interval '1 hour' WHERE app = $1", [appId]);
    await keys.mark(key, newKick(), 20);
    for (const time of [30, 10, undefined]) {
      await age();
      await keys.mark(key, newKick(), time);
      expect(Math.abs((await millisecondsLeft(appId)) - DAY_MS)).toBeLessThan(60_000);
    }
    await own.query("UPDATE express_logout_key_marks SET until = now() WHERE app = $1", [appId]);
    expect(await keys.bind(key, row("alice", 5), HOUR_MS)).toBeUndefined();
    const kick = newKick();
    await keys.mark(key, kick, 5);
    expect(await keys.bind(key, row("alice", 5), HOUR_MS)).toEqual(kick);
    expect(await keys.bind(key, row("alice", 20), HOUR_MS)).toBeUndefined();
  });

  it("is swept with the users: rows and marks that have expired, but those on which a step is running", async () => {
    const appId = next("app");
    const { keys } = open(own, { appId, timeoutMs: 20_000 });
    const [key, stays] = [newKey(), row("stays", 10)];
    const late = row("late", 10);
    await Promise.all(Array.from({ length: 1_100 }, (_value, i) => keys.bind(key, row(`user ${String(i)}`), HOUR_MS)));
    await own.query("UPDATE express_logout_bound SET until = now() WHERE app = $1", [appId]);
    await keys.bind(key, stays, HOUR_MS);
    await keys.bind(newKey(), late, 1);
    await keys.mark(newKey(), newKick(), 1);
    await own.query("UPDATE express_logout_key_marks SET until = now() WHERE app = $1", [appId]);
    await keys.mark(key, newKick(), 1);
    expect([await count("bound", appId), await count("key_marks", appId)]).toEqual([1_102, 2]);

    const holder = await own.connect();
    try {
      await holder.query("BEGIN");
      await holder.query("UPDATE express_logout_bound SET since = 11 WHERE app = $1 AND user_id = 'late'", [appId]);
      await sweep(appId);
      expect([await count("bound", appId), await count("key_marks", appId)]).toEqual([2, 1]);
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    await sweep(appId);
    expect(await count("bound", appId)).toBe(1);
    expect(await readRows(keys, key)).toEqual([stays]);
  });

  /** A process that starts sweeps with its first login. */
  async function sweep(appId: string): Promise<void> {
    const starting = open(own, { appId, timeoutMs: 20_000 });
    await starting.add(newLogin("who sweeps"));
    await starting.close();
  }

  it("is named in an error, without its values, if a row cannot be read", async () => {
    const appId = next("app");
    const { keys } = open(own, { appId });
    const key = newKey();
    const [broken, other] = [row("broken", 10), row("other", 10)];
    for (const each of [broken, other]) await keys.bind(key, each, HOUR_MS);
    await own.query("UPDATE express_logout_bound SET user_id = '\"' WHERE app = $1 AND user_id = 'broken'", [appId]);
    const found: KeyRow[] = [];
    const read = async (): Promise<void> => {
      for await (const rows of keys.rows(key)) found.push(...rows);
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(found).toEqual([other]);
  });
});

describe("the migration to external keys", () => {
  it("leaves what is there to a schema before it, and to processes of the release before, which go on", async () => {
    const names = { prefix: `Before_${String(SCHEMA_VERSION)}_` };
    const appId = next("app");
    for (const text of migrationsOf(new Names(names)).slice(0, 5)) await own.query(text);
    const { rows: before } = await own.query(`SELECT version, serves FROM "${names.prefix}schema"()`);
    expect(before).toEqual([{ version: 5, serves: 1 }]);
    await expect(open(own, { ...names, appId }).keys.mark(newKey(), newKick(), 1)).rejects.toMatchObject({
      code: "ERR_REGISTRY_SCHEMA",
    });
    // A login of the release before, by the function that it calls.
    const list = async (userId: string): Promise<unknown> =>
      own.query(
        `SELECT "${names.prefix}begin_login"(extract(epoch FROM now()) * 1000 + 10000, $1, $2, $3, $4, 'login', 'sid', 3600000,
           NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, NULL)`,
        [appId, digest(appId, userId), userId, digest(appId, userId, "login")],
      );
    await list("alice");
    const registry = open(own, { ...names, appId });
    await Promise.all([registry, open(site.pool(), names)].map((each) => each.migrate()));
    expect(await registry.find("alice", "login")).toMatchObject({ sids: ["sid"] });
    const [key, alice, kick] = [newKey(), { userId: "alice", loginId: "login", since: 10 }, newKick()];
    await registry.keys.bind(key, alice, HOUR_MS);
    await registry.keys.mark(key, kick, 10);
    expect(await readRows(registry.keys, key)).toEqual([alice]);
    await list("bob");
    expect(await kickUser(registry, "bob", newKick())).toHaveLength(1);
    const { rows: after } = await own.query(`SELECT version, serves FROM "${names.prefix}schema"()`);
    expect(after).toEqual([{ version: SCHEMA_VERSION, serves: 1 }]);
  });

  it("lets a role with only read and write access use them", async () => {
    await own.query("CREATE SCHEMA keyed; CREATE ROLE keyed LOGIN; GRANT USAGE ON SCHEMA keyed TO keyed");
    await own.query(PostgresLoginRegistry.migration({ schema: "keyed" }));
    await own.query("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA keyed TO keyed");
    const registry = open(site.pool({ options: "-c role=keyed" }), { schema: "keyed" });
    const [key, alice, kick] = [newKey(), row("alice", 10), newKick()];
    await registry.keys.bind(key, alice, HOUR_MS);
    await registry.keys.mark(key, kick, 10);
    expect(await registry.keys.bind(key, alice, HOUR_MS)).toEqual(kick);
    await registry.keys.drop(key, [alice]);
    expect(await readRows(registry.keys, key)).toEqual([]);
    await registry.add(newLogin());
    await registry.close();
  });
});

describe("a call on an external key that times out", () => {
  it("does not take effect when a server that hung goes on", async () => {
    const [appId, key] = [next("app"), newKey()];
    const pool = site.pool({ max: 1 });
    const hanging = before("mark_key", pool, () => {
      site.server.pause();
    });
    await open(own, { appId }).keys.bind(key, row("alice", 10), HOUR_MS);
    const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    try {
      const { keys } = open(hanging, { appId, timeoutMs: 500 });
      await expect(keys.mark(key, newKick(), 20)).rejects.toEqual(UNAVAILABLE);
    } finally {
      site.server.resume();
    }
    await eventually(async () => {
      const { rowCount } = await own.query("SELECT FROM pg_stat_activity WHERE pid = $1", [rows[0]?.pid]);
      return rowCount === 0;
    });
    expect(await open(own, { appId }).keys.bind(key, row("bob", 10), HOUR_MS)).toBeUndefined();
  });
});
