import type { KickRecord } from "../types/login.js";

/** The lifetime of a login. */
export interface Lifetime {
  /** Until when it lasts at most, in epoch milliseconds. */
  readonly lastsUntil?: number | undefined;
  /** How long it lasts without activity, in milliseconds. */
  readonly idleMs?: number | undefined;
}

/** Returns when a login is over, in epoch milliseconds: `Infinity` if it has no lifetime of its own. */
export function overAt({ lastsUntil = Infinity, idleMs = Infinity }: Lifetime, lastActive: number): number {
  return Math.min(lastsUntil, lastActive + idleMs);
}

/** Returns the record of a login whose lifetime is over. */
export function lifetimeRecord(loginId: string, at: number): KickRecord {
  return { id: loginId, at: new Date(at), cause: "lifetime" };
}
