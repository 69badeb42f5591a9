import { LogoutError } from "../../errors.js";
import type { SqliteDatabase } from "./engine.js";
import type { Row } from "./records.js";
import { MIGRATIONS } from "./sql/bundle.js";
import { STATEMENTS } from "./statements.js";
import { inTransaction } from "./transaction.js";

/** The version of the schema that this release needs: the number of the last migration. */
export const SCHEMA_VERSION = MIGRATIONS.length;
/** The oldest version whose processes can use this schema. */
const SERVES = 1;

const VERSION_TABLE =
  "CREATE TABLE IF NOT EXISTS express_logout_schema (version INTEGER NOT NULL, serves INTEGER NOT NULL)";

/**
 * Runs the migrations that the file does not have yet, in one transaction.
 *
 * @throws LogoutError `ERR_REGISTRY_SCHEMA` if the schema is newer than this release can use.
 */
export function migrate(database: SqliteDatabase, named: (sql: string) => string): void {
  if (versionOf(database, named) >= SCHEMA_VERSION) return;
  inTransaction(database, () => {
    // Another process may have migrated meanwhile.
    const version = versionOf(database, named);
    if (version >= SCHEMA_VERSION) return;
    database.exec(named(VERSION_TABLE));
    for (const sql of MIGRATIONS.slice(version)) database.exec(named(sql));
    database.exec(named("DELETE FROM express_logout_schema"));
    database.exec(named(`INSERT INTO express_logout_schema VALUES (${String(SCHEMA_VERSION)}, ${String(SERVES)})`));
  });
}

/** @throws LogoutError `ERR_REGISTRY_SCHEMA` if the schema, by its row, is newer than this release can use. */
export function rejectNewer(row: Row | undefined): void {
  const { version, serves } = readVersions(row);
  if (serves <= SCHEMA_VERSION) return;
  throw new LogoutError(
    "ERR_REGISTRY_SCHEMA",
    `Login registry: schema ${String(version)} is too new for this release, which needs ${String(SCHEMA_VERSION)}. Upgrade express-logout.`,
  );
}

function readVersions(row: Row | undefined): { version: number; serves: number } {
  return { version: Number(row?.["version"] ?? 0), serves: Number(row?.["serves"] ?? 0) };
}

/** Returns the version of the schema of a file. */
function versionOf(database: SqliteDatabase, named: (sql: string) => string): number {
  const table = named("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'express_logout_schema'");
  if (database.prepare(table).all().length === 0) return 0;
  const [row] = database.prepare(named(STATEMENTS.findVersions)).all() as Row[];
  rejectNewer(row);
  return readVersions(row).version;
}
