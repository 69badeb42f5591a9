import type { NextFunction, Request, Response } from "express";
import type { SessionData, Store } from "express-session";
import { LogoutError } from "./errors.js";
import type { LoginEnd, UserProfile } from "./types/login.js";
import type { LoginRegistry } from "./types/registry.js";
import { MemoryLoginRegistry } from "./registry/memory.js";
import { LOCALES, type Locale } from "./pages/texts/index.js";
import { isMemoryStore } from "./util/known-stores.js";
import { comparablePath, decodeUnreserved, encodePath, encodePattern, plainPath } from "./util/paths.js";
import type { HookUse } from "./session/hook.js";
import { supportsBackgroundTouch } from "./session/store/store-support.js";
import { defaultUserId, type Session } from "./session/user-id.js";
import { warn } from "./util/warning.js";

const DAY_MS = 86_400_000;

/** What an administrator, or a back end with a token, is about to do. */
export interface AdminContext {
  readonly appId: string;
  readonly userPoolId: string;
  readonly action: "kick" | "list";
  /** The users concerned. Absent if not limited to particular users. */
  readonly userIds?: readonly string[] | undefined;
  /** `true` if a kick concerns everyone. */
  readonly everyone?: boolean | undefined;
}

/** Options in `admin`: who may use the admin API and the console. */
export interface AdminOptions {
  /** The tokens that a back end may send in `Authorization`. Default: none, which disables the admin API. */
  readonly tokens?: readonly string[] | undefined;
  /** Decides whether the owner of a valid token may do this; `false` responds with 403. Default: always. */
  readonly authorizeToken?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
  /** Decides whether the logged-in user may do this in the console. Absent: the console is disabled. */
  readonly authorize?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
}

/** Options in `routes`: paths below the path that the middleware is mounted at. `false` leaves a route out. */
export interface RouteOptions {
  /** Default: `/login/profile/logout`. */
  readonly logout?: string | readonly string[] | false | undefined;
  /** Default: `/api/applications/:appId/kick-active-users` and the same below `/api/v2`. */
  readonly kickActiveUsers?: string | readonly string[] | false | undefined;
  /** Default: `/api/applications/:appId/active-users` and the same below `/api/v2`. */
  readonly activeUsers?: string | readonly string[] | false | undefined;
  /** Where users see and end their logins. Default: `/u`. */
  readonly personalCenter?: string | readonly string[] | false | undefined;
  /** The console. Default: `/console/applications/:appId/login-management`. Needs `admin.authorize`. */
  readonly loginManagement?: string | readonly string[] | false | undefined;
  /** The folder of style sheets and scripts. Default: `/express-logout`. */
  readonly assets?: string | undefined;
  /**
   * The app's own routes that log users in, such as `["/login", "/auth/callback"]`: whole paths, or a function that is not async
   * and finds the whole path in `req.path`.
   * They are never rejected, so that a kicked user logs in again in one step. Default: the path of `loginUrl`.
   */
  readonly login?: string | readonly string[] | ((req: Request) => boolean) | undefined;
  /**
   * The path prefix that a reverse proxy removes, such as `/shop`. Put in front of every address of ours. Default:
   * `X-Forwarded-Prefix`, if Express trusts the proxy; else none.
   */
  readonly publicPath?: string | undefined;
}

/** Options in `sessions`: sessions that this package has not written. */
export interface SessionOptions {
  /**
   * Whether sessions that are older than the installation are adopted as logins at their first request: `true`, `false`
   * (rejected: users log in again), or until a date. Before they are adopted, only the record of a kick guards them, which a
   * registry can lose. Default: `true`.
   */
  readonly adopt?: boolean | Date | undefined;
  /**
   * Returns when the user of a session that this package has not written logged in, as a date, an ISO 8601 string (a date in a
   * stored session) or milliseconds since 1970. For apps in which another service writes sessions: a login at least a minute after a
   * kick is then recognized as new. The clocks of both services are compared. Default: unknown, so every such session counts as
   * older than any kick.
   */
  readonly loggedInAt?: ((session: SessionData) => Date | number | null | undefined) | undefined;
}

