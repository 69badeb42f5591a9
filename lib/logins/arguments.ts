import { LogoutError } from "../errors.js";
import { toUserId } from "../session/user-id.js";
import { MAX_EXCEPT, MAX_KICK_TEXT, MAX_SECONDS } from "../util/limits.js";

/** Returns whether a value has the format of a login id. Any other value from a form is neither looked up nor remembered. */
export function isLoginId(value: unknown): boolean {
  return typeof value === "string" && /^~?[\w-]{22}$/.test(value);
}

/** Returns the ids of logins that stay. A single id in their place would spare one login for each of its characters. */
export function exceptArgument(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length <= MAX_EXCEPT && value.every(isLoginId))
    return [...new Set(value as string[])];
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    `except must be an array of at most ${MAX_EXCEPT.toLocaleString("en")} ids of logins that stay.`,
  );
}

export function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(+value);
}

export function invalidArgument(message: string): LogoutError {
  return new LogoutError("ERR_ARGUMENT_INVALID", message);
}

export function userIdArgument(value: unknown): string {
  const userId = toUserId(value);
  if (userId === undefined)
    throw new LogoutError("ERR_ARGUMENT_INVALID", "A user id must be a non-empty string or a number.");
  return userId;
}

export function textArgument(name: string, value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string" && value.length <= MAX_KICK_TEXT) return value;
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    `${name} must be a string of at most ${String(MAX_KICK_TEXT)} characters.`,
  );
}

/** Returns a time in seconds since 1970, given so or as a date. */
export function secondsArgument(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const seconds = isDate(value) ? +value / 1_000 : value;
  if (typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 && seconds < MAX_SECONDS) return seconds;
  throw invalidArgument(`${name} must be a date, or a number of seconds since 1970.`);
}
