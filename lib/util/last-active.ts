import type { Login } from "../types/login.js";

/** Returns when a user was last active in any of these logins. */
export function lastActiveOf(logins: readonly Pick<Login, "lastActive">[]): Date {
  return new Date(Math.max(...logins.map((login) => +login.lastActive)));
}
