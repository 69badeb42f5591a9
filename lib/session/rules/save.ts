import { debug, ignored } from "../../util/debug.js";
import { LogoutError } from "../../errors.js";
import type { ListedLogin, LoginRegistry } from "../../types/registry.js";
import { ownRegistry, type OwnRegistry } from "../../util/own-registry.js";
import type { Tombstones } from "../store/tombstones.js";
import type { KeyBindings } from "./key-bindings.js";
import type { Listing, Listings } from "./listing.js";
import type { LoginEnds } from "./end.js";
import type { MissingUser } from "./missing-user.js";
import type { RawStore } from "../store/raw-store.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { SessionLifetimes } from "./session-lifetimes.js";
import type { HeldLogin, RequestState } from "../request-state.js";
import { isSameLogin, tombstoneOf, stampOf, withStamp, type SessionRecord, type Stamp } from "../stamp.js";

/** How often the user or the keys of a session may change during one save: an app that does not await a save may change it meanwhile. */
const MOST_TRIES = 5;

export interface SessionSavesOptions {
  readonly raw: RawStore;
  readonly registry: LoginRegistry;
  readonly listings: Listings;
  readonly keys: KeyBindings;
  readonly lifetimes: SessionLifetimes;
  readonly ends: LoginEnds;
  readonly tombstones: Tombstones;
  readonly remembered: RememberedSessions;
  readonly userOf: (session: SessionRecord) => string | undefined;
  readonly missingUser: MissingUser;
  /** Whether what the registry is asked after a `set` is executed after it. */
  readonly isInOrder: boolean;
}

/** The user of a session that is saved, and the login. */
interface Listed {
  readonly userId: string | undefined;
  /** The lifetime of the session when its login was listed, in milliseconds. */
  readonly lifetimeMs: number;
  readonly listing: Listing | undefined;
}

/** Writes sessions, and ends the logins that a write replaces. */
export class SessionSaves {
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #own: OwnRegistry | undefined;
  readonly #listings: Listings;
  readonly #keys: KeyBindings;
  readonly #lifetimes: SessionLifetimes;
  readonly #ends: LoginEnds;
  readonly #tombstones: Tombstones;
  readonly #remembered: RememberedSessions;
  readonly #userOf: SessionSavesOptions["userOf"];
  readonly #missingUser: MissingUser;
  readonly #isInOrder: boolean;

  constructor({
    raw,
    registry,
    listings,
    keys,
    lifetimes,
    ends,
    tombstones,
    remembered,
    userOf,
    missingUser,
    isInOrder,
  }: SessionSavesOptions) {
    this.#raw = raw;
    this.#registry = registry;
    this.#own = ownRegistry(registry);
    this.#listings = listings;
    this.#keys = keys;
    this.#lifetimes = lifetimes;
    this.#ends = ends;
    this.#tombstones = tombstones;
    this.#remembered = remembered;
    this.#userOf = userOf;
    this.#missingUser = missingUser;
    this.#isInOrder = isInOrder;
  }

