import { Router } from "express";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { authenticate, NO_APPLICATION } from "./authenticate.js";
import { sendError, sendJson } from "../responses.js";
import type { HttpContext } from "../context.js";
import { respondWithError, handle } from "../error-handler.js";
import type { Route } from "../route.js";
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
    if (isUndecodable(error)) respondWithToken(context, req, res, next, () => sendJson(res, 404, NO_APPLICATION));
    else next(error);
  });
  return router;
}

/** Answers 405 with `Allow`, but `OPTIONS` is for the app, or its CORS middleware. */
function otherMethods(context: HttpContext, routes: readonly Route[]): RequestHandler {
  const methods = routes.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]));
  const headers = { Allow: methods.join(", ") };
  return function logoutOtherMethods(req, res, next) {
    respondWithToken(context, req, res, next, () => {
      sendError(req, res, { status: 405, message: `This address takes ${headers.Allow} alone.`, headers });
    });
  };
}

/** Nothing is said before the token was found right. */
function respondWithToken(
  context: HttpContext,
  req: Request,
  res: Response,
  next: NextFunction,
  answer: () => void,
): void {
  try {
    authenticate(context, req);
    answer();
  } catch (error) {
    respondWithError(context, "admin", error, req, res, next);
  }
}

/** What Express says of a path with `%` in it that stands for nothing, as in `/api/applications/%zz/…`. */
function isUndecodable(error: unknown): boolean {
  return error instanceof URIError && (error as { status?: unknown }).status === 400;
}
