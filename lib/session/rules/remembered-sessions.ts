import { lru } from "../../util/lru.js";
import { activityIntervalMs, rarely } from "./lifetime.js";
import { isSameLogin, type Stamp } from "../stamp.js";

/** Of how many sessions this process remembers whose they are. */
const SESSIONS = 10_000;
/** Of how many logins in one session: several only where users change without a new session id. */
const LOGINS_OF_A_SESSION = 8;

interface Remembered {
  /** Every login seen in this session, the latest last: also those that are over. */
  readonly logins: readonly Stamp[];
  /** When the registry was last told that the latest is active, and until when it keeps it; epoch milliseconds. */
  readonly recordedAt: number;
  readonly keptUntil: number;
  /** Whether nobody was logged in any more when the session was last read. */
  readonly isOver: boolean;
  /** Whether the store is known to have had the session with the latest login: only then does it miss it. */
  readonly isWritten: boolean;
}

/**
 * What this process remembers of sessions: whose they are, for a `destroy(sid)` that comes without its request, and when
 * the registry was last told of their activity. It may forget at any time: then the store is read, and the registry told.
 */
export class RememberedSessions {
  readonly #sessions = lru<Remembered>(SESSIONS);
  /** When a session was last touched in the store, and until when it lives there; epoch milliseconds. */
  readonly #touched = lru<{ readonly at: number; readonly livesUntil: number }>(SESSIONS);

  /** The session was found with this login in the store, or written with it. */
  seen(sid: string, stamp: Stamp): void {
    this.#see(sid, stamp, true);
  }

  /** The session is about to be written with this login. */
  expected(sid: string, stamp: Stamp): void {
    this.#see(sid, stamp, false);
  }

  /** Nobody is logged in in this session any more. */
  forget(sid: string): void {
    const known = this.#sessions.get(sid);
    if (known?.isOver === false) this.#sessions.set(sid, { ...known, isOver: true });
  }

  /** The login that is likely to be found in the session. */
  likely(sid: string): Stamp | undefined {
    const known = this.#sessions.get(sid);
    return known?.isOver === false ? known.logins.at(-1) : undefined;
  }

  /** Whether the store has had the session with the login that is likely. */
  isWritten(sid: string): boolean {
    return this.#sessions.get(sid)?.isWritten === true;
  }

  /** The registry was told at that time (epoch milliseconds) that the login is active, and keeps it for so long. */
  recorded(sid: string, stamp: Stamp, at: number, keptMs: number): void {
    const known = this.#sessions.get(sid);
    const isWritten = known?.isWritten === true && isSameLogin(known.logins.at(-1), stamp);
    this.#set(sid, stamp, { recordedAt: at, keptUntil: at + keptMs, isWritten });
  }

  /**
   * Whether the registry wants to be told of the login's activity: once in an interval, or if its session lives longer now, or
   * shorter by more than an interval.
   */
  isDue(sid: string, stamp: Stamp, ttlMs: number): boolean {
    const known = this.#sessions.get(sid);
    if (known === undefined || !isSameLogin(known.logins.at(-1), stamp)) return true;
    const now = Date.now();
    const interval = activityIntervalMs(ttlMs);
    const isOtherLife = known.keptUntil < now + ttlMs || known.keptUntil > now + ttlMs + 2 * interval;
    return isOtherLife || now - known.recordedAt >= interval;
  }

  /** Whether the store wants to be told that a session goes on: once in an interval, or if its lifetime is another one. */
  isTouchDue(sid: string, ttlMs: number, intervalMs: number): boolean {
    const known = this.#touched.get(sid);
    if (known === undefined) return true;
    const now = Date.now();
    const interval = rarely(intervalMs, ttlMs);
    const goesOnBy = now + ttlMs - known.livesUntil;
    return now - known.at >= interval || goesOnBy > interval || goesOnBy < 0;
  }

  /** The store was told at that time (epoch milliseconds) that the session goes on for so long. */
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
    const isKnown = known?.isOver === false && isSameLogin(known.logins.at(-1), stamp);
    if (!isKnown) this.#set(sid, stamp, { recordedAt: 0, keptUntil: 0, isWritten });
    else if (isWritten && !known.isWritten) this.#sessions.set(sid, { ...known, isWritten });
  }

  #set(sid: string, stamp: Stamp, state: Pick<Remembered, "recordedAt" | "keptUntil" | "isWritten">): void {
    const others = this.logins(sid).filter((other) => !isSameLogin(other, stamp));
    const logins = [...others, stamp].slice(-LOGINS_OF_A_SESSION);
    this.#sessions.set(sid, { ...state, logins, isOver: false });
  }
}
