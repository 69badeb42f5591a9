import { mkdirSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { migrate, SCHEMA_VERSION } from "../../lib/registry/sqlite/migrations.js";
import { DEFAULT_PREFIX, withPrefix } from "../../lib/registry/sqlite/names.js";
import { MIGRATIONS } from "../../lib/registry/sqlite/sql/bundle.js";
import { endLogin, HOUR_MS, kickUser, newKick, newLogin, next, shown } from "../support/registry-calls.js";
import { SqliteProcess } from "../support/sqlite-process.js";
import { openFile } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
beforeEach(() => {
  site = new SqliteSite();
});
afterEach(() => site.stop());

/** A user logs in and is kicked. */
async function expectToWork(registry: LoginRegistry): Promise<void> {
  const userId = next("user");
  const login = newLogin(userId);
  await registry.add(login);
  expect(await registry.find(userId, login.id)).toMatchObject({ sids: [login.sid] });
  expect(await kickUser(registry, userId, newKick())).toMatchObject([{ id: login.id }]);
  expect(await registry.find(userId, login.id)).toBeUndefined();
}

async function usersOf(registry: LoginRegistry): Promise<string[]> {
  const found: string[] = [];
  for await (const userIds of registry.scanUsers()) found.push(...userIds);
  return found;
}

describe("the options", () => {
  it.each([undefined, null, "", 1, {}, { exec: () => undefined }, { prepare: () => undefined }])(
    "refuse the database %p, and name what is accepted",
    (database) => {
      expect(() => new SqliteLoginRegistry({ database: database as never })).toThrow(
        expect.objectContaining({
          code: "ERR_OPTION_INVALID",
          message: expect.stringMatching(/name of a file.*node:sqlite, better-sqlite3 or libsql.*function/),
        }),
      );
    },
  );

  it("refuse a URI, and name the function that makes it the name of a file", () => {
    expect(() => new SqliteLoginRegistry({ database: "file:///srv/logins.db?mode=ro" })).toThrow(
      expect.objectContaining({
        code: "ERR_OPTION_INVALID",
        message: 'SqliteLoginRegistry: database is the name of a file, not a URI "file:…". Pass fileURLToPath(uri).',
      }),
    );
  });

  it.each([
    { timeoutMs: 0 },
    { timeoutMs: NaN },
    { timeoutMs: "2" as never },
    { pollIntervalMs: -1 },
    { pollIntervalMs: Infinity },
    { prefix: "" },
    { prefix: "a-b" },
    { prefix: "sqlite_" },
    { prefix: 1 as never },
    { prefix: "x".repeat(41) },
  ])("refuse %p", (option) => {
    const [name = ""] = Object.keys(option);
    expect(() => new SqliteLoginRegistry({ database: site.file, ...option })).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_INVALID", message: expect.stringContaining(name) }),
    );
  });

  it("refuse what a function opens, at the first call", async () => {
    const registry = site.open({ database: () => ({}) as never });
    await expect(registry.find("alice", "login")).rejects.toMatchObject({ code: "ERR_OPTION_INVALID" });
  });

  it("keep the registries of two prefixes apart in one file", async () => {
    const appId = next("app");
    const [one, two] = [site.open({ appId }), site.open({ appId, prefix: "Other_1" })];
    const login = newLogin();
    await one.add(login);
    await expectToWork(two);
    expect(await one.find("alice", login.id)).toMatchObject({ id: login.id });
  });

  it("are the same if prefixes differ only in case, as names in SQLite do", async () => {
    const appId = next("app");
    const [upper, lower] = [site.open({ appId, prefix: "Shop_" }), site.open({ appId, prefix: "shop_" })];
    const login = newLogin();
    await upper.add(login);
    expect(await lower.find("alice", login.id)).toMatchObject({ id: login.id });
    await kickUser(lower, "alice", newKick());
    expect(await upper.find("alice", login.id)).toBeUndefined();
    await expectToWork(site.open({ appId, prefix: "SHOP_" }));
  });
});

