import { lru } from "../../util/lru.js";
import { activityIntervalMs, cappedInterval } from "./lifetime.js";
import { isSameLogin, type BoundKeys, type Stamp } from "../stamp.js";

/** The number of sessions that this process remembers. */
const SESSIONS = 10_000;
/** The number of logins remembered per session: several only if users change without a new session id. */
const LOGINS_OF_A_SESSION = 8;

interface Remembered {
  /** Every login seen in this session, ended ones included, the latest last. */
  readonly logins: readonly Stamp[];
  /** When activity of the latest login was last recorded in the registry, and until when it is kept; epoch milliseconds. */
  readonly recordedAt: number;
  readonly keptUntil: number;
  /** Whether the session was anonymous when it was last read. */
  readonly isAnonymous: boolean;
  /** Whether the store is known to have had the session with the latest login. Only then does a missing session mean that it is gone. */
  readonly isWritten: boolean;
}

/**
 * A cache of what this process knows about sessions: their logins, for a `destroy(sid)` without a request, and when their activity
 * was last recorded. An entry may be evicted at any time; the store is then read, and the activity recorded again.
 */
export class RememberedSessions {
  readonly #sessions = lru<Remembered>(SESSIONS);
  /** When a session was last touched in the store, and when it expires there; epoch milliseconds. */
  readonly #touched = lru<{ readonly at: number; readonly livesUntil: number }>(SESSIONS);

  /** Remembers that the store holds the session with this login. */
  seen(sid: string, stamp: Stamp): void {
    this.#see(sid, stamp, true);
  }

  /** Remembers that the session is about to be written with this login. */
  expected(sid: string, stamp: Stamp): void {
    this.#see(sid, stamp, false);
  }

  /** Remembers which keys the login of the session is bound to. */
  bound(sid: string, stamp: Stamp): void {
    const known = this.#sessions.get(sid);
    if (known !== undefined && isSameLogin(known.logins.at(-1), stamp))
      this.#sessions.set(sid, { ...known, logins: [...known.logins.slice(0, -1), stamp] });
  }

  /** Returns which keys the login is bound to, as far as this process knows beside the session. */
  boundKeys(sid: string, stamp: Stamp): BoundKeys | undefined {
    const latest = this.#sessions.get(sid)?.logins.at(-1);
    return isSameLogin(latest, stamp) ? latest?.bound : undefined;
  }

  /** Remembers that the session has no login any more. */
  forget(sid: string): void {
    const known = this.#sessions.get(sid);
    if (known?.isAnonymous === false) this.#sessions.set(sid, { ...known, isAnonymous: true });
  }

  /** Returns the login that a read of the session is likely to find. */
  likely(sid: string): Stamp | undefined {
    const known = this.#sessions.get(sid);
    return known?.isAnonymous === false ? known.logins.at(-1) : undefined;
  }

  /** Returns whether the store has had the session with its likely login. */
  isWritten(sid: string): boolean {
    return this.#sessions.get(sid)?.isWritten === true;
  }

  /** Remembers that activity was recorded in the registry at `at` (epoch milliseconds), which keeps the login for `keptMs`. */
  recorded(sid: string, stamp: Stamp, at: number, keptMs: number): void {
    const known = this.#sessions.get(sid);
    const isWritten = known?.isWritten === true && isSameLogin(known.logins.at(-1), stamp);
    this.#set(sid, stamp, { recordedAt: at, keptUntil: at + keptMs, isWritten });
  }

  /**
   * Returns whether activity of the login must be recorded: once per interval, or if its session now lives longer, or shorter by
   * more than an interval.
   */
  isDue(sid: string, stamp: Stamp, ttlMs: number): boolean {
    const known = this.#sessions.get(sid);
    if (known === undefined || !isSameLogin(known.logins.at(-1), stamp)) return true;
    const now = Date.now();
    const interval = activityIntervalMs(ttlMs);
    const isNewLifetime = known.keptUntil < now + ttlMs || known.keptUntil > now + ttlMs + 2 * interval;
    return isNewLifetime || now - known.recordedAt >= interval;
  }

  /** Returns whether the session must be touched in the store: once per interval, or if its lifetime has changed. */
  isTouchDue(sid: string, ttlMs: number, intervalMs: number): boolean {
    const known = this.#touched.get(sid);
    if (known === undefined) return true;
    const now = Date.now();
    const interval = cappedInterval(intervalMs, ttlMs);
    const gainMs = now + ttlMs - known.livesUntil;
    return now - known.at >= interval || gainMs > interval || gainMs < 0;
  }

  /** Remembers that the session was touched in the store at `at` (epoch milliseconds). */
  touched(sid: string, at: number, ttlMs: number): void {
    this.#touched.set(sid, { at, livesUntil: at + ttlMs });
  }

  logins(sid: string): readonly Stamp[] {
    return this.#sessions.get(sid)?.logins ?? [];
  }

  clear(): void {
    this.#sessions.clear();
    this.#touched.clear();
  }

  #see(sid: string, stamp: Stamp, isWritten: boolean): void {
    const known = this.#sessions.get(sid);
    const isKnown = known?.isAnonymous === false && isSameLogin(known.logins.at(-1), stamp);
    if (!isKnown) this.#set(sid, stamp, { recordedAt: 0, keptUntil: 0, isWritten });
    else if (isWritten && !known.isWritten) this.#sessions.set(sid, { ...known, isWritten });
  }

  #set(sid: string, stamp: Stamp, state: Pick<Remembered, "recordedAt" | "keptUntil" | "isWritten">): void {
    const others = this.logins(sid).filter((other) => !isSameLogin(other, stamp));
    const logins = [...others, stamp].slice(-LOGINS_OF_A_SESSION);
    this.#sessions.set(sid, { ...state, logins, isAnonymous: false });
  }
}
