import { LogoutError } from "../../errors.js";
import type { PostgresPool } from "./database.js";
import type { PostgresNames } from "./names.js";

/** Options of `PostgresLoginRegistry`. */
export interface PostgresLoginRegistryOptions extends PostgresNames {
  /** A `Pool` of pg 8, possibly the one that connect-pg-simple uses. The registry never closes it. */
  readonly pool: PostgresPool;
  /**
   * Timeout of a call in milliseconds, including the wait for a connection. A call that times out rejects with
   * `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * Returns the options with their defaults.
 *
 * @throws LogoutError `ERR_OPTION_INVALID`
 */
export function checked({
  timeoutMs = 2_000,
  ...options
}: PostgresLoginRegistryOptions): PostgresLoginRegistryOptions & { readonly timeoutMs: number } {
  if (typeof (options.pool as PostgresPool | undefined)?.connect !== "function") {
    throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry needs { pool }, a Pool of the package pg.");
  }
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry: timeoutMs must be a number above 0.");
  }
  return { ...options, timeoutMs };
}
