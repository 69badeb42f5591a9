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
