import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteLoginRegistry, type SqliteLoginRegistryOptions } from "../../lib/registry/sqlite/index.js";
import { HOUR_MS, next } from "./registry-calls.js";
import { openFile, sqliteDatabase, type OpenDatabase } from "./sqlite-engine.js";

/** A folder with a database, and what is open there. */
export class SqliteSite {
  readonly folder = mkdtempSync(join(tmpdir(), "express-logout-sqlite-"));
  readonly file = join(this.folder, "logins.db");
  readonly #opened: { close(): unknown }[] = [];

  /** A registry of an application that no other test knows, unless one is named. */
  open({ appId = next("app"), ...options }: Partial<SqliteLoginRegistryOptions> & { appId?: string } = {}) {
    const registry = new SqliteLoginRegistry({ database: sqliteDatabase(this.file), ...options });
    registry.init({ appId, maxSessionAgeMs: HOUR_MS });
    this.#opened.push(registry);
    return registry;
  }

  /** A connection of the test itself, which reads the tables and holds locks. */
  database(): OpenDatabase {
    const database = openFile(this.file);
    this.#opened.push(database);
    return database;
  }

  async stop(): Promise<void> {
    for (const each of this.#opened.splice(0)) await each.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
