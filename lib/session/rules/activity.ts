import { failingTo, forward, type Done } from "../callbacks.js";
import type { LoginEnds } from "./end.js";
import type { RawStore } from "../store/raw-store.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { SessionLifetimes } from "./session-lifetimes.js";
import type { RequestState } from "../request-state.js";
import type { SessionRecord, Stamp } from "../stamp.js";

export interface SessionTouchesOptions {
  readonly raw: RawStore;
  readonly lifetimes: SessionLifetimes;
  readonly ends: LoginEnds;
  readonly remembered: RememberedSessions;
  readonly touchIntervalMs: number;
  readonly userOf: (session: SessionRecord) => string | undefined;
  /** Returns the stamp of a loaded session. */
  readonly stampOf: (session: SessionRecord) => Stamp | undefined;
}

/** Prolongs sessions that are only touched, as at the end of nearly every request. */
export class SessionTouches {
  readonly #raw: RawStore;
  readonly #lifetimes: SessionLifetimes;
  readonly #ends: LoginEnds;
  readonly #remembered: RememberedSessions;
  readonly #touchIntervalMs: number;
  readonly #userOf: SessionTouchesOptions["userOf"];
  readonly #stampOf: SessionTouchesOptions["stampOf"];

  constructor({ raw, lifetimes, ends, remembered, touchIntervalMs, userOf, stampOf }: SessionTouchesOptions) {
    this.#raw = raw;
    this.#lifetimes = lifetimes;
    this.#ends = ends;
    this.#remembered = remembered;
    this.#touchIntervalMs = touchIntervalMs;
    this.#userOf = userOf;
    this.#stampOf = stampOf;
  }

  /**
   * Prolongs a login and then its session: if the second step fails, the session ends too early, but no user with a stored session
   * is rejected.
   *
   * A login that began in this request is known to the request, not to the session. An ended login touches nothing: the session may
   * belong to another login by now.
   */
  touch(sid: string, session: SessionRecord, done: Done<undefined>, req?: object, logins?: RequestState): void {
    const held = logins?.on(sid)?.stamp;
    const stamp = held?.userId === this.#userOf(session) ? held : this.#stampOf(session);
    if (stamp === undefined) {
      this.#raw.touch(sid, session, done);
      return;
    }
    if (this.#lifetimes.isEndedByCookie(session)) {
      forward(this.#endTouched(sid, stamp, logins), done);
      return;
    }
    const extended = this.#lifetimes.extend(sid, session, stamp, req);
    if (extended === undefined) {
      this.#touchIfDue(sid, session, done);
      return;
    }
    const next = failingTo<boolean>(done, (isListed) => {
      if (isListed === false) done();
      else this.#touchIfDue(sid, session, done);
    });
    forward(extended, next);
  }

  /** Ends a session whose cookie the app has made expire. */
  async #endTouched(sid: string, stamp: Stamp, logins: RequestState | undefined): Promise<undefined> {
    if (logins === undefined) await this.#ends.endBySession(sid, stamp);
    await this.#ends.destroy(sid, logins);
  }

  #touchIfDue(sid: string, session: SessionRecord, done: Done<undefined>): void {
    if (this.#touchIntervalMs === 0) {
      this.#raw.touch(sid, session, done);
      return;
    }
    const ttlMs = this.#lifetimes.expiresInMs(session);
    if (!this.#remembered.isTouchDue(sid, ttlMs, this.#touchIntervalMs)) {
      done();
      return;
    }
    const now = Date.now();
    this.#raw.touch(sid, session, done, () => {
      this.#remembered.touched(sid, now, ttlMs);
    });
  }
}
