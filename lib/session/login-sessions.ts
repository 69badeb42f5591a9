import { createHash, randomBytes } from "node:crypto";
import type { Store } from "express-session";
import { LRUCache } from "lru-cache";
import type { Login, LoginRegistry } from "../login.js";
import { clientOf } from "./client.js";
import { sessionTtlMs, touchIntervalMs } from "./lifetime.js";
import type { RawStore } from "./raw-store.js";
import type { HeldLogin, Refusal, RequestLogins } from "./requests.js";
import { noteOf, sessionWithNote, stampOf, withStamp, type KickNote, type SessionRecord, type Stamp } from "./stamp.js";
import { toUserId, type UserIdOf } from "./user-id.js";

/** Of how many sessions it is remembered, in this process, whose they are and when they were last extended. */
const REMEMBERED_SESSIONS = 10_000;
const ADOPTED = "~";

/** What a read of a session came to: the data, or that there is none, and why if it was refused after a kick. */
export interface Loaded {
  readonly session?: SessionRecord;
  readonly refusal?: Refusal;
}

export interface SessionEvents {
  login(login: Pick<Login, "id" | "userId" | "ip" | "userAgent">): void;
  logout(login: Pick<Login, "id" | "userId">): void;
  refused(login: { id: string; userId: string | undefined; reason: string | undefined }): void;
}

export interface LoginSessionsOptions {
  readonly store: Store;
  readonly raw: RawStore;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly maxSessionAgeMs: number;
  readonly events: SessionEvents;
}

/** The login of a session that is about to be written; what follows once it is written, and if it cannot be. */
interface Listing {
  readonly stamp: Stamp;
  readonly undo?: () => Promise<void>;
  readonly done?: () => void | Promise<void>;
}

interface Remembered {
  readonly stamp: Stamp;
  /** When the registry was last told that the login is active, and until when it keeps it; epoch milliseconds. */
  readonly toldAt: number;
  readonly keptUntil: number;
}

/**
 * The rules by which sessions become logins and logins end, one method for each thing that happens to a session.
 *
 * The one that all others serve: a session is served only while its login is listed, and only a new login lists one.
 */
export class LoginSessions {
  readonly #store: Store;
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #userIdOf: UserIdOf;
  readonly #maxSessionAgeMs: number;
  readonly #events: SessionEvents;
  readonly #remembered = new LRUCache<string, Remembered>({ max: REMEMBERED_SESSIONS });

  constructor({ store, raw, registry, userId, maxSessionAgeMs, events }: LoginSessionsOptions) {
    this.#store = store;
    this.#raw = raw;
    this.#registry = registry;
    this.#userIdOf = userId;
    this.#maxSessionAgeMs = maxSessionAgeMs;
    this.#events = events;
  }

