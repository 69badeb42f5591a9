import { createHash, randomBytes } from "node:crypto";
import type { Store } from "express-session";
import { LRUCache } from "lru-cache";
import type { Login, LoginRegistry } from "../login.js";
import { clientOf } from "./client.js";
import { sessionTtlMs, touchIntervalMs } from "./lifetime.js";
import type { RawStore } from "./raw-store.js";
import type { HeldLogin, Refusal, RequestLogins } from "./requests.js";
import { noteOf, sessionWithNote, stamp, stampOf, unstamp, type SessionRecord, type Stamp } from "./stamp.js";
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

/** A session id has been listed for a login: what follows when its session is written, and when it could not be. */
interface Listing {
  undo(): Promise<void>;
  done(): void | Promise<void>;
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
    if (userId === undefined) return this.#loadAnonymous(sid, session);
    const stamped = stampOf(session);
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
    if (userId === undefined) {
      unstamp(session);
      return this.#raw.set(sid, session);
    }
    const stamped = stampOf(session);
    const known = logins?.of(userId)?.stamp ?? (stamped?.userId === userId ? stamped : undefined);
    if (known === undefined) {
      return this.#write(sid, session, await this.#begin(sid, session, userId, req, logins));
    }
    stamp(session, known);
    return this.#write(sid, session, await this.#goOn(sid, session, known, req, logins));
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

  #loadAnonymous(sid: string, session: SessionRecord): Loaded {
    const note = noteOf(session);
    if (note !== undefined) {
      this.#events.refused({ id: note.loginId, userId: undefined, reason: note.reason });
      return { refusal: { ...note, sid } };
    }
    // Left by a process without the hook that logged the user out. The next login in this session is a new one.
    unstamp(session);
    return { session };
  }

  /**
   * A session with a user id that carries no stamp of his: older than the installation, or written by a process without the
   * hook. Two first requests at once adopt one login, since its id derives from the session id.
   */
  async #adopt(sid: string, session: SessionRecord, userId: string): Promise<Loaded> {
    const stamped: Stamp = { userId, loginId: ADOPTED + digest(sid), era: "" };
    stamp(session, stamped);
    const login = { id: stamped.loginId, userId, sid, ttlMs: this.#keepMs(session) };
    if (!(await this.#registry.adopt(login, { era: stamped.era, ends: 0 }))) {
      return this.#refuse(sid, session, stamped);
    }
    await this.#raw.set(sid, session);
    this.#remember(sid, stamped);
    return { session };
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
    const held = logins?.on(sid);
    const stamped = stampOf(session);
    if (held !== undefined && held.removal === undefined && held.stamp.userId !== userId) {
      await this.#end(sid, held.stamp, held);
    }
    if (stamped !== undefined && stamped.userId !== userId && stamped.loginId !== held?.stamp.loginId) {
      await this.#end(sid, stamped, logins?.of(stamped.userId));
    }
  }

  /** A login begins: listed, stamped, written, in this order. */
  async #begin(
    sid: string,
    session: SessionRecord,
    userId: string,
    req: object | undefined,
    logins: RequestLogins | undefined,
  ): Promise<Listing> {
    const id = randomBytes(16).toString("base64url");
    const client = clientOf(req);
    const era = await this.#registry.add({ id, userId, sid, ttlMs: this.#keepMs(session), ...client });
    const stamped: Stamp = { userId, loginId: id, era };
    stamp(session, stamped);
    return {
      undo: async () => {
        unstamp(session);
        await this.#registry.remove(userId, id);
      },
      done: async () => {
        this.#remember(sid, stamped, session);
        logins?.hold({ stamp: stamped, sid });
        this.#events.login({ id, userId, ...client });
        if (logins?.refusal !== undefined) await this.forget(logins.refusal);
      },
    };
  }

  /** A login goes on: in the same session, under a new session id, or after the request itself has ended it. */
  #goOn(
    sid: string,
    session: SessionRecord,
    known: Stamp,
    req: object | undefined,
    logins: RequestLogins | undefined,
  ): Promise<Listing | undefined> {
    const held = logins?.of(known.userId);
    if (logins !== undefined && held?.removal !== undefined) return this.#resume(sid, session, held, logins);
    if (logins !== undefined && held !== undefined && logins.freshSid === sid) {
      return this.#rotate(sid, session, held, logins);
    }
    return this.#extend(sid, session, known, req);
  }

  /** The request has rotated its session id: the login goes on under the new one, if it is still listed. */
  async #rotate(sid: string, session: SessionRecord, held: HeldLogin, logins: RequestLogins): Promise<Listing | undefined> {
    const { userId, loginId } = held.stamp;
    const listed = await this.#registry.update(userId, loginId, { addSid: sid, ttlMs: this.#keepMs(session) });
    if (!listed) return undefined;
    return {
      undo: async () => {
        await this.#registry.update(userId, loginId, { removeSid: sid });
      },
      done: () => {
        this.#remember(sid, held.stamp, session);
        logins.hold({ stamp: held.stamp, sid });
      },
    };
  }

  /** The request has ended its login and brings the same user back: as it was, if nobody else has ended it since. */
  async #resume(sid: string, session: SessionRecord, held: HeldLogin, logins: RequestLogins): Promise<Listing | undefined> {
    const { userId, loginId, era } = held.stamp;
    const { login, ends = 0 } = held.removal ?? {};
    const { began, ip, userAgent } = login ?? {};
    const again = { id: loginId, userId, sid, ttlMs: this.#keepMs(session), began, ip, userAgent };
    if (!(await this.#registry.adopt(again, { era, ends }))) return undefined;
    return {
      undo: async () => {
        held.removal = await this.#registry.remove(userId, loginId);
      },
      done: () => {
        this.#remember(sid, held.stamp, session);
        logins.hold({ stamp: held.stamp, sid });
        this.#events.login({ id: loginId, userId, ip, userAgent });
      },
    };
  }

  async #end(sid: string, { userId, loginId }: Stamp, held: HeldLogin | undefined): Promise<void> {
    this.#remembered.delete(sid);
    // An adopted login's id can be derived again from data that a slower request has read before.
    const removal = await this.#registry.remove(userId, loginId, { remember: loginId.startsWith(ADOPTED) });
    if (removal.login === undefined) return;
    if (held !== undefined) held.removal = removal;
    this.#events.logout({ id: loginId, userId });
  }

  /** Tells the registry that the login is active, at most once in an interval; sooner where its session will live longer. */
  async #extend(sid: string, session: SessionRecord, stamped: Stamp, req: object | undefined): Promise<undefined> {
    const ttlMs = sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
    const now = Date.now();
    const known = this.#remembered.get(sid);
    const kept = known !== undefined && known.stamp.loginId === stamped.loginId && known.keptUntil >= now + ttlMs;
    if (kept && now - known.toldAt < touchIntervalMs(ttlMs)) return undefined;
    this.#remember(sid, stamped, session);
    try {
      await this.#registry.update(stamped.userId, stamped.loginId, { ttlMs: this.#keepMs(session), ...clientOf(req) });
    } catch (error) {
      this.#remember(sid, stamped);
      throw error;
    }
    return undefined;
  }

  /** Data is written in every case, that of a login which is not listed too: it is never served. */
  async #write(sid: string, session: SessionRecord, listing: Listing | undefined): Promise<void> {
    try {
      await this.#raw.set(sid, session);
    } catch (error) {
      await listing?.undo();
      throw error;
    }
    await listing?.done();
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
