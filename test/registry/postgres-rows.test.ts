import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Pool } from "pg";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { open, PostgresSite } from "../support/postgres-site.js";
import {
  adopt,
  endLogin,
  kickUser,
  begun,
  eventually,
  newLogin,
  newKick,
  next,
  shown,
} from "../support/registry-calls.js";

const HOUR_MS = 3_600_000;
const FIRST_TIME = { generation: "", endCount: 0 };
const AFTER_ANY_KICK = { ...FIRST_TIME, authenticatedAt: new Date("2100-01-01") };

let site: PostgresSite;
/** The connections of the test itself, which reads the tables and holds locks. */
let own: Pool;
beforeAll(async () => {
  site = await PostgresSite.start();
  own = site.pool();
});
afterAll(() => site.stop());

/** Returns a registry that has run its sweep, by its first login, and will not run another one soon. */
async function opened(appId: string, maxSessionAgeMs = HOUR_MS): Promise<PostgresLoginRegistry> {
  const registry = new PostgresLoginRegistry({ pool: own });
  registry.init({ appId, maxSessionAgeMs });
  await registry.add(newLogin("who opens it"));
  await registry.close();
  return registry;
}

const sweep = (appId: string): Promise<unknown> => opened(appId);

const count = async (query: string, ...values: unknown[]): Promise<number> =>
  (await own.query(query, values)).rowCount ?? 0;
const isKept = async (appId: string, userId = "alice"): Promise<boolean> =>
  (await count("SELECT FROM express_logout_users WHERE app = $1 AND user_id = $2", appId, userId)) > 0;

