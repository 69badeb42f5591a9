import { SqliteLoginRegistry } from "express-logout/sqlite";

/** The list of logins in an SQLite file. */
export function loginsInSqlite(file: string) {
  return new SqliteLoginRegistry({ database: file });
}
