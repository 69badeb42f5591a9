import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "../../lib/index.js";
import type { SqliteDatabase, SqliteLoginRegistry, SqliteStatement } from "../../lib/registry/sqlite/index.js";
import { SCHEMA_VERSION } from "../../lib/registry/sqlite/migrations.js";
import { newLogin } from "../support/registry-calls.js";
import { openFile, sqliteDatabase } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

let site: SqliteSite;
beforeEach(() => {
  site = new SqliteSite();
});
afterEach(() => site.stop());

/** The finding about this, such as `journal mode`. */
async function about(registry: SqliteLoginRegistry, what: string): Promise<Finding | undefined> {
  return (await registry.check()).find((finding) => finding.what === `SQLite: ${what}`);
}

describe("check()", () => {
  it("finds a file in order", async () => {
    const registry = site.open();
    for (const userId of ["alice", "alice", "bob"]) await registry.add(newLogin(userId));
    const version = String(SCHEMA_VERSION);
    expect(await registry.check()).toEqual([
      { level: "ok", what: "SQLite: schema", why: `Version ${version}; this release needs ${version}.` },
      { level: "ok", what: "SQLite: access", why: "The file can be written." },
      { level: "ok", what: "SQLite: journal mode", why: "WAL." },
      expect.objectContaining({ what: "SQLite: file system" }),
      { level: "ok", what: "SQLite: size", why: expect.stringMatching(/^2 users are listed, in [\d.]+ MB\.$/) },
    ]);
    expect(await about(site.open(), "size")).toMatchObject({ why: expect.stringMatching(/^0 users are listed/) });
  });

  it("finds a file that cannot be written", async () => {
    await site.open().add(newLogin());
    const database = (): SqliteDatabase => {
      const opened = openFile(site.file);
      opened.exec("PRAGMA query_only = ON");
      return opened;
    };
    const registry = site.open({ database });
    const access = await about(registry, "access");
    expect(access).toEqual({
      level: "error",
      what: "SQLite: access",
      why: "The file cannot be written: logins and kicks fail.",
      how: "Let the app write into the file and its folder, on a file system that is not mounted read-only.",
    });
    await expect(registry.add(newLogin())).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
  });

  it("does not know whether a locked file can be written", async () => {
    const registry = site.open({ timeoutMs: 1_000 });
    await registry.add(newLogin());
    const other = site.database();
    other.exec("BEGIN IMMEDIATE");
    expect(await about(registry, "access")).toMatchObject({
      level: "unknown",
      why: expect.stringContaining("database is locked"),
    });
    other.exec("ROLLBACK");
    expect(await about(registry, "access")).toMatchObject({ level: "ok" });
  });

  it("finds another journal mode than WAL", async () => {
    const database = (): SqliteDatabase => {
      const opened = openFile(site.file);
      // As on a file system that has no WAL: the mode stays what it is.
      const prepare = (sql: string): SqliteStatement =>
        opened.prepare(sql.replace("journal_mode = WAL", "journal_mode"));
      return { prepare, exec: (sql) => opened.exec(sql), close: () => opened.close() };
    };
    const registry = site.open({ database });
    await registry.add(newLogin());
    expect(await about(registry, "journal mode")).toEqual({
      level: "warn",
      what: "SQLite: journal mode",
      why: "It is delete, not WAL: requests wait for each other, and for the disk.",
      how: "Keep the file on a local disk, and let the app write into its folder.",
    });
    expect(await about(registry, "access")).toMatchObject({ level: "ok" });
  });

  it("finds a database in memory", async () => {
    const registry = site.open({ database: ":memory:" });
    await registry.add(newLogin());
    expect(await about(registry, "file")).toEqual({
      level: "warn",
      what: "SQLite: file",
      why: "The database is in memory: a restart forgets every login and every kick.",
      how: "Pass the name of a file.",
    });
  });

  it("knows nothing of a schema that is too new, or of a file that is no database", async () => {
    await site.open().add(newLogin());
    const [version, serves] = [SCHEMA_VERSION + 2, SCHEMA_VERSION + 1].map(String);
    site.database().exec(`UPDATE express_logout_schema SET version = ${version ?? ""}, serves = ${serves ?? ""}`);
    const unknown = { level: "unknown", what: "SQLite: settings" };
    expect(await site.open().check()).toEqual([
      { ...unknown, why: expect.stringMatching(/schema \d+ is too new for this release.*Upgrade express-logout/) },
    ]);
    const text = join(site.folder, "text.db");
    writeFileSync(text, "This is text, and no database of SQLite. ".repeat(100));
    expect(await site.open({ database: sqliteDatabase(text) }).check()).toEqual([
      { ...unknown, why: "They could not be read: Login registry unavailable: file is not a database." },
    ]);
  });
});