describe("a user with a long login", () => {
  /** Steps on a login that ends soon, beside one that does not. */
  const STEPS: Record<string, (registry: PostgresLoginRegistry) => Promise<unknown>> = {
    "a short login": (registry) => registry.add({ ...newLogin(), ttlMs: 1 }),
    "a short adoption": (registry) => adopt(registry, { ...newLogin(), ttlMs: 1 }, FIRST_TIME),
    "a second adoption of a short login": async (registry) => {
      const short = { ...newLogin(), ttlMs: 1_500 };
      await registry.add(short);
      await adopt(registry, { ...short, ttlMs: 1 }, FIRST_TIME);
    },
    "activity of a short login": async (registry) => {
      const short = { ...newLogin(), ttlMs: 1_500 };
      await registry.add(short);
      await registry.update("alice", short.id, { ttlMs: 1 });
    },
    "the end of a third login": async (registry) => {
      const third = newLogin();
      await registry.add({ ...newLogin(), ttlMs: 1 });
      await registry.add(third);
      await endLogin(registry, "alice", third.id);
    },
  };

  it.each(Object.entries(STEPS))("is online, and is found, after %s is over", async (_what, step) => {
    const appId = next("app");
    const registry = await opened(appId);
    await registry.add(newLogin());
    await step(registry);
    await eventually(async () => (await shown(registry, "alice")).length === 1);
    await sweep(appId);
    const { items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
    expect(users.map(({ userId }) => userId)).toContain("alice");
    const found: string[] = [];
    for await (const userIds of registry.scanUsers()) found.push(...userIds);
    expect(found).toContain("alice");
  });
});

describe("the memory of a user whose logins were short", () => {
  it("includes their kick", async () => {
    const appId = next("app");
    const registry = await opened(appId);
    await registry.add({ ...newLogin(), ttlMs: 1 });
    const kick = newKick();
    await kickUser(registry, "alice", kick);
    await sweep(appId);
    expect(await registry.kickOf("alice", "old", "")).toEqual(kick);
    expect(await adopt(registry, newLogin(), FIRST_TIME)).toBeUndefined();
  });

  it("includes the end of a login that must not be adopted again", async () => {
    const appId = next("app");
    const registry = await opened(appId);
    const login = { ...newLogin(), ttlMs: 1 };
    await registry.add(login);
    await endLogin(registry, "alice", login.id, { remember: true });
    // An end that is remembered for a shorter time does not shorten the memory.
    registry.init({ appId, maxSessionAgeMs: 1 });
    await endLogin(registry, "alice", login.id, { remember: true });
    await sweep(appId);
    expect(await adopt(registry, login, FIRST_TIME)).toBeUndefined();
    expect(await adopt(registry, login, { generation: "", endCount: 2 })).toEqual(expect.any(String));
  });
});

describe("the sweep", () => {
  it("deletes every row of a user", async () => {
    const appId = next("app");
    const registry = await opened(appId, 1);
    const [kicked, ended] = [newLogin("ann"), newLogin("ben")].map((login) => ({ ...login, ttlMs: 1 }));
    if (kicked === undefined || ended === undefined) throw new Error("no logins");
    await registry.add(kicked);
    await kickUser(registry, "ann", newKick());
    await registry.add(ended);
    await endLogin(registry, "ben", ended.id, { kick: newKick(), remember: true });
    await endLogin(registry, "cid", "unknown", { remember: true });
    await eventually(async () => {
      await sweep(appId);
      const kept = await Promise.all(["ann", "ben", "cid"].map((userId) => isKept(appId, userId)));
      return !kept.includes(true);
    });
    for (const table of ["logins", "kicked", "ended"]) {
      const orphans = `SELECT FROM express_logout_${table} WHERE user_key NOT IN (SELECT key FROM express_logout_users)`;
      expect([table, await count(orphans)]).toEqual([table, 0]);
    }
  });

  it("skips a user on whom a step is running", async () => {
    const appId = next("app");
    const registry = await opened(appId);
    await registry.add({ ...newLogin(), ttlMs: 1 });
    const holder = await own.connect();
    try {
      await holder.query("BEGIN");
      const { rowCount } = await holder.query(
        "SELECT pg_advisory_xact_lock(hashtextextended(encode(key, 'hex'), 2)) FROM express_logout_users WHERE user_id = 'alice' AND app = $1",
        [appId],
      );
      expect(rowCount).toBe(1);
      await sweep(appId);
      expect(await isKept(appId)).toBe(true);
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    await sweep(appId);
    expect(await isKept(appId)).toBe(false);
  });
});

describe("the time until which a user is shown", () => {
  it("equals that of the user's longest-shown login with a session id, after any steps", async () => {
    const appId = next("app");
    const registry = open(own, { appId });
    const logins = Array.from({ length: 4 }, () => newLogin());
    const anyOf = <Item>(items: readonly Item[]): Item => items[Math.floor(Math.random() * items.length)] as Item;
    const steps: Record<string, (login: (typeof logins)[number]) => Promise<unknown>> = {
      adopt: (login) => adopt(registry, { ...login, ttlMs: anyOf([1, 2, 3]) * HOUR_MS }, AFTER_ANY_KICK),
      touch: ({ id }) => registry.update("alice", id, { ttlMs: anyOf([1, 2, 3]) * HOUR_MS }),
      hide: ({ id, sid }) => registry.update("alice", id, { removeSid: sid }),
      show: ({ id, sid }) => registry.update("alice", id, { addSid: sid }),
      second: ({ id }) => registry.update("alice", id, { addSid: "second", ttlMs: 2 * HOUR_MS }),
      leave: ({ id }) => registry.update("alice", id, { removeSid: "second", ttlMs: HOUR_MS }),
      remove: ({ id }) => endLogin(registry, "alice", id, { ifListed: true }),
      last: ({ id, sid }) => endLogin(registry, "alice", id, { ifLastSid: sid }),
      kick: ({ id }) => kickUser(registry, "alice", newKick(), { except: [id] }),
      add: ({ id, ...login }) => registry.add({ ...login, id: `${id}${next("x")}`, ttlMs: 2 * HOUR_MS }),
    };
    const taken: string[] = [];
    for (let count = 0; count < 300; count += 1) {
      const name = anyOf([...Object.keys(steps), "adopt", "adopt", "touch", "touch"]);
      taken.push(name);
      await steps[name]?.(anyOf(logins));
      const { rows } = await own.query(
        `SELECT u.shown AS kept, (SELECT max(shown_until) FROM express_logout_logins
           WHERE user_key = u.key AND cardinality(sids) > 0) AS is
         FROM express_logout_users u WHERE app = $1`,
        [appId],
      );
      const [row = { kept: null, is: null }] = rows as { kept: unknown; is: unknown }[];
      expect([taken.join(" "), row.kept]).toEqual([taken.join(" "), row.is]);
    }
  });
});

describe("a login that has expired", () => {
  it("cannot be ended", async () => {
    const registry = open(own);
    const [one, two] = [newLogin("one"), newLogin("two")].map((login) => ({ ...login, ttlMs: 1 }));
    if (one === undefined || two === undefined) throw new Error("no logins");
    await registry.add(one);
    await registry.add(two);
    await eventually(async () => (await shown(registry, "two")).length === 0);
    expect((await endLogin(registry, "one", one.id)).login).toBeUndefined();
    expect(await kickUser(registry, "two", newKick())).toEqual([]);
  });
});

describe("a kick that was not finished", () => {
  it("of a login that was adopted again does not prevent the next kick", async () => {
    const registry = open(own);
    const login = newLogin();
    await adopt(registry, login, FIRST_TIME);
    const { endCount } = await endLogin(registry, "alice", login.id, { kick: newKick() });
    expect(await adopt(registry, login, { generation: "", endCount })).toEqual(expect.any(String));
    expect((await endLogin(registry, "alice", login.id, { kick: newKick() })).login).toMatchObject({ id: login.id });
  });

  it("of all logins of a user does not prevent the next kick", async () => {
    const registry = open(own);
    const [login, kick] = [newLogin(), newKick()];
    await adopt(registry, login, FIRST_TIME);
    expect(await kickUser(registry, "alice", kick)).toHaveLength(1);
    const generation = await begun(registry, newLogin());
    expect(await adopt(registry, login, { generation, endCount: 0 })).toEqual(expect.any(String));
    expect(await kickUser(registry, "alice", newKick())).toHaveLength(2);
  });
});

describe("a step", () => {
  it("leaves the settings of its connection as they were", async () => {
    const pool = site.pool({ max: 1 });
    const registry = open(pool);
    const { id } = newLogin();
    await registry.add({ ...newLogin(), id });
    await registry.update("alice", id, { ttlMs: HOUR_MS });
    const { rows } = await pool.query<{ lock_timeout: string }>("SHOW lock_timeout");
    expect(rows).toEqual([{ lock_timeout: "0" }]);
  });

  it.each(["add", "adopt"] as const)("that lists a login does not wait for another user's: %s", async (method) => {
    const appId = next("app");
    const registry = open(own, { appId, timeoutMs: 2_000 });
    const [slow, other] = [newLogin("slow"), newLogin("other")];
    const holder = await own.connect();
    try {
      await holder.query("BEGIN");
      const held = open(
        {
          connect: () =>
            Promise.resolve({
              query: holder.query.bind(holder) as never,
              on: () => undefined,
              off: () => undefined,
              release: () => undefined,
            }),
        },
        { appId },
      );
      await (method === "add" ? held.add(slow) : adopt(held, slow, FIRST_TIME));
      await (method === "add" ? registry.add(other) : adopt(registry, other, FIRST_TIME));
      expect(await shown(registry, "other")).toHaveLength(1);
      await held.close();
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    expect(await shown(registry, "slow")).toHaveLength(1);
  });

  it("on one user changes nothing of the others", async () => {
    const registry = open(own);
    const [one, two] = [newLogin("one"), newLogin("two")];
    await registry.add(one);
    await registry.add(two);
    const before = await registry.activeUsers({ offset: 0, limit: 9 });
    await adopt(registry, { ...two, ttlMs: 2 * HOUR_MS }, FIRST_TIME);
    await registry.update("two", two.id, { ttlMs: 2 * HOUR_MS });
    const after = await registry.activeUsers({ offset: 0, limit: 9 });
    expect(after.items.map(({ userId }) => userId)).toEqual(["two", "one"]);
    expect(after.items[1]).toEqual(before.items[1]);
    await registry.update("one", one.id, { ttlMs: HOUR_MS });
    await adopt(registry, two, FIRST_TIME);
    const { items: users } = await registry.activeUsers({ offset: 0, limit: 9 });
    expect(users.map(({ userId }) => userId)).toEqual(["two", "one"]);
  });

  it("keeps a login for the given ttlMs", async () => {
    const registry = open(own);
    const [adopted, active] = [newLogin(), newLogin()];
    await adopt(registry, adopted, FIRST_TIME);
    await adopt(registry, { ...adopted, ttlMs: 2 * HOUR_MS }, FIRST_TIME);
    await registry.add(active);
    await registry.update("alice", active.id, { ttlMs: 2 * HOUR_MS });
    for (const { lastActive, expires } of await shown(registry, "alice"))
      expect(+expires - +lastActive).toBe(2 * HOUR_MS);
  });
});
