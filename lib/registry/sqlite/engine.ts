import { join, resolve } from "node:path";
import process from "node:process";
import { LogoutError } from "../../errors.js";
import { debugError } from "../../util/debug.js";
import { redactError } from "../../util/redact-error.js";

/** A synchronous SQLite database, by its shape: of `node:sqlite`, `better-sqlite3` or `libsql`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close?(): unknown;
}

/** A prepared statement. */
export interface SqliteStatement {
  run(...values: unknown[]): unknown;
  get(...values: unknown[]): unknown;
  all(...values: unknown[]): unknown[];
}

/** A value of a column. */
export type SqliteValue = string | number | bigint | null | Uint8Array;

/** How the registry gets its connection. */
export interface Engine {
  /** Opens a connection. */
  readonly open: () => SqliteDatabase;
  /** The name of the file, as it was given. Default: as the library says. */
  readonly file?: string | undefined;
  /** Whether the connection belongs to the registry, which closes it, and opens another one after a failure. */
  readonly isOwn: boolean;
}

type DatabaseClass = new (file: string) => SqliteDatabase;

/** The packages that can open a file. `node:sqlite` is the last: the app's own store more likely uses one of the others. */
const PACKAGES = ["better-sqlite3", "libsql"];
const IN_MEMORY = ":memory:";
const NEEDED =
  "SqliteLoginRegistry needs { database }: the name of a file, or a database of node:sqlite, better-sqlite3 or libsql, or a function that opens one.";

const NO_URI = 'SqliteLoginRegistry: database is the name of a file, not a URI "file:…". Pass fileURLToPath(uri).';

/** @throws LogoutError `ERR_OPTION_INVALID` */
export function engineOf(database: unknown): Engine {
  // Of the three libraries, some open the file that a URI names, and some a file with the URI as its name.
  if (typeof database === "string" && database.startsWith("file:")) throw new LogoutError("ERR_OPTION_INVALID", NO_URI);
  if (typeof database === "string" && database !== "") return engineOfFile(database);
  if (typeof database === "function") return { open: () => opened((database as () => unknown)()), isOwn: true };
  if (isDatabase(database)) return engineOfDatabase(database);
  throw new LogoutError("ERR_OPTION_INVALID", NEEDED);
}

function engineOfFile(name: string): Engine {
  const Database = installedClass();
  // The app may change its working directory later.
  const file = name === IN_MEMORY ? undefined : resolve(name);
  return { open: () => new Database(file ?? IN_MEMORY), file, isOwn: true };
}

/**
 * Opens a connection of its own to the file of a database, by the same library: two libraries in one process break each other's
 * locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1). The app's own connection may be in a transaction or in the middle of a
 * result, and would then read what was true when that began.
 */
function engineOfDatabase(database: SqliteDatabase): Engine {
  const file = givenFileOf(database);
  const Database = database.constructor as DatabaseClass;
  return file === undefined
    ? { open: () => database, isOwn: false }
    : { open: () => opened(new Database(file)), isOwn: true };
}

function givenFileOf(database: SqliteDatabase): string | undefined {
  try {
    return fileOf(database);
  } catch (error) {
    // It is closed, or its methods return promises.
    throw new LogoutError("ERR_OPTION_INVALID", NEEDED, { cause: redactError(error, []) });
  }
}

/** Returns the file of a database; `undefined` for one in memory. */
export function fileOf(database: SqliteDatabase): string | undefined {
  const rows = database.prepare("PRAGMA database_list").all() as { name: string; file: string | null }[];
  const file = rows.find(({ name }) => name === "main")?.file;
  return file === null || file === "" ? undefined : file;
}

function opened(database: unknown): SqliteDatabase {
  if (!isDatabase(database)) throw new LogoutError("ERR_OPTION_INVALID", NEEDED);
  return database;
}

function isDatabase(value: unknown): value is SqliteDatabase {
  const { exec, prepare } = (value ?? {}) as Partial<SqliteDatabase>;
  return typeof exec === "function" && typeof prepare === "function";
}

/** Returns the class of the first library that is there. Packages are looked for where the app is. */
function installedClass(): DatabaseClass {
  // Not imported: webpack would look for the packages when it bundles, and the banner of esbuild bundles has this name already.
  const { createRequire } = process.getBuiltinModule("node:module");
  const here = join(process.cwd(), "app");
  const requires = [process.argv[1] ?? here, here].map((from) => createRequire(from));
  let broken: LogoutError | undefined;
  for (const require of requires) {
    for (const name of PACKAGES.filter((each) => isInstalled(require, each))) {
      try {
        const Database = require(name) as DatabaseClass;
        // A package that is not built fails here.
        new Database(IN_MEMORY).close?.();
        return Database;
      } catch (error) {
        debugError(`${name} cannot be used`, error);
        broken ??= doesNotLoad(name, error);
      }
    }
  }
  const builtIn = process.getBuiltinModule("node:sqlite") as { DatabaseSync: DatabaseClass } | undefined;
  if (builtIn !== undefined) return builtIn.DatabaseSync;
  throw (
    broken ??
    new LogoutError(
      "ERR_OPTION_INVALID",
      "SqliteLoginRegistry: nothing can open a file. Use Node 22.13 or later, or install better-sqlite3 or libsql.",
    )
  );
}

function isInstalled(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(name);
    return true;
  } catch (error) {
    debugError(`${name} is not there`, error);
    return false;
  }
}

function doesNotLoad(name: string, error: unknown): LogoutError {
  return new LogoutError(
    "ERR_OPTION_INVALID",
    `SqliteLoginRegistry: ${name} is installed and does not load. Run npm rebuild ${name}. See the cause.`,
    { cause: redactError(error, []) },
  );
}
