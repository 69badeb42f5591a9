import type { Request, Response } from "express";
import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { clearSessionCookie, hideSessionId } from "./cookies.js";
import type { LoginEnd } from "../types/login.js";
import { isRecent } from "../util/recent.js";
import type { StoreHook } from "../session/hook.js";

/** The session of a request: what it holds, and how its login ends. */
export class RequestSessions {
  readonly #hook: StoreHook;
  readonly #store: Store;

  constructor(hook: StoreHook, store: Store) {
    this.#hook = hook;
    this.#store = store;
  }

  /**
   * Returns whether a request belongs to this middleware: `false` if its session belongs to another session().
   *
   * @throws LogoutError `ERR_SESSION_MISSING`, `ERR_SESSION_STORE_MISMATCH` if session() is not mounted as it must be.
   */
  check(req: Request): boolean {
    if (this.owns(req)) return true;
    const store = req.sessionStore as Store | undefined;
    if (!this.#hook.attached) throw neverAttached(store);
    // Another site of the same app has its own session().
    if (store !== undefined) return false;
    // The path is outside the cookie's path, the store is off-line, or logout() is mounted too early.
    this.#hook.expectNoSession(req);
    return true;
  }

  /** Returns whether the session of a request is of this store. */
  owns(req: Request): boolean {
    return (req.sessionStore as Store | undefined) === this.#store;
  }

  /** Returns the login that the request holds. The registry decides whether it is live. */
  loginOf(req: Request): { userId: string; loginId: string } | undefined {
    return this.#hook.loginOf(req);
  }

  /** Returns whether the user of the request has authenticated within the last `maxAgeMs`. */
  isFresh(req: Request, maxAgeMs: number): boolean {
    return isRecent(this.#hook.loginOf(req)?.authenticatedAt, maxAgeMs);
  }

  /**
   * Records that the user of the request has authenticated again.
   *
   * @returns `false` if the request has no login, or the login has ended
   */
  confirm(req: Request): Promise<boolean> {
    return this.#hook.confirmLogin(req);
  }

  /** Returns why the session of the request was rejected. */
  rejectionOf(req: Request): LoginEnd | undefined {
    const rejection = this.#hook.rejectionOf(req);
    if (rejection === undefined) return undefined;
    const { loginId, cause, at, reason } = rejection;
    return { loginId, cause, at: new Date(at), reason };
  }

  /** Removes the tombstone and clears the cookie: the user has seen the reason. */
  async clearRejection(req: Request, res: Response): Promise<void> {
    const rejection = this.#hook.rejectionOf(req);
    if (rejection === undefined) return;
    const cookie = this.#hook.cookieOf(req);
    await this.#hook.forget(rejection);
    clearSessionCookie(req, res, rejection.sid, cookie);
  }

  /**
   * Keeps the response from saving a session and setting its cookie, beside the one that is cleared. `req.session` stays, for access
   * logs and for an app that continues with the request.
   */
  withhold(req: Request, res: Response): void {
    this.#hook.withhold(req);
    this.#hideWhileWithheld(req, res);
  }

  /**
   * Ends the login of the request, if it has one, and clears the cookie. Leaves the request with an empty session, which is saved only
   * if the app puts data into it.
   */
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
        "ERR_SESSION_STORE_MISMATCH",
        "session() uses another store than logout(): pass the same instance to session({ store }) and logout({ store }).",
      );
}
