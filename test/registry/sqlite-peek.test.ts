import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { kickUser, newKick, newLogin, next } from "../support/registry-calls.js";
import { openFile } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
beforeEach(() => {
  site = new SqliteSite();
});
afterEach(() => site.stop());

describe("the lookup on the path of a request", () => {
  it("sees at once what another connection lists, changes and ends", async () => {
    const appId = next("app");
    const [one, two] = [site.open({ appId }), site.open({ appId })];
    const login = newLogin();
    expect(two.peek("alice", login.id)).toBeUndefined();
    await one.add(login);
    expect(two.peek("alice", login.id)).toEqual({ sids: [login.sid] });
    await one.update("alice", login.id, { addSid: "another" });
    expect(two.peek("alice", login.id)).toEqual({ sids: [login.sid, "another"] });
    await kickUser(one, "alice", newKick());
    expect(two.peek("alice", login.id)).toBeUndefined();
  });

  it("finds no login that has expired", async () => {
    const registry = site.open();
    const login = { ...newLogin(), ttlMs: 500 };
    await registry.add(login);
    expect(registry.peek("alice", login.id)).toBeDefined();
    await pause(510);
    expect(registry.peek("alice", login.id)).toBeUndefined();
  });

  it("does not know while the database is locked; find() then waits for it", async () => {
    const registry = site.open();
    const other = openFile(site.file);
    other.exec("PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE sessions (sid)");
    expect(registry.peek("alice", "login")).toBeUndefined();
    const found = registry.find("alice", "login");
    other.close();
    expect(await found).toBeUndefined();
    const login = newLogin();
    await registry.add(login);
    expect(registry.peek("alice", login.id)).toEqual({ sids: [login.sid] });
  });

  it("does not know a login whose row cannot be read", async () => {
    const registry = site.open();
    const login = newLogin();
    await registry.add(login);
    site.database().exec("UPDATE express_logout_logins SET sids = 'no JSON'");
    expect(registry.peek("alice", login.id)).toBeUndefined();
    await expect(registry.find("alice", login.id)).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
  });

  it("notices within a millisecond or two that the file was deleted", async () => {
    const registry = site.open();
    const login = newLogin();
    await registry.add(login);
    expect(registry.peek("alice", login.id)).toBeDefined();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(site.file + suffix, { force: true });
    await pause(2);
    expect(registry.peek("alice", login.id)).toBeUndefined();
  });
});
