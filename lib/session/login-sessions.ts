import { createHash } from "node:crypto";
import type { Store } from "express-session";
import type { ListedLogin, LoginRegistry } from "../login.js";
import { failingTo, settle, type Done } from "./callbacks.js";
import { Listings, type Listing } from "./listings.js";
import type { RawStore } from "./raw-store.js";
import { RememberedSessions } from "./remembered-sessions.js";
import type { HeldLogin, Refusal, RequestLogins } from "./requests.js";
import {
  isMarked,
  isSameLogin,
  noteOf,
  sessionWithNote,
  stampOf,
  withStamp,
  type KickNote,
  type SessionRecord,
  type Stamp,
} from "./stamp.js";
import type { SessionEvents } from "./session-events.js";
import { toUserId, type UserIdOf } from "./user-id.js";

/** What the id of an adopted login begins with. */
const ADOPTED = "~";

/** The login that a session is likely to have, and the question to the registry whether it is listed, if that is under way. */
interface Likely {
  readonly stamp: Stamp;
  readonly asked: Promise<ListedLogin | undefined> | undefined;
}

/** What a read of a session came to: the data, or that there is none, and why if it was refused after a kick. */
export interface Loaded {
  readonly session?: SessionRecord;
  readonly refusal?: Refusal;
}

export interface LoginSessionsOptions {
  readonly store: Store;
  readonly raw: RawStore;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly maxSessionAgeMs: number;
  readonly touchIntervalMs: number;
  readonly events: SessionEvents;
}

/**
 * The rules by which sessions become logins and logins end, one method for each thing that happens to a session.
 *
 * The one that all others serve: a session is served only while its login is listed, and only a new login lists one.
 */
export class LoginSessions {
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #userIdOf: UserIdOf;
  readonly #events: SessionEvents;
  readonly #touchIntervalMs: number;
  readonly #remembered = new RememberedSessions();
  readonly #listings: Listings;

