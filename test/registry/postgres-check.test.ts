import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Pool } from "pg";
import type { Finding } from "../../lib/index.js";
import type { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { SCHEMA_VERSION } from "../../lib/registry/postgres/migrations.js";
import { open, PostgresSite } from "../support/postgres-site.js";
import { newLogin } from "../support/registry-calls.js";

jest.setTimeout(60_000);

let site: PostgresSite;
let own: Pool;
beforeAll(async () => {
  site = await PostgresSite.start(["fsync=on"]);
  own = site.pool();
});
afterAll(() => site.stop());

/** The finding about this, such as `durability`. */
async function about(registry: PostgresLoginRegistry, what: string): Promise<Finding | undefined> {
  return (await registry.check()).find((finding) => finding.what === `PostgreSQL: ${what}`);
}

/** A registry whose connections have a setting of their own, as `ALTER ROLE … SET` gives it. */
const having = (setting: string): PostgresLoginRegistry => open(site.pool({ options: `-c ${setting}` }));

describe("check()", () => {
  it("finds a server in order", async () => {
    const registry = open(own);
    await registry.add(newLogin());
    expect(await registry.check()).toEqual([
      {
        level: "ok",
        what: "PostgreSQL: schema",
        why: `The schema has what this release needs: version ${String(SCHEMA_VERSION)}.`,
      },
      { level: "ok", what: "PostgreSQL: version", why: expect.stringMatching(/^PostgreSQL \d+\.\d+.*\.$/) },
      { level: "ok", what: "PostgreSQL: privileges", why: "The role may read and write every table." },
      { level: "ok", what: "PostgreSQL: durability", why: "synchronous_commit is on." },
      { level: "ok", what: "PostgreSQL: role", why: "The primary, in READ COMMITTED." },
      {
        level: "ok",
        what: "PostgreSQL: size",
        why: expect.stringMatching(/^1 user is listed\. The tables have [\d.]+ MB\.$/),
      },
    ]);
  });

  it("counts the users of its own application", async () => {
    const registry = open(own);
    for (const userId of ["alice", "alice", "bob"]) await registry.add(newLogin(userId));
    expect(await about(registry, "size")).toMatchObject({ why: expect.stringContaining("2 users are listed.") });
    expect(await about(open(own), "size")).toMatchObject({ why: expect.stringContaining("0 users are listed.") });
  });

  it.each(["off", "local", "on"])("finds synchronous_commit %s", async (setting) => {
    const durability = await about(having(`synchronous_commit=${setting}`), "durability");
    expect(durability).toEqual(
      setting === "off"
        ? {
            level: "warn",
            what: "PostgreSQL: durability",
            why: "synchronous_commit is off: a crash of the server undoes the kicks of the last moment.",
            how: "Set synchronous_commit = on for the role of the pool.",
          }
        : { level: "ok", what: "PostgreSQL: durability", why: `synchronous_commit is ${setting}.` },
    );
  });

  it("finds an isolation level in which every step fails", async () => {
    const registry = having("default_transaction_isolation=serializable");
    expect(await about(registry, "role")).toEqual({
      level: "error",
      what: "PostgreSQL: role",
      why: "default_transaction_isolation is serializable, and READ COMMITTED is needed: logins and kicks fail.",
      how: "Reset default_transaction_isolation for the role of the pool.",
    });
    await expect(registry.add(newLogin())).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
  });

  it("finds tables that the role may not write", async () => {
    await own.query("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    const registry = having("role=reader");
    const tables = "apps, users, logins, kicked, ended";
    expect(await about(registry, "privileges")).toEqual({
      level: "error",
      what: "PostgreSQL: privileges",
      why: expect.stringContaining(`The role reader may not read and write these tables: ${tables}`),
      how: "Grant SELECT, INSERT, UPDATE and DELETE on the tables of the registry.",
    });
    await own.query("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader");
    await own.query("REVOKE DELETE ON express_logout_kicked FROM reader");
    expect(await about(registry, "privileges")).toMatchObject({
      why: expect.stringMatching(/these tables: kicked\. /),
    });
    await own.query("REVOKE SELECT ON express_logout_users FROM reader");
    expect(await about(registry, "privileges")).toMatchObject({
      why: expect.stringMatching(/these tables: users, kicked\. /),
    });
    expect((await about(registry, "size"))?.why).toMatch(/^The tables have /);
    await own.query("GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA public TO reader");
    expect(await about(registry, "privileges")).toMatchObject({ level: "ok" });
  });

  it("finds tables that are missing, too old or too new", async () => {
    const what = "PostgreSQL: settings";
    const schemaOf = async (version: number, serves: number): Promise<void> => {
      await own.query(
        `CREATE OR REPLACE FUNCTION old_schema() RETURNS TABLE (version int, serves int) LANGUAGE sql
           AS 'SELECT ${String(version)}, ${String(serves)}'`,
      );
    };
    const missing = await open(own, { prefix: "none_" }).check();
    expect(missing).toEqual([
      { level: "error", what, why: expect.stringMatching(/tables missing.*Run registry\.migrate/) },
    ]);
    await schemaOf(1, 1);
    const old = await open(own, { prefix: "old_" }).check();
    expect(old).toEqual([
      { level: "error", what, why: expect.stringMatching(/schema 1 is too old.*Run registry\.migrate/) },
    ]);
    await schemaOf(SCHEMA_VERSION + 2, SCHEMA_VERSION + 1);
    const newer = await open(own, { prefix: "old_" }).check();
    expect(newer).toEqual([{ level: "error", what, why: expect.stringMatching(/is too new.*Upgrade express-logout/) }]);
  });

  it("never rejects: of a server that hangs or is gone nothing is known", async () => {
    const registry = open(own, { timeoutMs: 300 });
    site.server.pause();
    const unknown = {
      level: "unknown",
      what: "PostgreSQL: settings",
      why: expect.stringMatching(/^They could not be read: /),
    };
    expect(await registry.check()).toEqual([unknown]);
    site.server.resume();
    await site.server.kill();
    expect(await registry.check()).toEqual([unknown]);
  });
});
