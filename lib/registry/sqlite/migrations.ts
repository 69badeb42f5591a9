import { LogoutError } from "../../errors.js";
import { debugError } from "../../util/debug.js";
import type { SqliteDatabase } from "./engine.js";
import type { Row } from "./records.js";
import { MIGRATIONS } from "./sql/bundle.js";

/** The version of the schema that this release needs: the number of the last migration. */
export const SCHEMA_VERSION = MIGRATIONS.length;
/** The oldest version whose processes can use this schema. */
const SERVES = 2;

const VERSION_TABLE =
  "CREATE TABLE IF NOT EXISTS express_logout_schema (version INTEGER NOT NULL, serves INTEGER NOT NULL)";

/**
 * Runs the migrations that the file does not have yet, in one transaction.
 *
 * @throws LogoutError `ERR_REGISTRY_SCHEMA` if the schema is newer than this release can use.
 */
export function migrate(database: SqliteDatabase, named: (sql: string) => string): void {
  if (isCurrent(versionsOf(database, named))) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have migrated meanwhile.
    const versions = versionsOf(database, named);
    if (!isCurrent(versions)) {
      database.exec(named(VERSION_TABLE));
      for (const sql of MIGRATIONS.slice(versions.version)) database.exec(named(sql));
      database.exec(named("DELETE FROM express_logout_schema"));
      database.exec(named(`INSERT INTO express_logout_schema VALUES (${String(SCHEMA_VERSION)}, ${String(SERVES)})`));
    }
    database.exec("COMMIT");
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends a transaction without effect. After some errors, such as that of a full disk, SQLite has done so already. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch (error) {
    debugError("SQLite: already rolled back", error);
  }
}

interface Versions {
  readonly version: number;
  readonly serves: number;
}

/** Returns whether the schema has every migration of this release. */
function isCurrent({ version, serves }: Versions): boolean {
  if (serves > SCHEMA_VERSION) {
    throw new LogoutError(
      "ERR_REGISTRY_SCHEMA",
      `Login registry: schema ${String(version)} is too new for this release, which needs ${String(SCHEMA_VERSION)}. Upgrade express-logout.`,
    );
  }
  return version >= SCHEMA_VERSION;
}

function versionsOf(database: SqliteDatabase, named: (sql: string) => string): Versions {
  const table = named("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'express_logout_schema'");
  if (database.prepare(table).all().length === 0) return { version: 0, serves: 0 };
  const [row] = database.prepare(named("SELECT version, serves FROM express_logout_schema")).all() as Row[];
  return { version: Number(row?.["version"] ?? 0), serves: Number(row?.["serves"] ?? 0) };
}
