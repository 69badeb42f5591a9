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
    // The gap is reported once, not at each later look.
    for (let count = 2; count <= 4; count += 1) {
      await kickElsewhere();
      await heard.until(() => heard.news.length === count);
    }
    expect(heard.looks).toBe(2);
  });

  it("reports each of many ends once, in their order, however many looks there are meanwhile", async () => {
    await listen();
    const ids: string[] = [];
    for (let turn = 0; turn < 30; turn += 1) {
      const logins = Array.from({ length: 3 }, () => newLogin());
      for (const login of logins) await other.add(login);
      ids.push(...logins.map(({ id }) => id));
      // The steps of one process follow each other, and each end of this one asks for a look.
      await Promise.all(logins.map(({ id }) => endLogin(turn % 2 === 0 ? registry : other, "alice", id)));
    }
    await heard.until(() => heard.news.length >= ids.length);
    const last = await kickElsewhere();
    await heard.until(() => heard.news.at(-1)?.loginIds[0] === last);
    expect(heard.news.flatMap(({ loginIds }) => loginIds)).toEqual([...ids, last]);
  });

  it("reports the logins of a very large kick in parts, each login once", async () => {
    await listen();
    const logins = Array.from({ length: 2_500 }, (_, number) => ({
      ...newLogin(),
      sid: `"\u0000\ud800, ${String(number)}`,
    }));
    await Promise.all(logins.map((login) => other.add({ ...login, id: login.sid })));
    await kickUser(other, "alice", newKick());
    await heard.until(() => heard.news.length === 3);
    const ids = heard.news.map(({ loginIds }) => loginIds);
    expect(ids.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(ids.flat().sort()).toEqual(logins.map(({ sid }) => sid).sort());
  });

  it("goes on after a listener has thrown", async () => {
    const calls: string[] = [];
    const failing = (call: string) => (): void => {
      calls.push(call);
      heard.gap();
      throw new Error("a fault of the app");
    };
    const subscription = registry.subscribe({
      connected: failing("connected"),
      disconnected: failing("disconnected"),
      ended: failing("ended"),
      gap: failing("gap"),
    });
    await heard.until(() => calls.length === 2);
    for (let count = 3; count <= 5; count += 1) {
      await kickElsewhere();
      await heard.until(() => calls.length === count);
    }
    expect(calls).toEqual(["connected", "gap", "ended", "ended", "ended"]);
    await subscription.close();
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
