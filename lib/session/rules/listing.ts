import { randomBytes } from "node:crypto";
import { LogoutError } from "../../errors.js";
import type { LoginRegistry } from "../../types/registry.js";
import { ignored } from "../../util/debug.js";
import { unadopted } from "./adopted-id.js";
import type { Adoption } from "./adoption.js";
import type { KeyBindings } from "./key-bindings.js";
import { provisionalMs, type LimitedLogins, type Terms } from "./login-policy.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { RememberedSessions } from "./remembered-sessions.js";
import type { SessionLifetimes } from "./session-lifetimes.js";
import type { HeldLogin, RequestState } from "../request-state.js";
import { stampOf, type SessionRecord, type Stamp } from "../stamp.js";
import type { SessionEvents } from "../session-events.js";

/** The longest time a request may take and still resume its login: registries remember ends of unlisted logins that long. */
const RESUMED_WITHIN_MS = 86_400_000;

/** A user's session that is about to be written. */
export interface Saving {
  readonly sid: string;
  readonly session: SessionRecord;
  readonly userId: string;
  /** The request that writes the session, and its state, if known. */
  readonly req: object | undefined;
  readonly logins: RequestState | undefined;
}

/** The login of a session that is about to be written, and what to do after the write or its failure. */
export interface Listing {
  readonly stamp: Stamp;
  /**
   * Set if the login has ended, so that the session's data must not be written: in a session that may be in the store, or in one
   * with a new id.
   */
  readonly hasEnded?: "in the store" | "in a new session" | undefined;
  /** The time that the login was listed for, in milliseconds, if its session lives longer: the write must be followed by a record. */
  readonly provisionalMs?: number | undefined;
  readonly undo?: () => Promise<void>;
  /** Called after the write. @param isListed - whether the login was still listed then */
  readonly done?: (isListed: boolean) => void;
}

/** The result of an adoption. */
export type Adopted =
  | { readonly stamp: Stamp }
  /** `"failed"`: `sessions.loggedInAt` threw, or returned no date. `"full"`: the limit of logins refuses it for now. */
  | { readonly rejected: "rejected" | "failed" | "full"; readonly authenticatedAt: Date | undefined };

export interface ListingsOptions {
  readonly registry: LoginRegistry;
  readonly limited: LimitedLogins;
  readonly keys: KeyBindings;
  readonly adoption: Adoption;
  readonly lifetimes: SessionLifetimes;
  readonly remembered: RememberedSessions;
  readonly maxSessionAgeMs: number;
  readonly events: SessionEvents;
}

/** Lists the login of a session before the session is saved: a new login, or the one it continues. */
export class Listings {
  readonly #registry: LoginRegistry;
  readonly #limited: LimitedLogins;
  readonly #keys: KeyBindings;
  readonly #adoption: Adoption;
  readonly #lifetimes: SessionLifetimes;
  readonly #remembered: RememberedSessions;
  readonly #maxSessionAgeMs: number;
  readonly #events: SessionEvents;

  constructor({ registry, limited, keys, adoption, lifetimes, remembered, maxSessionAgeMs, events }: ListingsOptions) {
    this.#registry = registry;
    this.#limited = limited;
    this.#keys = keys;
    this.#adoption = adoption;
    this.#lifetimes = lifetimes;
    this.#remembered = remembered;
    this.#maxSessionAgeMs = maxSessionAgeMs;
    this.#events = events;
  }

  /** Lists the login of a session that is written by its request. */
  of(saving: Saving): Promise<Listing> {
    const { sid, session, userId, logins } = saving;
    const held = logins?.of(userId);
    if (logins?.startsLoginAfter === sid) return Promise.reject(notAwaited());
    if (logins?.startsLoginAfter !== undefined) return this.#begin(saving);
    if (logins !== undefined && held !== undefined) {
      if (held.removal !== undefined) return this.#resume(saving, held, logins);
      if (logins.freshSid === sid) return this.#rotate(saving, held, logins);
      return this.#continue(saving, held.stamp);
    }
    const left = logins?.loggedOut(userId);
    if (left !== undefined) return this.#beginAfter(saving, left);
    const stamp = unproved(session);
    return stamp?.userId === userId ? this.#continue(saving, stamp) : this.#begin(saving);
  }

