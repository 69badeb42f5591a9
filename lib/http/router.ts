import { Router, urlencoded } from "express";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { authenticate, NO_APPLICATION } from "./admin.js";
import { isTold, prefersJson, sendJson, sendNotice } from "./answer.js";
import { isBare } from "./bare.js";
import type { HttpContext } from "./context.js";
import type { Texts } from "../pages/texts.js";
import { joinPath, textsOf } from "./frame.js";
import { ROUTES, type Route } from "./routes.js";

/** A form with a thousand users checked. */
const parseForm: RequestHandler = urlencoded({ extended: false, parameterLimit: 2_000 });

/**
 * The middleware: a check that session() is there, what a kicked user may reach, the guard, the pages.
 *
 * Only what could be for a route goes through a router of Express: that takes longer than all else that is done here for a
 * request.
 */
export function createMiddleware(context: HttpContext, guard: RequestHandler): RequestHandler {
  const router = createRouter(context, guard);
  const { routes, assetsPath } = context.options;
  const beginnings = [...Object.values(routes).flat().map(literalBeginning), assetsPath];
  const mayBeForRoute = new RegExp(`^(?:${beginnings.map(literally).join("|")})`, "i");
  return function logoutMiddleware(req, res, next) {
    if (!isBare(req) && mayBeForRoute.test(req.path)) {
      router(req, res, next);
      return;
    }
    context.sessions.check(req);
    // The guard has no more to do for a request that is neither for a file of the pages nor refused.
    if (context.sessions.ended(req) === undefined) next();
    else guard(req, res, next);
  };
}

function literally(text: string): string {
  return text.replace(/[^\w/]/g, "\\$&");
}

/** With what every address begins that a path of Express 4 or 5 matches, in upper or lower case as they take it. */
function literalBeginning(path: string): string {
  const [literal = ""] = path.split(/[:*?+()[\]{}!\\]/);
  // In Express 4 a character before `?` or `*` may be missing.
  return literal === path ? path.replace(/\/$/, "") : literal.slice(0, -1);
}

function createRouter(context: HttpContext, guard: RequestHandler): Router {
  const router = Router();
  router.use(function logoutCheck(req, _res, next) {
    context.sessions.check(req);
    next();
  });
  if (context.options.admin.tokens.length > 0) addAdminApi(router, context);
  const pages = ROUTES.filter(({ caller }) => caller === "browser");
  for (const route of pages.filter(({ guarded }) => !guarded)) add(router, context, route);
  router.use(guard);
  for (const route of pages.filter(({ guarded }) => guarded)) add(router, context, route);
  return router;
}

function addAdminApi(router: Router, context: HttpContext): void {
  for (const route of ROUTES.filter(({ caller }) => caller === "admin")) add(router, context, route);
  router.use(function logoutUndecodable(error: unknown, req: Request, res: Response, next: NextFunction) {
    if (!isUndecodable(error)) {
      next(error);
      return;
    }
    // Express cannot decode `/api/applications/%zz/…`; here too nothing is said before the token was found right.
    try {
      authenticate(context, req);
      sendJson(res, 404, NO_APPLICATION);
    } catch (refusal) {
      answerError(context, "admin", refusal, req, res, next);
    }
  });
}

/** What Express says of a path with `%` in it that stands for nothing. */
function isUndecodable(error: unknown): boolean {
  return error instanceof URIError && (error as { status?: unknown }).status === 400;
}

function add(router: Router, context: HttpContext, route: Route): void {
  for (const path of context.options.routes[route.name]) {
    const whole = joinPath(path, route.part ?? "");
    if (route.caller === "browser" && route.method === "post") router.post(whole, parseForm);
    router[route.method](whole, handle(context, route));
  }
}

/** Express 4 loses a rejected promise, so no handler's promise is left to Express. */
function handle(context: HttpContext, route: Route): RequestHandler {
  return function logoutRoute(req, res, next) {
    route.handler(context, req, res).catch((error: unknown) => {
      answerError(context, route.caller, error, req, res, next);
    });
  };
}

function answerError(
  context: HttpContext,
  caller: Route["caller"],
  error: unknown,
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  if (!isTold(error) || res.headersSent) next(error);
  else if (caller === "admin" || prefersJson(req)) sendJson(res, error.status, error.message);
  else {
    const texts = textsOf(context, req);
    const link = { href: context.options.defaultRedirect ?? "/", label: texts.goOn };
    // The errors of this package are in English; a page in another language says what it can in its own.
    const text = texts.language === "en" ? error.message : undefined;
    sendNotice(context, req, res, error.status, {
      title: titleOf(error.status, texts),
      text,
      link,
    });
  }
}

function titleOf(status: number, texts: Texts): string {
  if (status === 403) return texts.requestForbidden;
  if (status === 404) return texts.noSuchPage;
  return status === 503 ? texts.tryAgainLater : texts.requestRefused;
}
