import { Router, urlencoded } from "express";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { isTold, sendJson, sendNotice } from "./answer.js";
import type { HttpContext } from "./context.js";
import { ROUTES, type Route } from "./routes.js";

/** The routes on an Express router, between the check that session() is there and the guard. */
export function createRouter(context: HttpContext, guard: RequestHandler): Router {
  const router = Router();
  router.use(function logoutCheck(req, _res, next) {
    context.sessions.check(req);
    next();
  });
  for (const route of ROUTES) {
    if (route.caller === "admin" && context.options.admin.tokens.length === 0) continue;
    for (const path of context.options.routes[route.name]) {
      if (route.caller === "browser" && route.method === "post") router.post(path, urlencoded({ extended: false }));
      router[route.method](path, handle(context, route));
    }
  }
  router.use(guard);
  return router;
}

/** Express 4 loses a rejected promise, so no handler's promise is left to Express. */
function handle(context: HttpContext, route: Route): RequestHandler {
  return function logoutRoute(req, res, next) {
    route.handler(context, req, res).catch((error: unknown) => {
      answerError(route, error, req, res, next);
    });
  };
}

function answerError(route: Route, error: unknown, req: Request, res: Response, next: NextFunction): void {
  if (!isTold(error) || res.headersSent) next(error);
  else if (route.caller === "admin") sendJson(res, error.status, error.message);
  else sendNotice(req, res, error.status, { title: error.message, link: { href: "/", label: "Go on" } });
}
