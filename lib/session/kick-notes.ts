import type { Store } from "express-session";
import { causeOf } from "../cause.js";
import { LogoutError } from "../errors.js";
import { inTurn } from "../in-turn.js";
import type { KickMark, ListedLogin } from "../login.js";
import { ConnectRedisNotes } from "./connect-redis-notes.js";
import type { RawStore } from "./raw-store.js";
import { isSameLogin, sessionWithNote, stampOf, type KickNote } from "./stamp.js";

/** How many sessions of a user the store is asked for at once. */
const AT_ONCE = 100;

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

  async #leave({ sid, userId, expires, note }: KickedSession): Promise<void> {
    try {
      const session = await this.#raw.get(sid);
      if (session === undefined || !isSameLogin(stampOf(session), { userId, loginId: note.loginId })) return;
      await this.#raw.set(sid, sessionWithNote(note, expires));
    } catch (error) {
      // What a store says may hold the session's id, or all of it.
      throw error instanceof LogoutError ? error : causeOf(error, [sid]);
    }
  }
}