  /**
   * Writes a session in its request. The logins that the write replaces end afterwards, so that a request that finds one ended also
   * finds the new data.
   */
  async save(sid: string, session: SessionRecord, req: object, logins: RequestState): Promise<void> {
    if (this.#lifetimes.isEndedByCookie(session)) {
      await this.#ends.destroy(sid, logins);
      return;
    }
    const listed = await this.#listForSave(sid, session, req, logins);
    if (listed === undefined) return;
    const { userId, listing } = listed;
    const others = this.#endedBy(sid, session, userId, logins);
    const before = debug && logins.on(sid)?.stamp.userId;
    if (before !== userId) debug?.("save: the user changes from %s to %s", before ?? "none", userId ?? "none");
    await this.#write(sid, session, listed);
    if (userId === undefined) this.#missingUser.saved(sid, session);
    for (const { stamp, held } of others) {
      await (held === undefined ? this.#ends.endBySession(sid, stamp) : this.#ends.end(sid, stamp, held));
    }
    // After a login the reason of a former kick is obsolete. A failure to remove it is not worth an error.
    const { rejection } = logins;
    if (listing?.done !== undefined && listing.hasEnded === undefined && rejection !== undefined)
      await this.#ends
        .forget(rejection)
        .catch(ignored("the reason of an earlier kick was not removed", [sid, rejection.sid]));
  }

  /**
   * Writes a session without its request. A tombstone stays in its place, and a session that must not be adopted is not written.
   */
  async saveWithoutRequest(sid: string, session: SessionRecord): Promise<void> {
    if (this.#lifetimes.isEndedByCookie(session)) {
      await this.#ends.destroy(sid);
      return;
    }
    const current = await this.#raw.get(sid);
    const currentUser = current && this.#userOf(current);
    if (current !== undefined && currentUser === undefined && tombstoneOf(current) !== undefined) return;
    const stamped = current && stampOf(current);
    const stored = stamped?.userId === currentUser ? stamped : undefined;
    const isNew = current === undefined;
    const listed = await this.#list(session, (user) =>
      this.#listings.withoutRequest({ sid, session, userId: user, req: undefined, logins: undefined }, stored, isNew),
    );
    const { userId, listing } = listed;
    if (userId !== undefined && listing === undefined) return;
    await this.#write(sid, session, listed);
    // The session of an ended login is not written, so it replaces no other login.
    if (listing?.hasEnded !== undefined) return;
    for (const stamp of [stored, stampOf(session)]) {
      if (stamp !== undefined && stamp.userId !== userId) await this.#ends.endBySession(sid, stamp);
    }
  }

  /**
   * Writes a session, *then* checks that its login is listed with this session id: data that a concurrent kick has not seen is
   * removed here.
   *
   * @returns whether the login is listed
   */
  async writeAndCheck(sid: string, session: SessionRecord, stamp: Stamp): Promise<boolean> {
    const { userId, loginId } = stamp;
    const peek = (): Pick<ListedLogin, "sids"> | undefined => this.#own?.peek?.(userId, loginId);
    const find = (): Promise<ListedLogin | undefined> => this.#registry.find(userId, loginId);
    const written = this.#raw.set(sid, withStamp(session, stamp));
    const found = this.#isInOrder && peek() === undefined ? find() : undefined;
    // Awaited below, after the write.
    found?.catch(() => undefined);
    try {
      await written;
    } catch (error) {
      // The session may have been written despite the error.
      this.#removeIfEnded(sid, session, stamp).catch(ignored("data of an ended login may be left", [sid]));
      throw error;
    }
    if (isListedWith(peek(), sid) || isListedWith(await (found ?? find()), sid)) return true;
    await this.#removeData(sid, session, stamp);
    return false;
  }

  async #write(sid: string, session: SessionRecord, { listing, ...listed }: Listed): Promise<void> {
    if (listing === undefined) {
      await this.#raw.set(sid, withStamp(session, undefined));
      this.#remembered.forget(sid);
    } else if (listing.hasEnded !== undefined) {
      const isNew = listing.hasEnded === "in a new session";
      await this.#removeData(sid, session, listing.stamp, isNew);
      listing.done?.(false);
    } else {
      let isListed: boolean;
      const written = { session, lifetimeMs: this.#lifetimes.ttlMs(session) };
      try {
        isListed = await this.writeAndCheck(sid, session, listing.stamp);
      } catch (error) {
        await listing.undo?.();
        throw error;
      }
      listing.done?.(isListed);
      if (!isListed) return;
      if (listing.provisionalMs === undefined) {
        await this.#lifetimes.recordLifetime(sid, written, listed.lifetimeMs, listing.stamp);
      } else await this.#lifetimes.confirm(sid, written, listing.stamp);
    }
  }

