import type { ListedLogin, LoginRegistry } from "../../types/registry.js";
import type { Tombstones } from "../store/tombstones.js";
import { isAdopted } from "./adopted-id.js";
import type { RawStore } from "../store/raw-store.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { HeldLogin, Rejection, RequestState } from "../request-state.js";
import type { SessionEvents } from "../session-events.js";
import { isSameLogin, tombstoneOf, type SessionRecord, type Stamp } from "../stamp.js";

export interface LoginEndsOptions {
  readonly raw: RawStore;
  readonly tombstones: Tombstones;
  readonly registry: LoginRegistry;
  readonly remembered: RememberedSessions;
  readonly events: SessionEvents;
  /** Returns the stamp of a loaded session. */
  readonly stampOf: (session: SessionRecord) => Stamp | undefined;
}

/** Ends logins without a kick: by a logout, with their session, or because another user takes the session over. */
export class LoginEnds {
  readonly #raw: RawStore;
  readonly #tombstones: Tombstones;
  readonly #registry: LoginRegistry;
  readonly #remembered: RememberedSessions;
  readonly #events: SessionEvents;
  readonly #stampOf: LoginEndsOptions["stampOf"];

  constructor({ raw, tombstones, registry, remembered, events, stampOf }: LoginEndsOptions) {
    this.#raw = raw;
    this.#tombstones = tombstones;
    this.#registry = registry;
    this.#remembered = remembered;
    this.#events = events;
    this.#stampOf = stampOf;
  }

  /**
   * Destroys a session and ends its login, also if the login has moved to another session id. Without a known request
   * (`req.session = null`), ends every login that was seen in the session, because other requests may have changed it since.
   */
  async destroy(sid: string, logins?: RequestState): Promise<void> {
    const held = logins?.on(sid);
    if (held !== undefined) await this.end(sid, held.stamp, held);
    else {
      const seen = this.#remembered.logins(sid);
      for (const stamp of seen) await this.end(sid, stamp);
      if (logins === undefined) await this.#endStored(sid, seen);
    }
    this.#remembered.forget(sid);
    await this.#raw.destroy(sid);
  }

  /**
   * Ends a login that a request holds, or that this process has seen in this session. The session itself is about to be destroyed,
   * or has been written.
   */
  async end(sid: string, stamp: Stamp, held?: HeldLogin): Promise<void> {
    if (held?.removal !== undefined) return;
    const at = Date.now();
    const { userId, loginId } = stamp;
    const { ended, endCount } = await this.#registry.end(userId, { loginId, remember: isAdopted(stamp) });
    const [login] = ended;
    if (login === undefined) return;
    if (held !== undefined) held.removal = { login, endCount, at, by: this.#registry };
    this.#events.logout(login);
    await this.#removeElsewhere(sid, login);
  }

  /**
   * Ends a login that only session data names. Requests may be able to write session data, so the login must be listed with this
   * session id.
   */
  async endBySession(sid: string, stamp: Stamp): Promise<void> {
    const { userId, loginId } = stamp;
    const { ended } = await this.#registry.end(userId, { loginId, ifSid: sid, remember: isAdopted(stamp) });
    const [login] = ended;
    if (login === undefined) return;
    this.#events.logout(login);
    await this.#removeElsewhere(sid, login);
  }

  /** Takes a session id that the store has lost off its login, and ends the login if that was its last one. */
  async lost(sid: string, { userId, loginId }: Stamp): Promise<void> {
    const { ended } = await this.#registry.end(userId, { loginId, ifLastSid: sid });
    const [login] = ended;
    // Another request, or a job, may have written the session again, and found the login listed after its write.
    if (login !== undefined) await this.#tombstones.replace(sid, { userId, loginId }, undefined, login.expires);
  }

  /** Removes the tombstone: the user has seen the reason. */
  async forget({ sid }: Rejection): Promise<void> {
    const session = await this.#raw.get(sid);
    if (session !== undefined && tombstoneOf(session) !== undefined) await this.#raw.destroy(sid);
  }

  /**
   * Removes the data of an ended login from its other sessions. A concurrent request that rotates the session id may have written
   * one, which no later kick would find.
   */
  async #removeElsewhere(sid: string, { id: loginId, userId, sids, expires }: ListedLogin): Promise<void> {
    for (const other of sids.filter((each) => each !== sid)) {
      await this.#tombstones.replace(other, { userId, loginId }, undefined, expires);
    }
  }

  async #endStored(sid: string, seen: readonly Stamp[]): Promise<void> {
    const session = await this.#raw.get(sid);
    const stored = session && this.#stampOf(session);
    if (stored !== undefined && !seen.some((stamp) => isSameLogin(stamp, stored))) await this.endBySession(sid, stored);
  }
}
