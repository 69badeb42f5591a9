import { createHash, randomBytes } from "node:crypto";
import type { Store } from "express-session";
import { LogoutError } from "../../errors.js";
import type { LoginRegistry } from "../../types/registry.js";
import type { Adoption } from "./adoption.js";
import { deviceInfoOf } from "../device-info.js";
import { activityIntervalMs, expiresInMs, isEndedByCookie, sessionTtlMs } from "./lifetime.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { HeldLogin, RequestState } from "../request-state.js";
import { stampOf, type SessionRecord, type Stamp } from "../stamp.js";
import type { SessionEvents } from "../session-events.js";

/** A request that lasts longer cannot know any more who else has ended a login: registries remember it for so long. */
const RESUMED_WITHIN_MS = 86_400_000;
/** What the id of an adopted login begins with. */
const ADOPTED = "~";

/** The session of a user that is about to be written. */
export interface Saving {
  readonly sid: string;
  readonly session: SessionRecord;
  readonly userId: string;
  /** The request in which it is written, and its logins, where they are known. */
  readonly req: object | undefined;
  readonly logins: RequestState | undefined;
}

/** Its login; what follows once it is written, and if it cannot be. */
export interface Listing {
  readonly stamp: Stamp;
  /**
   * Where the login is known to have ended, so that the session's data is not to be written: in a session that may be in the
   * store, or in one whose id is new.
   */
  readonly hasEnded?: "in the store" | "in a new session" | undefined;
  readonly undo?: () => Promise<void>;
  /** @param isListed - whether the login was listed still when the session had been written */
  readonly done?: (isListed: boolean) => void;
}

/** What has come of an adoption. */
export type Adopted =
  | { readonly stamp: Stamp }
  /** `"failed"`: the app could not say when the user logged in. */
  | { readonly refused: "refused" | "failed"; readonly authenticatedAt: Date | undefined };

export interface ListingsOptions {
  readonly store: Store;
  readonly registry: LoginRegistry;
  readonly adoption: Adoption;
  readonly remembered: RememberedSessions;
  readonly maxSessionAgeMs: number;
  readonly events: SessionEvents;
}

/** How a session that is saved comes by its place on the list of logins: by beginning a login, or by going on with one. */
export class Listings {
  readonly #store: Store;
  readonly #registry: LoginRegistry;
  readonly #adoption: Adoption;
  readonly #remembered: RememberedSessions;
  readonly #maxSessionAgeMs: number;
  readonly #events: SessionEvents;

  constructor({ store, registry, adoption, remembered, maxSessionAgeMs, events }: ListingsOptions) {
    this.#store = store;
    this.#registry = registry;
    this.#adoption = adoption;
    this.#remembered = remembered;
    this.#maxSessionAgeMs = maxSessionAgeMs;
    this.#events = events;
  }

  /** Sees to it that the login of a session that its request writes is listed, if it may be. */
  of(saving: Saving): Promise<Listing> {
    const { sid, session, userId, logins } = saving;
    const held = logins?.of(userId);
    if (logins?.startsLoginAfter === sid) return Promise.reject(notAwaited());
    if (logins?.startsLoginAfter !== undefined) return this.#begin(saving);
    if (logins !== undefined && held !== undefined) {
      if (held.removal !== undefined) return this.#resume(saving, held, logins);
      if (logins.freshSid === sid) return this.#rotate(saving, held, logins);
      return this.#goOn(saving, held.stamp);
    }
    const left = logins?.loggedOut(userId);
    if (left !== undefined) return this.#begin(saving, left);
    const stamp = stampOf(session);
    return stamp?.userId === userId ? this.#goOn(saving, stamp) : this.#begin(saving);
  }

