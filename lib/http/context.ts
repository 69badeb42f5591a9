import type { Request, Response } from "express";
import type { Login } from "../types/login.js";
import type { Logins } from "../logins/logins.js";
import type { ResolvedOptions } from "../options.js";
import type { Assets } from "../pages/assets.js";
import type { MountPaths } from "./mount-paths.js";
import type { RequestSessions } from "./request-sessions.js";

/** What a handler works with. */
export interface HttpContext {
  readonly options: ResolvedOptions;
  readonly logins: Logins;
  readonly sessions: RequestSessions;
  readonly assets: Assets;
  readonly mounts: MountPaths;
}

/** Responds to a request, or throws. */
export type Handler = (context: HttpContext, req: Request, res: Response) => Promise<void>;

/** Returns the live login of a request, or `undefined` for an anonymous one. */
export async function currentLogin(
  { sessions, logins }: Pick<HttpContext, "sessions" | "logins">,
  req: Request,
): Promise<Login | undefined> {
  const held = sessions.loginOf(req);
  return held && logins.find(held.userId, held.loginId);
}
