import { randomBytes } from "node:crypto";
import type { Store } from "express-session";
import type { LoginRegistry } from "../login.js";
import { clientOf } from "./client.js";
import { activityIntervalMs, sessionTtlMs } from "./lifetime.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { HeldLogin, RequestLogins } from "./requests.js";
import { stampOf, type SessionRecord, type Stamp } from "./stamp.js";
import type { SessionEvents } from "./session-events.js";

/** A request that lasts longer cannot know any more who else has ended a login: registries remember it for so long. */
const RESUMED_WITHIN_MS = 86_400_000;

/** The session of a user that is about to be written. */
export interface Saving {
  readonly sid: string;
  readonly session: SessionRecord;
  readonly userId: string;
  /** The request in which it is written, and its logins, where they are known. */
  readonly req: object | undefined;
  readonly logins: RequestLogins | undefined;
}

/** Its login; what follows once it is written, and if it cannot be. */
export interface Listing {
  readonly stamp: Stamp;
  readonly undo?: () => Promise<void>;
  readonly done?: () => void;
}

export interface ListingsOptions {
  readonly store: Store;
  readonly registry: LoginRegistry;
  readonly remembered: RememberedSessions;
  readonly maxSessionAgeMs: number;
  readonly events: SessionEvents;
}

/** How a session that is saved comes by its place on the list of logins: by beginning a login, or by going on with one. */
export class Listings {
  readonly #store: Store;
  readonly #registry: LoginRegistry;
  readonly #remembered: RememberedSessions;
  readonly #maxSessionAgeMs: number;
  readonly #events: SessionEvents;

  constructor({ store, registry, remembered, maxSessionAgeMs, events }: ListingsOptions) {
    this.#store = store;
    this.#registry = registry;
    this.#remembered = remembered;
    this.#maxSessionAgeMs = maxSessionAgeMs;
    this.#events = events;
  }

  /** Sees to it that the login is listed, if it may be. */
  of(saving: Saving): Promise<Listing> {
    const { sid, session, userId, logins } = saving;
    const held = logins?.of(userId);
    if (logins !== undefined && held !== undefined) {
      if (held.removal !== undefined) return this.#resume(saving, held, logins);
      if (logins.freshSid === sid) return this.#rotate(saving, held, logins);
      return this.#goOn(saving, held.stamp);
    }
    const stamp = stampOf(session);
    return stamp?.userId === userId ? this.#goOn(saving, stamp) : this.#begin(saving);
  }

  /**
   * Tells the registry that a login is active, if it wants to be told. Nobody relies on that before it has been.
   *
   * @returns whether it is still listed, where that has been asked
   */
  extend(sid: string, session: SessionRecord, stamp: Stamp, req: object | undefined): Promise<boolean> | undefined {
    return this.#remembered.isDue(sid, stamp, this.ttlMs(session)) ? this.#tell(sid, session, stamp, req) : undefined;
  }

  async #tell(sid: string, session: SessionRecord, stamp: Stamp, req: object | undefined): Promise<boolean> {
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    const isListed = await this.#registry.update(stamp.userId, stamp.loginId, { ttlMs, ...clientOf(req) });
    if (isListed) this.#remembered.told(sid, stamp, now, ttlMs);
    return isListed;
  }

  /** How long the registry is to keep the login of a session, in ms: as long as the store, and an interval more. */
  keepMs(session: SessionRecord): number {
    const ttlMs = this.ttlMs(session);
    return ttlMs + activityIntervalMs(ttlMs);
  }

  /** How long the store keeps a session from now on, in milliseconds. */
  ttlMs(session: SessionRecord): number {
    return sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
  }

  /** A login begins: listed here, then written with its stamp. */
  async #begin({ sid, session, userId, req, logins }: Saving): Promise<Listing> {
    const loginId = randomBytes(16).toString("base64url");
    const client = clientOf(req);
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    const undo = async (): Promise<void> => {
      await this.#registry.remove(userId, loginId);
    };
    const era = await orUndo(this.#registry.add({ id: loginId, userId, sid, ttlMs, ...client }), undo);
    const stamp = { userId, loginId, era };
    const done = (): void => {
      this.#remembered.told(sid, stamp, now, ttlMs);
      logins?.hold({ stamp, sid });
      this.#events.login({ id: loginId, userId, ...client });
    };
    return { stamp, undo, done };
  }

  /** The login's session is written again: no session id changes, whatever the session carries. */
  async #goOn({ sid, session, req }: Saving, stamp: Stamp): Promise<Listing> {
    await this.extend(sid, session, stamp, req);
    return { stamp };
  }

  /** The request has rotated its session id: the login goes on under the new one, if it is still listed. */
  async #rotate({ sid, session }: Saving, { stamp }: HeldLogin, logins: RequestLogins): Promise<Listing> {
    const { userId, loginId } = stamp;
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    const undo = this.#takeOff(stamp, sid);
    if (!(await orUndo(this.#registry.update(userId, loginId, { addSid: sid, ttlMs }), undo))) return { stamp };
    return { stamp, undo, done: () => this.#held({ stamp, sid }, logins, now, ttlMs) };
  }

  /**
   * The request has ended its login and brings the same user back: as it was, if nobody else has ended it since. What it
   * knows of its own ending is good for one try: after a failure somebody else may have ended the login unnoticed.
   */
  async #resume({ sid, session }: Saving, held: HeldLogin, logins: RequestLogins): Promise<Listing> {
    const { stamp, removal } = held;
    const { userId, loginId, era } = stamp;
    const { began, ip, userAgent } = removal?.login ?? {};
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    if (now - (removal?.at ?? 0) >= Math.min(RESUMED_WITHIN_MS, this.#maxSessionAgeMs)) return { stamp };
    const again = { id: loginId, userId, sid, ttlMs, began, ip, userAgent };
    delete held.removal;
    const undo = this.#takeOff(stamp, sid);
    if (!(await orUndo(this.#registry.adopt(again, { era, ends: removal?.ends ?? 0 }), undo))) return { stamp };
    const done = (): void => {
      this.#held({ stamp, sid }, logins, now, ttlMs);
      this.#events.login({ id: loginId, userId, ip, userAgent });
    };
    return { stamp, undo, done };
  }

  #held(held: HeldLogin, logins: RequestLogins, toldAt: number, ttlMs: number): void {
    this.#remembered.told(held.sid, held.stamp, toldAt, ttlMs);
    logins.hold(held);
  }

  #takeOff({ userId, loginId }: Stamp, sid: string): () => Promise<void> {
    return async () => {
      await this.#registry.update(userId, loginId, { removeSid: sid });
    };
  }
}

/**
 * A step whose answer may be lost though it was done: then it is undone. Not waited for: whoever cannot answer now may not
 * answer soon.
 */
async function orUndo<Result>(step: Promise<Result>, undo: () => Promise<void>): Promise<Result> {
  try {
    return await step;
  } catch (error) {
    undo().catch(() => undefined);
    throw error;
  }
}
