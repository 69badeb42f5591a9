import { Router } from "express";
import type { Request, RequestHandler } from "express";
import { createAdminApi } from "./authing-api/router.js";
import { formatFor } from "./accept.js";
import type { HttpContext } from "./context.js";
import { handle } from "./error-handler.js";
import { escapeRegExp } from "../util/paths.js";
import { joinPath } from "./pages/page-context.js";
import type { Route } from "./route.js";
import { allRoutes, BROWSER_ROUTES, providerRoutes, sessionlessRoutes } from "./routes.js";

export interface Middlewares {
  readonly main: RequestHandler;
  /** The routes that use no session. */
  readonly sessionless: RequestHandler;
}

/**
 * The middleware: the routes without a session, a check that session() is there, what a kicked user may reach, the guard, the pages.
 *
 * Only what could be for a route goes through a router of Express: that takes longer than all else that is done here for a
 * request. `OPTIONS` never does: Express would answer it in the place of the app and its CORS middleware.
 */
export function createMiddlewares(context: HttpContext, guard: RequestHandler): Middlewares {
  const { options } = context;
  const pathsOf = (routes: readonly Route[]): string[] => routes.flatMap(({ paths }) => paths(options));
  const sessionless = createSessionlessRouter(context);
  const router = createRouter(context, guard, sessionless);
  const mayBeForRoute = beginsLike([...pathsOf(allRoutes(options)), ...[options.routes.assets ?? []].flat()]);
  const mayBeSessionless = beginsLike(pathsOf(sessionlessRoutes(options)));
  return {
    main: function logoutMiddleware(req, res, next) {
      // A request that Express has not seen has no path: none of the routes is for it.
      const { path } = req as Partial<Request>;
      if (path !== undefined) context.mounts.record(req, logoutMiddleware);
      if (path !== undefined && mayBeForRoute.test(path) && req.method !== "OPTIONS") {
        router(req, res, next);
        return;
      }
      if (!context.sessions.check(req)) {
        next();
        return;
      }
      // The guard has no more to do for a request that is neither for a file of the pages nor refused.
      if (context.sessions.rejectionOf(req) === undefined) next();
      else guard(req, res, next);
    },
    sessionless: function logoutSessionlessRoutes(req, res, next) {
      if (mayBeSessionless.test(req.path) && req.method !== "OPTIONS") sessionless(req, res, next);
      else next();
    },
  };
}

/** Matches what begins like one of these paths, up to where a path is a pattern. */
function beginsLike(paths: readonly string[]): RegExp {
  if (paths.length === 0) return /(?!)/;
  return new RegExp(`^(?:${paths.map((path) => escapeRegExp(literalBeginning(path))).join("|")})`, "i");
}

/** With what every address begins that a path of Express 4 or 5 matches, in upper or lower case as they take it. */
function literalBeginning(path: string): string {
  const [literal = ""] = path.split(/[:*?+()[\]{}!\\]/);
  // In Express 4 a character before `?` or `*` may be missing.
  return literal === path ? path.replace(/\/$/, "") : literal.slice(0, -1);
}

function createSessionlessRouter(context: HttpContext): Router {
  const router = Router();
  for (const route of providerRoutes(context.options)) add(router, context, route);
  router.use(createAdminApi(context));
  return router;
}

function createRouter(context: HttpContext, guard: RequestHandler, sessionless: Router): Router {
  const router = Router();
  // Before session() is looked for: a back end has no session, and the app's may be another one on these paths.
  router.use(sessionless);
  router.use(function logoutCheck(req, _res, next) {
    if (context.sessions.check(req)) next();
    else next("router");
  });
  for (const route of BROWSER_ROUTES.filter(({ guarded }) => !guarded)) add(router, context, route);
  router.use(guard);
  for (const route of BROWSER_ROUTES.filter(({ guarded }) => guarded)) add(router, context, route);
  return router;
}

function add(router: Router, context: HttpContext, route: Route): void {
  const handler = handle(context, route);
  const isShared = route.isScreen === true && !context.options.pages.html;
  for (const path of route.paths(context.options)) {
    router[route.method](joinPath(path, route.part ?? ""), isShared ? unlessHtml(handler) : handler);
  }
}

/** Hands a browser that goes to the address of a page on to the app, which has its own there. */
function unlessHtml(handler: RequestHandler): RequestHandler {
  return function logoutScreen(req, res, next) {
    // A cache must not hand the app's page to a script that asks for JSON.
    res.vary("Accept");
    if (formatFor(req.get("Accept")) === "html") next();
    else void handler(req, res, next);
  };
}
