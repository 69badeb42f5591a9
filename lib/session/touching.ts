import type { Store } from "express-session";
import { isAsPublished, isConnectRedis, isMemoryStore } from "./known-stores.js";

/**
 * Whether whoever touches a session may go on before the store has done so: where it is known of the store that a touch
 * changes nothing but how long the session lives, and that what this process asks of it afterwards is done afterwards.
 * Elsewhere a touch may read the whole session and write it again, over what the next request has saved meanwhile.
 */
export function touchesAside(store: Store): boolean {
  const isKnown = isMemoryStore(store) || (isConnectRedis(store) && !isPool(store.client));
  return isKnown && isAsPublished(store, ["touch"]);
}

/** What goes over the connections of a pool arrives in any order. */
function isPool(client: object): boolean {
  return typeof (client as { execute?: unknown }).execute === "function";
}
