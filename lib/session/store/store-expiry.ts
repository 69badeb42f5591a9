const DAY_MS = 86_400_000;

/** The properties of session stores that show how long they keep sessions. */
export interface ExpiringStore {
  /** connect-redis, connect-pg-simple: seconds, or a function. */
  readonly ttl?: unknown;
  readonly disableTTL?: unknown;
  readonly options?: unknown;
  readonly quotedTable?: unknown;
  readonly pruneSessions?: unknown;
  readonly stopExpiringSessions?: unknown;
}

type Options = Readonly<Record<string, unknown>>;

/**
 * Returns how long a store keeps a session whose cookie has no age, in milliseconds; `undefined` for an unknown store. Stores are
 * recognized by options and methods that only their kind has, because an option's name does not show its unit.
 */
export function agelessTtlMs(store: ExpiringStore): number | undefined {
  const { ttl, quotedTable, pruneSessions } = store;
  const options = optionsOf(store);
  const has = (...names: readonly string[]): boolean => names.every((name) => name in options);
  const isPgSimple = typeof quotedTable === "function" && typeof pruneSessions === "function";
  if (isPgSimple && (ttl === undefined || ttl === null || ttl === 0)) return DAY_MS;
  if (Number.isFinite(ttl)) return secondsMs(ttl);
  // express-mysql-session, connect-session-sequelize
  if (has("expiration", "checkExpirationInterval")) return finite(options["expiration"]);
  if (isTtlInSeconds(options)) return secondsMs(options["ttl"]);
  const isKnex = has("sidFieldName", "cleanupInterval");
  const isMemorystore = has("checkPeriod", "noDisposeOnSet");
  return isKnex || isMemorystore ? DAY_MS : undefined;
}

/**
 * Returns how long a store keeps any session, with or without a cookie age, in milliseconds: the option `ttl` of memorystore and
 * others. 0 without that option; `maxMs` if the option sets no limit or is a function.
 */
export function fixedTtlMs(store: ExpiringStore, maxMs: number): number {
  const options = optionsOf(store);
  const ttl = options["ttl"];
  if (isTtlInSeconds(options)) return 0;
  if (typeof ttl === "function") return maxMs;
  if (typeof ttl !== "number") return 0;
  return Number.isFinite(ttl) && ttl > 0 ? ttl : maxMs;
}

/**
 * Returns how long an expired session can still be read, in milliseconds. connect-session-sequelize ignores the expiry when it
 * reads: the session lives until the next sweep, and for `maxMs` without sweeps.
 */
export function overdueMs(store: ExpiringStore, maxMs: number): number {
  if (typeof store.stopExpiringSessions !== "function") return 0;
  const interval = finite(optionsOf(store)["checkExpirationInterval"]) ?? 0;
  return interval > 0 ? interval : maxMs;
}

/** Returns a number of seconds in milliseconds. */
export function secondsMs(seconds: unknown): number | undefined {
  return Number.isFinite(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** session-file-store and connect-mongo: their `ttl` applies only to cookies without an age. */
function isTtlInSeconds(options: Options): boolean {
  return "reapInterval" in options || "touchAfter" in options;
}

function optionsOf({ options }: ExpiringStore): Options {
  return typeof options === "object" && options !== null ? (options as Options) : {};
}

function finite(value: unknown): number | undefined {
  return Number.isFinite(value) ? Number(value) : undefined;
}
