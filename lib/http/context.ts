import type { Request } from "express";
import { LogoutError } from "../errors.js";
import type { Audit } from "../audit/audit.js";
import type { Login } from "../types/login.js";
import type { Logins } from "../logins/logins.js";
import type { ResolvedOptions } from "../options.js";
import type { Assets } from "../pages/assets.js";
import type { MountPaths } from "./mount-paths.js";
import type { Reply } from "./reply.js";
import type { RequestSessions } from "./request-sessions.js";
import type { RouteRequest } from "./route-request.js";

/** What a handler works with, beside its request. */
export interface HandlerContext {
  readonly options: ResolvedOptions;
  readonly logins: Logins;
  readonly audit: Audit;
  readonly assets: Assets;
}

/** What the middlewares work with. */
export interface HttpContext extends HandlerContext {
  readonly sessions: RequestSessions;
  readonly mounts: MountPaths;
}

/** Where a middleware has its context, for {@link httpContextOf}. `Symbol.for`: the ESM and the CommonJS build may meet. */
const CONTEXT: unique symbol = Symbol.for("express-logout.http-context");

/** Lets other entries of the package find the context of a middleware. Not enumerable, so that no log shows what it holds. */
export function attachHttpContext<Middleware extends object>(middleware: Middleware, context: HttpContext): Middleware {
  return Object.defineProperty(middleware, CONTEXT, { value: context });
}

/** Returns the context of what `logout()` returned; `undefined` for anything else. */
export function httpContextOf(middleware: unknown): HttpContext | undefined {
  return ((middleware ?? {}) as { [CONTEXT]?: HttpContext })[CONTEXT];
}

/** Returns the response to a request as data, or throws. */
export type Handler = (context: HandlerContext, request: RouteRequest) => Promise<Reply>;

/** Returns the live login of a request, or `undefined` for an anonymous one. */
export async function currentLogin(
  { sessions, logins }: Pick<HttpContext, "sessions" | "logins">,
  req: Request,
): Promise<Login | undefined> {
  const held = sessions.loginOf(req);
  return held && logins.find(held.userId, held.loginId);
}

/**
 * Returns the live login of a request that must have one.
 *
 * @param call - the call that needs it, for the message
 * @throws LogoutError `ERR_LOGIN_REQUIRED`
 */
export async function requireCurrentLogin(
  context: Pick<HttpContext, "sessions" | "logins">,
  req: Request,
  call: string,
): Promise<Login> {
  if (typeof (req as unknown) !== "object") {
    throw new LogoutError(
      "ERR_ARGUMENT_INVALID",
      `${call} takes a request. By ids: kick(userId, { except: loginId }).`,
    );
  }
  const login = await currentLogin(context, req);
  if (login !== undefined) return login;
  throw loginRequired(call);
}

/** @param call - the call that needs a login */
export function loginRequired(call: string): LogoutError {
  return new LogoutError("ERR_LOGIN_REQUIRED", `${call}: this request has no login. Require one before the call.`);
}
