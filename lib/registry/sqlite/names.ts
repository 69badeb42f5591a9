import { LogoutError } from "../../errors.js";

const PREFIX = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
export const DEFAULT_PREFIX = "express_logout_";

/**
 * Returns a function that puts the prefix in the place of the default one in SQL.
 *
 * @throws LogoutError `ERR_OPTION_INVALID`
 */
export function withPrefix(prefix: unknown): (sql: string) => string {
  if (typeof prefix !== "string" || !PREFIX.test(prefix) || prefix.toLowerCase().startsWith("sqlite_")) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      "SqliteLoginRegistry: prefix must be a letter or _, then letters, digits or _; at most 40 characters, and not sqlite_.",
    );
  }
  // SQLite's names are the same in upper and lower case.
  const lowerCase = prefix.toLowerCase();
  return (sql) => sql.replaceAll(DEFAULT_PREFIX, lowerCase);
}
