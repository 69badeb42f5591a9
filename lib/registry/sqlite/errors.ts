import { LogoutError } from "../../errors.js";
import { redactError } from "../../util/redact-error.js";

/** SQLITE_BUSY and SQLITE_LOCKED: another connection holds a lock. */
const BUSY = [5, 6];
/** The primary code of an extended one is its last byte. */
const PRIMARY = 0xff;

/**
 * Returns whether a step may succeed a moment later: another connection holds a lock, or the app's own code a transaction on the
 * connection that it shares with the registry.
 */
export function isBusy(error: unknown): boolean {
  const { code, errcode, message } = (error ?? {}) as { code?: unknown; errcode?: unknown; message?: unknown };
  return (
    (typeof code === "string" && /^SQLITE_(?:BUSY|LOCKED)/.test(code)) ||
    (typeof errcode === "number" && BUSY.includes(errcode & PRIMARY)) ||
    message === "cannot start a transaction within a transaction"
  );
}

/** Returns the error of a failed step. SQLite's errors name tables and files, and quote no values. */
export function unavailable(error: unknown): LogoutError {
  if (LogoutError.is(error)) return error;
  const why = isBusy(error) ? "database is locked" : "see the cause";
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", `Login registry unavailable: ${why}.`, {
    cause: redactError(error, []),
  });
}
