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
import { ignored } from "../../util/debug.js";

/** How many sessions `adoptSessions()` adopts concurrently. */
const ADOPTED_AT_ONCE = 50;

/** The login that a session is likely to have, and the lookup of that login, if one is in flight. */
interface Likely {
  readonly stamp: Stamp;
  readonly lookup: Promise<ListedLogin | undefined> | undefined;
  /** Whether the store was known, before the read, to have the session with this login. */
  readonly wasWritten: boolean;
}

/** The result of reading a session: its data, or none, with the rejection if its login was kicked. */
export interface Loaded {
  readonly session?: SessionRecord;
  readonly rejection?: Rejection;
}

/** The options in `sessions` that the rules follow. */
export interface SessionRuleOptions extends AdoptionOptions {
  readonly maxAgeMs: number;
  readonly touchIntervalMs: number;
}

export interface SessionRulesOptions {
  readonly store: Store;
  readonly raw: RawStore;
  readonly tombstones: Tombstones;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly sessions: SessionRuleOptions;
  readonly events: SessionEvents;
}

/**
 * The rules by which sessions become logins and logins end: one method for each event in the life of a session.
 *
 * The rule that all others serve: a session is served only while its login is listed, and only a new login lists one.
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

  /** @param options - `store`: not hooked yet */
  constructor({ store, raw, tombstones, registry, userId, sessions, events }: SessionRulesOptions) {
    const { maxAgeMs: maxSessionAgeMs, touchIntervalMs } = sessions;
    this.#raw = raw;
    this.#registry = registry;
    this.#userIdOf = userId;
    this.#events = events;
    this.#readsAreCurrent = readsAreCurrent(store);
    this.#adoption = new Adoption(sessions);
    const remembered = this.#remembered;
    const userOf = (session: SessionRecord): string | undefined => this.#userOf(session);
    const stampOf = (session: SessionRecord): Stamp | undefined => this.stampOf(session);
    const client = clientOfSets(store);
    const isInOrder = client !== undefined && registry.sharesConnection?.(client) === true;
    const listings = (this.#listings = new Listings({
      store,
      registry,
      adoption: this.#adoption,
      events,
      remembered,
      maxSessionAgeMs,
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
   * Reads a session. Nearly every session is served by a cached lookup, or by one that is sent together with the read. On the path
   * of every request, so without promises where possible.
   */
  load(sid: string, done: Done<Loaded>): void {
    const likely = this.#lookUpWhileReading(sid);
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
   * Handles a read that found nothing. The session is gone only if this process knew *before* the read that it had been written:
   * otherwise it may be about to be written.
   */
  #missed(sid: string, likely: Likely | undefined): void {
    if (likely?.wasWritten !== true || !this.#readsAreCurrent) return;
    this.ends.lost(sid, likely.stamp).catch(ignored("the login of a lost session stays listed", [sid]));
  }

  /** Reads a session, as a promise. */
  async #load(sid: string): Promise<Loaded> {
    return this.#examine(sid, await this.#raw.get(sid));
  }

  /**
   * Looks up the login that this process has last seen in the session, together with the read of the session, to save a round
   * trip.
   */
  #lookUpWhileReading(sid: string): Likely | undefined {
    const stamp = this.#remembered.likely(sid);
    if (stamp === undefined) return undefined;
    const { userId, loginId } = stamp;
    const wasWritten = this.#remembered.isWritten(sid);
    if (this.#registry.peek?.(userId, loginId) !== undefined) return { stamp, lookup: undefined, wasWritten };
    const lookup = this.#registry.find(userId, loginId);
    // An error surfaces in the second lookup, if there is one.
    lookup.catch(() => undefined);
    return { stamp, lookup, wasWritten };
  }

  /**
   * Serves the session if its login is listed with this session id; otherwise examines it. A positive lookup may be as old as the
   * read. A negative one must be made after the read, because a login or a new session id is listed before it is written.
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
    if (!isLikely || likely?.lookup === undefined) examine();
    else {
      likely.lookup.then((login) => {
        if (isListedWith(login, sid)) done(undefined, { session });
        else examine();
      }, examine);
    }
  }

  /** Decides about a session of any kind that has been read. */
  async #examine(sid: string, session: SessionRecord | undefined): Promise<Loaded> {
    const userId = session && this.#userOf(session);
    if (userId === undefined) this.#remembered.forget(sid);
    if (session === undefined) return {};
    const note = tombstoneOf(session);
    if (note !== undefined && userId === undefined) return this.#rejectAgain(sid, note);
    const stamp = stampOf(session);
    // A process without the hook has logged the user out, or another user in.
    if (stamp !== undefined && stamp.userId !== userId) await this.ends.endBySession(sid, stamp);
    if (userId === undefined) return { session: await this.#withoutStamp(sid, session) };
    if (stamp?.userId !== userId) return this.#adopt(sid, session, userId);
    if (!isListedWith(await this.#registry.find(userId, stamp.loginId), sid)) return this.#reject(sid, session, stamp);
    this.#remembered.seen(sid, stamp);
    return { session };
  }

  /** Returns the stamp of a loaded session. */
  stampOf(session: SessionRecord): Stamp | undefined {
    const stamp = stampOf(session);
    return stamp !== undefined && stamp.userId === this.#userOf(session) ? stamp : undefined;
  }

  /** Removes a session whose request is about to get a new session id: the login stays listed, without the old id. */
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

  /** Remembers the login of a new session id, in case the session is destroyed before it is saved. */
  rotating(sid: string, logins: RequestState): void {
    const held = logins.on(sid);
    if (held !== undefined) this.#remembered.expected(sid, held.stamp);
  }

  /** Clears the store and ends every login. */
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
    /** An error of one session, or of `onProgress`, does not keep the other sessions from being adopted. */
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

  #rejectAgain(sid: string, note: Tombstone): Loaded {
    this.#events.rejected({ id: note.loginId, userId: undefined, at: note.at, reason: note.reason });
    return { rejection: { ...note, sid } };
  }

  /** Adopts a session with a user id but without a stamp of that user. */
  async #adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const adopted = await this.#listings.adopt(sid, session, userId);
    if (!("stamp" in adopted)) {
      // A fault of the app: the session stays until the app is fixed.
      if (adopted.rejected === "failed") return {};
      return this.#reject(sid, session, unadopted(sid, userId), adopted.authenticatedAt);
    }
    const { stamp } = adopted;
    // Another request may have written the session meanwhile; its data must not be lost.
    const current = await this.#raw.get(sid);
    if (current === undefined) {
      // The session is gone. The login may live under another session id.
      await this.#registry.update(userId, stamp.loginId, { removeSid: sid });
      return {};
    }
    if (!this.#isUnchanged(current, session)) return this.#load(sid);
    if (!(await this.saves.writeAndCheck(sid, current, stamp))) return this.#load(sid);
    this.#remembered.seen(sid, stamp);
    return { session: withStamp(current, stamp) };
  }

  /** Removes the data of a rejected session, or replaces it with a tombstone, unless a new login has begun in the session. */
  async #reject(
    sid: string,
    session: SessionRecord,
    { userId, loginId, generation }: Stamp,
    authenticatedAt?: Date,
  ): Promise<Loaded> {
    const record = await this.#registry.kickOf(userId, loginId, generation);
    const kick = record !== undefined && isBefore(record, authenticatedAt) ? undefined : record;
    const current = await this.#raw.get(sid);
    if (current !== undefined && !this.#isUnchanged(current, session)) return this.#load(sid);
    this.#events.rejected({ id: loginId, userId, at: kick && +kick.at, reason: kick?.reason });
    if (kick === undefined) {
      if (current !== undefined) await this.#raw.destroy(sid);
      return {};
    }
    const note = { loginId, at: +kick.at, reason: kick.reason };
    if (current !== undefined) {
      await this.#raw.set(sid, tombstoneSession(note, new Date(Date.now() + this.#listings.keepMs(session))));
    }
    return { rejection: { ...note, sid } };
  }

  /** Removes a stamp that a process without the hook has left in an anonymous session: the next login there is a new one. */
  async #withoutStamp(sid: string, session: SessionRecord): Promise<SessionRecord> {
    const unstamped = withStamp(session, undefined);
    if (unstamped !== session) await this.#raw.set(sid, unstamped);
    return unstamped;
  }

  /** Returns whether a session that was read again still has the same user and login. */
  #isUnchanged(current: SessionRecord, before: SessionRecord): boolean {
    return this.#userOf(current) === this.#userOf(before) && isSameLogin(stampOf(current), stampOf(before));
  }

  #userOf(session: SessionRecord): string | undefined {
    const userId = toUserId(this.#userIdOf(session));
    if (userId !== undefined) this.#missingUser.found();
    return userId;
  }
}
