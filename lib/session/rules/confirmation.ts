import { ignored } from "../../util/debug.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { LoginRegistry } from "../../types/registry.js";
import type { HeldLogin } from "../request-state.js";
import type { SessionEvents } from "../session-events.js";
import { withStamp, type SessionRecord, type Stamp } from "../stamp.js";
import type { RawStore } from "../store/raw-store.js";
import type { KeyBindings } from "./key-bindings.js";
import type { LimitedLogins } from "./login-policy.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { SessionSaves } from "./save.js";
import type { SessionLifetimes } from "./session-lifetimes.js";

export interface ConfirmationsOptions {
  readonly raw: RawStore;
  readonly registry: LoginRegistry;
  readonly limited: LimitedLogins;
  readonly keys: KeyBindings;
  readonly lifetimes: SessionLifetimes;
  readonly saves: SessionSaves;
  readonly remembered: RememberedSessions;
  readonly events: SessionEvents;
}

/** A session under its new id. */
export interface NewSession {
  readonly sid: string;
  readonly session: SessionRecord;
}

/** The result of a confirmation. */
export interface Confirmed {
  /** The stamp of the login in the new session; `undefined` if the login has ended, and the request stays as it is. */
  readonly stamp: Stamp | undefined;
  /** Why the login was not confirmed, although the request must go on with the new session: the old one may be gone. */
  readonly error?: unknown;
}

/** Confirms logins: their user has authenticated again. */
export class Confirmations {
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #limited: LimitedLogins;
  readonly #keys: KeyBindings;
  readonly #lifetimes: SessionLifetimes;
  readonly #saves: SessionSaves;
  readonly #remembered: RememberedSessions;
  readonly #events: SessionEvents;

  constructor({ raw, registry, limited, keys, lifetimes, saves, remembered, events }: ConfirmationsOptions) {
    this.#raw = raw;
    this.#registry = registry;
    this.#limited = limited;
    this.#keys = keys;
    this.#lifetimes = lifetimes;
    this.#saves = saves;
    this.#remembered = remembered;
    this.#events = events;
  }

  /**
   * Moves a login to a new session id, makes it fresh, and restarts its lifetime.
   *
   * The new session is listed and written before the old id is taken off, so that no failure loses the session. None of the steps
   * lists a login: a kick between any two of them is final, and finds both session ids.
   *
   * @throws the error of a step before the old id is taken off. The session then stays as it was.
   */
  async confirm({ stamp, sid }: HeldLogin, next: NewSession, req: object): Promise<Confirmed> {
    const now = Date.now();
    const ttlMs = this.#lifetimes.keepMs(next.session);
    const { limit, lastsMs } = await this.#limited.termsOf(stamp.userId, next.session);
    let fresh: Stamp | undefined = { ...stamp, authenticatedAt: now };
    let isListed: boolean;
    try {
      isListed = await this.#limited.addSid(stamp, { addSid: next.sid, ttlMs, limit });
      if (isListed) fresh = await this.#keys.bind({ ...next, keepMs: ttlMs }, fresh);
      isListed &&= fresh !== undefined && (await this.#saves.writeAndCheck(next.sid, next.session, fresh));
    } catch (error) {
      await this.#undo(stamp, next.sid);
      throw error;
    }
    try {
      const change = { removeSid: sid, ttlMs, lastsMs };
      if (isListed) isListed = (await this.#registry.update(stamp.userId, stamp.loginId, change)) !== false;
    } catch (error) {
      return this.#continueUnconfirmed(stamp, next, error);
    }
    if (!isListed || fresh === undefined) {
      // Only this request knows the new session id.
      await this.#raw.destroy(next.sid).catch(ignored("a session that was never used may be left", [next.sid]));
      return { stamp: undefined };
    }
    this.#moved({ stamp: fresh, sid }, next.sid, now, ttlMs);
    await this.#raw.destroy(sid).catch(ignored("data under an old session id may be left", [sid]));
    const { userId, loginId } = stamp;
    this.#events.confirmed({ id: loginId, userId, ...deviceInfoOf(req) });
    return { stamp: fresh };
  }

  /** Removes the new session. The step that failed may have been executed although its reply was lost. */
  async #undo({ userId, loginId }: Stamp, sid: string): Promise<void> {
    await this.#registry
      .update(userId, loginId, { removeSid: sid })
      .catch(ignored("a session id that is not used stays listed"));
    await this.#raw.destroy(sid).catch(ignored("a session that was never used may be left", [sid]));
  }

  /**
   * Goes on under the new session id, as the login was before. The registry has failed, and may have taken off the old id: under that
   * id the user could be logged out.
   */
  async #continueUnconfirmed(stamp: Stamp, { sid, session }: NewSession, error: unknown): Promise<Confirmed> {
    try {
      // Not fresh. Whether the login is still listed, the save at the end of the request asks.
      await this.#raw.set(sid, withStamp(session, stamp));
    } catch {
      // The first error is the one that matters.
      await this.#undo(stamp, sid);
      throw error;
    }
    this.#remembered.seen(sid, stamp);
    return { stamp, error };
  }

  #moved({ stamp, sid: left }: HeldLogin, sid: string, recordedAt: number, ttlMs: number): void {
    this.#remembered.forget(left);
    this.#remembered.recorded(sid, stamp, recordedAt, ttlMs);
    this.#remembered.seen(sid, stamp);
  }
}
