import { check, isRoute, type Checks } from "../options/checks.js";
import { resolvePaths, type RoutePath } from "../options/routes.js";

/** Options in `routes` of `authing()`: paths below the path that the router is mounted at. `false` leaves a call out. */
export interface AuthingRoutes {
  /** Default: `/api/v2/applications/:appId/active-users`, and the same below `/api`. */
  readonly activeUsers?: RoutePath | undefined;
  /** Default: `/api/v2/applications/:appId/kick-active-users`, and the same below `/api`. */
  readonly kickActiveUsers?: RoutePath | undefined;
  /** Default: `/api/v2/users/kick`. */
  readonly kick?: RoutePath | undefined;
  /** Default: `/api/v2/users/login-status`. */
  readonly loginStatus?: RoutePath | undefined;
  /** Where a secret is exchanged for an access token. Default: `/graphql/v2`. */
  readonly accessToken?: RoutePath | undefined;
  /** Default: `/api/v3/kick-users`. */
  readonly kickUsers?: RoutePath | undefined;
  /** Default: `/api/v3/list-application-active-users`. */
  readonly listApplicationActiveUsers?: RoutePath | undefined;
  /** Default: `/api/v3/check-session-status`. */
  readonly checkSessionStatus?: RoutePath | undefined;
  /** Of an administrator with a token, for a user; else of a browser, for itself. Default: `/logout`. */
  readonly logout?: RoutePath | undefined;
  /** Of a browser, for itself. Default: `/api/v2/logout`. */
  readonly sessionLogout?: RoutePath | undefined;
  /** A link that logs out, as OpenID providers have it. Default: `/oidc/session/end`. */
  readonly oidcLogout?: RoutePath | undefined;
  /** A link that logs out, as CAS servers have it. Default: `/cas-idp/logout`. */
  readonly casLogout?: RoutePath | undefined;
}

export type RouteName = keyof AuthingRoutes;
export type ResolvedPaths = Readonly<Record<RouteName, readonly string[]>>;

const DEFAULTS: ResolvedPaths = {
  activeUsers: ["/api/v2/applications/:appId/active-users", "/api/applications/:appId/active-users"],
  kickActiveUsers: ["/api/v2/applications/:appId/kick-active-users", "/api/applications/:appId/kick-active-users"],
  kick: ["/api/v2/users/kick"],
  loginStatus: ["/api/v2/users/login-status"],
  accessToken: ["/graphql/v2"],
  kickUsers: ["/api/v3/kick-users"],
  listApplicationActiveUsers: ["/api/v3/list-application-active-users"],
  checkSessionStatus: ["/api/v3/check-session-status"],
  logout: ["/logout"],
  sessionLogout: ["/api/v2/logout"],
  oidcLogout: ["/oidc/session/end"],
  casLogout: ["/cas-idp/logout"],
};

export const ROUTE_NAMES = Object.keys(DEFAULTS) as RouteName[];

const eachRoute = <Value>(valueOf: (name: RouteName) => Value): Readonly<Record<RouteName, Value>> =>
  Object.fromEntries(ROUTE_NAMES.map((name) => [name, valueOf(name)])) as Record<RouteName, Value>;

const CHECKS: Checks<AuthingRoutes> = eachRoute(() => ["a path, an array of paths, or false", isRoute] as const);

/** @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID` */
export function resolveRoutes(routes: AuthingRoutes, call: string): ResolvedPaths {
  check("routes.", routes, CHECKS, [], call);
  return eachRoute((name) => resolvePaths(routes[name], DEFAULTS[name]));
}
