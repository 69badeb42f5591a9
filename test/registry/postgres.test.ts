import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Pool } from "pg";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { migrationsOf } from "../../lib/registry/postgres/migrations.js";
import { Names } from "../../lib/registry/postgres/names.js";
import { freePort } from "../support/free-port.js";
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

let site: PostgresSite;
/** The connections of the test itself, which reads the tables and holds locks. */
let own: Pool;

beforeAll(async () => {
  site = await PostgresSite.start();
  own = site.pool();
});
afterAll(() => site.stop());

/** The number of transactions that wait for a table. */
async function waiting(): Promise<number> {
  const { rowCount } = await own.query("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'");
  return rowCount ?? 0;
}

describe("the migration", () => {
  it("may run in many processes at once, and repeatedly", async () => {
    const names = { prefix: "At_once_" };
    const nodes = Array.from({ length: 6 }, () => open(site.pool({ max: 1 }), names));
    await Promise.all(nodes.map((node) => node.migrate()));
    const login = newLogin();
    await nodes[0]?.add(login);
    await nodes[1]?.migrate();
    expect(await nodes[0]?.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });

  it("may run in many processes at once, by a role of another isolation too", async () => {
    const options = { max: 1, options: "-c default_transaction_isolation=repeatable\\ read" };
    const nodes = Array.from({ length: 6 }, () => open(site.pool(options), { prefix: "Isolated_" }));
    await expect(Promise.all(nodes.map((node) => node.migrate()))).resolves.toHaveLength(6);
  });

  it("neither waits for steps nor blocks them if everything exists", async () => {
    const names = { prefix: "Busy_" };
    const [registry, starting] = [open(site.pool(), names), open(site.pool(), names)];
    await registry.migrate();
    const tables = ["apps", "users", "logins", "kicked", "ended"].map((name) => `"Busy_${name}"`).join(", ");
    const vacuum = await own.connect();
    try {
      await vacuum.query(`BEGIN; LOCK TABLE ${tables} IN SHARE UPDATE EXCLUSIVE MODE`);
      await Promise.all([starting.migrate(), registry.add(newLogin())]);
      expect(await kickUser(registry, "alice", newKick())).toHaveLength(1);
    } finally {
      await vacuum.query("ROLLBACK");
      vacuum.release();
    }
  });

  it("may be printed and run by hand, in an odd schema too", async () => {
    const names = { schema: 'the "Schema"; --', prefix: "x".repeat(40) };
    await own.query('CREATE SCHEMA "the ""Schema""; --"');
    await own.query(PostgresLoginRegistry.migration(names));
    const [registry, neighbour] = [open(own, names), open(own)];
    const login = newLogin();
    await registry.add(login);
    expect(await shown(registry, "alice")).toHaveLength(1);
    expect(await shown(neighbour, "alice")).toEqual([]);
    const { rows } = await own.query<{ name: string }>(
      `SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'the "Schema"; --' AND indexname NOT LIKE '%_pkey'`,
    );
    for (const { name } of rows) expect(name).toContain(names.prefix);
  });

  it("creates tables in the first schema of the search path, also if a later one has such tables", async () => {
    await open(own).migrate();
    await own.query("CREATE SCHEMA tenant");
    const tenant = open(site.pool({ options: "-c search_path=tenant,public" }), { appId: "tenant" });
    await tenant.migrate();
    await tenant.add(newLogin());
    const { rows } = await own.query("SELECT id FROM tenant.express_logout_logins");
    expect(rows).toHaveLength(1);
  });

  it("lets a role with only read and write access run a registry", async () => {
    await own.query("CREATE SCHEMA auth; CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA auth TO app");
    await own.query(PostgresLoginRegistry.migration({ schema: "auth" }));
    await own.query("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auth TO app");
    const registry = open(site.pool({ options: "-c role=app" }), { schema: "auth" });
    const [one, two] = [newLogin(), newLogin()];
    const generation = await begun(registry, one);
    expect(await adopt(registry, two, { generation, endCount: 0 })).toEqual(expect.any(String));
    expect(await registry.update("alice", one.id, { ttlMs: 1_000 })).toBe(true);
    expect(await endLogin(registry, "alice", one.id, { kick: newKick() })).toMatchObject({ endCount: 1 });
    await registry.kickEveryone(newKick());
    expect(await kickUser(registry, "alice", newKick())).toHaveLength(2);
    await registry.finishKick("alice", [one.id, two.id]);
    await registry.clear();
    await registry.close();
    await expect(registry.migrate()).resolves.toBeUndefined();
    const forbidden = open(site.pool({ options: "-c role=app" }), { schema: "auth", prefix: "other_" });
    await expect(forbidden.migrate()).rejects.toMatchObject({
      code: "ERR_REGISTRY_UNAVAILABLE",
      cause: { code: "42501" },
    });
  });

  it("is named in the error of a registry that is used without it", async () => {
    for (const names of [{ prefix: "nowhere_" }, { schema: "nowhere" }]) {
      const registry = open(own, names);
      for (const call of [() => registry.find("alice", "login"), () => registry.add(newLogin())]) {
        await expect(call()).rejects.toMatchObject({
          code: "ERR_REGISTRY_SCHEMA",
          status: 503,
          message: expect.stringMatching(/missing.*Run registry\.migrate\(\)/),
        });
      }
    }
  });

  it("is named in the error of a registry whose schema is older, which works once the schema is new", async () => {
    const names = { prefix: "behind_" };
    const registry = open(own, names);
    await own.query(migrationsOf(new Names(names))[0] ?? "");
    const error: unknown = await registry.find("alice", "login").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_REGISTRY_SCHEMA", message: /schema 1 is too old, 3 is needed/ });
    await open(own, names).migrate();
    await expect(registry.find("alice", "login")).resolves.toBeUndefined();
  });

  /** A schema with another version, as a later release leaves it. */
  async function withSchema(version: number, serves: number): Promise<PostgresLoginRegistry> {
    const names = { prefix: `ahead_${String(version)}_` };
    await open(own, names).migrate();
    await own.query(`CREATE OR REPLACE FUNCTION "${names.prefix}schema"(OUT version integer, OUT serves integer)
      LANGUAGE sql AS $$ SELECT ${String(version)}, ${String(serves)} $$`);
    return open(own, names);
  }

  it("is not needed with a newer schema that serves this release", async () => {
    const registry = await withSchema(6, 5);
    await registry.migrate();
    expect(await registry.add(newLogin())).toMatchObject({ outcome: "listed" });
    expect(await shown(registry, "alice")).toHaveLength(1);
  });

  it("is refused, as is every call, by a newer schema that no longer serves this release", async () => {
    const registry = await withSchema(9, 6);
    for (const call of [() => registry.migrate(), () => registry.find("a", "b"), () => registry.add(newLogin())]) {
      await expect(call()).rejects.toMatchObject({
        code: "ERR_REGISTRY_SCHEMA",
        message: expect.stringMatching(/schema 9 is too new for this release, which needs 5\. Upgrade/),
      });
    }
  });

  it("waits for a table that requests hold, and lets them go on meanwhile", async () => {
    const names = { prefix: "held_" };
    await own.query(migrationsOf(new Names(names))[0] ?? "");
    const holder = await own.connect();
    await holder.query('BEGIN; LOCK TABLE "held_users" IN ROW EXCLUSIVE MODE');
    const migrated = open(own, names).migrate();
    try {
      await eventually(async () => (await waiting()) > 0);
      await eventually(async () => (await waiting()) === 0);
      await own.query('SELECT FROM "held_users"');
    } finally {
      await holder.query("COMMIT");
      holder.release();
    }
    await migrated;
    await expect(open(own, names).find("alice", "login")).resolves.toBeUndefined();
  });

  it.each([
    { prefix: "" },
    { prefix: 'a"b' },
    { prefix: "x".repeat(41) },
    { prefix: "1a" },
    { schema: "" },
    { schema: "a\0" },
  ])("refuses %j", (names) => {
    const refusal = expect.objectContaining({ code: "ERR_OPTION_INVALID" });
    expect(() => PostgresLoginRegistry.migration(names)).toThrow(refusal);
    expect(() => open(own, names)).toThrow(refusal);
  });
});

describe("texts that PostgreSQL cannot hold", () => {
  it.each(["\0", "a\0b", "\ud800", "\\u0000", '"', "\\", "x".repeat(10_000)])(
    "are kept apart and given back (%#)",
    async (odd) => {
      const registry = open(own);
      const login = { ...newLogin(`user ${odd}`), id: `login ${odd}`, sid: `sid ${odd}`, ip: odd, userAgent: odd };
      const other = { ...login, userId: `user ${odd}\\`, id: `login ${odd}\\` };
      const kick = newKick({ reason: odd, by: odd });
      const generation = await begun(registry, login);
      await registry.add(other);
      const { id, userId, sid, ip, userAgent } = login;
      expect(await registry.find(userId, id)).toMatchObject({ id, userId, sids: [sid], ip, userAgent });
      expect(await kickUser(registry, login.userId, kick)).toHaveLength(1);
      expect(await registry.kickOf(login.userId, login.id, generation)).toEqual(kick);
      expect((await registry.activeUsers({ offset: 0, limit: 9 })).items.map(({ userId }) => userId)).toEqual([
        other.userId,
      ]);
    },
  );
});

describe("the time of a kick", () => {
  it.each(["\0", "\ud800", '","at":1,"', "\\", '\\"', "x y\n"])(
    "is read from a kick record with odd texts (%#)",
    async (odd) => {
      const registry = open(own);
      const at = new Date("2026-01-02T03:04:05.678Z");
      const kick = { ...newKick({ reason: odd, by: odd }), id: `${odd}${next("mark")}`, at };
      await kickUser(registry, "alice", kick);
      await registry.kickEveryone({ ...kick, id: `${odd}${next("mark")}` });
      const adoptAfter = (ms: number) =>
        adopt(registry, newLogin(), { generation: "", endCount: 0, authenticatedAt: new Date(+at + 60_000 + ms) });
      expect(await adoptAfter(-1)).toBeUndefined();
      expect(await adoptAfter(0)).toEqual(expect.any(String));
    },
  );

  it("that cannot be read rejects the adoption", async () => {
    const registry = open(own);
    await kickUser(registry, "alice", { ...newKick(), at: new Date(NaN) });
    const authenticatedAt = new Date();
    expect(await adopt(registry, newLogin(), { generation: "", endCount: 0, authenticatedAt })).toBeUndefined();
  });
});

describe("a row that cannot be read", () => {
  it("is left out of the active users, and is an error for its user only", async () => {
    const registry = open(own, { appId: next("app") });
    const [broken, other] = [newLogin("broken"), newLogin("other")];
    for (const login of [broken, other]) await registry.add(login);
    await own.query("UPDATE express_logout_logins SET sids = ARRAY['a \"secret'] WHERE id = $1", [broken.id]);
    const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 10 });
    expect([total, users.map(({ userId }) => userId)]).toEqual([2, ["other"]]);
    const error: unknown = await registry.find("broken", broken.id).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE", message: expect.stringMatching(/Cannot read/) });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("secret");
    await expect(kickUser(registry, "broken", newKick())).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(await kickUser(registry, "other", newKick())).toHaveLength(1);
    await own.query("UPDATE express_logout_kicked SET sids = ARRAY['sid'] WHERE id = $1", [broken.id]);
    expect(await kickUser(registry, "broken", newKick())).toMatchObject([{ id: broken.id, sids: ["sid"] }]);
  });

  it("of a user is an error after all other users have been returned", async () => {
    const appId = next("app");
    const registry = open(own, { appId, timeoutMs: 20_000 });
    const userIds = Array.from({ length: 1_100 }, (_each, index) => `user ${String(index)}`);
    await Promise.all(userIds.map((userId) => registry.add(newLogin(userId))));
    await own.query("UPDATE express_logout_users SET user_id = '\"' WHERE app = $1 AND user_id = 'user 7'", [appId]);
    const found: string[] = [];
    const look = async (): Promise<void> => {
      for await (const group of registry.scanUsers()) found.push(...group);
    };
    await expect(look()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(found.sort()).toEqual(userIds.filter((userId) => userId !== "user 7").sort());
  });
});

