import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { SqliteDatabase } from "../../lib/registry/sqlite/index.js";
import { adopt, begun, HOUR_MS, kickUser, newKick, newLogin, next, shown } from "../support/registry-calls.js";
import { SqliteProcess } from "../support/sqlite-process.js";
import { openFile } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

const unavailable = (why: string) => ({
  code: "ERR_REGISTRY_UNAVAILABLE",
  status: 503,
  message: `Login registry unavailable: ${why}.`,
});
const LOCKED = unavailable("database is locked");
const FAILED = unavailable("see the cause");
const DAY_MS = 24 * HOUR_MS;

let site: SqliteSite;
beforeEach(() => {
  site = new SqliteSite();
});
afterEach(() => site.stop());

describe("a database that another process locks", () => {
  it("is waited for, without blocking the event loop", async () => {
    const registry = site.open();
    await registry.find("alice", "opens the file");
    const other = site.database();
    other.exec("BEGIN IMMEDIATE");
    const login = newLogin();
    const adding = registry.add(login);
    // The step is waiting, and this process runs on.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(await registry.find("alice", login.id)).toBeUndefined();
    other.exec("COMMIT");
    expect(await adding).toMatchObject({ outcome: "listed" });
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });

  it("is waited for no longer than timeoutMs, and the step does not take effect later", async () => {
    const registry = site.open({ timeoutMs: 1_000 });
    const login = newLogin();
    await registry.add(login);
    const other = site.database();
    other.exec("BEGIN IMMEDIATE");
    const began = performance.now();
    const steps = [
      registry.add(newLogin()),
      registry.update("alice", login.id, {}),
      kickUser(registry, "alice", newKick()),
    ];
    for (const step of await Promise.allSettled(steps)) expect(step).toMatchObject({ reason: LOCKED });
    expect(performance.now() - began).toBeGreaterThanOrEqual(999);
    other.exec("COMMIT");
    expect(await shown(registry, "alice")).toMatchObject([{ id: login.id }]);
  });

  it("is locked for reads too when its owner wants to be alone", async () => {
    const registry = site.open({ timeoutMs: 1_000 });
    const other = openFile(site.file);
    other.exec("PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE sessions (sid)");
    await expect(registry.find("alice", "login")).rejects.toMatchObject(LOCKED);
    other.close();
    expect(await registry.find("alice", "login")).toBeUndefined();
  });
});

