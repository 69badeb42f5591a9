import type { Request } from "express";
import { comparablePath, encodePath, encodePattern, plainPath } from "../util/paths.js";
import {
  check,
  invalid,
  isListOf,
  isLiteralPath,
  isPath,
  isPlainPath,
  isRoute,
  isSyncFunction,
  type Checks,
} from "./checks.js";

/** A path, several paths, or `false` to leave a route out. */
export type RoutePath = string | readonly string[] | false;

/**
 * Options in `routes`: paths below the path that the middleware is mounted at. `routes: false` claims none: no logout URL, no pages,
 * no console. `admin` has routes of its own.
 */
export interface RouteOptions {
  /** The logout URL. Default: `/login/profile/logout`. */
  readonly logout?: RoutePath | undefined;
  /** Where users see and end their logins. Default: `/u`. */
  readonly personalCenter?: RoutePath | undefined;
  /** The console, which needs `console.authorize`. Default: `/console/applications/:appId/login-management`. */
  readonly console?: RoutePath | undefined;
  /** The folder of style sheets and scripts. Default: `/express-logout`. */
  readonly assets?: string | undefined;
  /**
   * The app's own routes that log users in, such as `["/login", "/auth/callback"]`: whole paths, or a function that is not async
   * and finds the whole path in `req.path`. They are never rejected, so that a kicked user logs in again in one step. Default: the
   * path of `redirects.login`. [Login routes](docs/guides/login-routes.md)
   */
  readonly login?: string | readonly string[] | ((req: Request) => boolean) | undefined;
  /**
   * The path prefix that a reverse proxy removes, such as `/shop`. Put in front of every address of this package.
   * Default: `X-Forwarded-Prefix`, if Express trusts the proxy; else none.
   * [Behind a proxy](docs/guides/going-live.md#behind-a-proxy-that-removes-a-path-prefix)
   */
  readonly publicPath?: string | undefined;
}

type PageRoute = "logout" | "personalCenter" | "console";

export interface ResolvedRoutes extends Readonly<Record<PageRoute, readonly string[]>> {
  /** `undefined` if there are no pages that could use them. */
  readonly assets: string | undefined;
  /** The routes that log users in, in the spelling of `comparablePath`; `undefined` for the path of `redirects.login`. */
  readonly login: readonly string[] | ((req: Request) => boolean) | undefined;
  readonly publicPath: string | undefined;
}

const ROUTES: Readonly<Record<PageRoute, readonly string[]>> = {
  logout: ["/login/profile/logout"],
  personalCenter: ["/u"],
  console: ["/console/applications/:appId/login-management"],
};

const CHECKS: Checks<RouteOptions> = {
  logout: ["a path, an array of paths, or false", isRoute],
  personalCenter: ["a path, an array of paths, or false", isRoute],
  console: ["a path, an array of paths, or false", isRoute],
  assets: ["a path", isPath],
  login: [
    "a path or paths without parameters, a query, or dots, or a function that is not async: (req) => boolean",
    (value) => isSyncFunction(value) || isLiteralPath(value) || isListOf(isLiteralPath)(value),
  ],
  publicPath: ["a path such as /shop, without a query, dots, or two slashes", isPlainPath],
};

/** What decides which routes there are. */
interface RouteConditions {
  readonly hasConsole: boolean;
  readonly hasPages: boolean;
}

export function resolveRoutes(
  options: RouteOptions | false = {},
  { hasConsole, hasPages }: RouteConditions,
): ResolvedRoutes {
  if (options === false) {
    return { logout: [], personalCenter: [], console: [], assets: undefined, login: undefined, publicPath: undefined };
  }
  check("routes.", options, CHECKS);
  if (!hasConsole && options.console !== undefined && options.console !== false) {
    throw invalid("console.authorize", "given with routes.console: it decides who may use the console");
  }
  return {
    logout: resolvePaths(options.logout, ROUTES.logout),
    personalCenter: resolvePaths(options.personalCenter, ROUTES.personalCenter),
    console: hasConsole ? resolvePaths(options.console, ROUTES.console) : [],
    // With a trailing slash, the address of a file in the root would start with two and name another host.
    assets: hasPages ? encodePath(options.assets ?? "/express-logout").replace(/\/+$/, "") : undefined,
    login: resolveLoginRoutes(options.login),
    publicPath: options.publicPath === undefined ? undefined : plainPath(encodePath(options.publicPath)),
  };
}

export function resolvePaths(given: RoutePath | undefined, defaults: readonly string[]): readonly string[] {
  if (given === undefined) return defaults;
  if (given === false) return [];
  return [given].flat().map(encodePattern);
}

function resolveLoginRoutes(given: RouteOptions["login"]): ResolvedRoutes["login"] {
  if (given === undefined || typeof given === "function") return given;
  return [given].flat().map((path) => comparablePath(path) ?? path);
}