describe("an error", () => {
  it("contains no session id, even if PostgreSQL quotes the row", async () => {
    await own.query("ALTER TABLE express_logout_logins ADD CONSTRAINT never CHECK (sids <> ARRAY['the-secret'])");
    try {
      const error: unknown = await open(own)
        .add({ ...newLogin(), sid: "the-secret" })
        .catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: "ERR_REGISTRY_UNAVAILABLE",
        cause: { code: "23514", message: "PostgreSQL: 23514" },
      });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("the-secret");
    } finally {
      await own.query("ALTER TABLE express_logout_logins DROP CONSTRAINT never");
    }
  });

  it("has the message of the driver", async () => {
    const unreachable = new Pool({ host: "127.0.0.1", port: await freePort() });
    const error: unknown = await open(unreachable)
      .find("alice", "login")
      .catch((reason: unknown) => reason);
    expect(error).toHaveProperty("cause.code", "ECONNREFUSED");
    expect(error).toHaveProperty("cause.message", expect.stringContaining("ECONNREFUSED 127.0.0.1"));
    await unreachable.end();
  });

  it("names the wrong setting", async () => {
    const registry = open(site.pool({ options: "-c default_transaction_isolation=serializable" }));
    await expect(registry.add(newLogin())).rejects.toThrow(/READ COMMITTED/);
  });
});

describe("a user who never comes back", () => {
  it("is swept, with all their rows", async () => {
    const appId = next("app");
    const registry = open(own, { appId });
    const countOf = async (query: string, ...values: string[]): Promise<number | null> =>
      (await own.query(query, values)).rowCount;
    const users = (): Promise<number | null> => countOf("SELECT FROM express_logout_users WHERE app = $1", appId);
    await registry.add(newLogin("here"));
    await registry.close();
    for (const userId of ["ann", "ben", "cid"]) await registry.add({ ...newLogin(userId), ttlMs: 1 });
    await eventually(async () => (await registry.activeUsers({ offset: 0, limit: 1 })).total === 1);
    expect(await users()).toBe(4);

    const restarted = open(own, { appId });
    await restarted.add(newLogin("here too"));
    await restarted.close();
    expect(await users()).toBe(2);
    expect(
      await countOf("SELECT FROM express_logout_logins WHERE user_key NOT IN (SELECT key FROM express_logout_users)"),
    ).toBe(0);
  });
});
