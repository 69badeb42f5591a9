import type { Request, Response } from "express";
import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { clearSessionCookie, hideSessionId } from "./cookies.js";
import type { RequestSessions } from "./context.js";
import type { LoginEnd } from "../types/login.js";
import type { StoreHook } from "../session/hook.js";

/** The sessions of requests, as the HTTP side sees them. */
export class SessionsOfRequests implements RequestSessions {
  readonly #hook: StoreHook;
  readonly #store: Store;

  constructor(hook: StoreHook, store: Store) {
    this.#hook = hook;
    this.#store = store;
  }

  check(req: Request): boolean {
    const store = req.sessionStore as Store | undefined;
    if (store === this.#store) return true;
    if (!this.#hook.attached) throw neverAttached(store);
    // Another site in the same app, with a session() and perhaps a logout() of its own.
    if (store !== undefined) return false;
    // Not for express-session to serve, by its cookie's path; or the store is off-line; or logout() is mounted too early.
    this.#hook.expectNoSession(req);
    return true;
  }

  loginOf(req: Request): { userId: string; loginId: string } | undefined {
    return this.#hook.loginOf(req);
  }

  rejectionOf(req: Request): LoginEnd | undefined {
    const refusal = this.#hook.rejectionOf(req);
    return refusal && { loginId: refusal.loginId, at: new Date(refusal.at), reason: refusal.reason };
  }

  async clearRejection(req: Request, res: Response): Promise<void> {
    const refusal = this.#hook.rejectionOf(req);
    if (refusal === undefined) return;
    const cookie = this.#hook.cookieOf(req);
    await this.#hook.forget(refusal);
    clearSessionCookie(req, res, refusal.sid, cookie);
  }

  withhold(req: Request, res: Response): void {
    this.#hook.withhold(req);
    this.#hideWhileWithheld(req, res);
  }

  async logout(req: Request, res: Response): Promise<void> {
    const login = this.loginOf(req);
    const rejection = this.rejectionOf(req);
    if (login === undefined && rejection === undefined) return;
    if (rejection !== undefined) await this.clearRejection(req, res);
    if (login !== undefined) {
      const cookie = this.#hook.cookieOf(req);
      const sid = req.sessionID;
      await this.#hook.endLogin(req);
      clearSessionCookie(req, res, sid, cookie);
    }
    this.#hook.leaveEmpty(req);
    this.#hideWhileWithheld(req, res);
  }

  #hideWhileWithheld(req: Request, res: Response): void {
    hideSessionId(req, res, () => this.#hook.isWithheld(req));
  }
}

/** No session() was ever called with the store. */
function neverAttached(store: Store | undefined): LogoutError {
  return store === undefined
    ? new LogoutError(
        "ERR_SESSION_MISSING",
        "No session() uses the store that logout() was given: call app.use(session({ store })) with it before app.use(auth).",
      )
    : new LogoutError(
        "ERR_SESSION_STORE",
        "session() uses another store than logout(): pass the same instance to session({ store }) and logout({ store }).",
      );
}