  /**
   * Lists the login of a session that is written without its request, by a job or a queue. Such a write never begins a login: the
   * session keeps the login of the stored session, else its own, else it is adopted.
   *
   * @param stored - the login of the stored session
   * @param isNew - whether no session is stored
   * @returns `undefined` if the session must not be adopted
   */
  async withoutRequest(saving: Saving, stored: Stamp | undefined, isNew: boolean): Promise<Listing | undefined> {
    const { sid, session, userId } = saving;
    const current = [stored, unproved(session)].find((stamp) => stamp?.userId === userId);
    if (current !== undefined) return this.#continue(saving, current);
    const adopted = await this.adopt(sid, session, userId);
    if (!("stamp" in adopted)) {
      this.#events.rejected({ id: unadopted(sid, userId).loginId, userId }, undefined);
      return undefined;
    }
    const { stamp } = adopted;
    const undo = async (): Promise<void> => {
      await this.#registry.end(userId, { loginId: stamp.loginId, ifLastSid: sid });
    };
    // No undo for a stored session: a request may have adopted it at the same time.
    return { stamp, ...(isNew ? { undo } : {}), done: () => this.#remembered.seen(sid, stamp) };
  }

  /**
   * Lists the login of a session without a stamp of its user: the session is older than the installation, or was written by a
   * process without the hook. Concurrent first requests adopt the same login, because its id derives from the session id.
   */
  async adopt(sid: string, session: SessionRecord, userId: string): Promise<Adopted> {
    const adoptable = this.#adoption.of(session);
    if (typeof adoptable === "string") return { rejected: adoptable, authenticatedAt: undefined };
    const unlisted = unadopted(sid, userId);
    const login = { id: unlisted.loginId, userId, sid, ttlMs: this.#lifetimes.keepMs(session) };
    const since = { generation: unlisted.generation, endCount: 0, ...adoptable };
    const added = await this.#limited.add(login, await this.#limited.termsOf(userId, session), since);
    if (added.outcome !== "listed") {
      const rejected = added.outcome === "full" ? "full" : "rejected";
      return { rejected, authenticatedAt: adoptable.authenticatedAt };
    }
    const listed = { ...unlisted, generation: added.generation };
    const stamp = await this.#keys.bind({ sid, session, keepMs: login.ttlMs, adopted: adoptable }, listed);
    return stamp === undefined ? { rejected: "rejected", authenticatedAt: undefined } : { stamp };
  }

  /**
   * Begins a login: lists it here; the session is then written with its stamp. Each attempt uses a new id, because a kick may
   * already have ended and counted the previous one.
   *
   * @param left - the login of this user that the request has logged out of. A kick since that login began may have been meant for
   * it, without the request knowing; only auth.startLogin(req) begins another login after such a kick.
   */
  async #begin({ sid, session, userId, req, logins }: Saving, left?: Stamp): Promise<Listing> {
    const client = deviceInfoOf(req);
    const terms = await this.#limited.termsOf(userId, session);
    const isFresh = logins?.startsLoginAfter !== undefined || (await this.#limited.startsFresh(req));
    for (;;) {
      const loginId = randomBytes(16).toString("base64url");
      const now = Date.now();
      const ttlMs = this.#lifetimes.keepMs(session);
      // The end is remembered, because a client may retry the command that lists the login.
      const undo = async (): Promise<void> => {
        await this.#registry.end(userId, { loginId, remember: "for a day" });
      };
      const login = { id: loginId, userId, sid, ttlMs, ...client };
      const since = left && { generation: left.generation, endCount: 0 };
      const added = await orUndo(this.#limited.addForSave(login, terms, since), undo);
      if (added.outcome !== "listed") {
        if (left !== undefined) return { stamp: left, hasEnded: "in a new session" };
        continue;
      }
      const listed = { userId, loginId, generation: added.generation, authenticatedAt: isFresh ? now : undefined };
      const leaves = logins?.startsLoginAfter === undefined ? logins?.besides(userId) : undefined;
      const stamp = await orUndo(this.#keys.bind({ sid, session, keepMs: ttlMs, leaves }, listed), undo);
      if (stamp === undefined) {
        const done = (): void => {
          if (logins !== undefined) logins.startsLoginAfter = undefined;
          // express-session saves the session once more at the end of the request: that must not begin another login.
          logins?.hold({ stamp: listed, sid });
        };
        return { stamp: listed, hasEnded: "in a new session", done };
      }
      const done = (isListed: boolean): void => {
        if (logins !== undefined) logins.startsLoginAfter = undefined;
        this.#written({ stamp, sid }, logins, now, keptMs(ttlMs, terms));
        // If a kick has ended the login meanwhile, its event has been emitted.
        if (isListed) this.#events.login({ id: loginId, userId, ...client });
      };
      return { stamp, undo, done, ...provisionally(ttlMs, terms) };
    }
  }

  /** Begins a login after a logout in the same request, unless something else, such as a kick, had ended the login before. */
  #beginAfter(saving: Saving, { stamp, removal }: HeldLogin): Promise<Listing> {
    if (removal === undefined) return Promise.resolve({ stamp, hasEnded: "in a new session" });
    return this.#begin(saving, stamp);
  }

  /** Continues a login whose session is written under the same session id. */
  async #continue({ sid, session, req }: Saving, current: Stamp): Promise<Listing> {
    const stamp = await this.#keys.bind({ sid, session, keepMs: this.#lifetimes.keepMs(session) }, current);
    if (stamp === undefined) return { stamp: current, hasEnded: "in the store" };
    const isListed = await this.#lifetimes.extend(sid, session, stamp, req);
    return { stamp, hasEnded: isListed === false ? "in the store" : undefined };
  }

  /** Continues a login under the new session id of its request, if it is still listed. */
  async #rotate({ sid, session }: Saving, { stamp }: HeldLogin, logins: RequestState): Promise<Listing> {
    const now = Date.now();
    const ttlMs = this.#lifetimes.keepMs(session);
    const limit = await this.#limited.limitOf(stamp.userId, session);
    const undo = this.#removeSid(stamp, sid);
    const isListed = await orUndo(this.#limited.addSid(stamp, { addSid: sid, ttlMs, limit }), undo);
    const bound = isListed ? await orUndo(this.#keys.bind({ sid, session, keepMs: ttlMs }, stamp), undo) : undefined;
    if (bound === undefined) return { stamp, hasEnded: "in a new session" };
    return { stamp: bound, undo, done: () => this.#written({ stamp: bound, sid }, logins, now, ttlMs) };
  }

  /**
   * Lists a login again that this request has ended itself (`destroy()` and `generate()`), unless something else has ended it
   * since. One attempt only: after a failure, another end would go unnoticed.
   */
  async #resume({ sid, session }: Saving, held: HeldLogin, logins: RequestState): Promise<Listing> {
    const { removal } = held;
    const { stamp: left } = held;
    const { userId, loginId, generation } = left;
    const now = Date.now();
    const ttlMs = this.#lifetimes.keepMs(session);
    const hasEnded = logins.freshSid === sid ? "in a new session" : "in the store";
    if (removal?.by !== this.#registry) return { stamp: left, hasEnded };
    if (now - removal.at >= Math.min(RESUMED_WITHIN_MS, this.#maxSessionAgeMs)) return { stamp: left, hasEnded };
    const { began, ip, userAgent } = removal.login;
    const again = { id: loginId, userId, sid, ttlMs, began, ip, userAgent };
    const terms = await this.#limited.termsOf(userId, session);
    delete held.removal;
    const undo = this.#removeSid(left, sid);
    const since = { generation, endCount: removal.endCount };
    const { outcome } = await orUndo(this.#limited.addForSave(again, terms, since), undo);
    if (outcome !== "listed") return { stamp: left, hasEnded };
    // A new object, so that signals aborted by the request's own logout stay aborted.
    const stamp = await orUndo(this.#keys.bind({ sid, session, keepMs: ttlMs }, { ...left }), undo);
    if (stamp === undefined) return { stamp: left, hasEnded };
    const done = (isListed: boolean): void => {
      this.#written({ stamp, sid }, logins, now, keptMs(ttlMs, terms));
      if (isListed) this.#events.login({ id: loginId, userId, ip, userAgent });
    };
    return { stamp, undo, done, ...provisionally(ttlMs, terms) };
  }

  #written(held: HeldLogin, logins: RequestState | undefined, recordedAt: number, ttlMs: number): void {
    this.#remembered.recorded(held.sid, held.stamp, recordedAt, ttlMs);
    this.#remembered.seen(held.sid, held.stamp);
    logins?.hold(held);
  }

  #removeSid({ userId, loginId }: Stamp, sid: string): () => Promise<void> {
    return async () => {
      await this.#registry.update(userId, loginId, { removeSid: sid });
    };
  }
}

/** Returns the stamp in a session's data, which a request may have written itself: it does not prove when the user has authenticated. */
function unproved(session: SessionRecord): Stamp | undefined {
  const stamp = stampOf(session);
  return stamp && { ...stamp, authenticatedAt: undefined };
}

/** Returns how long a login is listed for before its session is written, in milliseconds. */
function keptMs(ttlMs: number, terms: Terms): number {
  return Math.min(ttlMs, provisionalMs(terms));
}

function provisionally(ttlMs: number, terms: Terms): Pick<Listing, "provisionalMs"> {
  const kept = keptMs(ttlMs, terms);
  return kept < ttlMs ? { provisionalMs: kept } : {};
}

function notAwaited(): LogoutError {
  return new LogoutError(
    "ERR_SESSION_MISSING",
    "The session was saved under its old id after auth.startLogin(req): await startLogin() before setting the user id.",
  );
}

/**
 * Runs a step, and undoes it if it fails: the step may have been executed although its reply was lost. Does not wait for the
 * undo, because the registry may stay unavailable.
 */
async function orUndo<Result>(step: Promise<Result>, undo: () => Promise<void>): Promise<Result> {
  try {
    return await step;
  } catch (error) {
    undo().catch(ignored("a login that was not written stays listed"));
    throw error;
  }
}