/** Options of `logout()`. `undefined` means that an option is absent. */
export interface LogoutOptions {
  /** The session store: the same instance that `session({ store })` gets. */
  readonly store: Store;
  /** The id of this application, not empty. Processes that share sessions use the same id. Part of every registry key. */
  readonly appId: string;
  /** The id of the user pool, which callers of the admin API send in `x-authing-userpool-id`. */
  readonly userPoolId: string;
  /**
   * The list of live logins. Processes that share sessions must share it. Default, for a `MemoryStore` only: a new
   * `MemoryLoginRegistry`, or that of the closed `logout()` whose store is taken over with the same `appId`.
   */
  readonly registry?: LoginRegistry | undefined;
  /**
   * Returns the id of the user a session belongs to: a string or a number; `undefined`, `null`, `false` or `""` for an anonymous
   * session.
   *
   * Default: the first of `passport.user`, `userId` and `user` that holds an id; in a session without these, the first of `user_id`,
   * `uid` and `username`. In an object, the first of `id`, `_id`, `userId`, `user_id`, `uid` and `username` in its JSON.
   *
   * @example `userId: (session) => session.adminId ?? session.userId` for administrators who act as customers
   */
  readonly userId?: ((session: Session) => unknown) | undefined;
  /** The treatment of sessions that are older than the installation, or that another service writes. */
  readonly sessions?: SessionOptions | undefined;
  /** Returns what lists and pages show of a user. Default: the user id only. */
  readonly user?: ((userId: string) => UserProfile | undefined | Promise<UserProfile | undefined>) | undefined;
  /** Returns the ids of users that match a search text, for the console. Default: search finds user ids only. */
  readonly searchUsers?: ((text: string) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * What is required before users end their other logins: returns `true` to continue, a path of this site to redirect to, or anything
   * else to refuse. Default: the session suffices. Source: OWASP ASVS 5.0 7.5.2.
   */
  readonly confirmIdentity?: ((req: Request) => boolean | string | Promise<boolean | string>) | undefined;
  /** The product name on pages. Default: the `appId`. */
  readonly brandName?: string | undefined;
  /** The colour of buttons and links: a CSS colour on which white text is readable. Default: `#1a5ecc`. */
  readonly accentColor?: string | undefined;
  /** The language of pages. Default: the one that the browser prefers, else English. */
  readonly locale?: Locale | undefined;
  /** The admin API, disabled without `tokens`, and the console, disabled without `authorize`. */
  readonly admin?: AdminOptions | undefined;
  /** The absolute http(s) URLs that `redirect_uri` may name, compared exactly. Default: none. Source: RFC 9700 section 4.11. */
  readonly redirectUris?: readonly string[] | undefined;
  /**
   * The address after a logout without `redirect_uri`, as browsers see it; with `./` at its beginning, relative to the path that
   * the middleware is mounted at. Default: `/` of the app.
   */
  readonly defaultRedirect?: string | undefined;
  /**
   * The login page: an address as browsers see it, or one with `./` at its beginning, relative to the path that the middleware is
   * mounted at. Pages that need a login redirect there, with the way back in `returnTo`; with `false` they respond with 401.
   * Default: `/login` of the app.
   */
  readonly loginUrl?: string | false | undefined;
  /** The paths of the routes. */
  readonly routes?: RouteOptions | undefined;
  /** Responds to the first request of a kicked login, in place of the 401. `next()` continues with an anonymous session. */
  readonly onRejected?: ((req: Request, res: Response, next: NextFunction, ended: LoginEnd) => unknown) | undefined;
  /**
   * The longest lifetime of a session for which neither the cookie nor the store's `ttl` defines one, in milliseconds; also how long
   * a kick is remembered. Default: 400 days, the longest that browsers keep a cookie. Source: RFC 6265bis section 5.5.
   */
  readonly maxSessionAgeMs?: number | undefined;
  /** The time after which a session store that does not respond counts as unavailable, in milliseconds. Default: 10,000. */
  readonly storeTimeoutMs?: number | undefined;
  /**
   * The shortest interval between two touches of a logged-in session in the store, in milliseconds, capped at a tenth of the session's
   * lifetime. A session may expire earlier by this much. Default: 0, every request, as express-session does.
   */
  readonly touchIntervalMs?: number | undefined;
  /**
   * Whether a response waits until the store has touched its session, as in express-session. After a failed touch, responses wait, and
   * report errors, until a touch succeeds. Default: `false` for MemoryStore and for connect-redis on one connection, whose touch
   * writes no session data; `true` for any other store.
   */
  readonly waitForTouch?: boolean | undefined;
  /**
   * The interval at which the notification channel is tested, and at which live connections look their logins up while it is down, in
   * milliseconds. Default: 5,000.
   */
  readonly recheckIntervalMs?: number | undefined;
}

/** {@link LogoutOptions} with every default filled in. */
export interface ResolvedOptions {
  readonly store: Store;
  readonly appId: string;
  readonly userPoolId: string;
  readonly registry: LoginRegistry;
  readonly userId: (session: Session) => unknown;
  readonly sessions: { readonly adopt: boolean | Date; readonly loggedInAt: SessionOptions["loggedInAt"] };
  readonly user: NonNullable<LogoutOptions["user"]>;
  readonly searchUsers: NonNullable<LogoutOptions["searchUsers"]>;
  readonly confirmIdentity: NonNullable<LogoutOptions["confirmIdentity"]>;
  readonly brandName: string;
  readonly accentColor: string;
  readonly locale: Locale | undefined;
  readonly admin: {
    readonly tokens: readonly string[];
    readonly authorizeToken: NonNullable<AdminOptions["authorizeToken"]>;
    readonly authorize: AdminOptions["authorize"];
  };
  readonly redirectUris: readonly string[];
  /** `undefined` if the app does not define where users land after a logout. */
  readonly defaultRedirect: string | undefined;
  /** `undefined` if the app does not define where users log in. */
  readonly loginUrl: string | false | undefined;
  readonly routes: Readonly<Record<RouteName, readonly string[]>>;
  /** The routes that log users in, in the spelling of `comparablePath`; `undefined` for the path of `loginUrl`. */
  readonly loginRoutes: readonly string[] | ((req: Request) => boolean) | undefined;
  readonly publicPath: string | undefined;
  readonly assetsPath: string;
  readonly onRejected: LogoutOptions["onRejected"];
  readonly maxSessionAgeMs: number;
  readonly storeTimeoutMs: number;
  readonly touchIntervalMs: number;
  readonly waitForTouch: boolean;
  readonly recheckIntervalMs: number;
}

/** The names of the routes that can be renamed or left out. */
export type RouteName = Exclude<keyof RouteOptions, "assets" | "login" | "publicPath">;

const ROUTES: ResolvedOptions["routes"] = {
  logout: ["/login/profile/logout"],
  kickActiveUsers: ["/api/applications/:appId/kick-active-users", "/api/v2/applications/:appId/kick-active-users"],
  activeUsers: ["/api/applications/:appId/active-users", "/api/v2/applications/:appId/active-users"],
  personalCenter: ["/u"],
  loginManagement: ["/console/applications/:appId/login-management"],
};

type Check = (value: unknown) => boolean;
/** The description of an option's values, and their check. The compiler keeps each table complete. */
type Checks<Options> = { readonly [Name in keyof Required<Options>]: readonly [words: string, check: Check] };

const isText: Check = (value) => typeof value === "string" && value !== "";
const isFunction: Check = (value) => typeof value === "function";
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isDuration: Check = (value) => typeof value === "number" && Number.isFinite(value) && value > 0;
/** setTimeout treats a longer delay as 1 ms. */
const isTimer: Check = (value) => isDuration(value) && Number(value) <= 2_147_483_647;
const isDate: Check = (value) => value instanceof Date && !Number.isNaN(+value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isPath: Check = (value) => typeof value === "string" && value.startsWith("/") && !/^\/[/\\]|\p{Cc}/u.test(value);
const isHttpUrl: Check = (value) => {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "https:" || protocol === "http:") && username === "" && password === "";
};
const isColor: Check = (value) =>
  typeof value === "string" && /^(#[\da-f]{3,8}|[a-z]+|[a-z]+\([\d\s.,%/a-z-]+\))$/i.test(value);
/** Checks an outer path, or one relative to the mount path. */
const isOwnAddress: Check = (value) =>
  isPath(value) || (typeof value === "string" && value.startsWith("./") && isPath(value.slice(1)));
/** A path to compare with: what looks like a pattern would silently match nothing. */
const isLiteralPath: Check = (value) => isPlainPath(value) && !/[:*+()]/.test(String(value));
const isPlainPath: Check = (value) =>
  typeof value === "string" && plainPath(decodeUnreserved(encodePath(value))) !== undefined;
/** An async function always returns a promise. */
const isSyncFunction: Check = (value) => isFunction(value) && !Object.prototype.toString.call(value).includes(" Async");
const isRoute: Check = (value) => value === false || isPath(value) || isListOf(isPath)(value);

const OPTIONS: Checks<LogoutOptions> = {
  store: ["the session store that session({ store }) gets", isObject],
  appId: ["a non-empty string", isText],
  userPoolId: ["a non-empty string", isText],
  registry: ["a login registry: new MemoryLoginRegistry() or new RedisLoginRegistry({ client })", isObject],
  userId: ["a function: (session) => user id", isFunction],
  sessions: ["an object: { adopt, loggedInAt }", isObject],
  user: ["a function: (userId) => profile", isFunction],
  searchUsers: ["a function: (text) => user ids", isFunction],
  confirmIdentity: ["a function: (req) => true, or the address that confirms", isFunction],
  brandName: ["a non-empty string", isText],
  accentColor: ["a CSS colour", isColor],
  locale: [`one of ${Object.keys(LOCALES).join(", ")}`, (value) => Object.keys(LOCALES).includes(String(value))],
  admin: ["an object: { tokens, authorizeToken, authorize }", isObject],
  redirectUris: [
    "an array of absolute http(s) addresses, without a user name or a wildcard (*): each is compared exactly",
    isListOf((value) => isHttpUrl(value) && !String(value).includes("*")),
  ],
  defaultRedirect: [
    "a path that begins with one slash or with ./, or an absolute http(s) address",
    (value) => isOwnAddress(value) || isHttpUrl(value),
  ],
  loginUrl: [
    "a path that begins with one slash or with ./, an absolute http(s) address, or false",
    (value) => value === false || isOwnAddress(value) || isHttpUrl(value),
  ],
  routes: [
    "an object: { logout, kickActiveUsers, activeUsers, personalCenter, loginManagement, assets, login, publicPath }",
    isObject,
  ],
  onRejected: ["a function: (req, res, next, ended) => …", isFunction],
  maxSessionAgeMs: ["a number of milliseconds above 0", isDuration],
  storeTimeoutMs: ["a number of milliseconds above 0, and less than 25 days", isTimer],
  touchIntervalMs: ["a number of milliseconds, 0 or more", (value) => value === 0 || isDuration(value)],
  waitForTouch: ["true or false", (value) => typeof value === "boolean"],
  recheckIntervalMs: ["a number of milliseconds above 0, and less than 25 days", isTimer],
};
const SESSIONS: Checks<SessionOptions> = {
  adopt: ["true, false, or a valid Date", (value) => typeof value === "boolean" || isDate(value)],
  loggedInAt: ["a function: (session) => Date, milliseconds since 1970, or undefined", isFunction],
};
const ADMIN: Checks<AdminOptions> = {
  tokens: ["an array of non-empty strings (is an environment variable not set?)", isListOf(isText)],
  authorizeToken: ["a function: (req, context) => boolean", isFunction],
  authorize: ["a function: (req, context) => boolean", isFunction],
};
const ROUTE: Checks<RouteOptions> = {
  logout: ["a path, an array of paths, or false", isRoute],
  kickActiveUsers: ["a path, an array of paths, or false", isRoute],
  activeUsers: ["a path, an array of paths, or false", isRoute],
  personalCenter: ["a path, an array of paths, or false", isRoute],
  loginManagement: ["a path, an array of paths, or false", isRoute],
  assets: ["a path", isPath],
  login: [
    "a path or paths without parameters, a query, or dots, or a function that is not async: (req) => boolean",
    (value) => isSyncFunction(value) || isLiteralPath(value) || isListOf(isLiteralPath)(value),
  ],
  publicPath: ["a path such as /shop, without a query, dots, or two slashes", isPlainPath],
};
const REQUIRED: readonly (keyof LogoutOptions)[] = ["store", "appId", "userPoolId"];

/**
 * Checks the options of `logout()` and fills in the defaults.
 *
 * @param before - what the closed `logout()` used whose store is taken over
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_REQUIRED`
 */
export function resolveOptions(options: LogoutOptions, before?: HookUse): ResolvedOptions {
  if (!isObject(options)) throw invalid("", "an object: logout({ store, appId, userPoolId })");
  check("", options, OPTIONS);
  for (const name of REQUIRED) if (options[name] === undefined) throw invalid(name, OPTIONS[name][0]);
  const { admin = {}, routes = {}, sessions = {} } = options;
  // Fail closed: a console without a check would be open to every visitor.
  if (admin.authorize === undefined && ![undefined, false].includes(routes.loginManagement as undefined)) {
    throw invalid("admin.authorize", "given with routes.loginManagement: it decides who may use the console");
  }
  check("sessions.", sessions, SESSIONS);
  check("admin.", admin, ADMIN);
  check("routes.", routes, ROUTE);
  return Object.freeze<ResolvedOptions>({
    store: options.store,
    appId: options.appId,
    userPoolId: options.userPoolId,
    registry: registryFor(options, before),
    userId: options.userId ?? defaultUserId,
    sessions: Object.freeze({ adopt: sessions.adopt ?? true, loggedInAt: sessions.loggedInAt }),
    user: options.user ?? (() => undefined),
    searchUsers: options.searchUsers ?? (() => []),
    confirmIdentity: options.confirmIdentity ?? (() => true),
    brandName: options.brandName ?? options.appId,
    accentColor: options.accentColor ?? "#1a5ecc",
    locale: options.locale,
    admin: Object.freeze({
      tokens: [...(admin.tokens ?? [])],
      authorizeToken: admin.authorizeToken ?? (() => true),
      authorize: admin.authorize,
    }),
    redirectUris: (options.redirectUris ?? []).map((uri) => new URL(uri).href),
    defaultRedirect: options.defaultRedirect,
    loginUrl: options.loginUrl,
    routes: Object.freeze({
      logout: paths(routes.logout, ROUTES.logout),
      kickActiveUsers: paths(routes.kickActiveUsers, ROUTES.kickActiveUsers),
      activeUsers: paths(routes.activeUsers, ROUTES.activeUsers),
      personalCenter: paths(routes.personalCenter, ROUTES.personalCenter),
      loginManagement: paths(routes.loginManagement, admin.authorize === undefined ? [] : ROUTES.loginManagement),
    }),
    loginRoutes: loginRoutes(routes.login),
    publicPath: routes.publicPath === undefined ? undefined : plainPath(encodePath(routes.publicPath)),
    // With a trailing slash, the address of a file in the root would start with two and name another host.
    assetsPath: encodePath(routes.assets ?? "/express-logout").replace(/\/+$/, ""),
    onRejected: options.onRejected,
    maxSessionAgeMs: options.maxSessionAgeMs ?? 400 * DAY_MS,
    storeTimeoutMs: options.storeTimeoutMs ?? 10_000,
    touchIntervalMs: options.touchIntervalMs ?? 0,
    waitForTouch: options.waitForTouch ?? !supportsBackgroundTouch(options.store),
    recheckIntervalMs: options.recheckIntervalMs ?? 5_000,
  });
}

function check<Options extends object>(path: string, options: Options, checks: Checks<Options>): void {
  const known = Object.keys(checks);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new LogoutError("ERR_OPTION_UNKNOWN", `logout(): unknown option ${path}${name}. Known: ${known.join(", ")}.`);
  }
  for (const name of known as (keyof Options & string)[]) {
    const [words, isRight] = checks[name];
    if (options[name] !== undefined && !isRight(options[name])) throw invalid(path + name, words);
  }
}

function invalid(name: string, words: string): LogoutError {
  return new LogoutError("ERR_OPTION_INVALID", `logout(): ${name === "" ? "the options" : name} must be ${words}.`);
}

function paths(given: string | readonly string[] | false | undefined, defaults: readonly string[]): readonly string[] {
  if (given === undefined) return defaults;
  if (given === false) return [];
  return [given].flat().map(encodePattern);
}

function loginRoutes(given: RouteOptions["login"]): ResolvedOptions["loginRoutes"] {
  if (given === undefined || typeof given === "function") return given;
  return [given].flat().map((path) => comparablePath(path) ?? path);
}

function registryFor({ store, appId, registry }: LogoutOptions, before: HookUse | undefined): LoginRegistry {
  if (registry instanceof MemoryLoginRegistry && !isMemoryStore(store)) {
    warn(
      "EXPRESS_LOGOUT_MEMORY_REGISTRY",
      "MemoryLoginRegistry forgets logins and kicks at a restart, and the session store keeps its sessions: kicked users whose sessions are older than the installation can return. Pass a RedisLoginRegistry or a PostgresLoginRegistry, or sessions: { adopt: false }.",
    );
  }
  if (registry !== undefined) return registry;
  // A takeover keeps logins and kicks.
  if (isMemoryStore(store)) return before?.appId === appId ? before.registry : new MemoryLoginRegistry();
  throw new LogoutError(
    "ERR_REGISTRY_REQUIRED",
    "logout(): pass registry. Processes that share sessions share it: new RedisLoginRegistry({ client }) from express-logout/redis, or new PostgresLoginRegistry({ pool }) from express-logout/postgres. new MemoryLoginRegistry() is for one process, and forgets all logins at a restart.",
  );
}
