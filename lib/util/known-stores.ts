import type { Store } from "express-session";

/** The properties of the stores of connect-redis 6 to 10 that this package uses. */
export interface ConnectRedis {
  readonly prefix: string;
  readonly serializer: unknown;
  readonly ttl: unknown;
  readonly disableTTL: boolean;
  readonly disableTouch: boolean;
  /** A wrapper up to version 8; a client of node-redis since then. */
  readonly client: object;
}

/** The methods that each known store defines. */
const METHODS = ["all", "clear", "destroy", "get", "length", "set", "touch"] as const;
/** The members of express-session's `Store`. */
const BASE = ["constructor", "createSession", "load", "regenerate"];
const EVENT_EMITTER = ["_events", "_eventsCount", "_maxListeners", "domain"];

/**
 * Returns whether a store is a MemoryStore of express-session (any copy), or the store of the package memorystore.
 *
 * Stores are recognized by their members, never by the name of their class, because bundlers change names.
 */
export function isMemoryStore(store: Store): boolean {
  return isPlainMemoryStore(store) || isMemorystore(store);
}

/** Returns whether a store is a MemoryStore of express-session: its only data is `sessions`, an object without a prototype. */
export function isPlainMemoryStore(store: object): boolean {
  const { sessions } = store as { sessions?: unknown };
  if (!isObject(sessions) || Object.getPrototypeOf(sessions) !== null || !hasMethods(store, METHODS)) return false;
  const others = Object.keys(store).filter((name) => name !== "sessions" && !EVENT_EMITTER.includes(name));
  // Own functions do not count: a test may have replaced a method, and session() adds `generate`.
  const isData = (name: string): boolean => typeof (store as Record<string, unknown>)[name] !== "function";
  return !others.some(isData) && methodsOf(store).length === METHODS.length;
}

/** Returns whether a store is that of the package memorystore: an in-process cache with a time to live. */
function isMemorystore(store: object): boolean {
  const { options, store: cache } = store as { options?: unknown; store?: unknown };
  const hasOptions = isObject(options) && "checkPeriod" in options && "noDisposeOnSet" in options;
  return hasOptions && isObject(cache) && hasMethods(store, METHODS) && isFunction(store, "startInterval");
}

/** Returns whether a store is one of connect-redis, without importing connect-redis. */
export function isConnectRedis(store: unknown): store is ConnectRedis {
  if (!isObject(store)) return false;
  const { prefix, serializer, scanCount, disableTTL, disableTouch, client } = store;
  const hasOptions = typeof prefix === "string" && typeof scanCount === "number" && isObject(client);
  const hasSwitches = typeof disableTTL === "boolean" && typeof disableTouch === "boolean";
  const hasSerializer = isObject(serializer) && isFunction(serializer, "parse") && isFunction(serializer, "stringify");
  return hasOptions && hasSwitches && hasSerializer && hasMethods(store, [...METHODS, "ids"]);
}

/**
 * Returns whether these methods belong to a class that directly extends express-session's `Store`, so that no subclass or app
 * has overridden them. Call it before the store hook replaces methods.
 */
export function isAsPublished(store: object, methods: readonly string[]): boolean {
  const published = Object.getPrototypeOf(store) as object | null;
  const base = published && (Object.getPrototypeOf(published) as object | null);
  if (base === null || published === null) return false;
  const isBase = Object.getOwnPropertyNames(base).sort().join() === BASE.join();
  return isBase && methods.every((method) => Object.hasOwn(published, method) && !Object.hasOwn(store, method));
}

/** Returns whether the class of the store defines these methods itself, rather than a class that it extends. */
function hasMethods(store: object, names: readonly string[]): boolean {
  const own = methodsOf(store);
  return names.every((name) => own.includes(name));
}

function methodsOf(store: object): readonly string[] {
  const prototype = Object.getPrototypeOf(store) as object | null;
  return prototype === null ? [] : Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
}

function isFunction(value: object, name: string): boolean {
  return typeof (value as Record<string, unknown>)[name] === "function";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
