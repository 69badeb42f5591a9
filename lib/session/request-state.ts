import type { ListedLogin, LoginRegistry } from "../types/registry.js";
import { ownKeysOf, type SessionRecord, type Stamp, type Tombstone } from "./stamp.js";

/** A login that a request was loaded with, or has begun. */
export interface HeldLogin {
  readonly stamp: Stamp;
  /** The session id under which the request knows it to be live. */
  readonly sid: string;
  /** Set once this request has ended the login: the request may list it again, unless something else has ended it since. */
  removal?: {
    readonly login: ListedLogin;
    /** How often the login had been ended then, for {@link LoginRegistry.add}. */
    readonly endCount: number;
    /** When the login was still listed, in epoch milliseconds. */
    readonly at: number;
    /** The registry of the removal. Another one does not know earlier kicks. */
    readonly by: LoginRegistry;
  };
}

/** Why a request's session was rejected, and the session that holds the tombstone until the user has seen the reason. */
export interface Rejection extends Tombstone {
  readonly sid: string;
}

/** The logins of one request. */
export class RequestState {
  /** The session id that was generated for this request, until a login has been listed with it. */
  freshSid: string | undefined;
  rejection: Rejection | undefined;
  /**
   * The session id that startLogin() has left: the next session written with a user is a new login.
   */
  startsLoginAfter: string | undefined;
  /**
   * Whether the request's session, kept for code that reads it, is not written: after a rejection always, after a logout until the app
   * puts data into it.
   */
  withheld: "always" | "while empty" | undefined;
  /** Whether a save of this request has been refused, because the user has too many logins. */
  isRefused = false;
  /** The login of the session that the request has now. */
  #current: HeldLogin | undefined;
  /** Its earlier logins, by user. Most requests have one login at most. */
  #earlier: Map<string, HeldLogin> | undefined;
  #loggedOut: Map<string, HeldLogin> | undefined;
  #last: Promise<unknown> | undefined;

  /** Records the login of the session that was loaded. */
  loaded(held: HeldLogin | undefined): void {
    const before = this.#current;
    if (before !== undefined) (this.#earlier ??= new Map()).set(before.stamp.userId, before);
    this.#current = held;
  }

  /** Records a login that is listed and written under its session id. */
  hold(held: HeldLogin): void {
    this.freshSid = undefined;
    this.loaded(held);
  }

  /** Returns the login of this user that the request was loaded with or has begun, even if it has ended. */
  of(userId: string): HeldLogin | undefined {
    return this.#current?.stamp.userId === userId ? this.#current : this.#earlier?.get(userId);
  }

  /** Returns the logins of other users that the request was loaded with or has begun, and has not ended itself. */
  besides(userId: string): readonly HeldLogin[] {
    const held = [...(this.#earlier?.values() ?? []), ...(this.#current === undefined ? [] : [this.#current])];
    return held.filter(({ stamp, removal }) => stamp.userId !== userId && removal === undefined);
  }

  /** Returns the login of the session with this id, also while the request is rotating to it. */
  on(sid: string): HeldLogin | undefined {
    const held = this.#current;
    return held !== undefined && (held.sid === sid || this.freshSid === sid) ? held : undefined;
  }

  /** Records that the request has logged out, and has a new, empty session. */
  logOut(): void {
    const left = this.#current;
    if (left !== undefined) (this.#loggedOut ??= new Map()).set(left.stamp.userId, left);
    this.#current = undefined;
    this.withheld ??= "while empty";
  }

  /** Returns the login of this user that the request has logged out of. */
  loggedOut(userId: string): HeldLogin | undefined {
    return this.#loggedOut?.get(userId);
  }

  /** Returns whether this session must not be written. A session that a logout has left never is. */
  withholds(sid: string, session: SessionRecord | null | undefined): boolean {
    if (this.withheld !== "while empty") return this.withheld === "always";
    return sid !== this.freshSid || isEmpty(session);
  }

  /** Runs steps one after the other, so that the save at the end of a request finds what an earlier save has begun. */
  inOrder<T>(step: () => Promise<T>): Promise<T> {
    const done = (this.#last ?? Promise.resolve()).then(step);
    // The caller has the error: it must not stop the next step.
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Returns whether a session holds no data of the app. */
function isEmpty(session: SessionRecord | null | undefined): boolean {
  return session === null || session === undefined || ownKeysOf(session).every((key) => session[key] === undefined);
}

/** The state of each request, kept as long as the request object. */
export class RequestStates {
  readonly #logins = new WeakMap<object, RequestState>();

  of(req: object): RequestState {
    let logins = this.#logins.get(req);
    if (logins === undefined) {
      logins = new RequestState();
      this.#logins.set(req, logins);
    }
    return logins;
  }

  /** Returns the state of a request if there is one. */
  peek(req: object): RequestState | undefined {
    return this.#logins.get(req);
  }
}
