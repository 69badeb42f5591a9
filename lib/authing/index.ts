/** The calls of the public clients of Authing and GenAuth around logout, so that those clients work against this app unchanged. */
import { Router } from "express";
import type { RequestHandler } from "express";
import { respond } from "../http/error-handler.js";
import { requireJose } from "../jose/load-jose.js";
import { CALL, resolveAuthing, type AuthingOptions } from "./options.js";
import { POOL_ROUTES } from "./routes.js";
import type { PoolRoute } from "./route.js";
import { allowOrigin, preflight } from "./cors.js";
import { UserPool } from "./user-pool.js";

export type { AccessKey, AuthingOptions } from "./options.js";
export type { AuthingRoutes } from "./paths.js";

/**
 * Creates a router for the calls of `authing-js-sdk` 4, `authing-node-sdk` 4 and `genauth-node-sdk` that log users out, and list who
 * is online. Mount it after `session()`, and before the middlewares of its applications. The calls of back ends need no session.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, also if `jose` is not installed
 *
 * @example
 * ```ts
 * import type { RequestHandler } from "express";
 * import type { LogoutMiddleware } from "express-logout";
 * import { authing } from "express-logout/authing";
 *
 * export const clientsOf = (auth: LogoutMiddleware, secret: string): RequestHandler =>
 *   authing({ applications: [auth], userPoolId: "acme", accessKeys: [{ id: "acme", secret }] });
 * ```
 */
export function authing(options: AuthingOptions): RequestHandler {
  const resolved = resolveAuthing(options);
  if (resolved.accessKeys.length > 0) requireJose(CALL);
  const pool = new UserPool(resolved);
  const [router, preflights] = [Router(), Router()];
  for (const route of POOL_ROUTES) {
    if (route.needsKeys === true && resolved.accessKeys.length === 0) continue;
    for (const path of resolved.routes[route.name]) {
      if (route.isShared === true) preflights.options(path, preflight(resolved.origins));
      router[route.method](path, handle(pool, route));
    }
  }
  return function logoutAuthing(req, res, next) {
    // A router that has other methods would answer OPTIONS in the place of the app and its CORS middleware.
    if (req.method === "OPTIONS") preflights(req, res, next);
    else router(req, res, next);
  };
}

function handle(pool: UserPool, route: PoolRoute): RequestHandler {
  const { method, handler, toReply, isShared, isOfAdmin } = route;
  return function logoutPoolRoute(req, res, next) {
    // Express hands HEAD to the handler of GET, and some of these change something.
    const isHere = req.method === method.toUpperCase() && !(isOfAdmin === true && pool.isForAdminApi(req));
    if (!isHere) {
      next();
      return;
    }
    if (isShared === true) allowOrigin(pool.options.origins, req, res);
    const context = pool.applicationOf(req);
    respond(context, toReply, (request) => handler(pool, request), [req, res, next]).catch(next);
  };
}
