import { LRUCache } from "lru-cache";
import { touchIntervalMs } from "./lifetime.js";
import type { Stamp } from "./stamp.js";

/** Of how many sessions this process remembers whose they are. */
const SESSIONS = 10_000;
/** Of how many logins in one session: several only where users change without a new session id. */
const LOGINS_OF_A_SESSION = 8;

interface Remembered {
  /** Every login seen in this session, the latest last: also those that are over. */
  readonly logins: readonly Stamp[];
  /** When the registry was last told that the latest is active, and until when it keeps it; epoch milliseconds. */
  readonly toldAt: number;
  readonly keptUntil: number;
}

/**
 * What this process remembers of sessions: whose they are, for a `destroy(sid)` that comes without its request, and when
 * the registry was last told of their activity. It may forget at any time: then the store is read, and the registry told.
 */
export class RememberedSessions {
  readonly #sessions = new LRUCache<string, Remembered>({ max: SESSIONS });

  /** The session is this login's. */
  seen(sid: string, stamp: Stamp): void {
    const known = this.#sessions.get(sid);
    if (known?.logins.at(-1)?.loginId !== stamp.loginId) this.#set(sid, stamp, 0, 0);
  }

  /** The registry was told at that time (epoch milliseconds) that the login is active, and keeps it for so long. */
  told(sid: string, stamp: Stamp, at: number, keptMs: number): void {
    this.#set(sid, stamp, at, at + keptMs);
  }

  /** Whether the registry wants to be told of the login's activity: once in an interval, or if its session lives longer now. */
  isDue(sid: string, stamp: Stamp, ttlMs: number): boolean {
    const known = this.#sessions.get(sid);
    if (known?.logins.at(-1)?.loginId !== stamp.loginId) return true;
    const now = Date.now();
    return known.keptUntil < now + ttlMs || now - known.toldAt >= touchIntervalMs(ttlMs);
  }

  logins(sid: string): readonly Stamp[] {
    return this.#sessions.get(sid)?.logins ?? [];
  }

  clear(): void {
    this.#sessions.clear();
  }

  #set(sid: string, stamp: Stamp, toldAt: number, keptUntil: number): void {
    const others = this.logins(sid).filter(({ loginId }) => loginId !== stamp.loginId);
    this.#sessions.set(sid, { logins: [...others, stamp].slice(-LOGINS_OF_A_SESSION), toldAt, keptUntil });
  }
}
