import { LogoutError } from "../../errors.js";
import type { RedisClient } from "./clients/index.js";

/** Options of `RedisLoginRegistry`. */
export interface RedisLoginRegistryOptions {
  /**
   * A connected client of node-redis 5 or 6 (also a pool, a Cluster, a Sentinel), or a client of ioredis 5 or 6 (also a Cluster);
   * possibly the one that the session store uses. The registry never closes it.
   */
  readonly client: RedisClient;
  /** Prefix of every key. Default: `"express-logout:"`. */
  readonly prefix?: string | undefined;
  /** Timeout of a call in milliseconds. A call that times out rejects with `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Number of replicas that must acknowledge every end of a login, and every bind and mark of an external key, before the call
   * returns, so that a failover cannot undo it; otherwise the call rejects with `ERR_WRITE_NOT_REPLICATED`. Default: 0.
   */
  readonly waitReplicas?: number | undefined;
  /**
   * Whether to cache logins in this process, coherently with Redis: a logged-in request then needs no extra Redis command, and sees
   * every kick that returned before the request arrived. Needs a single client of node-redis 6, `createClient({ url, RESP: 3,
   * emitInvalidate: true, maintNotifications: "disabled" })`, and a `RedisStore` of connect-redis on the same client, not a
   * subclass. The set-up throws otherwise. Default: `false`.
   */
  readonly coherentCache?: boolean | undefined;
}

/** Checks the options, all but the client, and returns them with the defaults. */
export function checked({
  client,
  prefix = "express-logout:",
  timeoutMs = 2_000,
  waitReplicas = 0,
  coherentCache = false,
}: RedisLoginRegistryOptions): {
  readonly [Name in keyof RedisLoginRegistryOptions]-?: NonNullable<RedisLoginRegistryOptions[Name]>;
} {
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    throw new LogoutError("ERR_OPTION_INVALID", "RedisLoginRegistry: timeoutMs must be a number above 0.");
  }
  if (!(Number.isSafeInteger(waitReplicas) && waitReplicas >= 0)) {
    throw new LogoutError("ERR_OPTION_INVALID", "RedisLoginRegistry: waitReplicas must be a whole number, 0 or more.");
  }
  return { client, prefix, timeoutMs, waitReplicas, coherentCache };
}