describe("the database", () => {
  it("is the name of a file, relative to where the process was", async () => {
    const before = process.cwd();
    try {
      process.chdir(site.folder);
      const registry = site.open({ database: "relative.db" });
      process.chdir(before);
      await expectToWork(registry);
      expect(
        openFile(join(site.folder, "relative.db")).prepare("SELECT * FROM express_logout_users").all(),
      ).toHaveLength(1);
    } finally {
      process.chdir(before);
    }
  });

  it("is in a folder that appears later", async () => {
    const folder = join(site.folder, "later");
    const registry = site.open({ database: join(folder, "logins.db") });
    await expect(registry.find("alice", "login")).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    mkdirSync(folder);
    await expectToWork(registry);
  });

  it("is open, and stays open", async () => {
    const database = openFile(site.file);
    const registry = site.open({ database: database });
    await expectToWork(registry);
    await registry.close();
    expect(database.prepare("SELECT count(*) AS count FROM express_logout_users").all()).toMatchObject([{ count: 1 }]);
    database.close();
    await expectToWork(registry);
  });

  it.each<[string, () => SqliteLoginRegistry]>([
    ["open in memory", () => site.open({ database: openFile(":memory:") })],
    ["in memory", () => site.open({ database: ":memory:" })],
  ])("is %s", async (_what, open) => {
    await expectToWork(open());
  });

  it("is opened by a function, and closed with the registry", async () => {
    let [open, opened] = [0, 0];
    const registry = site.open({
      database: () => {
        const database = openFile(site.file);
        [open, opened] = [open + 1, opened + 1];
        return {
          exec: (sql) => {
            database.exec(sql);
          },
          prepare: (sql) => database.prepare(sql),
          close: () => {
            open -= 1;
            database.close();
          },
        };
      },
    });
    await expectToWork(registry);
    await expectToWork(registry);
    expect([open, opened]).toEqual([1, 1]);
    await registry.close();
    expect([open, opened]).toEqual([0, 1]);
    await expectToWork(registry);
    expect([open, opened]).toEqual([1, 2]);
  });

  it("is in WAL mode", async () => {
    await site.open().find("alice", "login");
    expect(site.database().prepare("PRAGMA journal_mode").all()).toMatchObject([{ journal_mode: "wal" }]);
  });
});

