import type { Store } from "express-session";
import type { ListedLogin, LoginRegistry } from "../../types/registry.js";
import { isBefore } from "../../util/clock-margin.js";
import { ignored } from "../../util/debug.js";
import { ownRegistry, type OwnRegistry } from "../../util/own-registry.js";
import { failingTo, forward, type Done } from "../callbacks.js";
import type { Rejection } from "../request-state.js";
import type { SessionEvents } from "../session-events.js";
import {
  hasOwnKey,
  isSameLogin,
  stampOf,
  tombstoneBy,
  tombstoneOf,
  tombstoneSession,
  withStamp,
  type SessionRecord,
  type Stamp,
  type Tombstone,
} from "../stamp.js";
import type { RawStore } from "../store/raw-store.js";
import { readsAreCurrent } from "../store/store-support.js";
import { unadopted } from "./adopted-id.js";
import type { LoginEnds } from "./end.js";
import type { KeyBindings } from "./key-bindings.js";
import type { Listings } from "./listing.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import { isListedWith, type SessionSaves } from "./save.js";
import type { SessionLifetimes } from "./session-lifetimes.js";

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

export interface SessionLoadsOptions {
  /** Not hooked yet. */
  readonly store: Store;
  readonly raw: RawStore;
  readonly registry: LoginRegistry;
  readonly listings: Listings;
  readonly keys: KeyBindings;
  readonly lifetimes: SessionLifetimes;
  readonly saves: SessionSaves;
  readonly ends: LoginEnds;
  readonly remembered: RememberedSessions;
  readonly events: SessionEvents;
  readonly userOf: (session: SessionRecord) => string | undefined;
}

/** Reads sessions, and decides whether each is served. */
export class SessionLoads {
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #own: OwnRegistry | undefined;
  readonly #listings: Listings;
  readonly #keys: KeyBindings;
  readonly #lifetimes: SessionLifetimes;
  readonly #saves: SessionSaves;
  readonly #ends: LoginEnds;
  readonly #remembered: RememberedSessions;
  readonly #events: SessionEvents;
  readonly #userOf: SessionLoadsOptions["userOf"];
  readonly #readsAreCurrent: boolean;

  constructor(options: SessionLoadsOptions) {
    this.#raw = options.raw;
    this.#registry = options.registry;
    this.#own = ownRegistry(options.registry);
    this.#listings = options.listings;
    this.#keys = options.keys;
    this.#lifetimes = options.lifetimes;
    this.#saves = options.saves;
    this.#ends = options.ends;
    this.#remembered = options.remembered;
    this.#events = options.events;
    this.#userOf = options.userOf;
    this.#readsAreCurrent = readsAreCurrent(options.store);
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
    this.#ends.lost(sid, likely.stamp).catch(ignored("the login of a lost session stays listed", [sid]));
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
    if (this.#own?.peeksAtList === true || this.#own?.peek?.(userId, loginId) !== undefined) {
      return { stamp, lookup: undefined, wasWritten };
    }
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
    const serve = (): void => {
      // Also where this process was about to write it: it has not seen yet that the store has it.
      if (!isLikely || likely?.wasWritten !== true) this.#remembered.seen(sid, stamp);
      done(undefined, { session });
    };
    if (isListedWith(this.#own?.peek?.(stamp.userId, stamp.loginId), sid)) {
      serve();
      return;
    }
    const examine = (): void => {
      forward(this.#examine(sid, session), done);
    };
    if (!isLikely || likely?.lookup === undefined) examine();
    else {
      likely.lookup.then((login) => {
        if (isListedWith(login, sid)) serve();
        else examine();
      }, examine);
    }
  }

  /** Decides about a session of any kind that has been read. */
  async #examine(sid: string, session: SessionRecord | undefined): Promise<Loaded> {
    const userId = session && this.#userOf(session);
    if (userId === undefined) this.#remembered.forget(sid);
    if (session === undefined) return {};
    const tombstone = tombstoneOf(session);
    if (tombstone !== undefined && userId === undefined) return this.#rejectAgain(sid, tombstone);
    const stamp = stampOf(session);
    // A process without the hook has logged the user out, or another user in.
    if (stamp !== undefined && stamp.userId !== userId) await this.#ends.endBySession(sid, stamp);
    if (userId === undefined) return { session: await this.#withoutStamp(sid, session) };
    if (stamp?.userId !== userId) return this.adopt(sid, session, userId);
    if (!isListedWith(await this.#registry.find(userId, stamp.loginId), sid)) return this.#reject(sid, session, stamp);
    this.#remembered.seen(sid, stamp);
    return { session };
  }

  #rejectAgain(sid: string, tombstone: Tombstone): Loaded {
    this.#events.rejected({ id: tombstone.loginId, userId: undefined }, tombstone);
    return { rejection: { ...tombstone, sid } };
  }

  /** Adopts a session with a user id but without a stamp of that user. */
  async adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const adopted = await this.#listings.adopt(sid, session, userId);
    if (!("stamp" in adopted)) {
      // A fault of the app: the session stays until the app is fixed. Or the user must end another login first.
      if (adopted.rejected !== "rejected") return {};
      return this.#reject(sid, session, unadopted(sid, userId), adopted.authenticatedAt);
    }
    const { stamp } = adopted;
    // Another request may have written the session meanwhile; its data must not be lost.
    const current = await this.#raw.get(sid);
    if (current === undefined) {
      // The session is gone. The login may live under another session id.
      await this.#registry.update(userId, stamp.loginId, { removeSid: sid });
      // A job may have written the session after this look, and found its login listed with the id before it was taken off.
      return this.#load(sid);
    }
    if (!this.#isUnchanged(current, session) || !this.#keys.isBound(current, stamp)) return this.#load(sid);
    if (!(await this.#saves.writeAndCheck(sid, current, stamp))) return this.#load(sid);
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
    this.#events.rejected({ id: loginId, userId }, kick);
    if (kick === undefined) {
      if (current !== undefined) await this.#raw.destroy(sid);
      return {};
    }
    const tombstone = tombstoneBy(kick, loginId);
    if (current !== undefined) {
      await this.#raw.set(sid, tombstoneSession(tombstone, new Date(Date.now() + this.#lifetimes.keepMs(session))));
    }
    return { rejection: { ...tombstone, sid } };
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
}
