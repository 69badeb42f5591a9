import type { Store } from "express-session";
import { isAsPublished, isConnectRedis, isMemoryStore, isPlainMemoryStore } from "../../util/known-stores.js";
import { ConnectRedisTombstones } from "./connect-redis-tombstones.js";

/** What is known of a store, for people. */
export interface StoreDescription {
  readonly kind: "MemoryStore" | "memorystore" | "connect-redis" | "a store without fast paths";
  /** Whether other processes, and this one after a restart, find its sessions. */
  readonly isInMemory: boolean;
  readonly methods: { readonly touch: boolean; readonly all: boolean };
  /** What this package does in a quick way on it. */
  readonly fastPaths: {
    readonly touchesInBackground: boolean;
    readonly noticesMissingSessions: boolean;
    readonly kicksByScript: boolean;
  };
}

/** @param store - before it is hooked */
export function describeStore(store: Store): StoreDescription {
  const has = (method: "touch" | "all"): boolean => typeof store[method] === "function";
  return {
    kind: kindOf(store),
    isInMemory: isMemoryStore(store),
    methods: { touch: has("touch"), all: has("all") },
    fastPaths: {
      touchesInBackground: supportsBackgroundTouch(store),
      noticesMissingSessions: readsAreCurrent(store),
      kicksByScript: ConnectRedisTombstones.of(store, 1) !== undefined,
    },
  };
}

function kindOf(store: Store): StoreDescription["kind"] {
  if (isPlainMemoryStore(store)) return "MemoryStore";
  if (isMemoryStore(store)) return "memorystore";
  return isConnectRedis(store) ? "connect-redis" : "a store without fast paths";
}

/**
 * Whether whoever touches a session may go on before the store has done so: where it is known of the store that a touch
 * changes nothing but how long the session lives, and that what this process asks of it afterwards is done afterwards.
 * Elsewhere a touch may read the whole session and write it again, over what the next request has saved meanwhile.
 */
export function supportsBackgroundTouch(store: Store): boolean {
  const isKnown = isMemoryStore(store) || (isConnectRedis(store) && !isPool(store.client));
  return isKnown && isAsPublished(store, ["touch"]);
}

/**
 * The client to which a `set` of this store sends its command before it returns, so that a command sent after it on the same
 * connection is executed after it. `undefined` where that is not known.
 */
export function clientOfSets(store: Store): object | undefined {
  return isConnectRedis(store) && isAsPublished(store, ["set"]) ? store.client : undefined;
}

/**
 * Whether a read that finds nothing means that the session is gone. Elsewhere a read may lag behind a write (a replica, a
 * cache), or fall between the deletion and the insertion that make up a write.
 */
export function readsAreCurrent(store: Store): boolean {
  const isKnown = isMemoryStore(store) || (isConnectRedis(store) && isSingle(store.client));
  return isKnown && isAsPublished(store, ["get", "set"]);
}

/** What goes over the connections of a pool arrives in any order. */
function isPool(client: object): boolean {
  return typeof (client as { execute?: unknown }).execute === "function";
}

/** Not a pool, a Cluster or a Sentinel, and no client that reads from replicas. */
function isSingle(client: object): boolean {
  const { isReady, isCluster, status, options } = client as {
    isReady?: unknown;
    isCluster?: unknown;
    status?: unknown;
    options?: { role?: unknown };
  };
  const isNodeRedis = typeof isReady === "boolean" && !isPool(client) && !("masters" in client) && !("slots" in client);
  const isIoRedis = typeof status === "string" && isCluster !== true && options?.role !== "slave";
  return (isNodeRedis && !("getMasterNode" in client)) || isIoRedis;
}
