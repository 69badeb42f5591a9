import { Router } from "express";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { HttpContext } from "../context.js";
import { errorReplyFor, handle, respond } from "../error-handler.js";
import { errorReply, jsonReply, type Reply } from "../reply.js";
import type { Route } from "../route.js";
import type { RouteRequest } from "../route-request.js";
import { authenticate, NO_APPLICATION } from "./authenticate.js";
import { ADMIN_ROUTES } from "./routes.js";

/** Every path of the admin API, and its routes. */
function pathsOf({ options }: HttpContext): Map<string, Route[]> {
  const paths = new Map<string, Route[]>();
  for (const route of ADMIN_ROUTES) {
    for (const path of route.paths(options)) paths.set(path, [...(paths.get(path) ?? []), route]);
  }
  return paths;
}

/** The admin API. It uses no session: a token says who calls. */
export function createAdminApi(context: HttpContext): Router {
  const router = Router();
  if (context.options.admin === undefined) return router;
  for (const [path, routes] of pathsOf(context)) {
    for (const route of routes) router[route.method](path, handle(context, route));
    router.all(path, otherMethods(context, routes));
  }
  router.use(function logoutUndecodable(error: unknown, req: Request, res: Response, next: NextFunction) {
    if (isUndecodable(error)) respondWithToken(context, () => jsonReply(404, NO_APPLICATION), [req, res, next]);
    else next(error);
  });
  return router;
}

/** Answers 405 with `Allow`, but `OPTIONS` is for the app, or its CORS middleware. */
function otherMethods(context: HttpContext, routes: readonly Route[]): RequestHandler {
  const methods = routes.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const headers = { Allow: methods.join(", ") };
  const error = { status: 405, message: `This address takes ${headers.Allow} alone.`, headers };
  return function logoutOtherMethods(req, res, next) {
    respondWithToken(context, (request) => errorReply(request.header("Accept"), error), [req, res, next]);
  };
}

/** Nothing is said before the token was found right. */
function respondWithToken(
  context: HttpContext,
  reply: (request: RouteRequest) => Reply,
  [req, res, next]: Parameters<RequestHandler>,
): void {
  const authenticated = (request: RouteRequest): Promise<Reply> =>
    Promise.resolve().then(() => {
      authenticate(context, request);
      return reply(request);
    });
  respond(context, errorReplyFor("admin"), authenticated, [req, res, next]).catch(next);
}

/** What Express says of a path with `%` in it that stands for nothing, as in `/api/applications/%zz/…`. */
function isUndecodable(error: unknown): boolean {
  return error instanceof URIError && (error as { status?: unknown }).status === 400;
}
