import { LogoutError } from "../../../errors.js";
import type { RedisAdapter } from "./adapter.js";
import type { RedisClient } from "./client.js";
import { ioRedisAdapter } from "./ioredis.js";
import { clusterAdapter } from "./node-redis-cluster.js";
import { clientAdapter, poolAdapter, sentinelAdapter } from "./node-redis.js";

export type { ChannelListener, OwnConnection, RedisAdapter } from "./adapter.js";
export type { RedisClient } from "./client.js";

/**
 * Returns the adapter of a client, which is recognized by its methods.
 *
 * @throws LogoutError `ERR_OPTION_INVALID` if the value is not a known client.
 */
export function adapterOf(client: RedisClient): RedisAdapter {
  if (has(client, "call", "pipeline", "duplicate")) return ioRedisAdapter(client as never);
  if (has(client, "sendCommand", "nodeClient")) return clusterAdapter(client as never);
  if (has(client, "sendCommand", "getMasterNode")) return sentinelAdapter(client as never);
  if (has(client, "sendCommand", "execute")) return poolAdapter(client as never);
  if (has(client, "sendCommand")) return clientAdapter(client as never);
  throw new LogoutError(
    "ERR_OPTION_INVALID",
    "RedisLoginRegistry needs { client }, a client of node-redis or ioredis. Supported: createClient(), createClientPool(), createCluster() and createSentinel() of the package redis; new Redis() and new Cluster() of ioredis.",
  );
}

function has(client: unknown, ...methods: string[]): boolean {
  if (typeof client !== "object" || client === null) return false;
  return methods.every((name) => typeof (client as Record<string, unknown>)[name] === "function");
}
