import type { Store } from "express-session";
import type { SessionRecord } from "../stamp.js";
import { agelessTtlMs, fixedTtlMs, overdueMs, secondsMs, type ExpiringStore } from "../store/store-expiry.js";

const MINUTE_MS = 60_000;

/** Returns for how long the store can still read a session from now on, in milliseconds: the longest that any party may have in mind. */
export function sessionTtlMs(store: Store, session: SessionRecord, maxSessionAgeMs: number): number {
  return expiresInMs(store, session, maxSessionAgeMs) + overdueMs(store as ExpiringStore, maxSessionAgeMs);
}

/** Returns when the store lets a session expire if nothing touches it, in milliseconds from now on. */
export function expiresInMs(store: Store, session: SessionRecord, maxSessionAgeMs: number): number {
  const { ttl, disableTTL } = store as ExpiringStore;
  const byCookie = cookieTtlMs(session);
  if (disableTTL === true) return Math.max(byCookie ?? 0, maxSessionAgeMs);
  if (typeof ttl === "function") return Math.max(byCookie ?? 0, secondsMs(ttl.call(store, session)) ?? maxSessionAgeMs);
  const kept = byCookie ?? agelessTtlMs(store as ExpiringStore) ?? maxSessionAgeMs;
  return Math.max(0, kept, fixedTtlMs(store as ExpiringStore, maxSessionAgeMs));
}

/** Whether an app has ended a session by its cookie: `maxAge` of 0 or below, or `expires` in the past. */
export function isEndedByCookie(store: Store, session: SessionRecord, maxSessionAgeMs: number): boolean {
  const byCookie = cookieTtlMs(session);
  return byCookie !== undefined && byCookie <= 0 && expiresInMs(store, session, maxSessionAgeMs) === 0;
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