  async #removeIfEnded(sid: string, session: SessionRecord, stamp: Stamp): Promise<void> {
    const login = await this.#registry.find(stamp.userId, stamp.loginId);
    if (!isListedWith(login, sid)) await this.#removeData(sid, session, stamp);
  }

  async #removeData(sid: string, session: SessionRecord, stamp: Stamp, isNew = false): Promise<void> {
    const kick = await this.#registry.kickOf(stamp.userId, stamp.loginId, stamp.generation);
    const expires = new Date(Date.now() + this.#lifetimes.keepMs(session));
    await (isNew
      ? this.#tombstones.writeNew(sid, stamp, kick, expires)
      : this.#tombstones.replace(sid, stamp, kick, expires));
  }

  /**
   * Lists the login of a session. After a refusal, express-session saves the session once more when the response has been sent:
   * returns `undefined` then, because an error would destroy the connection that sends the refusal.
   */
  async #listForSave(
    sid: string,
    session: SessionRecord,
    req: object,
    logins: RequestState,
  ): Promise<Listed | undefined> {
    try {
      return await this.#list(session, (user) => this.#listings.of({ sid, session, userId: user, req, logins }));
    } catch (error) {
      if (!LogoutError.is(error, "ERR_TOO_MANY_LOGINS")) throw error;
      await this.#endLeft(sid, session, logins);
      if (logins.isRefused && isAnswered(req)) return undefined;
      logins.isRefused = true;
      throw error;
    }
  }

  /**
   * Ends the login of another user whose session a refused request has left, by `regenerate()`: no session has it any more, and listed
   * it would take a place of its user's limit.
   */
  async #endLeft(sid: string, session: SessionRecord, logins: RequestState): Promise<void> {
    const left = logins.freshSid === sid ? logins.on(sid) : undefined;
    if (left === undefined || left.stamp.userId === this.#userOf(session)) return;
    this.#remembered.forget(sid);
    await this.#ends.end(sid, left.stamp, left).catch(ignored("a login without a session stays listed"));
  }

  /** Lists the login of the session's user, again if the user changes meanwhile: data and stamp must be of one user. */
  async #list(session: SessionRecord, list: (userId: string) => Promise<Listing | undefined>): Promise<Listed> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const userId = this.#userOf(session);
      const lifetimeMs = this.#lifetimes.ttlMs(session);
      const listing = userId === undefined ? undefined : await list(userId);
      if (this.#userOf(session) === userId && this.#isOf(session, listing)) return { userId, listing, lifetimeMs };
      await listing?.undo?.();
    }
    throw new LogoutError(
      "ERR_USER_ID_INVALID",
      `The user id or the keys of a session changed ${String(MOST_TRIES)} times during a save. logout({ userId, logins: { keys } }) must return the same for the same session.`,
    );
  }

  /** Whether the login is bound to the keys of the session. The data of an ended login is not written. */
  #isOf(session: SessionRecord, listing: Listing | undefined): boolean {
    return listing === undefined || listing.hasEnded !== undefined || this.#keys.isBound(session, listing.stamp);
  }

  /** Returns the logins that a save replaces: the user has left the session, or another user has taken it over. */
  #endedBy(
    sid: string,
    session: SessionRecord,
    userId: string | undefined,
    logins: RequestState,
  ): { stamp: Stamp; held: HeldLogin | undefined }[] {
    const here = logins.on(sid);
    const stamp = stampOf(session);
    const ended: { stamp: Stamp; held: HeldLogin | undefined }[] = [];
    if (here !== undefined && here.stamp.userId !== userId) ended.push({ stamp: here.stamp, held: here });
    if (stamp !== undefined && stamp.userId !== userId && !isSameLogin(stamp, here?.stamp)) {
      ended.push({ stamp, held: heldAs(stamp, logins) });
    }
    return ended;
  }
}

/** Returns the login that a request holds, if it is this one. */
function heldAs(stamp: Stamp, logins: RequestState): HeldLogin | undefined {
  const held = logins.of(stamp.userId);
  return isSameLogin(held?.stamp, stamp) ? held : undefined;
}

function isAnswered(req: object): boolean {
  return (req as { readonly res?: { readonly headersSent?: boolean } }).res?.headersSent === true;
}

export function isListedWith(login: Pick<ListedLogin, "sids"> | undefined, sid: string): boolean {
  return login?.sids.includes(sid) === true;
}
