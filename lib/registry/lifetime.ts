import type { KickRecord } from "../types/login.js";
import type { ListedLogin } from "../types/registry.js";

/** The last time that a `Date` can be. */
const LAST_MS = 8.64e15;

/** The lifetime of a login. */
export interface Lifetime {
  /** Until when it lasts at most, in epoch milliseconds. */
  readonly lastsUntil?: number | undefined;
  /** How long it lasts without activity, in milliseconds. */
  readonly idleMs?: number | undefined;
}

/** A login as registries keep it: for as long as its session can live, which may be longer than its lifetime. */
export interface KeptLogin extends ListedLogin, Lifetime {
  /** Epoch milliseconds. */
  readonly keptUntil: number;
}

/** Returns when a login is over, in epoch milliseconds: `Infinity` if it has no lifetime of its own. */
export function overAt({ lastsUntil = Infinity, idleMs = Infinity }: Lifetime, lastActive: number): number {
  return Math.min(lastsUntil, lastActive + idleMs);
}

/** Returns whether a login has neither expired nor is over. */
export function isLive(login: ListedLogin | undefined, now = Date.now()): boolean {
  return login !== undefined && +login.expires > now;
}

/** Returns a login, unless its lifetime is over. Only a lifetime compares the clock of this process with the registry's. */
export function unlessOver(login: KeptLogin | undefined): KeptLogin | undefined {
  return login !== undefined && overAt(login, +login.lastActive) > Date.now() ? login : undefined;
}

/** Returns the times of a login that is active now, and whose session lives for `ttlMs`. */
export function activeTimes(
  login: Lifetime & Pick<KeptLogin, "keptUntil">,
  now: number,
  ttlMs: number,
): Pick<KeptLogin, "lastActive" | "expires" | "shownUntil" | "keptUntil"> {
  const keptUntil = Math.min(Math.max(login.keptUntil, now + ttlMs), LAST_MS);
  const over = Math.min(overAt(login, now), LAST_MS);
  const expires = new Date(Math.min(keptUntil, over));
  const shownMs = Math.min(now + ttlMs, over);
  // Mostly the same, and a date takes a hundred bytes.
  const shownUntil = shownMs === +expires ? expires : new Date(shownMs);
  return { lastActive: new Date(now), expires, shownUntil, keptUntil };
}

/** Returns the record of a login whose lifetime is over, and that is still kept. */
export function endOfLifetime(login: KeptLogin | undefined, now = Date.now()): KickRecord | undefined {
  if (login === undefined || login.keptUntil <= now) return undefined;
  const over = overAt(login, +login.lastActive);
  return over > now ? undefined : { id: login.id, at: new Date(over), cause: "lifetime" };
}
