import { LogoutError } from "../../errors.js";
import type { RedisClient } from "./clients/index.js";
import { MAX_SHARDS } from "./shard-count.js";

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
  /**
   * Number of hash slots among which the users of the index are divided, from 1 to 1,024. It is stored before its first use and can
   * only grow: with a smaller one, calls reject with `ERR_OPTION_INVALID`. Default: the stored number; where none is stored, 16
   * in a Cluster without data, otherwise 1.
   */
  readonly indexShards?: number | undefined;
}

/** The options, checked, with the defaults. */
type Checked = {
  readonly [Name in Exclude<keyof RedisLoginRegistryOptions, "indexShards">]-?: NonNullable<
    RedisLoginRegistryOptions[Name]
  >;
} & { readonly indexShards: number | undefined };

/** Checks the options, all but the client, and returns them with the defaults. */
export function checked({
  client,
  prefix = "express-logout:",
  timeoutMs = 2_000,
  waitReplicas = 0,
  coherentCache = false,
  indexShards,
}: RedisLoginRegistryOptions): Checked {
  if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
    throw new LogoutError("ERR_OPTION_INVALID", "RedisLoginRegistry: timeoutMs must be a number above 0.");
  }
  if (!(Number.isSafeInteger(waitReplicas) && waitReplicas >= 0)) {
    throw new LogoutError("ERR_OPTION_INVALID", "RedisLoginRegistry: waitReplicas must be a whole number, 0 or more.");
  }
  const isShardCount =
    Number.isSafeInteger(indexShards) && Number(indexShards) >= 1 && Number(indexShards) <= MAX_SHARDS;
  if (indexShards !== undefined && !isShardCount) {
    const message = "RedisLoginRegistry: indexShards must be a whole number from 1 to 1,024.";
    throw new LogoutError("ERR_OPTION_INVALID", message);
  }
  return { client, prefix, timeoutMs, waitReplicas, coherentCache, indexShards };
}
