import process from "node:process";
import type { SqliteDatabase, SqliteLoginRegistryOptions } from "../../lib/registry/sqlite/index.js";
import { installed, type Tried } from "./tried.js";

/** A database of any of the libraries. */
export interface OpenDatabase extends SqliteDatabase {
  close(): void;
}

type DatabaseClass = new (file: string) => OpenDatabase;

/**
 * The library on which the suites of SQLite run: `node` for `node:sqlite`, or a package, by its name or its folder. By default
 * the one that a file name finds.
 */
const ENGINE = process.env["EXPRESS_LOGOUT_TEST_SQLITE"];

/** Returns what a registry is given for a file. */
export function sqliteDatabase(file: string): SqliteLoginRegistryOptions["database"] {
  if (ENGINE === undefined) return file;
  const Database = databaseClass(ENGINE);
  return () => new Database(file);
}

/** Opens a file by the library of the suites. */
export function openFile(file: string): OpenDatabase {
  return new (databaseClass(ENGINE ?? "better-sqlite3"))(file);
}

/** The row of the library in the table of tried versions. */
export function sqliteRow(): Pick<Tried, "name" | "version"> {
  if (ENGINE === undefined) return installed("better-sqlite3");
  if (ENGINE === "node") return { name: "node:sqlite", version: `of Node ${process.versions.node}` };
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a folder that is known at run time alone
  return require(`${ENGINE}/package.json`) as { name: string; version: string };
}

function databaseClass(engine: string): DatabaseClass {
  if (engine === "node") {
    return (process.getBuiltinModule("node:sqlite") as unknown as { DatabaseSync: DatabaseClass }).DatabaseSync;
  }
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the same
  return require(engine) as DatabaseClass;
}
