import type { Store } from "express-session";
import { mapLimit } from "../../util/map-limit.js";
import type { ListedLogin, LoginRegistry } from "../../types/registry.js";
import { isBefore } from "../../util/clock-margin.js";
import { Adoption, type AdoptionOptions } from "./adoption.js";
import { failingTo, forward, type Done } from "../callbacks.js";
import type { Tombstones } from "../store/tombstones.js";
import { Listings, unadopted } from "./listing.js";
import { LoginEnds } from "./end.js";
import { MissingUser } from "./missing-user.js";
import type { RawStore } from "../store/raw-store.js";
import { RememberedSessions } from "./remembered-sessions.js";
import type { Rejection, RequestState } from "../request-state.js";
import { isListedWith, SessionSaves } from "./save.js";
import { SessionTouches } from "./activity.js";
import {
  hasOwnKey,
  isSameLogin,
  tombstoneOf,
  tombstoneSession,
  stampOf,
  withStamp,
  type Tombstone,
  type SessionRecord,
  type Stamp,
} from "../stamp.js";
import type { SessionEvents } from "../session-events.js";
import { clientOfSets, readsAreCurrent } from "../store/store-support.js";
import { toUserId, type UserIdOf } from "../user-id.js";

/** How many sessions are adopted at once, where all are. */
const ADOPTED_AT_ONCE = 50;

/** The login that a session is likely to have, and the question to the registry whether it is listed, if that is under way. */
interface Likely {
  readonly stamp: Stamp;
  readonly asked: Promise<ListedLogin | undefined> | undefined;
  /** Whether the store was known to have the session with it, before it was read. */
  readonly wasWritten: boolean;
}

/** What a read of a session came to: the data, or that there is none, and why if it was refused after a kick. */
export interface Loaded {
  readonly session?: SessionRecord;
  readonly rejection?: Rejection;
}

export interface SessionRulesOptions {
  readonly store: Store;
  readonly raw: RawStore;
  readonly tombstones: Tombstones;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly sessions: AdoptionOptions;
  readonly maxSessionAgeMs: number;
  readonly touchIntervalMs: number;
  readonly events: SessionEvents;
}

/**
 * The rules by which sessions become logins and logins end, one method for each thing that happens to a session.
 *
 * The one that all others serve: a session is served only while its login is listed, and only a new login lists one.
 */
export class SessionRules {
  readonly saves: SessionSaves;
  readonly touches: SessionTouches;
  readonly ends: LoginEnds;
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #userIdOf: UserIdOf;
  readonly #events: SessionEvents;
  readonly #readsAreCurrent: boolean;
  readonly #adoption: Adoption;
  readonly #remembered = new RememberedSessions();
  readonly #missingUser = new MissingUser();
  readonly #listings: Listings;

