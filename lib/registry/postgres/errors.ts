import { isNativeError } from "node:util/types";
import { LogoutError } from "../../errors.js";

/** The SQLSTATE of a step that refuses its isolation level, in which it would not see rows committed while it waited. */
const WRONG_ISOLATION = "EL001";

/** Returns the error of a failed statement. */
export function unavailable(error: unknown): LogoutError {
  const code = codeOf(error);
  const message =
    code === WRONG_ISOLATION
      ? 'Login registry needs READ COMMITTED. Reset the role\'s "default_transaction_isolation".'
      : "Login registry unavailable: see the cause.";
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", message, { cause: withoutValues(error, code) });
}

/**
 * Returns a copy of an error that is safe to log. Errors of the server may quote the values of a query, in the message or in
 * other fields; errors of the driver and the network do not.
 */
function withoutValues(error: unknown, code: string | undefined): Error {
  const isServers = isNativeError(error) && "severity" in error;
  const message = isNativeError(error) && !isServers ? error.message : `PostgreSQL: ${code ?? "unknown"}`;
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

/** Returns the SQLSTATE of an error, or the code of a network error. */
export function codeOf(error: unknown): string | undefined {
  return isNativeError(error) && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