describe("the schema", () => {
  it("is created by many registries at once, also of several processes", async () => {
    const others = [1, 2, 3].map(() => new SqliteProcess(site.file));
    try {
      const nodes = [...others.map(({ registry }) => registry), ...[1, 2, 3].map(() => site.open({ appId: "shop" }))];
      const logins = nodes.map(() => newLogin());
      await Promise.all(nodes.map((node, i) => node.add(logins[i] as never)));
      for (const node of nodes) expect(await shown(node, "alice")).toHaveLength(nodes.length);
    } finally {
      await Promise.all(others.map((each) => each.stop()));
    }
  });

  it("is created once, if another process creates it between the look and the lock", async () => {
    let isCreated = false;
    const registry = site.open({
      database: () => {
        const own = openFile(site.file);
        return {
          exec: (sql) => {
            if (sql === "BEGIN IMMEDIATE" && !isCreated) {
              isCreated = true;
              migrate(site.database(), withPrefix(DEFAULT_PREFIX));
            }
            own.exec(sql);
          },
          prepare: (sql) => own.prepare(sql),
          close: () => {
            own.close();
          },
        };
      },
    });
    await expectToWork(registry);
    expect(isCreated).toBe(true);
    expect(site.database().prepare("SELECT * FROM express_logout_schema").all()).toHaveLength(1);
  });

  it("is waited for while another process creates it", async () => {
    const registry = site.open();
    const other = site.database();
    other.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE; CREATE TABLE sessions (sid)");
    const adding = registry.add(newLogin());
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    other.exec("COMMIT");
    expect(await adding).toMatchObject({ outcome: "listed" });
  });

  it("is refused if it is too new, and both versions are named", async () => {
    const registry = site.open();
    await registry.find("alice", "login");
    const own = site.database();
    const [before] = own.prepare("SELECT * FROM express_logout_schema").all() as { version: number; serves: number }[];
    expect(before).toMatchObject({ version: SCHEMA_VERSION, serves: 2 });
    await registry.close();
    own.exec("UPDATE express_logout_schema SET version = 9, serves = 1");
    expect(await registry.find("alice", "login")).toBeUndefined();
    await registry.close();
    own.exec("UPDATE express_logout_schema SET serves = 8");
    const message = expect.stringMatching(new RegExp(`schema 9 .*needs ${String(SCHEMA_VERSION)}`));
    const error = { code: "ERR_REGISTRY_SCHEMA", status: 503, message };
    await expect(registry.find("alice", "login")).rejects.toMatchObject(error);
    await expect(registry.add(newLogin())).rejects.toMatchObject(error);
    own.exec(`UPDATE express_logout_schema SET version = ${String(SCHEMA_VERSION)}, serves = 2`);
    await expectToWork(registry);
  });

  it("is noticed by a process that runs on, at its next write, when another one has upgraded it", async () => {
    const registry = site.open();
    const login = newLogin();
    await registry.add(login);
    const own = site.database();
    own.exec("UPDATE express_logout_schema SET version = 9, serves = 1");
    expect(await registry.update("alice", login.id, { ttlMs: HOUR_MS })).toBe(true);
    own.exec("UPDATE express_logout_schema SET serves = 8");
    const error = { code: "ERR_REGISTRY_SCHEMA", message: expect.stringContaining(`needs ${String(SCHEMA_VERSION)}.`) };
    const steps = [1, 2, 3].map(() => kickUser(registry, "alice", newKick()));
    for (const step of await Promise.allSettled(steps)) expect(step).toMatchObject({ reason: error });
    await expect(registry.find("alice", login.id)).rejects.toMatchObject(error);
    own.exec(`UPDATE express_logout_schema SET version = ${String(SCHEMA_VERSION)}, serves = 1`);
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    await expectToWork(registry);
  });

  it("is upgraded where a migration is missing, and keeps the rows", async () => {
    const registry = site.open();
    const login = newLogin();
    await registry.add(login);
    await registry.close();
    const own = site.database();
    own.exec("DROP TABLE express_logout_schema");
    // What a file without a version holds is created anew: that there are tables already is an error, and nothing is lost.
    await expect(registry.find("alice", login.id)).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    own.exec("CREATE TABLE express_logout_schema (version, serves)");
    own.exec(`INSERT INTO express_logout_schema VALUES (${String(SCHEMA_VERSION)}, 2)`);
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });

  it("is upgraded from the first one: logins stay, and have no lifetime", async () => {
    const appId = next("app");
    const own = site.database();
    own.exec(String(MIGRATIONS[0]));
    own.exec("CREATE TABLE express_logout_schema (version, serves); INSERT INTO express_logout_schema VALUES (1, 1)");
    const far = Date.now() + 3_600_000;
    const text = (value: string): string => `'${JSON.stringify(value)}'`;
    const key = [appId, "alice", "login"].map(text).join(", ");
    own.exec(
      `INSERT INTO express_logout_logins VALUES (${key}, 1, 2, ${String(far)}, ${String(far)}, NULL, NULL, '["sid"]')`,
    );
    const registry = site.open({ appId });
    expect(await registry.find("alice", "login")).toMatchObject({ sids: ["sid"], expires: new Date(far) });
    expect(await registry.update("alice", "login", { ttlMs: 1, lastsMs: 60_000 })).toBe(true);
    expect(Number((await registry.find("alice", "login"))?.expires)).toBeLessThan(far);
  });
});

