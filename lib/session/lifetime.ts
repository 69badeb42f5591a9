import type { Store } from "express-session";
import type { SessionRecord } from "./stamp.js";

/** The convention of connect-redis and its kin: `ttl` in seconds, or a function that decides alone. */
interface StoreWithTtl {
  readonly ttl?: unknown;
  readonly disableTTL?: unknown;
  readonly options?: { readonly ttl?: unknown } | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How long the store keeps a session from now on, in milliseconds: the longest that any party may have in mind. */
export function sessionTtlMs(store: Store, session: SessionRecord, maxSessionAgeMs: number): number {
  const { ttl, disableTTL, options } = store as StoreWithTtl;
  const byCookie = cookieTtlMs(session);
  if (disableTTL === true) return Math.max(byCookie ?? 0, maxSessionAgeMs);
  if (typeof ttl === "function") return Math.max(byCookie ?? 0, seconds(ttl.call(store, session)) ?? maxSessionAgeMs);
  const byDefault = seconds(ttl) ?? agelessTtlMs(store) ?? maxSessionAgeMs;
  return Math.max(0, byCookie ?? byDefault, optionTtlMs(options, maxSessionAgeMs));
}

/** Whether an app has ended a session by its cookie: `maxAge` of 0 or below, or `expires` in the past. */
export function isEndedByCookie(store: Store, session: SessionRecord, maxSessionAgeMs: number): boolean {
  const byCookie = cookieTtlMs(session);
  return byCookie !== undefined && byCookie <= 0 && sessionTtlMs(store, session, maxSessionAgeMs) === 0;
}

/** How long well-known stores keep a session whose cookie has no age and for which no `ttl` is set. */
function agelessTtlMs(store: Store): number | undefined {
  const { constructor, options } = store as {
    constructor?: { name?: string };
    options?: { expiration?: unknown } | null;
  };
  if (constructor?.name === "PGStore") return DAY_MS;
  if (constructor?.name !== "MySQLStore") return undefined;
  return Number.isFinite(options?.expiration) ? Number(options?.expiration) : undefined;
}

/**
 * memorystore keeps a session for its option `ttl`, whatever the cookie says: milliseconds, or a function that wants to know
 * more than is known here. Stores whose option of that name is in seconds mean it for cookies that say nothing: it does no harm.
 */
function optionTtlMs(options: StoreWithTtl["options"], maxSessionAgeMs: number): number {
  const ttl = options?.ttl;
  if (typeof ttl === "function") return maxSessionAgeMs;
  return Number.isFinite(ttl) ? Number(ttl) : 0;
}

/**
 * How often a login's last activity is written, in milliseconds: once a minute, or a tenth of the lifetime where that is
 * less. As much is added to a login's expiry, so that it outlives its session between two writes.
 */
export function activityIntervalMs(ttlMs: number): number {
  return rarely(MINUTE_MS, ttlMs);
}

/** An interval, or a tenth of the lifetime where that is less: what is done so seldom hardly shortens the lifetime. */
export function rarely(intervalMs: number, ttlMs: number): number {
  return Math.min(intervalMs, ttlMs / 10);
}

/** What the cookie has left, or what it has when express-session renews it, as it does at the end of every request. */
function cookieTtlMs(session: SessionRecord): number | undefined {
  const { expires, originalMaxAge } = (session["cookie"] ?? {}) as { expires?: unknown; originalMaxAge?: unknown };
  if (!(expires instanceof Date) && typeof expires !== "string") return undefined;
  const left = +new Date(expires) - Date.now();
  if (Number.isNaN(left)) return undefined;
  return Number.isFinite(originalMaxAge) ? Math.max(left, Number(originalMaxAge)) : left;
}

function seconds(ttl: unknown): number | undefined {
  return Number.isFinite(ttl) ? Number(ttl) * 1_000 : undefined;
}