  /** @param options - `store`: before it is hooked */
  constructor({ raw, tombstones, registry, userId, sessions, events, touchIntervalMs, ...rest }: SessionRulesOptions) {
    this.#raw = raw;
    this.#registry = registry;
    this.#userIdOf = userId;
    this.#events = events;
    this.#readsAreCurrent = readsAreCurrent(rest.store);
    this.#adoption = new Adoption(sessions);
    const remembered = this.#remembered;
    const userOf = (session: SessionRecord): string | undefined => this.#userOf(session);
    const stampOf = (session: SessionRecord): Stamp | undefined => this.stampOf(session);
    const client = clientOfSets(rest.store);
    const isInOrder = client !== undefined && registry.sharesConnection?.(client) === true;
    const listings = (this.#listings = new Listings({
      registry,
      adoption: this.#adoption,
      events,
      remembered,
      ...rest,
    }));
    const ends = (this.ends = new LoginEnds({ raw, tombstones, registry, remembered, events, stampOf }));
    const missingUser = this.#missingUser;
    this.saves = new SessionSaves({
      raw,
      registry,
      listings,
      ends,
      tombstones,
      remembered,
      userOf,
      missingUser,
      isInOrder,
    });
    this.touches = new SessionTouches({ raw, listings, ends, remembered, touchIntervalMs, userOf, stampOf });
  }

  /**
   * A session is read. Of nearly every one it is known at once, or by the answer to a question that goes out together with
   * the read, that it is served as it is. That is on the way of every request, and makes no promise that it can do without.
   */
  load(sid: string, done: Done<Loaded>): void {
    const likely = this.#askWhileReading(sid);
    this.#raw.read(
      sid,
      failingTo(done, (session) => {
        const userId = session && this.#userOf(session);
        const stamp = session && stampOf(session);
        if (session !== undefined && userId === undefined && !hasOwnKey(session)) {
          this.#remembered.forget(sid);
          done(undefined, { session });
        } else if (session !== undefined && userId !== undefined && stamp?.userId === userId) {
          this.#serveIfLive(sid, session, stamp, likely, done);
        } else {
          if (session === undefined) this.#missed(sid, likely);
          forward(this.#examine(sid, session), done);
        }
      }),
    );
  }

  /**
   * A read has found nothing. The session was there if this process had known so *before* it sent the read: else it may be about
   * to be written.
   */
  #missed(sid: string, likely: Likely | undefined): void {
    if (likely?.wasWritten !== true || !this.#readsAreCurrent) return;
    this.ends.lost(sid, likely.stamp).catch(() => undefined);
  }

  /** The same as a promise. */
  async #load(sid: string): Promise<Loaded> {
    return this.#examine(sid, await this.#raw.get(sid));
  }

  /**
   * Asks for the login that this process has last seen in the session, together with the read of the session, so that the
   * answer need not be waited for twice.
   */
  #askWhileReading(sid: string): Likely | undefined {
    const stamp = this.#remembered.likely(sid);
    if (stamp === undefined) return undefined;
    const { userId, loginId } = stamp;
    const wasWritten = this.#remembered.isWritten(sid);
    if (this.#registry.peek?.(userId, loginId) !== undefined) return { stamp, asked: undefined, wasWritten };
    const asked = this.#registry.find(userId, loginId);
    // Why it could not be answered is told by the second question, if there is one.
    asked.catch(() => undefined);
    return { stamp, asked, wasWritten };
  }

  /**
   * Serves the session if its login is listed with this session id, else looks closer. That it is listed may be an answer from
   * while the session was read; that it is not must be one from after that: a login or a new session id is listed before it is
   * written.
   */
  #serveIfLive(
    sid: string,
    session: SessionRecord,
    stamp: Stamp,
    likely: Likely | undefined,
    done: Done<Loaded>,
  ): void {
    const isLikely = isSameLogin(likely?.stamp, stamp);
    if (isListedWith(this.#registry.peek?.(stamp.userId, stamp.loginId), sid)) {
      if (!isLikely) this.#remembered.seen(sid, stamp);
      done(undefined, { session });
      return;
    }
    const examine = (): void => {
      forward(this.#examine(sid, session), done);
    };
    if (!isLikely || likely?.asked === undefined) examine();
    else {
      likely.asked.then((login) => {
        if (isListedWith(login, sid)) done(undefined, { session });
        else examine();
      }, examine);
    }
  }

  /** What a session that has been read comes to, whatever it is. */
  async #examine(sid: string, session: SessionRecord | undefined): Promise<Loaded> {
    const userId = session && this.#userOf(session);
    if (userId === undefined) this.#remembered.forget(sid);
    if (session === undefined) return {};
    const note = tombstoneOf(session);
    if (note !== undefined && userId === undefined) return this.#stillRefused(sid, note);
    const stamp = stampOf(session);
    // Left by a process without the hook, in which the user has logged out or another one has logged in.
    if (stamp !== undefined && stamp.userId !== userId) await this.ends.endBySession(sid, stamp);
    if (userId === undefined) return { session: await this.#withoutStamp(sid, session) };
    if (stamp?.userId !== userId) return this.#adopt(sid, session, userId);
    if (!isListedWith(await this.#registry.find(userId, stamp.loginId), sid)) return this.#refuse(sid, session, stamp);
    this.#remembered.seen(sid, stamp);
    return { session };
  }

  /** The login of a session that has been loaded. */
  stampOf(session: SessionRecord): Stamp | undefined {
    const stamp = stampOf(session);
    return stamp !== undefined && stamp.userId === this.#userOf(session) ? stamp : undefined;
  }

  /** A session id is given up for a new one, which this request is about to get: the login stays, without the old id. */
  async suspend(sid: string, logins: RequestState): Promise<void> {
    const held = logins.on(sid);
    if (held === undefined) {
      await this.ends.destroy(sid, logins);
      return;
    }
    await this.#registry.update(held.stamp.userId, held.stamp.loginId, { removeSid: sid });
    this.#remembered.forget(sid);
    await this.#raw.destroy(sid);
  }

  /** A request has got its new session id: should the session end before it is saved, it is known whose it was. */
  rotating(sid: string, logins: RequestState): void {
    const held = logins.on(sid);
    if (held !== undefined) this.#remembered.expected(sid, held.stamp);
  }

  /** The store is emptied. */
  async clear(): Promise<void> {
    this.#remembered.clear();
    await this.#registry.clear();
    await this.#raw.clear();
  }

  /**
   * Adopts every session in the store that this package has not written.
   *
   * @returns how many were adopted
   */
  async adoptAll(onProgress: (progress: { readonly done: number; readonly total: number }) => void): Promise<number> {
    if (!this.#adoption.isOpen) return 0;
    const sessions = await this.#raw.all();
    let adopted = 0;
    let done = 0;
    const thrown: unknown[] = [];
    /** What is wrong with one session, or with telling of it, does not keep the others from being adopted. */
    const inspect = <Value>(act: () => Value): Value | undefined => {
      try {
        return act();
      } catch (error) {
        thrown.push(error);
        return undefined;
      }
    };
    await mapLimit(ADOPTED_AT_ONCE, sessions, async ([sid, session]) => {
      const userId = inspect(() => this.#userOf(session));
      if (userId !== undefined && stampOf(session)?.userId !== userId) {
        const { session: served } = await this.#adopt(sid, session, userId);
        if (served !== undefined) adopted += 1;
      }
      done += 1;
      inspect(() => {
        onProgress({ done, total: sessions.length });
      });
    });
    if (thrown.length > 0) throw thrown[0];
    return adopted;
  }

  #stillRefused(sid: string, note: Tombstone): Loaded {
    this.#events.rejected({ id: note.loginId, userId: undefined, reason: note.reason });
    return { rejection: { ...note, sid } };
  }

  /** A session with a user id that carries no stamp of that user. */
  async #adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const adopted = await this.#listings.adopt(sid, session, userId);
    if (!("stamp" in adopted)) {
      // A fault of the app: the session stays for when it is mended.
      if (adopted.refused === "failed") return {};
      return this.#refuse(sid, session, unadopted(sid, userId), adopted.authenticatedAt);
    }
    const { stamp } = adopted;
    // Another request may have written the session meanwhile: what it wrote must not be lost.
    const current = await this.#raw.get(sid);
    if (current === undefined) {
      // Gone meanwhile: it is not to be shown as live here; under another session id it may be.
      await this.#registry.update(userId, stamp.loginId, { removeSid: sid });
      return {};
    }
    if (!this.#isUnchanged(current, session)) return this.#load(sid);
    if (!(await this.saves.writeAndLook(sid, current, stamp))) return this.#load(sid);
    this.#remembered.seen(sid, stamp);
    return { session: withStamp(current, stamp) };
  }

  /** The data of a refused session is removed, or replaced by why, unless somebody has logged in anew in it meanwhile. */
  async #refuse(
    sid: string,
    session: SessionRecord,
    { userId, loginId, generation }: Stamp,
    authenticatedAt?: Date,
  ): Promise<Loaded> {
    const kick = await this.#registry.kickOf(userId, loginId, generation);
    const mark = kick !== undefined && isBefore(kick, authenticatedAt) ? undefined : kick;
    const current = await this.#raw.get(sid);
    if (current !== undefined && !this.#isUnchanged(current, session)) return this.#load(sid);
    this.#events.rejected({ id: loginId, userId, reason: mark?.reason });
    if (mark === undefined) {
      if (current !== undefined) await this.#raw.destroy(sid);
      return {};
    }
    const note = { loginId, at: +mark.at, reason: mark.reason };
    if (current !== undefined) {
      await this.#raw.set(sid, tombstoneSession(note, new Date(Date.now() + this.#listings.keepMs(session))));
    }
    return { rejection: { ...note, sid } };
  }

  /** What a process without the hook has left behind in an anonymous session: the next login there is a new one. */
  async #withoutStamp(sid: string, session: SessionRecord): Promise<SessionRecord> {
    const unstamped = withStamp(session, undefined);
    if (unstamped !== session) await this.#raw.set(sid, unstamped);
    return unstamped;
  }

  /** Whether a session that is read again is still the same user's, by the same login. */
  #isUnchanged(current: SessionRecord, before: SessionRecord): boolean {
    return this.#userOf(current) === this.#userOf(before) && isSameLogin(stampOf(current), stampOf(before));
  }

  #userOf(session: SessionRecord): string | undefined {
    const userId = toUserId(this.#userIdOf(session));
    if (userId !== undefined) this.#missingUser.found();
    return userId;
  }
}
