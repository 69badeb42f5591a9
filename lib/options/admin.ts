import type { Request } from "express";
import { isToken, resolveTokens, type AdminAction, type AdminToken, type ResolvedToken } from "./admin-tokens.js";
import { check, isFunction, isListOf, isObject, isRoute, isText, type Checks } from "./checks.js";
import { resolvePaths, type RoutePath } from "./routes.js";

/** What a back end is about to do. */
export interface AdminContext {
  readonly appId: string;
  readonly userPoolId: string;
  readonly action: AdminAction;
  /** The users to kick, or whose logins are looked for. Absent for a list. */
  readonly userIds?: readonly string[] | undefined;
  /** The name of the token, if it has one; of an access key of `authing()`, `access key` and its id. */
  readonly token?: string | undefined;
}

/** Options in `admin.routes`: paths of the admin API, below the path that the middleware is mounted at. */
export interface AdminRoutes {
  /** Default: `/api/applications/:appId/kick-active-users`, and the same below `/api/v2`. */
  readonly kickActiveUsers?: RoutePath | undefined;
  /** Default: `/api/applications/:appId/active-users`, and the same below `/api/v2`. */
  readonly activeUsers?: RoutePath | undefined;
}

/** Options in `admin`: the HTTP API for back ends. */
export interface AdminOptions {
  /** Any name, not empty, that callers repeat in the header `x-authing-userpool-id`, as in the API of Authing. */
  readonly userPoolId: string;
  /**
   * The tokens that may call, at least one: each itself, or its digest with a name. Callers send one in `Authorization`, with or
   * without `Bearer`. Compared in constant time. Source: OWASP ASVS 5.0 11.2.4.
   */
  readonly tokens: readonly (string | AdminToken)[];
  /** Decides whether the owner of a valid token may do this. Anything but `true` responds with 403. Default: always. */
  readonly authorize?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
  /** The paths. */
  readonly routes?: AdminRoutes | undefined;
}

export interface ResolvedAdmin {
  readonly userPoolId: string;
  readonly tokens: readonly ResolvedToken[];
  readonly authorize: NonNullable<AdminOptions["authorize"]>;
  readonly routes: Readonly<Record<keyof AdminRoutes, readonly string[]>>;
}

const ROUTES: ResolvedAdmin["routes"] = {
  kickActiveUsers: ["/api/applications/:appId/kick-active-users", "/api/v2/applications/:appId/kick-active-users"],
  activeUsers: ["/api/applications/:appId/active-users", "/api/v2/applications/:appId/active-users"],
};

const CHECKS: Checks<AdminOptions> = {
  userPoolId: ["a non-empty string", isText],
  tokens: [
    "an array of at least one token, none empty (is an environment variable not set?)",
    (value) => isListOf(isToken)(value) && (value as unknown[]).length > 0,
  ],
  authorize: ["a function: (req, context) => boolean", isFunction],
  routes: ["an object: { kickActiveUsers, activeUsers }", isObject],
};
const ROUTE_CHECKS: Checks<AdminRoutes> = {
  kickActiveUsers: ["a path, an array of paths, or false", isRoute],
  activeUsers: ["a path, an array of paths, or false", isRoute],
};

/** Returns `undefined` if the admin API is disabled. */
export function resolveAdmin(options: AdminOptions | undefined): ResolvedAdmin | undefined {
  if (options === undefined) return undefined;
  check("admin.", options, CHECKS, ["userPoolId", "tokens"]);
  const { userPoolId, tokens, authorize = () => true, routes = {} } = options;
  check("admin.routes.", routes, ROUTE_CHECKS);
  return {
    userPoolId,
    tokens: resolveTokens(tokens),
    authorize,
    routes: {
      kickActiveUsers: resolvePaths(routes.kickActiveUsers, ROUTES.kickActiveUsers),
      activeUsers: resolvePaths(routes.activeUsers, ROUTES.activeUsers),
    },
  };
}