  /** A session is read. */
  async load(sid: string): Promise<Loaded> {
    const session = await this.#raw.get(sid);
    if (session === undefined) return {};
    const userId = this.#userOf(session);
    const note = noteOf(session);
    if (note !== undefined && userId === undefined) return this.#stillRefused(sid, note);
    const stamped = stampOf(session);
    if (stamped !== undefined && stamped.userId !== userId) await this.#end(sid, stamped);
    if (userId === undefined) return { session: await this.#restamped(sid, session, undefined) };
    if (stamped?.userId !== userId) return this.#adopt(sid, session, userId);
    const login = await this.#registry.find(userId, stamped.loginId);
    if (login?.sids.includes(sid) !== true) return this.#refuse(sid, session, stamped);
    if (this.#remembered.get(sid)?.stamp.loginId !== stamped.loginId) this.#remember(sid, stamped);
    return { session };
  }

  /** The login of a session that has been loaded. */
  stampOf(session: SessionRecord): Stamp | undefined {
    const stamped = stampOf(session);
    return stamped !== undefined && stamped.userId === this.#userOf(session) ? stamped : undefined;
  }

  /** A session is written, in a request where that is known. */
  async save(sid: string, session: SessionRecord, req: object | undefined, logins?: RequestLogins): Promise<void> {
    const userId = this.#userOf(session);
    await this.#endOthers(sid, session, userId, logins);
    if (userId === undefined) return this.#raw.set(sid, withStamp(session, undefined));
    const listing = await this.#list(sid, session, userId, req, logins);
    try {
      await this.#raw.set(sid, withStamp(session, listing.stamp));
    } catch (error) {
      await listing.undo?.();
      throw error;
    }
    await listing.done?.();
  }

  /** A session is touched: its data stays, its life goes on. */
  async touch(sid: string, session: SessionRecord, req: object | undefined): Promise<void> {
    const stamped = this.stampOf(session);
    const touched = this.#raw.touch(sid, session);
    if (stamped === undefined) await touched;
    else await Promise.all([touched, this.#extend(sid, session, stamped, req)]);
  }

  /** A session id is given up for a new one, which this request is about to get: the login stays, without the old id. */
  async suspend(sid: string, logins: RequestLogins): Promise<void> {
    const held = logins.on(sid);
    if (held === undefined) {
      await this.end(sid, logins);
      return;
    }
    this.#remembered.delete(sid);
    await this.#registry.update(held.stamp.userId, held.stamp.loginId, { removeSid: sid });
    await this.#raw.destroy(sid);
  }

  /** A request has got its new session id: should the session end before it is saved, it is known whose it was. */
  rotating(sid: string, logins: RequestLogins): void {
    const held = logins.on(sid);
    if (held !== undefined) this.#remember(sid, held.stamp);
  }

  /** A session is destroyed: its login ends, under whatever session id it lives by now. */
  async end(sid: string, logins?: RequestLogins): Promise<void> {
    const held = logins?.on(sid);
    const known = held?.stamp ?? this.#remembered.get(sid)?.stamp;
    const stamped = known ?? (logins === undefined ? await this.#stampStored(sid) : undefined);
    if (stamped !== undefined) await this.#end(sid, stamped, held);
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
    await this.#raw.destroy(sid);
  }

  #stillRefused(sid: string, note: KickNote): Loaded {
    this.#events.refused({ id: note.loginId, userId: undefined, reason: note.reason });
    return { refusal: { ...note, sid } };
  }

  /** The session as it must stand in the store: written only where a process without the hook has left it otherwise. */
  async #restamped(sid: string, session: SessionRecord, stamp: Stamp | undefined): Promise<SessionRecord> {
    const restamped = withStamp(session, stamp);
    if (restamped !== session) await this.#raw.set(sid, restamped);
    return restamped;
  }

  /**
   * A session with a user id that carries no stamp of his: older than the installation, or written by a process without the
   * hook. Two first requests at once adopt one login, since its id derives from the session id.
   */
  async #adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const stamped: Stamp = { userId, loginId: ADOPTED + digest(sid), era: "" };
    const login = { id: stamped.loginId, userId, sid, ttlMs: this.#keepMs(session) };
    if (!(await this.#registry.adopt(login, { era: stamped.era, ends: 0 }))) {
      return this.#refuse(sid, session, stamped);
    }
    const adopted = await this.#restamped(sid, session, stamped);
    this.#remember(sid, stamped);
    return { session: adopted };
  }

  async #refuse(sid: string, session: SessionRecord, { userId, loginId, era }: Stamp): Promise<Loaded> {
    this.#remembered.delete(sid);
    const mark = await this.#registry.kickMark(userId, loginId, era);
    this.#events.refused({ id: loginId, userId, reason: mark?.reason });
    if (mark === undefined) {
      await this.#raw.destroy(sid);
      return {};
    }
    const note = { loginId, at: +mark.at, reason: mark.reason };
    await this.#raw.set(sid, sessionWithNote(note, new Date(Date.now() + this.#keepMs(session))));
    return { refusal: { ...note, sid } };
  }

  /** The logins that this save is the end of: the user has left the session, or another one has taken it over. */
  async #endOthers(
    sid: string,
    session: SessionRecord,
    userId: string | undefined,
    logins: RequestLogins | undefined,
  ): Promise<void> {
    const here = logins?.on(sid);
    if (here !== undefined && here.stamp.userId !== userId) await this.#end(sid, here.stamp, here);
    const stamped = stampOf(session);
    if (stamped === undefined || stamped.userId === userId || stamped.loginId === here?.stamp.loginId) return;
    await this.#end(sid, stamped, logins?.of(stamped.userId));
  }

  /** The session of a user is about to be written: sees to it that its login is listed, if it may be. */
  #list(
    sid: string,
    session: SessionRecord,
    userId: string,
    req: object | undefined,
    logins: RequestLogins | undefined,
  ): Promise<Listing> {
    const held = logins?.of(userId);
    if (logins !== undefined && held !== undefined) {
      if (held.removal !== undefined) return this.#resume(sid, session, held, logins);
      if (logins.freshSid === sid) return this.#rotate(sid, session, held, logins);
      return this.#extend(sid, session, held.stamp, req);
    }
    const stamped = stampOf(session);
    if (stamped?.userId === userId) return this.#extend(sid, session, stamped, req);
    return this.#begin(sid, session, userId, req, logins);
  }

  /** A login begins: listed, stamped, written, in this order. */
  async #begin(
    sid: string,
    session: SessionRecord,
    userId: string,
    req: object | undefined,
    logins: RequestLogins | undefined,
  ): Promise<Listing> {
    const loginId = randomBytes(16).toString("base64url");
    const client = clientOf(req);
    const era = await this.#registry.add({ id: loginId, userId, sid, ttlMs: this.#keepMs(session), ...client });
    const stamp: Stamp = { userId, loginId, era };
    return {
      stamp,
      undo: async () => {
        await this.#registry.remove(userId, loginId);
      },
      done: async () => {
        this.#remember(sid, stamp, session);
        logins?.hold({ stamp, sid });
        this.#events.login({ id: loginId, userId, ...client });
        if (logins?.refusal !== undefined) await this.forget(logins.refusal);
      },
    };
  }

