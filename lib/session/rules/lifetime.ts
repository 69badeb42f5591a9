import type { Store } from "express-session";
import type { SessionRecord } from "../stamp.js";
import { agelessTtlMs, fixedTtlMs, overdueMs, secondsMs, type ExpiringStore } from "../store/store-expiry.js";

export const MINUTE_MS = 60_000;

/** Returns how long the store can still return a session that is written now, in milliseconds: the longest that is possible. */
export function sessionTtlMs(store: Store, session: SessionRecord, maxSessionAgeMs: number): number {
  return expiresInMs(store, session, maxSessionAgeMs) + overdueMs(store as ExpiringStore, maxSessionAgeMs);
}

/** Returns the time until the store expires a session that is not touched, in milliseconds. */
export function expiresInMs(store: Store, session: SessionRecord, maxSessionAgeMs: number): number {
  const { ttl, disableTTL } = store as ExpiringStore;
  const byCookie = cookieTtlMs(session);
  if (disableTTL === true) return Math.max(byCookie ?? 0, maxSessionAgeMs);
  if (typeof ttl === "function") return Math.max(byCookie ?? 0, secondsMs(ttl.call(store, session)) ?? maxSessionAgeMs);
  const kept = byCookie ?? agelessTtlMs(store as ExpiringStore) ?? maxSessionAgeMs;
  return Math.max(0, kept, fixedTtlMs(store as ExpiringStore, maxSessionAgeMs));
}

/** Returns whether the app has ended a session by its cookie: `maxAge` of 0 or below, or `expires` in the past. */
export function isEndedByCookie(store: Store, session: SessionRecord, maxSessionAgeMs: number): boolean {
  const byCookie = cookieTtlMs(session);
  return byCookie !== undefined && byCookie <= 0 && expiresInMs(store, session, maxSessionAgeMs) === 0;
}

/**
 * Returns the interval at which a login's activity is recorded, in milliseconds: a minute, or a tenth of a shorter lifetime. A
 * login expires this much later than its session, so that it outlives the session between two records.
 */
export function activityIntervalMs(ttlMs: number): number {
  return cappedInterval(MINUTE_MS, ttlMs);
}

/** Returns an interval, capped at a tenth of the lifetime, so that skipping work for that long hardly shortens the lifetime. */
export function cappedInterval(intervalMs: number, ttlMs: number): number {
  return Math.min(intervalMs, ttlMs / 10);
}

/** Returns the remaining lifetime of the cookie, or its full one if express-session renews it at the end of the request. */
function cookieTtlMs(session: SessionRecord): number | undefined {
  const { expires, originalMaxAge } = (session["cookie"] ?? {}) as { expires?: unknown; originalMaxAge?: unknown };
  if (!(expires instanceof Date) && typeof expires !== "string") return undefined;
  const left = +new Date(expires) - Date.now();
  if (Number.isNaN(left)) return undefined;
  return Number.isFinite(originalMaxAge) ? Math.max(left, Number(originalMaxAge)) : left;
}