  /**
   * The same for a session that is written without its request: by a job, or a queue. That never begins a login. It goes on with
   * the login of the session in the store, else with its own, else it is adopted.
   *
   * @param stored - the login of the session that is stored
   * @param isNew - whether no session is stored
   * @returns nothing where the session may not be adopted
   */
  async withoutRequest(saving: Saving, stored: Stamp | undefined, isNew: boolean): Promise<Listing | undefined> {
    const { sid, session, userId } = saving;
    const known = [stored, stampOf(session)].find((stamp) => stamp?.userId === userId);
    if (known !== undefined) return this.#goOn(saving, known);
    const adopted = await this.adopt(sid, session, userId);
    if (!("stamp" in adopted)) {
      this.#events.rejected({ id: unadopted(sid, userId).loginId, userId, reason: undefined });
      return undefined;
    }
    const { stamp } = adopted;
    const undo = async (): Promise<void> => {
      await this.#registry.remove(userId, stamp.loginId, { ifLastSid: sid });
    };
    // A session that is stored may have been adopted by its browser at the same time.
    return { stamp, ...(isNew ? { undo } : {}), done: () => this.#remembered.seen(sid, stamp) };
  }

  /**
   * Lists the login of a session that carries no stamp of its user: it is older than the installation, or a process without
   * the hook has written it. Two first requests at once adopt one login, since its id derives from the session id.
   */
  async adopt(sid: string, session: SessionRecord, userId: string): Promise<Adopted> {
    const adoptable = this.#adoption.of(session);
    if (typeof adoptable === "string") return { refused: adoptable, authenticatedAt: undefined };
    const unlisted = unadopted(sid, userId);
    const login = { id: unlisted.loginId, userId, sid, ttlMs: this.keepMs(session) };
    const generation = await this.#registry.adopt(login, {
      generation: unlisted.generation,
      endCount: 0,
      ...adoptable,
    });
    if (generation === undefined) return { refused: "refused", authenticatedAt: adoptable.authenticatedAt };
    return { stamp: { ...unlisted, generation } };
  }

  /**
   * Tells the registry that a login is active, if it wants to be told. Nobody relies on that before it has been.
   *
   * @param lifetimeMs - how long its session lives
   * @returns whether it is still listed, where that has been asked
   */
  extend(sid: string, lifetimeMs: number, stamp: Stamp, req: object | undefined): Promise<boolean> | undefined {
    return this.#remembered.isDue(sid, stamp, lifetimeMs) ? this.#tell(sid, lifetimeMs, stamp, req) : undefined;
  }

  async #tell(sid: string, lifetimeMs: number, stamp: Stamp, req: object | undefined): Promise<boolean> {
    const now = Date.now();
    const ttlMs = lifetimeMs + activityIntervalMs(lifetimeMs);
    const isListed = await this.#registry.update(stamp.userId, stamp.loginId, { ttlMs, ...deviceInfoOf(req) });
    if (isListed) this.#remembered.recorded(sid, stamp, now, ttlMs);
    return isListed;
  }

  /** How long the registry is to keep the login of a session, in ms: as long as the store, and an interval more. */
  keepMs(session: SessionRecord): number {
    const ttlMs = this.ttlMs(session);
    return ttlMs + activityIntervalMs(ttlMs);
  }

  /** Whether the app has ended the session by its cookie. */
  isOver(session: SessionRecord): boolean {
    return isEndedByCookie(this.#store, session, this.#maxSessionAgeMs);
  }

  /** Returns when the store lets a session expire if nothing touches it, in milliseconds from now on. */
  expiresInMs(session: SessionRecord): number {
    return expiresInMs(this.#store, session, this.#maxSessionAgeMs);
  }

  /** How long the store keeps a session from now on, in milliseconds. */
  ttlMs(session: SessionRecord): number {
    return sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
  }

  /**
   * A login begins: listed here, then written with its stamp. Each try has an id of its own: one that has been listed may have
   * been ended and counted by a kick.
   *
   * @param left - the login of this user that the request has logged out of: a kick since that began may have been meant for it, and
   * the request may not know. After that only auth.startLogin(req) begins another one.
   */
  async #begin({ sid, session, userId, req, logins }: Saving, left?: Stamp): Promise<Listing> {
    const client = deviceInfoOf(req);
    for (;;) {
      const loginId = randomBytes(16).toString("base64url");
      const now = Date.now();
      const ttlMs = this.keepMs(session);
      // Remembered: a client may send the command that lists it once more.
      const undo = async (): Promise<void> => {
        await this.#registry.remove(userId, loginId, { remember: "for a day" });
      };
      const login = { id: loginId, userId, sid, ttlMs, ...client };
      const listed =
        left === undefined
          ? this.#registry.add(login)
          : this.#registry.adopt(login, { generation: left.generation, endCount: 0 });
      const generation = await orUndo(listed, undo);
      if (generation === undefined) {
        if (left !== undefined) return { stamp: left, hasEnded: "in a new session" };
        continue;
      }
      const stamp = { userId, loginId, generation };
      const done = (isListed: boolean): void => {
        if (logins !== undefined) logins.startsLoginAfter = undefined;
        this.#written({ stamp, sid }, logins, now, ttlMs);
        // A kick that has ended it meanwhile has its event already.
        if (isListed) this.#events.login({ id: loginId, userId, ...client });
      };
      return { stamp, undo, done };
    }
  }

  /** The login's session is written again: no session id changes, whatever the session carries. */
  async #goOn({ sid, session, req }: Saving, stamp: Stamp): Promise<Listing> {
    const isListed = await this.extend(sid, this.ttlMs(session), stamp, req);
    return { stamp, hasEnded: isListed === false ? "in the store" : undefined };
  }

  /** The request has rotated its session id: the login goes on under the new one, if it is still listed. */
  async #rotate({ sid, session }: Saving, { stamp }: HeldLogin, logins: RequestState): Promise<Listing> {
    const { userId, loginId } = stamp;
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    const undo = this.#takeOff(stamp, sid);
    const isListed = await orUndo(this.#registry.update(userId, loginId, { addSid: sid, ttlMs }), undo);
    if (!isListed) return { stamp, hasEnded: "in a new session" };
    return { stamp, undo, done: () => this.#written({ stamp, sid }, logins, now, ttlMs) };
  }

  /**
   * The request has ended its login and brings the same user back: as it was, if nobody else has ended it since. What it
   * knows of its own ending is good for one try: after a failure somebody else may have ended the login unnoticed.
   */
  async #resume({ sid, session }: Saving, held: HeldLogin, logins: RequestState): Promise<Listing> {
    const { removal } = held;
    // Another object: what was ended with the request's own logout, such as a signal, stays ended.
    const stamp = { ...held.stamp };
    const { userId, loginId, generation } = stamp;
    const { began, ip, userAgent } = removal?.login ?? {};
    const now = Date.now();
    const ttlMs = this.keepMs(session);
    const hasEnded = logins.freshSid === sid ? "in a new session" : "in the store";
    const isOld = now - (removal?.at ?? 0) >= Math.min(RESUMED_WITHIN_MS, this.#maxSessionAgeMs);
    if (isOld || removal?.by !== this.#registry) return { stamp, hasEnded };
    const again = { id: loginId, userId, sid, ttlMs, began, ip, userAgent };
    delete held.removal;
    const undo = this.#takeOff(stamp, sid);
    const resumed = await orUndo(this.#registry.adopt(again, { generation, endCount: removal.endCount }), undo);
    if (resumed === undefined) return { stamp, hasEnded };
    const done = (isListed: boolean): void => {
      this.#written({ stamp, sid }, logins, now, ttlMs);
      if (isListed) this.#events.login({ id: loginId, userId, ip, userAgent });
    };
    return { stamp, undo, done };
  }

  #written(held: HeldLogin, logins: RequestState | undefined, recordedAt: number, ttlMs: number): void {
    this.#remembered.recorded(held.sid, held.stamp, recordedAt, ttlMs);
    this.#remembered.seen(held.sid, held.stamp);
    logins?.hold(held);
  }

  #takeOff({ userId, loginId }: Stamp, sid: string): () => Promise<void> {
    return async () => {
      await this.#registry.update(userId, loginId, { removeSid: sid });
    };
  }
}

/** Whether a login was adopted: its id can be derived again from data that a slow request has read before. */
export function isAdopted({ loginId }: Pick<Stamp, "loginId">): boolean {
  return loginId.startsWith(ADOPTED);
}

/** The login of a session that this package has not written, before it is listed: every kick counts for it. */
export function unadopted(sid: string, userId: string): Stamp {
  const digest = createHash("sha256").update(`express-logout:${sid}`).digest();
  return { userId, loginId: ADOPTED + digest.subarray(0, 16).toString("base64url"), generation: "" };
}

function notAwaited(): LogoutError {
  return new LogoutError(
    "ERR_SESSION_MISSING",
    "A session was saved that auth.startLogin(req) had left: await startLogin() before the user id is set.",
  );
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
