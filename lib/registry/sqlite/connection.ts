import { statSync } from "node:fs";
import { LogoutError } from "../../errors.js";
import { debug, debugError } from "../../util/debug.js";
import { fileOf, type Engine, type SqliteDatabase, type SqliteStatement, type SqliteValue } from "./engine.js";
import { migrate, rejectNewer } from "./migrations.js";
import type { Row } from "./records.js";
import { STATEMENTS, type StatementName } from "./statements.js";
import { CannotBegin, inTransaction } from "./transaction.js";

/** Runs prepared statements. */
export interface Sql {
  all(name: StatementName, ...values: SqliteValue[]): readonly Row[];
  first(name: StatementName, ...values: SqliteValue[]): Row | undefined;
  run(name: StatementName, ...values: SqliteValue[]): void;
}

/**
 * One connection to the database: opened when it is needed, and again after a failure, or when the file is no longer the one that
 * was opened. Nothing here waits: a database that is locked is an error at once.
 */
export class Connection {
  readonly #engine: Engine;
  readonly #named: (sql: string) => string;
  #current: OpenDatabase | undefined;

  constructor(engine: Engine, named: (sql: string) => string) {
    this.#engine = engine;
    this.#named = named;
  }

  /**
   * Runs statements that change nothing.
   *
   * @param checkedWithinMs - how long ago the file may have been checked to be the one that was opened
   */
  read<Result>(work: (sql: Sql) => Result, checkedWithinMs = 0): Result {
    return this.#keeping((database) => work(database), checkedWithinMs);
  }

  /**
   * Runs statements in one transaction.
   *
   * @param isDurable - Whether it must survive a power failure, at the cost of a flush to the disk; the crash of a process it
   * always survives.
   */
  write<Result>(work: (sql: Sql & Savepoints) => Result, isDurable: boolean): Result {
    return this.#keeping((database) => database.transaction(work, isDurable));
  }

  /** Closes the connection. The next statement opens another one. */
  close(): void {
    const database = this.#current;
    this.#current = undefined;
    if (database === undefined || !this.#engine.isOwn) return;
    try {
      database.close();
    } catch (error) {
      debugError("SQLite: the connection was not closed", error);
    }
  }

  /** A connection after a failed statement is not used again: libsql leaves the statement running, and with it what it has read. */
  #keeping<Result>(work: (database: OpenDatabase) => Result, checkedWithinMs = 0): Result {
    try {
      return work(this.#open(checkedWithinMs));
    } catch (error) {
      if (error instanceof CannotBegin) throw error.cause;
      // A row that cannot be read is no failure of the database.
      if (!LogoutError.is(error, "ERR_REGISTRY_UNAVAILABLE")) this.close();
      throw error;
    }
  }

  #open(checkedWithinMs: number): OpenDatabase {
    if (this.#current?.isReplaced(checkedWithinMs) === true) {
      debug?.("SQLite: the file was deleted or replaced");
      this.close();
    }
    this.#current ??= new OpenDatabase(this.#engine, this.#named);
    return this.#current;
  }
}

/** Undoes one of several steps of a transaction. */
export interface Savepoints {
  /** Runs a step. If it throws, nothing of it stays; the transaction may go on. */
  attempt<Result>(step: () => Result): Result;
}

class OpenDatabase implements Sql, Savepoints {
  readonly #database: SqliteDatabase;
  readonly #named: (sql: string) => string;
  readonly #statements = new Map<StatementName, SqliteStatement>();
  readonly #file: string | undefined;
  readonly #identity: string | undefined;
  readonly #isOwn: boolean;
  #isDurable: boolean | undefined;
  #checkedAt = 0;

  constructor({ open, file, isOwn }: Engine, named: (sql: string) => string) {
    this.#named = named;
    this.#isOwn = isOwn;
    this.#database = open();
    try {
      this.#file = isOwn ? (file ?? fileOf(this.#database)) : undefined;
      this.#identity = identityOf(this.#file);
      if (isOwn) this.#setUp();
      migrate(this.#database, named);
    } catch (error) {
      if (isOwn) this.close();
      throw error;
    }
  }

  /** Waiting for a lock inside of SQLite would block the event loop. */
  #setUp(): void {
    this.#database.prepare("PRAGMA busy_timeout = 0").all();
    const [row] = this.#database.prepare("PRAGMA journal_mode").all() as Row[];
    if (row?.["journal_mode"] !== "wal") this.#database.prepare("PRAGMA journal_mode = WAL").all();
  }

  /** Whether the file that was opened has been deleted or replaced: what is written to it would reach no other process. */
  isReplaced(checkedWithinMs: number): boolean {
    const now = performance.now();
    if (now - this.#checkedAt < checkedWithinMs) return false;
    this.#checkedAt = now;
    return this.#file !== undefined && identityOf(this.#file) !== this.#identity;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close?.();
  }

  /** Copied, because native code makes arrays of the outer realm, even where an app's tests run in a realm of their own (Jest). */
  all(name: StatementName, ...values: SqliteValue[]): readonly Row[] {
    return Array.from(this.#prepared(name).all(...values) as Row[]);
  }

  first(name: StatementName, ...values: SqliteValue[]): Row | undefined {
    return this.#prepared(name).get(...values) as Row | undefined;
  }

  run(name: StatementName, ...values: SqliteValue[]): void {
    this.#prepared(name).run(...values);
  }

  transaction<Result>(work: (sql: Sql & Savepoints) => Result, isDurable: boolean): Result {
    this.#flushAtCommit(isDurable);
    return inTransaction(this.#database, () => {
      // A process of another release may have upgraded the schema since the file was opened.
      rejectNewer(this.first("findVersions"));
      return work(this);
    });
  }

  attempt<Result>(step: () => Result): Result {
    this.#database.exec("SAVEPOINT step");
    try {
      const result = step();
      this.#database.exec("RELEASE step");
      return result;
    } catch (error) {
      // Any other error ends the whole transaction, which SQLite may have rolled back already.
      if (LogoutError.is(error)) this.#database.exec("ROLLBACK TO step; RELEASE step");
      throw error;
    }
  }

  /** In WAL mode a commit with FULL flushes all commits before it as well. */
  #flushAtCommit(isDurable: boolean): void {
    if (!this.#isOwn || isDurable === this.#isDurable) return;
    this.#database.exec(`PRAGMA synchronous = ${isDurable ? "FULL" : "NORMAL"}`);
    this.#isDurable = isDurable;
  }

  #prepared(name: StatementName): SqliteStatement {
    let statement = this.#statements.get(name);
    if (statement === undefined) {
      statement = this.#database.prepare(this.#named(STATEMENTS[name]));
      this.#statements.set(name, statement);
    }
    return statement;
  }
}

/** Identifies a file as long as a process has it open; `undefined` if there is none. */
function identityOf(file: string | undefined): string | undefined {
  const stat = file === undefined ? undefined : statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat && `${String(stat.dev)}:${String(stat.ino)}`;
}
