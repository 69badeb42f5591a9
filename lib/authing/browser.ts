import type { Request } from "express";
import { LogoutError } from "../errors.js";
import { refused } from "../http/authing-api/authenticate.js";
import type { HttpContext } from "../http/context.js";
import { onlyValueOf, valueOf } from "../http/fields.js";
import { logOut, mustBeNavigation, oneOf } from "../http/logout/logout-route.js";
import { providerLogout } from "../http/logout/provider-logout.js";
import { whereFrom } from "../http/origin.js";
import { jsonReply } from "../http/reply.js";
import type { RouteRequest } from "../http/route-request.js";
import type { PoolHandler } from "./route.js";
import { logoutUser } from "./v2.js";
import type { UserPool } from "./user-pool.js";

/** `GET /logout`: with `userId` of an administrator, for that user; else of a browser, for itself. */
export const logout: PoolHandler = (pool, request) =>
  request.query("userId").length > 0 ? logoutUser(pool, request) : sessionLogout(pool, request);

/** `GET /api/v2/logout?app_id`, `GET /logout?appId&deviceId=current`: a script logs the browser out. */
export const sessionLogout: PoolHandler = async (pool, request) => {
  mustBeAllowed(pool, request);
  const appId = valueOf(request.query, "app_id") ?? valueOf(request.query, "appId");
  mustHaveSession(appId === undefined ? pool.applicationOf(request.original) : pool.application(appId), request);
  const atProvider = providerLogout(request);
  await request.logout();
  // Only the browser can end the session at its identity provider.
  const data = atProvider && { redirectTo: atProvider.to };
  return { ...jsonReply(200, "You are logged out", { data }), cookies: atProvider?.cookiesFor(undefined) };
};

/** `GET /oidc/session/end?id_token_hint&post_logout_redirect_uri&state` */
export const oidcLogout: PoolHandler = (pool, request) =>
  logOutByLink(pool, request, "post_logout_redirect_uri", onlyValueOf(request.query, "state"));

/** `GET /cas-idp/logout?url` */
export const casLogout: PoolHandler = (pool, request) => logOutByLink(pool, request, "url");

const logOutByLink = (pool: UserPool, request: RouteRequest, name: string, state?: string): ReturnType<PoolHandler> => {
  mustBeNavigation(request);
  const application = pool.applicationOf(request.original);
  mustHaveSession(application, request);
  return logOut(application, request, 302, () => ({ name, given: oneOf(request.query(name)), state }));
};

/** Requires the session of an application: without it no one is logged out, and no answer may say so. */
function mustHaveSession({ sessions }: HttpContext, { original }: RouteRequest): void {
  if (sessions.owns(original)) return;
  if ((original as Partial<Request>).sessionStore !== undefined) {
    throw refused(400, "This address has another application's session. Call the address of that application.");
  }
  throw new LogoutError("ERR_SESSION_MISSING", "No session() has run. Mount authing() after it, and within its path.");
}

/** A cookie is sent from anywhere: only pages of this origin and of the listed ones may log out by it. @throws LogoutError 403 */
function mustBeAllowed({ options }: UserPool, request: RouteRequest): void {
  const origin = request.header("Origin") ?? refererOf(request);
  if (origin !== undefined && options.origins.includes(origin)) return;
  const isFromHere = whereFrom(request) === "here" && (origin === undefined || request.isOwnOrigin(origin));
  if (isFromHere && ["navigation", "call", "program"].includes(request.kind)) return;
  throw refused(403, "This address logs out only for pages of its own origin, and of those in the option origins.");
}

/** The origin of the page that a browser without Fetch Metadata names. It sends no `Origin` with what is not CORS. */
function refererOf(request: RouteRequest): string | undefined {
  const referer = request.header("Referer") ?? "";
  return URL.canParse(referer) ? new URL(referer).origin : undefined;
}
