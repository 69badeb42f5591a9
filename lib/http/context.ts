import type { Request, Response } from "express";
import type { LoginEnd } from "../types/login.js";
import type { Logins } from "../logins/logins.js";
import type { ResolvedOptions } from "../options.js";
import type { Assets } from "../pages/assets.js";
import type { MountPaths } from "./mount-paths.js";

/** What a handler works with. */
export interface HttpContext {
  readonly options: ResolvedOptions;
  readonly logins: Logins;
  readonly sessions: RequestSessions;
  readonly assets: Assets;
  readonly mounts: MountPaths;
}

/** What can be asked of, and done with, the session of a request. */
export interface RequestSessions {
  /**
   * Returns whether the request is this middleware's: `false` if its session belongs to another session().
   *
   * @throws LogoutError `ERR_SESSION_MISSING`, `ERR_SESSION_STORE` where session() is not mounted as it must be.
   */
  check(req: Request): boolean;
  /** The login of the session that this request has: the registry says whether it still lives. */
  loginOf(req: Request): { readonly userId: string; readonly loginId: string } | undefined;
  /** Why the session that this request came with was refused. */
  rejectionOf(req: Request): LoginEnd | undefined;
  /** Removes the tombstone and clears the cookie: the user has seen the reason. */
  clearRejection(req: Request, res: Response): Promise<void>;
  /**
   * Keeps the response from saving a session or setting its cookie, which would stand beside the one that is cleared.
   * `req.session` stays: access logs read it, and so does an app that goes on with the request.
   */
  withhold(req: Request, res: Response): void;
  /**
   * Ends the login of this request, if it has one, and clears the cookie. The request is left with an empty session, which is saved
   * only if the app puts data into it.
   */
  logout(req: Request, res: Response): Promise<void>;
}

/** Answers a request, or throws. */
export type Handler = (context: HttpContext, req: Request, res: Response) => Promise<void>;