  /** The request has rotated its session id: the login goes on under the new one, if it is still listed. */
  async #rotate(sid: string, session: SessionRecord, { stamp }: HeldLogin, logins: RequestLogins): Promise<Listing> {
    const { userId, loginId } = stamp;
    const listed = await this.#registry.update(userId, loginId, { addSid: sid, ttlMs: this.#keepMs(session) });
    if (!listed) return { stamp };
    return {
      stamp,
      undo: async () => {
        await this.#registry.update(userId, loginId, { removeSid: sid });
      },
      done: () => {
        this.#remember(sid, stamp, session);
        logins.hold({ stamp, sid });
      },
    };
  }

  /** The request has ended its login and brings the same user back: as it was, if nobody else has ended it since. */
  async #resume(sid: string, session: SessionRecord, held: HeldLogin, logins: RequestLogins): Promise<Listing> {
    const { stamp } = held;
    const { userId, loginId, era } = stamp;
    const { login, ends = 0 } = held.removal ?? {};
    const { began, ip, userAgent } = login ?? {};
    const again = { id: loginId, userId, sid, ttlMs: this.#keepMs(session), began, ip, userAgent };
    if (!(await this.#registry.adopt(again, { era, ends }))) return { stamp };
    return {
      stamp,
      undo: async () => {
        held.removal = await this.#registry.remove(userId, loginId);
      },
      done: () => {
        this.#remember(sid, stamp, session);
        logins.hold({ stamp, sid });
        this.#events.login({ id: loginId, userId, ip, userAgent });
      },
    };
  }

  async #end(sid: string, { userId, loginId }: Stamp, held?: HeldLogin): Promise<void> {
    if (held?.removal !== undefined) return;
    this.#remembered.delete(sid);
    // An adopted login's id can be derived again from data that a slower request has read before.
    const removal = await this.#registry.remove(userId, loginId, { remember: loginId.startsWith(ADOPTED) });
    if (removal.login === undefined) return;
    if (held !== undefined) held.removal = removal;
    this.#events.logout({ id: loginId, userId });
  }

  /** Tells the registry that the login is active, at most once in an interval; sooner where its session will live longer. */
  async #extend(sid: string, session: SessionRecord, stamp: Stamp, req: object | undefined): Promise<Listing> {
    const ttlMs = sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
    const now = Date.now();
    const told = this.#remembered.get(sid);
    const isKept = told?.stamp.loginId === stamp.loginId && told.keptUntil >= now + ttlMs;
    if (isKept && now - told.toldAt < touchIntervalMs(ttlMs)) return { stamp };
    this.#remember(sid, stamp, session);
    try {
      await this.#registry.update(stamp.userId, stamp.loginId, { ttlMs: this.#keepMs(session), ...clientOf(req) });
    } catch (error) {
      this.#remember(sid, stamp);
      throw error;
    }
    return { stamp };
  }

  async #stampStored(sid: string): Promise<Stamp | undefined> {
    const session = await this.#raw.get(sid);
    return session === undefined ? undefined : this.stampOf(session);
  }

  /** @param session - as the registry was told of it just now; without it the next activity is told at once. */
  #remember(sid: string, stamped: Stamp, session?: SessionRecord): void {
    const told = session === undefined ? 0 : Date.now();
    const keptUntil = session === undefined ? 0 : told + this.#keepMs(session);
    this.#remembered.set(sid, { stamp: stamped, toldAt: told, keptUntil });
  }

  /** How long the registry is to keep the login of a session: as long as the store, and an interval more. */
  #keepMs(session: SessionRecord): number {
    const ttlMs = sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
    return ttlMs + touchIntervalMs(ttlMs);
  }

  #userOf(session: SessionRecord): string | undefined {
    return toUserId(this.#userIdOf(session));
  }
}

function digest(sid: string): string {
  return createHash("sha256").update(`express-logout:${sid}`).digest().subarray(0, 16).toString("base64url");
}
