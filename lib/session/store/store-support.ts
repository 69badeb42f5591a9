import type { Store } from "express-session";
import { isAsPublished, isConnectRedis, isMemoryStore, isPlainMemoryStore } from "../../util/known-stores.js";
import { ConnectRedisTombstones } from "./connect-redis-tombstones.js";

/** What is known about a store, for `diagnose()` and debug output. */
export interface StoreDescription {
  readonly kind: "MemoryStore" | "memorystore" | "connect-redis" | "a store without fast paths";
  /** Whether the sessions are in this process only, and lost at a restart. */
  readonly isInMemory: boolean;
  readonly methods: { readonly touch: boolean; readonly all: boolean };
  /** The fast paths that this package uses on the store. */
  readonly fastPaths: {
    readonly touchesInBackground: boolean;
    readonly noticesMissingSessions: boolean;
    readonly kicksByScript: boolean;
  };
}

/**
 * Describes a store.
 *
 * @param store - not hooked yet
 */
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
 * Returns whether a response need not wait for a touch: the store is known to change nothing but the session's lifetime, and to
 * execute later commands of this process later. Any other store might read and rewrite the whole session in a touch, over what the
 * next request has saved meanwhile.
 */
export function supportsBackgroundTouch(store: Store): boolean {
  const isKnown = isMemoryStore(store) || (isConnectRedis(store) && !isPool(store.client));
  return isKnown && isAsPublished(store, ["touch"]);
}

/**
 * Returns the client to which `set` of this store sends its command before it returns, so that a later command on the same
 * connection is executed later. `undefined` for an unknown store.
 */
export function clientOfSets(store: Store): object | undefined {
  return isConnectRedis(store) && isAsPublished(store, ["set"]) ? store.client : undefined;
}

/**
 * Returns whether a read that finds nothing means that the session is gone. In other stores a read may lag behind a write (a
 * replica, a cache), or fall between the deletion and the insertion that make up a write.
 */
export function readsAreCurrent(store: Store): boolean {
  const isKnown = isMemoryStore(store) || (isConnectRedis(store) && isSingle(store.client));
  return isKnown && isAsPublished(store, ["get", "set"]);
}

/** Returns whether a client is a pool, whose commands arrive in any order. */
function isPool(client: object): boolean {
  return typeof (client as { execute?: unknown }).execute === "function";
}

/** Returns whether a client has one connection to one server: no pool, Cluster or Sentinel, and no reads from replicas. */
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
