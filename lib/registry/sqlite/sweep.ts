import type { Sql } from "./connection.js";

/** How long notifications are kept, in milliseconds. A process that reads none for so long looks its logins up. */
const NOTIFICATIONS_MS = 3_600_000;

/**
 * Drops users of whom nothing needs to be kept, and old notifications. `app`: the application id as stored.
 *
 * @returns the number of users
 */
export function sweep(sql: Sql, app: string, size: number): number {
  const now = Date.now();
  sql.run("deleteOldEnds", now - NOTIFICATIONS_MS);
  const users = sql.all("usersUntil", app, now, size);
  for (const { user } of users) {
    sql.run("deleteLogins", app, String(user));
    sql.run("deleteAllKicked", app, String(user));
    sql.run("deleteAllEnded", app, String(user));
    sql.run("deleteUser", app, String(user));
  }
  return users.length;
}
