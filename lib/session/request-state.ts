import type { LoginRegistry, Removal } from "../types/registry.js";
import { ownKeysOf, type SessionRecord, type Stamp, type Tombstone } from "./stamp.js";

/** A login that a request was loaded with, or has begun. */
export interface HeldLogin {
  readonly stamp: Stamp;
  /** The session id under which the request knows it to be live. */
  readonly sid: string;
  /** Set once this very request has taken it off: the request may list it again, if nobody else has ended it since. */
  removal?: Removal & {
    /** Epoch milliseconds: by then it was still listed. */
    readonly at: number;
    /** The registry that says so: another one knows no kick that came before. */
    readonly by: LoginRegistry;
  };
}

/** Why a request's session was refused, and where that is kept until somebody has been told. */
export interface Rejection extends Tombstone {
  readonly sid: string;
}

/** What one request has to do with logins. */
export class RequestState {
  /** The session id that was generated for this request, until a login has been listed with it. */
  freshSid: string | undefined;
  rejection: Rejection | undefined;
  /**
   * The app has authenticated the user anew, and left this session id: the next session that is written with a user is a new
   * login.
   */
  startsLoginAfter: string | undefined;
  /**
   * Whether nothing is written of the request's session, which is there for code that reads it: after a rejection, whatever it
   * holds; after a logout, until the app puts data into it.
   */
  withheld: "always" | "while empty" | undefined;
  /** The login of the session that the request has now. */
  #current: HeldLogin | undefined;
  /** What it has had before, by user: most requests have but one login, if any. */
  #earlier: Map<string, HeldLogin> | undefined;
  #loggedOut: Map<string, Stamp> | undefined;
  #last: Promise<unknown> | undefined;

  /** The request's session has been loaded with this login, or with none. */
  loaded(held: HeldLogin | undefined): void {
    const before = this.#current;
    if (before !== undefined) (this.#earlier ??= new Map()).set(before.stamp.userId, before);
    this.#current = held;
  }

  /** A login is listed and written under this session id: whatever came before it in this request is settled. */
  hold(held: HeldLogin): void {
    this.freshSid = undefined;
    this.loaded(held);
  }

  /** The login of this user that the request was loaded with or has begun, even if it is over by now. */
  of(userId: string): HeldLogin | undefined {
    return this.#current?.stamp.userId === userId ? this.#current : this.#earlier?.get(userId);
  }

  /** The login that lives in the session with this id: also while the request is rotating to it. */
  on(sid: string): HeldLogin | undefined {
    const held = this.#current;
    return held !== undefined && (held.sid === sid || this.freshSid === sid) ? held : undefined;
  }

  /** Lets go of the login that the request has logged out of. The session it is left with is new and empty. */
  logOut(): void {
    const left = this.#current?.stamp;
    if (left !== undefined) (this.#loggedOut ??= new Map()).set(left.userId, left);
    this.#current = undefined;
    this.withheld ??= "while empty";
  }

  /** Returns the login of this user that the request has logged out of. */
  loggedOut(userId: string): Stamp | undefined {
    return this.#loggedOut?.get(userId);
  }

  /** Returns whether nothing is written of this session. The one that a logout has left never is. */
  withholds(sid: string, session: SessionRecord | null | undefined): boolean {
    if (this.withheld !== "while empty") return this.withheld === "always";
    return sid !== this.freshSid || isEmpty(session);
  }

  /** One step after the other: the save at the end of a request must find what an earlier save has begun. */
  inOrder<T>(step: () => Promise<T>): Promise<T> {
    const done = (this.#last ?? Promise.resolve()).then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Whether a store would keep no data of the app. */
function isEmpty(session: SessionRecord | null | undefined): boolean {
  return session === null || session === undefined || ownKeysOf(session).every((key) => session[key] === undefined);
}

/** What each request has to do with logins, and no longer than the request lives. */
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

  /** The same, where there is anything. */
  peek(req: object): RequestState | undefined {
    return this.#logins.get(req);
  }
}
