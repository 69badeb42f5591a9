import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import type { RequestStates } from "./request-state.js";
import type { RequestWithSession } from "./request-with-session.js";
import { withStamp, type SessionRecord } from "./stamp.js";
import type { HookParts } from "./store-methods.js";
import type { HookedStore } from "./store/hooked-store.js";

export interface LoginConfirmationOptions {
  readonly store: Store;
  readonly hooked: HookedStore;
  readonly requests: RequestStates;
  readonly parts: HookParts;
}

/** Confirms the login of a request, and gives the request the session under its new id. */
export class LoginConfirmation {
  readonly #store: Store;
  readonly #hooked: HookedStore;
  readonly #requests: RequestStates;
  readonly #parts: HookParts;

  constructor({ store, hooked, requests, parts }: LoginConfirmationOptions) {
    this.#store = store;
    this.#hooked = hooked;
    this.#requests = requests;
    this.#parts = parts;
  }

  /**
   * Confirms the login of a request.
   *
   * @returns whether the request has a login that is listed
   */
  async confirm(req: RequestWithSession): Promise<boolean> {
    const logins = this.#requests.peek(req);
    if (logins === undefined) return false;
    return logins.inOrder(async () => {
      const { session, sessionID } = req;
      const held = logins.on(sessionID);
      if (held === undefined || held.removal !== undefined || session === undefined || session === null) return false;
      const { sessions } = this.#parts;
      if (!sessions.isOf(session, held.stamp)) return false;
      const next = this.#withNewId(req, session);
      const live = { stamp: held.stamp, sid: sessionID };
      const { stamp, ...failed } = await sessions.confirmations.confirm(live, next, req);
      if (stamp === undefined) return false;
      logins.freshSid = undefined;
      req.sessionID = next.sid;
      this.#store.createSession(req as never, withStamp(next.session, stamp) as never);
      if ("error" in failed) throw failed.error;
      return true;
    });
  }

  /** Returns the session under a new id. The request itself must not get it yet: the confirmation may fail. */
  #withNewId(req: RequestWithSession, session: SessionRecord): { sid: string; session: SessionRecord } {
    const other = Object.create(req) as RequestWithSession;
    this.#hooked.generate?.call(this.#store, other);
    if (other.sessionID === req.sessionID) {
      throw new LogoutError(
        "ERR_OPTION_INVALID",
        "confirmLogin(req): genid of session() must return another id each time.",
      );
    }
    const copy = { ...session, cookie: dataOf(session["cookie"] as Cookie) };
    return { sid: other.sessionID, session: this.#parts.raw.createSession(other, copy) as SessionRecord };
  }
}

interface Cookie {
  readonly toJSON?: () => object;
}

/** Returns the data of a cookie, as a store has it: the new session must not share the cookie of the old one. */
function dataOf(cookie: Cookie): object {
  return cookie.toJSON?.() ?? { ...cookie };
}
