import { renameSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { STATEMENTS } from "../../lib/registry/sqlite/statements.js";
import { Heard } from "../support/heard.js";
import { endLogin, kickUser, newKick, newLogin, next } from "../support/registry-calls.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
let registry: SqliteLoginRegistry;
/** Another process. */
let other: SqliteLoginRegistry;
let heard: Heard;
beforeEach(() => {
  site = new SqliteSite();
  const appId = next("app");
  registry = site.open({ appId, pollIntervalMs: 10 });
  other = site.open({ appId });
  heard = new Heard();
});
afterEach(() => site.stop());

/** Subscribes, and waits for the first lookup. */
async function listen(): Promise<() => Promise<void>> {
  const subscription = registry.subscribe(heard);
  await heard.until(() => heard.isListening && heard.looks === 1);
  return () => subscription.close();
}

async function kickElsewhere(): Promise<string> {
  const login = newLogin();
  await other.add(login);
  await kickUser(other, "alice", newKick());
  return login.id;
}

describe("a subscription", () => {
  it("reports each end once, those of this process without waiting for the interval", async () => {
    registry = site.open({ appId: next("app"), pollIntervalMs: 3_600_000 });
    await listen();
    const login = newLogin();
    await registry.add(login);
    await endLogin(registry, "alice", login.id);
    await heard.until(() => heard.news.length > 0);
    expect(heard.news).toEqual([{ userId: "alice", loginIds: [login.id], kick: undefined }]);
  });

  it("does not report what came before it", async () => {
    await kickElsewhere();
    await listen();
    const id = await kickElsewhere();
    await heard.until(() => heard.news.length > 0);
    expect(heard.news.flatMap(({ loginIds }) => loginIds)).toEqual([id]);
    expect(heard.looks).toBe(1);
  });

  it("reads one number each interval while nothing ends", async () => {
    const statements: string[] = [];
    const own = site.database();
    registry = site.open({
      pollIntervalMs: 5,
      database: () => ({
        exec: (sql) => {
          own.exec(sql);
        },
        prepare: (sql) => {
          const statement = own.prepare(sql);
          const counted = (read: "all" | "get", values: unknown[]): unknown => {
            statements.push(sql);
            return statement[read](...values);
          };
          return {
            run: (...values) => statement.run(...values),
            get: (...values) => counted("get", values),
            all: (...values) => counted("all", values) as unknown[],
          };
        },
      }),
    });
    const close = await listen();
    statements.length = 0;
    while (statements.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(new Set(statements)).toEqual(new Set([STATEMENTS.endNumbers]));
    await close();
    const count = statements.length;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(statements).toHaveLength(count);
  });

  it("reports a gap if notifications were dropped before it has read them", async () => {
    await kickElsewhere();
    await listen();
    const own = site.database();
    own.exec("BEGIN IMMEDIATE");
    own.exec("INSERT INTO express_logout_ends (app, user, ids, at) VALUES ('x', 'x', '[]', 0), ('x', 'x', '[]', 0)");
    own.exec("DELETE FROM express_logout_ends WHERE number < (SELECT max(number) FROM express_logout_ends)");
    own.exec("COMMIT");
    await heard.until(() => heard.looks > 1);
    expect(heard.isListening).toBe(true);
  });

  it("reports a gap for a notification that cannot be read, and the ones around it", async () => {
    await listen();
    const first = newLogin();
    await other.add(first);
    const own = site.database();
    own.exec("BEGIN IMMEDIATE");
    const app = (own.prepare("SELECT app FROM express_logout_users").all() as { app: string }[])[0]?.app;
    own.exec(`INSERT INTO express_logout_ends (app, user, ids, at) VALUES ('${String(app)}', 'no JSON', '[]', 0)`);
    own.exec("COMMIT");
    await heard.until(() => heard.looks > 1);
    const id = await kickElsewhere();
    await heard.until(() => heard.news.length > 0);
    expect(heard.news.flatMap(({ loginIds }) => loginIds)).toContain(id);
  });

  it("reports a gap when everyone is removed, also if one user cannot be, because their row cannot be read", async () => {
    await listen();
    const [alice, bob] = [newLogin(), newLogin("bob")];
    for (const login of [alice, bob]) await other.add(login);
    site.database().exec(`UPDATE express_logout_users SET user = 'bob' WHERE user = '"bob"'`);
    await expect(other.clear()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    await heard.until(() => heard.looks > 1);
    expect(await other.find("alice", alice.id)).toBeUndefined();
  });

  it("reports that it may miss ends while the file is away, and a gap when it is back", async () => {
    await listen();
    renameSync(site.folder, `${site.folder}-away`);
    await heard.until(() => !heard.isListening);
    renameSync(`${site.folder}-away`, site.folder);
    await heard.until(() => heard.isListening && heard.looks > 1);
    const id = await kickElsewhere();
    await heard.until(() => heard.news.length > 0);
    expect(heard.news.flatMap(({ loginIds }) => loginIds)).toEqual([id]);
  });

  it("reports a gap when another file takes the place of the old one", async () => {
    await kickElsewhere();
    await listen();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(site.file + suffix, { force: true });
    await heard.until(() => heard.looks > 1);
    const id = await kickElsewhere();
    await heard.until(() => heard.news.length > 0);
    expect(heard.news.flatMap(({ loginIds }) => loginIds)).toEqual([id]);
  });
});