  constructor({ raw, registry, userId, events, touchIntervalMs, ...rest }: LoginSessionsOptions) {
    this.#raw = raw;
    this.#touchIntervalMs = touchIntervalMs;
    this.#registry = registry;
    this.#userIdOf = userId;
    this.#events = events;
    this.#listings = new Listings({ registry, events, remembered: this.#remembered, ...rest });
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
        if (session !== undefined && userId === undefined && !isMarked(session)) {
          this.#remembered.left(sid);
          done(undefined, { session });
        } else if (session !== undefined && userId !== undefined && stamp?.userId === userId) {
          this.#serveIfLive(sid, session, stamp, likely, done);
        } else settle(this.#examine(sid, session), done);
      }),
    );
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
    if (this.#registry.known?.(userId, loginId) !== undefined) return { stamp, asked: undefined };
    const asked = this.#registry.find(userId, loginId);
    // Why it could not be answered is told by the second question, if there is one.
    asked.catch(() => undefined);
    return { stamp, asked };
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
    if (isLive(this.#registry.known?.(stamp.userId, stamp.loginId), sid)) {
      if (!isLikely) this.#remembered.seen(sid, stamp);
      done(undefined, { session });
      return;
    }
    const examine = (): void => {
      settle(this.#examine(sid, session), done);
    };
    if (!isLikely || likely?.asked === undefined) examine();
    else {
      likely.asked.then((login) => {
        if (isLive(login, sid)) done(undefined, { session });
        else examine();
      }, examine);
    }
  }

  /** What a session that has been read comes to, whatever it is. */
  async #examine(sid: string, session: SessionRecord | undefined): Promise<Loaded> {
    const userId = session && this.#userOf(session);
    if (userId === undefined) this.#remembered.left(sid);
    if (session === undefined) return {};
    const note = noteOf(session);
    if (note !== undefined && userId === undefined) return this.#stillRefused(sid, note);
    const stamp = stampOf(session);
    // Left by a process without the hook, in which the user has logged out or another one has logged in.
    if (stamp !== undefined && stamp.userId !== userId) await this.#end(stamp);
    if (userId === undefined) return { session: await this.#withoutStamp(sid, session) };
    if (stamp?.userId !== userId) return this.#adopt(sid, session, userId);
    if (!isLive(await this.#registry.find(userId, stamp.loginId), sid)) return this.#refuse(sid, session, stamp);
    this.#remembered.seen(sid, stamp);
    return { session };
  }

  /** The login of a session that has been loaded. */
  stampOf(session: SessionRecord): Stamp | undefined {
    const stamp = stampOf(session);
    return stamp !== undefined && stamp.userId === this.#userOf(session) ? stamp : undefined;
  }

  /**
   * A session is written, in a request where that is known: that of an unlisted login too, since it is never served. The
   * logins that it is the end of are taken off after that, so that whoever finds one gone finds the new data as well.
   */
  async save(sid: string, session: SessionRecord, req?: object, logins?: RequestLogins): Promise<void> {
    let userId: string | undefined;
    let listing: Listing | undefined;
    // An app that does not wait for a save may change the user meanwhile. What is written is one user's, with his own stamp.
    do {
      await listing?.undo?.();
      userId = this.#userOf(session);
      listing = userId === undefined ? undefined : await this.#listings.of({ sid, session, userId, req, logins });
    } while (this.#userOf(session) !== userId);
    const others = this.#endedBy(sid, session, userId, logins);
    try {
      await this.#raw.set(sid, withStamp(session, listing?.stamp));
    } catch (error) {
      await listing?.undo?.();
      throw error;
    }
    listing?.done?.();
    if (userId === undefined) this.#remembered.left(sid);
    for (const { stamp, held } of others) await this.#end(stamp, held);
    if (listing?.done !== undefined && logins?.refusal !== undefined) await this.#forgetIfPossible(logins.refusal);
  }

  /**
   * A session is touched: its data stays, its life goes on. Its login's first: should the second step fail, the session is
   * the one that ends too early, and nobody is refused whose session is still there.
   *
   * The login may have begun in this very request: then the request knows of it, and the session does not. One that has ended
   * touches nothing: the session may be another login's by now, which would not live as long.
   */
  touch(sid: string, session: SessionRecord, done: Done<undefined>, req?: object, logins?: RequestLogins): void {
    const held = logins?.on(sid)?.stamp;
    const stamp = held?.userId === this.#userOf(session) ? held : this.stampOf(session);
    if (stamp === undefined) {
      this.#raw.touch(sid, session, done);
      return;
    }
    const extended = this.#listings.extend(sid, session, stamp, req);
    if (extended === undefined) {
      this.#touchIfDue(sid, session, done);
      return;
    }
    const goOn = failingTo<boolean>(done, (isListed) => {
      if (isListed === false) done();
      else this.#touchIfDue(sid, session, done);
    });
    settle(extended, goOn);
  }

  #touchIfDue(sid: string, session: SessionRecord, done: Done<undefined>): void {
    if (this.#touchIntervalMs === 0) {
      this.#raw.touch(sid, session, done);
      return;
    }
    const ttlMs = this.#listings.ttlMs(session);
    if (!this.#remembered.isTouchDue(sid, ttlMs, this.#touchIntervalMs)) {
      done();
      return;
    }
    const now = Date.now();
    this.#raw.touch(sid, session, done, () => {
      this.#remembered.touched(sid, now, ttlMs);
    });
  }

  /** A session id is given up for a new one, which this request is about to get: the login stays, without the old id. */
  async suspend(sid: string, logins: RequestLogins): Promise<void> {
    const held = logins.on(sid);
    if (held === undefined) {
      await this.end(sid, logins);
      return;
    }
    await this.#registry.update(held.stamp.userId, held.stamp.loginId, { removeSid: sid });
    await this.#raw.destroy(sid);
  }

  /** A request has got its new session id: should the session end before it is saved, it is known whose it was. */
  rotating(sid: string, logins: RequestLogins): void {
    const held = logins.on(sid);
    if (held !== undefined) this.#remembered.seen(sid, held.stamp);
  }

  /**
   * A session is destroyed: its login ends, under whatever session id it lives by now. Where the request is not known
   * (`req.session = null`), so does every login that was seen in it: two requests may have changed it since.
   */
  async end(sid: string, logins?: RequestLogins): Promise<void> {
    const held = logins?.on(sid);
    if (held !== undefined) await this.#end(held.stamp, held);
    else for (const stamp of await this.#loginsIn(sid, logins === undefined)) await this.#end(stamp);
    await this.#raw.destroy(sid);
  }

  /** The store is emptied. */
  async clear(): Promise<void> {
    this.#remembered.clear();
    await this.#registry.clear();
    await this.#raw.clear();
  }

  /** The refused user has been told why. */
  async forget({ sid }: Refusal): Promise<void> {
    const session = await this.#raw.get(sid);
    if (session !== undefined && noteOf(session) !== undefined) await this.#raw.destroy(sid);
  }

  /** Who has logged in needs no reason any more. That it cannot be removed is no trouble of his. */
  async #forgetIfPossible(refusal: Refusal): Promise<void> {
    await this.forget(refusal).catch(() => undefined);
  }

  #stillRefused(sid: string, note: KickNote): Loaded {
    this.#events.refused({ id: note.loginId, userId: undefined, reason: note.reason });
    return { refusal: { ...note, sid } };
  }

  /**
   * A session with a user id that carries no stamp of his: older than the installation, or written by a process without the
   * hook. Two first requests at once adopt one login, since its id derives from the session id.
   */
  async #adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const stamp: Stamp = { userId, loginId: ADOPTED + digest(sid), era: "" };
    const login = { id: stamp.loginId, userId, sid, ttlMs: this.#listings.keepMs(session) };
    if (!(await this.#registry.adopt(login, { era: stamp.era, ends: 0 }))) return this.#refuse(sid, session, stamp);
    // Another request may have written the session meanwhile: what it wrote must not be lost.
    const current = await this.#raw.get(sid);
    if (current === undefined) {
      // Gone meanwhile: it is not to be shown as live here; under another session id it may be.
      await this.#registry.update(userId, stamp.loginId, { removeSid: sid });
      return {};
    }
    if (!this.#isUnchanged(current, session)) return this.#load(sid);
    const adopted = withStamp(current, stamp);
    await this.#raw.set(sid, adopted);
    this.#remembered.seen(sid, stamp);
    return { session: adopted };
  }

  /** The data of a refused session is removed, or replaced by why, unless somebody has logged in anew in it meanwhile. */
  async #refuse(sid: string, session: SessionRecord, { userId, loginId, era }: Stamp): Promise<Loaded> {
    const mark = await this.#registry.kickMark(userId, loginId, era);
    const current = await this.#raw.get(sid);
    if (current !== undefined && !this.#isUnchanged(current, session)) return this.#load(sid);
    this.#events.refused({ id: loginId, userId, reason: mark?.reason });
    if (mark === undefined) {
      if (current !== undefined) await this.#raw.destroy(sid);
      return {};
    }
    const note = { loginId, at: +mark.at, reason: mark.reason };
    if (current !== undefined) {
      await this.#raw.set(sid, sessionWithNote(note, new Date(Date.now() + this.#listings.keepMs(session))));
    }
    return { refusal: { ...note, sid } };
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

  /** The logins that a save is the end of: the user has left the session, or another one has taken it over. */
  #endedBy(
    sid: string,
    session: SessionRecord,
    userId: string | undefined,
    logins: RequestLogins | undefined,
  ): { stamp: Stamp; held: HeldLogin | undefined }[] {
    const here = logins?.on(sid);
    const stamp = stampOf(session);
    const ended: { stamp: Stamp; held: HeldLogin | undefined }[] = [];
    if (here !== undefined && here.stamp.userId !== userId) ended.push({ stamp: here.stamp, held: here });
    if (stamp !== undefined && stamp.userId !== userId && !isSameLogin(stamp, here?.stamp)) {
      ended.push({ stamp, held: logins?.of(stamp.userId) });
    }
    return ended;
  }

  async #end({ userId, loginId }: Stamp, held?: HeldLogin): Promise<void> {
    if (held?.removal !== undefined) return;
    const at = Date.now();
    // An adopted login's id can be derived again from data that a slower request has read before.
    const removal = await this.#registry.remove(userId, loginId, { remember: loginId.startsWith(ADOPTED) });
    if (removal.login === undefined) return;
    if (held !== undefined) held.removal = { ...removal, at };
    this.#events.logout({ id: loginId, userId });
  }

  /** The logins seen in a session by this process and, if need be, the one that the store has in it. */
  async #loginsIn(sid: string, readStore: boolean): Promise<readonly Stamp[]> {
    const remembered = this.#remembered.logins(sid);
    const session = readStore ? await this.#raw.get(sid) : undefined;
    const stored = session && this.stampOf(session);
    const isKnown = stored === undefined || remembered.some((stamp) => isSameLogin(stamp, stored));
    return isKnown ? remembered : [...remembered, stored];
  }

  #userOf(session: SessionRecord): string | undefined {
    return toUserId(this.#userIdOf(session));
  }
}

function isLive(login: ListedLogin | undefined, sid: string): boolean {
  return login?.sids.includes(sid) === true;
}

function digest(sid: string): string {
  return createHash("sha256").update(`express-logout:${sid}`).digest().subarray(0, 16).toString("base64url");
}
