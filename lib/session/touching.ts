import type { Store } from "express-session";

/** A MemoryStore is told by its name: more than one copy of express-session may be installed. */
export function isMemoryStore(store: Store): boolean {
  return store.constructor.name === "MemoryStore";
}

/**
 * Whether whoever touches a session may go on before the store has done so: where it is known of the store that a touch
 * changes nothing but how long the session lives, and that what is asked of it afterwards is done afterwards. Elsewhere a
 * touch may read the whole session and write it again, over what the next request has saved meanwhile.
 */
export function touchesAside(store: Store): boolean {
  // What an app has put in the place of the store's own method may do anything.
  return !Object.hasOwn(store, "touch") && (isMemoryStore(store) || isConnectRedis(store));
}

/** Also told by its name, and by what only connect-redis has: the package needs none of its versions. */
function isConnectRedis(store: Store): boolean {
  const { disableTTL, disableTouch } = store as { disableTTL?: unknown; disableTouch?: unknown };
  return (
    store.constructor.name === "RedisStore" && typeof disableTTL === "boolean" && typeof disableTouch === "boolean"
  );
}