describe("a database that cannot be written", () => {
  function openForReading(): SqliteDatabase {
    const database = openFile(site.file);
    database.exec("PRAGMA query_only = ON");
    return database;
  }

  it("is read, and refuses every step", async () => {
    const login = newLogin();
    const appId = next("app");
    await site.open({ appId }).add(login);
    const registry = site.open({ appId, database: openForReading });
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    await expect(registry.add(newLogin())).rejects.toMatchObject(FAILED);
    await expect(kickUser(registry, "alice", newKick())).rejects.toMatchObject({
      cause: { message: "attempt to write a readonly database" },
    });
    expect(await shown(registry, "alice")).toMatchObject([{ id: login.id }]);
  });

  it("has no tables yet, and is not served", async () => {
    site.database().exec("CREATE TABLE sessions (sid)");
    const registry = site.open({ database: openForReading });
    await expect(registry.find("alice", "login")).rejects.toMatchObject(FAILED);
  });

  it("is on a full disk: nothing is lost, and steps succeed again without a restart once something is deleted", async () => {
    // A limit of the process on the size of a file is met as a full disk is.
    const blocks = "1000";
    const node = new SqliteProcess(site.file, {}, [
      "/bin/sh",
      "-c",
      `trap '' XFSZ; ulimit -S -f ${blocks}; exec "$0" "$@"`,
      process.execPath,
    ]);
    try {
      const [login, userAgent] = [newLogin(), "x".repeat(50_000)];
      await node.registry.add(login);
      const failed = async (): Promise<unknown> => {
        for (;;) await node.registry.add({ ...newLogin("bob"), userAgent });
      };
      await expect(failed()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
      expect(await node.registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
      const { total } = await node.registry.list("bob", { offset: 0, limit: 0 });
      expect(total).toBeGreaterThan(0);
      execFileSync("prlimit", ["--pid", String(node.pid), "--fsize=unlimited"]);
      expect(await kickUser(node.registry, "bob", newKick())).toHaveLength(total);
      expect(await node.registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    } finally {
      await node.stop();
    }
  });
});

describe("a file that is not the one that was opened", () => {
  it("is a new one after the old one was deleted: all users are logged out, in every process", async () => {
    const appId = next("app");
    const [one, two] = [site.open({ appId }), site.open({ appId })];
    const old = newLogin();
    await one.add(old);
    for (const suffix of ["", "-wal", "-shm"]) rmSync(site.file + suffix, { force: true });
    expect(await two.find("alice", old.id)).toBeUndefined();
    const login = newLogin();
    await two.add(login);
    expect(await one.find("alice", old.id)).toBeUndefined();
    expect(await one.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    await kickUser(one, "alice", newKick());
    expect(await two.find("alice", login.id)).toBeUndefined();
  });

  it("is a copy that was put in its place", async () => {
    const registry = site.open();
    const [kept, later] = [newLogin(), newLogin()];
    await registry.add(kept);
    site.database().exec(`VACUUM INTO '${site.file}-copy'`);
    await registry.add(later);
    for (const suffix of ["-wal", "-shm"]) rmSync(site.file + suffix, { force: true });
    renameSync(`${site.file}-copy`, site.file);
    expect(await registry.find("alice", later.id)).toBeUndefined();
    expect(await registry.find("alice", kept.id)).toMatchObject({ sids: [kept.sid] });
  });
});

describe("a file that is no database", () => {
  it("is an error until it is replaced", async () => {
    writeFileSync(site.file, "no database ".repeat(1_000));
    const registry = site.open();
    const cause = { message: "file is not a database" };
    await expect(registry.find("alice", "login")).rejects.toMatchObject({ ...FAILED, cause });
    await expect(registry.add(newLogin())).rejects.toMatchObject({ ...FAILED, cause });
    rmSync(site.file);
    const login = newLogin();
    await registry.add(login);
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });

  it("is one with broken pages: an error, until the file is whole again", async () => {
    const appId = next("app");
    const login = newLogin();
    await site.open({ appId }).add(login);
    site.database().exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const whole = readFileSync(site.file);
    writeFileSync(site.file, Buffer.from(whole).fill(255, 4_096));
    // A connection that has read the pages before may know them still.
    const registry = site.open({ appId });
    const cause = { message: "database disk image is malformed" };
    await expect(registry.find("alice", login.id)).rejects.toMatchObject({ ...FAILED, cause });
    await expect(kickUser(registry, "alice", newKick())).rejects.toMatchObject({ ...FAILED, cause });
    writeFileSync(site.file, whole);
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
  });
});

describe("a clock that is set back by a day", () => {
  it("brings no kicked login back, and ends none", async () => {
    const now = Date.now();
    jest.useFakeTimers({ now, doNotFake: ["setImmediate", "setTimeout", "setInterval", "nextTick", "performance"] });
    try {
      const registry = site.open();
      const [kicked, other] = [newLogin(), newLogin("bob")];
      const generation = await begun(registry, kicked);
      await registry.add(other);
      const kick = newKick();
      await kickUser(registry, "alice", kick);
      jest.setSystemTime(now - DAY_MS);
      expect(await registry.find("alice", kicked.id)).toBeUndefined();
      expect(await adopt(registry, kicked, { generation, endCount: 0 })).toBeUndefined();
      expect(await registry.kickOf("alice", kicked.id, generation)).toMatchObject({ id: kick.id });
      expect(await registry.update("bob", other.id, { ttlMs: HOUR_MS })).toBe(true);
      expect(await registry.find("bob", other.id)).toMatchObject({ sids: [other.sid] });
      jest.setSystemTime(now);
      expect(await registry.find("bob", other.id)).toMatchObject({ sids: [other.sid] });
      expect(await adopt(registry, kicked, { generation, endCount: 0 })).toBeUndefined();
    } finally {
      jest.useRealTimers();
    }
  });
});

describe("an app that is in a transaction on the database it has given", () => {
  async function open(sql: string) {
    const own = site.database();
    own.exec("PRAGMA journal_mode = WAL; CREATE TABLE sessions (sid)");
    const appId = next("app");
    // Enough for a busy machine, on which a step waits for its turn, and little for the test that waits for it.
    const registry = site.open({ appId, database: own, timeoutMs: 1_500 });
    const login = newLogin();
    await registry.add(login);
    own.exec(sql);
    return { own, appId, registry, login };
  }

  it("sees a kick of another process, although its own reads do not", async () => {
    const { own, appId, registry, login } = await open("BEGIN; SELECT * FROM sessions");
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    await kickUser(site.open({ appId }), "alice", newKick());
    expect(await registry.find("alice", login.id)).toBeUndefined();
    own.exec("ROLLBACK");
  });

  it("keeps others from writing, not from reading", async () => {
    const { own, registry, login } = await open("BEGIN IMMEDIATE");
    expect(await registry.find("alice", login.id)).toMatchObject({ sids: [login.sid] });
    await expect(kickUser(registry, "alice", newKick())).rejects.toMatchObject(LOCKED);
    own.exec("ROLLBACK");
    expect(await kickUser(registry, "alice", newKick())).toMatchObject([{ id: login.id }]);
  });
});
