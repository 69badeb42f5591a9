import type { Store } from "express-session";

/** What is known of connect-redis 6 to 10. */
export interface ConnectRedis {
  readonly prefix: string;
  readonly serializer: unknown;
  readonly ttl: unknown;
  readonly disableTTL: boolean;
  readonly disableTouch: boolean;
  /** Up to version 8 an object of its own, then a client of node-redis. */
  readonly client: object;
}

/** The methods that each of these stores has of its own. */
const METHODS = ["all", "clear", "destroy", "get", "length", "set", "touch"] as const;
/** All that express-session's `Store` has. */
const BASE = ["constructor", "createSession", "load", "regenerate"];
const EVENT_EMITTER = ["_events", "_eventsCount", "_maxListeners", "domain"];

/**
 * Whether this is express-session's MemoryStore, of any copy, or that of the package memorystore.
 *
 * Stores are known by what they have, never by the name of a class: bundlers change names.
 */
export function isMemoryStore(store: Store): boolean {
  return isPlainMemoryStore(store) || isMemorystore(store);
}

/** Whether this is express-session's own: no other data than `sessions`, an object without a prototype. */
export function isPlainMemoryStore(store: object): boolean {
  const { sessions } = store as { sessions?: unknown };
  if (!isObject(sessions) || Object.getPrototypeOf(sessions) !== null || !hasMethods(store, METHODS)) return false;
  const others = Object.keys(store).filter((name) => name !== "sessions" && !EVENT_EMITTER.includes(name));
  // A method may have been replaced (by a test, say), and session() adds `generate`.
  const isData = (name: string): boolean => typeof (store as Record<string, unknown>)[name] !== "function";
  return !others.some(isData) && methodsOf(store).length === METHODS.length;
}

/** Whether this is the store of the package memorystore: a cache with a time to live, in this process. */
function isMemorystore(store: object): boolean {
  const { options, store: cache } = store as { options?: unknown; store?: unknown };
  const hasOptions = isObject(options) && "checkPeriod" in options && "noDisposeOnSet" in options;
  return hasOptions && isObject(cache) && hasMethods(store, METHODS) && isFunction(store, "startInterval");
}

/** Whether this is a store of connect-redis: the package needs none of its versions. */
export function isConnectRedis(store: unknown): store is ConnectRedis {
  if (!isObject(store)) return false;
  const { prefix, serializer, scanCount, disableTTL, disableTouch, client } = store;
  const hasOptions = typeof prefix === "string" && typeof scanCount === "number" && isObject(client);
  const hasSwitches = typeof disableTTL === "boolean" && typeof disableTouch === "boolean";
  const hasSerializer = isObject(serializer) && isFunction(serializer, "parse") && isFunction(serializer, "stringify");
  return hasOptions && hasSwitches && hasSerializer && hasMethods(store, [...METHODS, "ids"]);
}

/**
 * Whether these methods are those of a class right below express-session's `Store`: what an app has made of them may do
 * anything. The hook replaces methods, so it is asked before.
 */
export function isAsPublished(store: object, methods: readonly string[]): boolean {
  const published = Object.getPrototypeOf(store) as object | null;
  const base = published && (Object.getPrototypeOf(published) as object | null);
  if (base === null || published === null) return false;
  const isBase = Object.getOwnPropertyNames(base).sort().join() === BASE.join();
  return isBase && methods.every((method) => Object.hasOwn(published, method) && !Object.hasOwn(store, method));
}

/** Whether the class of the store has these itself, and is no class that an app has made of one that has them. */
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
