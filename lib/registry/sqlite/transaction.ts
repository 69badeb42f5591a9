import { debugError } from "../../util/debug.js";
import type { SqliteDatabase } from "./engine.js";
import { isBusy } from "./errors.js";

/** A transaction that could not begin, because the database is locked. The connection is as it was. */
export class CannotBegin {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** Runs statements while no other connection writes. If one fails, nothing of them stays. */
export function inTransaction<Result>(database: SqliteDatabase, work: () => Result): Result {
  try {
    database.exec("BEGIN IMMEDIATE");
  } catch (error) {
    throw isBusy(error) ? new CannotBegin(error) : error;
  }
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** Ends a transaction without effect. After some errors, such as that of a full disk, SQLite has done so already. */
function rollBack(database: SqliteDatabase): void {
  try {
    database.exec("ROLLBACK");
  } catch (error) {
    debugError("SQLite: already rolled back", error);
  }
}
