import type { Store } from "express-session";

/** A MemoryStore is told by its name: more than one copy of express-session may be installed. */
export function isMemoryStore(store: Store): boolean {
  return nameOf(store) === "MemoryStore";
}

/**
 * Whether whoever touches a session may go on before the store has done so: where it is known of the store that a touch
 * changes nothing but how long the session lives, and that what this process asks of it afterwards is done afterwards.
 * Elsewhere a touch may read the whole session and write it again, over what the next request has saved meanwhile.
 */
export function touchesAside(store: Store): boolean {
  const isKnown = isMemoryStore(store) || isConnectRedis(store);
  return isKnown && isOfNobodyElse(store);
}

/** Also told by its name, and by what connect-redis has: the package needs none of its versions. */
function isConnectRedis(store: Store): boolean {
  const { disableTouch, client } = store as { disableTouch?: unknown; client?: { execute?: unknown } };
  // What goes over the connections of a pool arrives in any order.
  const isPool = typeof client?.execute === "function";
  return nameOf(store) === "RedisStore" && typeof disableTouch === "boolean" && !isPool;
}

/** Whether it is of a class right below express-session's, as it is: what an app has made of it may do anything. */
function isOfNobodyElse(store: Store): boolean {
  const base: unknown = Object.getPrototypeOf(Object.getPrototypeOf(store));
  return !Object.hasOwn(store, "touch") && nameOf(base) === "Store";
}

/** Of its class; a store may have none. */
function nameOf(store: unknown): string | undefined {
  return (store as { constructor?: { name?: string } } | null)?.constructor?.name;
}