describe("steps of one turn of the event loop", () => {
  it("share transactions", async () => {
    const statements: string[] = [];
    const registry = site.open({
      // A thousand steps of a busy machine.
      timeoutMs: 30_000,
      database: () => {
        const database = openFile(site.file);
        return {
          exec: (sql) => {
            statements.push(sql);
            database.exec(sql);
          },
          prepare: (sql) => database.prepare(sql),
        };
      },
    });
    const logins = Array.from({ length: 1_000 }, (_, i) => newLogin(`user ${String(i)}`));
    await Promise.all(logins.map((login) => registry.add(login)));
    statements.length = 0;
    await Promise.all(logins.map(({ userId }) => kickUser(registry, userId, newKick())));
    expect(statements.filter((sql) => sql === "COMMIT").length).toBeLessThan(100);
    expect(statements).toContain("PRAGMA synchronous = FULL");
    statements.length = 0;
    await registry.add(newLogin());
    expect(statements).toContain("PRAGMA synchronous = NORMAL");
  });

  it("fail alone if the rows of their user cannot be read", async () => {
    const registry = site.open();
    const [alice, bob, carol] = [newLogin("alice"), newLogin("bob"), newLogin("carol")];
    for (const login of [alice, bob, carol]) await registry.add(login);
    site.database().exec(`UPDATE express_logout_logins SET sids = 'session 1' WHERE user = '"bob"'`);
    const kicked = await Promise.allSettled(["alice", "bob", "carol"].map((id) => kickUser(registry, id, newKick())));
    expect(kicked).toMatchObject([
      { value: [{ id: alice.id }] },
      {
        reason: {
          code: "ERR_REGISTRY_UNAVAILABLE",
          message: "Cannot read a row of the login registry. See docs/guides/sqlite.md for the contents of the tables.",
        },
      },
      { value: [{ id: carol.id }] },
    ]);
    // Nothing of the failed step stays, so that it can be repeated.
    const row = site.database().prepare(`SELECT kick FROM express_logout_users WHERE user = '"bob"'`).all();
    expect(row).toMatchObject([{ kick: null }]);
    expect(site.database().prepare("SELECT id FROM express_logout_kicked").all()).toHaveLength(2);
  });
});

describe("a step that fails after it has written", () => {
  it("is undone, and the steps beside it are not", async () => {
    const registry = site.open();
    for (const userId of ["alice", "bob", "carol"]) await kickUser(registry, userId, newKick());
    site.database().exec(`UPDATE express_logout_users SET kick_id = 'no JSON' WHERE user = '"bob"'`);
    const logins = ["alice", "bob", "carol"].map((userId) => newLogin(userId));
    const added = await Promise.allSettled(logins.map((login) => registry.add(login)));
    expect(added).toMatchObject([
      { value: { outcome: "listed" } },
      { reason: { code: "ERR_REGISTRY_UNAVAILABLE", message: expect.stringContaining("Cannot read a row") } },
      { value: { outcome: "listed" } },
    ]);
    const found = await Promise.all(logins.map(({ userId, id }) => registry.find(userId, id)));
    expect(found.map((login) => login?.userId)).toEqual(["alice", undefined, "carol"]);
  });
});

describe("a kick", () => {
  it("is finished for the logins that are named, of any ids", async () => {
    const registry = site.open();
    const ids = ["one", "", "a \u0000", "\ud800", '"', "\\", "%_'[]", "two"];
    for (const id of ids) await registry.add({ ...newLogin(), id });
    await kickUser(registry, "alice", newKick());
    await registry.finishKick("alice", ids.slice(1, -1));
    const left = await kickUser(registry, "alice", newKick());
    expect(left.map(({ id }) => id).sort()).toEqual(["one", "two"]);
    await registry.finishKick("alice", []);
    await registry.finishKick("alice", ["one"]);
    expect((await kickUser(registry, "alice", newKick())).map(({ id }) => id)).toEqual(["two"]);
  });

  it("that is repeated names a login that was adopted again once, as it is now", async () => {
    const registry = site.open();
    const login = newLogin();
    await registry.add(login);
    await kickUser(registry, "alice", newKick());
    const since = { generation: "", endCount: 0, authenticatedAt: new Date("2100-01-01") };
    await registry.add({ ...login, sid: "sid 2" }, { since });
    expect(await kickUser(registry, "alice", newKick())).toMatchObject([{ id: login.id, sids: ["sid 2"] }]);
    expect(await kickUser(registry, "alice", newKick())).toMatchObject([{ id: login.id, sids: ["sid 2"] }]);
  });
});

