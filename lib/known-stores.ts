import type { Store } from "express-session";

/** What is known of connect-redis 7, 8 and 9. */
export interface ConnectRedis {
  readonly prefix: string;
  readonly serializer: unknown;
  readonly ttl: unknown;
  readonly disableTTL: boolean;
  readonly disableTouch: boolean;
  /** Up to version 8 an object of its own, then a client of node-redis. */
  readonly client: object;
}

/** A MemoryStore is told by its name: more than one copy of express-session may be installed. */
export function isMemoryStore(store: Store): boolean {
  return nameOf(store) === "MemoryStore";
}

/** Also told by its name, and by what connect-redis has: the package needs none of its versions. */
export function isConnectRedis(store: unknown): store is ConnectRedis {
  const { disableTouch, client } = store as { disableTouch?: unknown; client?: unknown };
  const isAny = nameOf(store) === "RedisStore" && typeof disableTouch === "boolean";
  return isAny && typeof client === "object" && client !== null;
}

/**
 * Whether these methods are those of a class right below express-session's: what an app has made of them may do anything. The
 * hook puts methods of its own there, so it is told before.
 */
export function isAsPublished(store: object, methods: readonly string[]): boolean {
  const base: unknown = Object.getPrototypeOf(Object.getPrototypeOf(store) ?? Object.prototype);
  return nameOf(base) === "Store" && !methods.some((method) => Object.hasOwn(store, method));
}

/** Of its class; a store may have none. */
function nameOf(store: unknown): string | undefined {
  return (store as { constructor?: { name?: string } } | null)?.constructor?.name;
}
