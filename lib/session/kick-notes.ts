import type { Store } from "express-session";
import { causeOf } from "../cause.js";
import { LogoutError } from "../errors.js";
import { inTurn } from "../in-turn.js";
import type { KickMark, ListedLogin } from "../login.js";
import { ConnectRedisNotes } from "./connect-redis-notes.js";
import type { RawStore } from "./raw-store.js";
import { isSameLogin, sessionWithNote, stampOf, type KickNote, type Stamp } from "./stamp.js";

/** How many sessions of a user the store is asked for at once. */
const AT_ONCE = 100;
/** A note that is of no use any more is not left: the session goes. */
const LONG_AGO = new Date(0);

/** A session of a login that was kicked. */
export interface KickedSession {
  readonly sid: string;
  readonly userId: string;
  /** Until when its note is of use. */
  readonly expires: Date;
  readonly note: KickNote;
}

/** What a kick leaves of sessions. */
export class KickNotes {
  readonly #raw: RawStore;
  readonly #quickly: ConnectRedisNotes | undefined;

  /** @param store - before it is hooked */
  constructor(store: Store, raw: RawStore, timeoutMs: number) {
    this.#raw = raw;
    this.#quickly = ConnectRedisNotes.of(store, timeoutMs);
  }

  /**
   * Puts in the place of these logins' session data why they ended, so that nothing private stays and the user can be told;
   * unless another login has begun in that very session meanwhile.
   */
  async leave(logins: readonly ListedLogin[], { at, reason }: KickMark): Promise<void> {
    const sessions = logins.flatMap(({ id, userId, expires, sids }) =>
      sids.map((sid) => ({ sid, userId, expires, note: { loginId: id, at: +at, reason } })),
    );
    const left = this.#quickly === undefined ? sessions : await this.#quickly.leave(sessions);
    await inTurn(AT_ONCE, left, (session) => this.#leave(session));
  }

  /**
   * Removes what a request in flight has written to the session of a login that had ended: with a mark, its reason takes the
   * place of the data. What another login has written there meanwhile stays.
   */
  async remove(sid: string, { userId, loginId }: Stamp, mark: KickMark | undefined, expires: Date): Promise<void> {
    const note = { loginId, at: +(mark?.at ?? 0), reason: mark?.reason };
    const session = { sid, userId, expires: mark === undefined ? LONG_AGO : expires, note };
    const left = this.#quickly === undefined ? [session] : await this.#quickly.leave([session]);
    for (const each of left) await this.#leave(each);
  }

  /** Leaves the reason in a session whose id is known to this request alone: it is about to send it to the browser. */
  async leaveInNew(sid: string, { loginId }: Stamp, mark: KickMark | undefined, expires: Date): Promise<void> {
    if (mark === undefined) return;
    await this.#raw.set(sid, sessionWithNote({ loginId, at: +mark.at, reason: mark.reason }, expires));
  }

  async #leave({ sid, userId, expires, note }: KickedSession): Promise<void> {
    try {
      const session = await this.#raw.get(sid);
      if (session === undefined || !isSameLogin(stampOf(session), { userId, loginId: note.loginId })) return;
      if (+expires > Date.now()) await this.#raw.set(sid, sessionWithNote(note, expires));
      else await this.#raw.destroy(sid);
    } catch (error) {
      // What a store says may hold the session's id, or all of it.
      throw error instanceof LogoutError ? error : causeOf(error, [sid]);
    }
  }
}
