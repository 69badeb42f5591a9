import { setTimeout as pause } from "node:timers/promises";
import { LogoutError } from "../../errors.js";
import type { Database } from "./database.js";
import type { Names } from "./names.js";
import { MIGRATIONS } from "./sql/bundle.js";

/** The version of the schema that this release needs: the number of the last migration. */
export const SCHEMA_VERSION = MIGRATIONS.length;

const TIMEOUT_MS = 30_000;
/** How often a migration is repeated that requests keep from locking a table. */
const MOST_TRIES = 10;
const RETRY_MS = 200;
/** The SQLSTATEs of a table that is not free in time, and of a deadlock. */
const BUSY = ["55P03", "40P01"];

/** Runs the migrations that the schema does not have yet, and checks that this release can use it. */
export async function migrate(database: Database, names: Names): Promise<void> {
  for (const text of migrationsOf(names)) await runWhenFree(database, text);
  await database.checkSchema();
}

/**
 * Returns the SQL of each migration: one statement, and so one transaction, which does nothing if the schema has the migration. It
 * holds a lock, so one process at a time runs it. If the schema is up to date, no table is locked, and steps continue.
 *
 * The version is a function, not a row: every role may read it, and a transaction of any isolation level sees the committed one.
 */
export function migrationsOf(names: Names): string[] {
  return MIGRATIONS.map(
    (text, index) => `DO $migration$
DECLARE
  the_version integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('express-logout migration', 0));
  -- Reads a catalog, so that what was committed during the wait for the lock is known.
  PERFORM FROM pg_proc LIMIT 1;
  IF to_regprocedure(${names.created("schema")} || '()') IS NOT NULL THEN
    SELECT version INTO the_version FROM ${names.of("schema")}();
  ELSIF to_regclass(${names.created("apps")}) IS NOT NULL THEN
    the_version := 1; -- The schema of 0.1 has no version.
  END IF;
  IF the_version >= ${String(index + 1)} THEN RETURN; END IF;
  -- Requests wait behind a migration that waits for a table.
  PERFORM set_config('lock_timeout', '2s', true);
  EXECUTE $step$
${names.inSql(text)}$step$;
END $migration$;
`,
  );
}

async function runWhenFree(database: Database, text: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await database.script(text, TIMEOUT_MS);
      return;
    } catch (error) {
      if (tries === MOST_TRIES || !isBusy(error)) throw error;
      await pause(RETRY_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  const { code } = (LogoutError.is(error) && error.cause ? error.cause : {}) as { code?: string };
  return BUSY.includes(code ?? "");
}