describe("very many steps", () => {
  it("let the event loop run in between", async () => {
    const registry = site.open({ timeoutMs: 60_000 });
    let turns = 0;
    const turn = setInterval(() => (turns += 1), 1);
    await Promise.all(Array.from({ length: 3_000 }, (_, i) => registry.add(newLogin(`user ${String(i)}`))));
    clearInterval(turn);
    expect(turns).toBeGreaterThan(2);
  });

  it("do not fail for one that the database refuses", async () => {
    const registry = site.open();
    const [alice, bob, carol] = [newLogin("alice"), { ...newLogin("bob"), began: new Date(NaN) }, newLogin("carol")];
    const results = await Promise.allSettled([alice, bob, carol].map((login) => registry.add(login)));
    expect(results).toMatchObject([
      { value: { outcome: "listed" } },
      { reason: { code: "ERR_REGISTRY_UNAVAILABLE" } },
      { value: { outcome: "listed" } },
    ]);
  });

  it("are done before the registry is closed", async () => {
    const registry = site.open();
    const adding = registry.add(newLogin());
    await registry.close();
    expect(await adding).toMatchObject({ outcome: "listed" });
  });
});

describe("a file behind a link", () => {
  it("is the one that the link leads to now, as after a deployment", async () => {
    const appId = next("app");
    const link = join(site.folder, "current");
    for (const name of ["one", "two"]) mkdirSync(join(site.folder, name));
    symlinkSync("one", link);
    const [before, after] = [1, 2].map(() => site.open({ appId, database: join(link, "logins.db") }));
    const login = newLogin();
    await before?.add(login);
    unlinkSync(link);
    symlinkSync("two", link);
    expect(await after?.find("alice", login.id)).toBeUndefined();
    expect(await before?.find("alice", login.id)).toBeUndefined();
  });
});

describe("a user whose rows cannot be read", () => {
  it("is named alone: left out of the list, and scanned after all others", async () => {
    const registry = site.open();
    for (const userId of ["alice", "bob", "carol"]) await registry.add(newLogin(userId));
    const own = site.database();
    own.exec(`UPDATE express_logout_logins SET sids = 'x' WHERE user = '"bob"'`);
    const { items } = await registry.activeUsers({ offset: 0, limit: 10 });
    expect(items.map(({ userId }) => userId).sort()).toEqual(["alice", "carol"]);
    own.exec(`UPDATE express_logout_users SET user = 'bob' WHERE user = '"bob"'`);
    const found: string[] = [];
    const scan = async (): Promise<void> => {
      for await (const userIds of registry.scanUsers()) found.push(...userIds);
    };
    await expect(scan()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(found).toEqual(["alice", "carol"]);
  });
});

describe("what is no longer needed", () => {
  const rows = (table: string): number => site.database().prepare(`SELECT 1 FROM express_logout_${table}`).all().length;

  it("is swept at a login: users, kicks and ends whose time is over, and old notifications", async () => {
    const appId = next("app");
    const kept = site.open({ appId });
    const login = newLogin("kept");
    for (const each of [login, newLogin("kept")]) {
      await kept.add(each);
      await kickUser(kept, "kept", newKick());
    }
    const short = new SqliteLoginRegistry({ database: site.file });
    short.init({ appId, maxSessionAgeMs: 1 });
    const gone = { ...newLogin("gone"), ttlMs: 1 };
    await short.add(gone);
    await endLogin(short, "gone", gone.id, { remember: true });
    await short.add({ ...newLogin("kicked"), ttlMs: 500 });
    await kickUser(short, "kicked", newKick());
    await short.close();
    const own = site.database();
    own.exec(`UPDATE express_logout_ends SET at = ${String(Date.now() - 2 * HOUR_MS)}`);
    expect([rows("users"), rows("kicked")]).toEqual([3, 3]);
    expect(rows("ends")).toBeGreaterThan(1);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const sweeping = site.open({ appId });
    await sweeping.add(newLogin("new"));
    await sweeping.close();
    // Of the notifications the last one stays.
    expect([rows("users"), rows("ended"), rows("kicked"), rows("ends")]).toEqual([2, 0, 2, 1]);
    expect(await usersOf(kept)).toEqual(["kept", "new"]);
    expect(await kept.kickOf("kept", login.id, "")).toBeDefined();
  });
});
