import type { NextFunction, Request, Response } from "express";
import type { SessionData, Store } from "express-session";
import { LogoutError } from "./errors.js";
import type { LoginEnd, UserProfile } from "./types/login.js";
import type { LoginRegistry } from "./types/registry.js";
import { MemoryLoginRegistry } from "./registry/memory.js";
import { LOCALES, type Locale } from "./pages/texts/index.js";
import { isMemoryStore } from "./util/known-stores.js";
import { comparablePath, plainPath } from "./util/paths.js";
import type { HookUse } from "./session/hook.js";
import { supportsBackgroundTouch } from "./session/store/store-support.js";
import { defaultUserId, type Session } from "./session/user-id.js";
import { warn } from "./util/warning.js";

const DAY_MS = 86_400_000;

/** What an administrator is about to do. */
export interface AdminContext {
  readonly appId: string;
  readonly userPoolId: string;
  readonly action: "kick" | "list";
  /** Whom it concerns, where it concerns somebody in particular: not there where it concerns everyone. */
  readonly userIds?: readonly string[] | undefined;
  /** `true` where a kick concerns everyone. */
  readonly everyone?: boolean | undefined;
}

/** Who may use the admin API. */
export interface AdminOptions {
  /** The tokens that a back end may send in `Authorization`. Without any, the admin API does not exist. */
  readonly tokens?: readonly string[] | undefined;
  /** Asked after the token was found right: `false` answers 403. Default: whoever has a token may. */
  readonly authorizeToken?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
  /** Whether the user who is logged in may see the console and force users offline. Without it there is no console. */
  readonly authorize?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
}

/** Where the routes are, below the path that the middleware is mounted at. `false` leaves one out. */
export interface RouteOptions {
  /** Default: `/login/profile/logout`. */
  readonly logout?: string | readonly string[] | false | undefined;
  /** Default: `/api/applications/:appId/kick-active-users` and the same below `/api/v2`. */
  readonly kickActiveUsers?: string | readonly string[] | false | undefined;
  /** Default: `/api/applications/:appId/active-users` and the same below `/api/v2`. */
  readonly activeUsers?: string | readonly string[] | false | undefined;
  /** Where users see their devices. Default: `/u`. */
  readonly personalCenter?: string | readonly string[] | false | undefined;
  /** The console. Default: `/console/applications/:appId/login-management`. Needs `admin.authorize`. */
  readonly loginManagement?: string | readonly string[] | false | undefined;
  /** The folder of the pages' style sheet and script. Default: `/express-logout`. */
  readonly assets?: string | undefined;
  /**
   * The app's own routes that log users in, such as `["/login", "/auth/callback"]`: whole paths, or a function.
   * They are never rejected, so that a kicked user logs in again in one step. Default: the path of `loginUrl`.
   */
  readonly login?: string | readonly string[] | ((req: Request) => boolean) | undefined;
  /**
   * The path prefix that a reverse proxy removes, such as `/shop`. Put in front of every address of ours. Default: what
   * `X-Forwarded-Prefix` says, if Express trusts the proxy; else none.
   */
  readonly publicPath?: string | undefined;
}

/** Options in `sessions`: sessions that this package has not written. */
export interface SessionOptions {
  /**
   * Whether sessions that are older than the installation are adopted as logins at their first request: `true`, `false`
   * (refused: their users log in again), or until a date. Until then they are guarded by kicks alone, which a registry can
   * lose. Default: `true`.
   */
  readonly adopt?: boolean | Date | undefined;
  /**
   * Returns when the user of a session that this package has not written logged in: a date, its text in ISO 8601 (which a date
   * becomes in a stored session), or milliseconds since 1970. For
   * apps in which another service writes sessions: a login at least a minute after a kick is then recognized as new. The clocks
   * of both services are compared. Default: unknown, so every such session counts as older than any kick.
   */
  readonly loggedInAt?: ((session: SessionData) => Date | number | null | undefined) | undefined;
}

/** Options of `logout()`. `undefined` means that an option is absent. */
export interface LogoutOptions {
  /** The session store: the very instance that `session({ store })` gets. */
  readonly store: Store;
  /** The id of this application: routes and registry keys carry it. Processes that share their sessions share it. */
  readonly appId: string;
  /** The id of the user pool, which callers of the admin API send in `x-authing-userpool-id`. */
  readonly userPoolId: string;
  /**
   * The list of live logins. Default, for a `MemoryStore` alone: a new `MemoryLoginRegistry`; that of the closed `logout()` whose
   * store is taken over, where the `appId` is the same.
   */
  readonly registry?: LoginRegistry | undefined;
  /**
   * Returns the id of the user a session belongs to: a string or a number; `undefined`, `null`, `false` or `""` for an anonymous
   * session.
   *
   * Default: the first of `passport.user`, `userId` and `user` that holds an id; in a session that has none of them the first of
   * `user_id`, `uid` and `username`. Of an object the first of `id`, `_id`, `userId`, `user_id`, `uid` and `username` in its JSON.
   *
   * @example `userId: (session) => session.adminId ?? session.userId` for administrators who act as customers
   */
  readonly userId?: ((session: Session) => unknown) | undefined;
  /** Sessions that are older than the installation, or that another service writes. */
  readonly sessions?: SessionOptions | undefined;
  /** What is known of a user, for lists and pages. */
  readonly user?: ((userId: string) => UserProfile | undefined | Promise<UserProfile | undefined>) | undefined;
  /** Which users a search for a name finds, by their ids: for the console. Default: it finds user ids alone. */
  readonly searchUsers?: ((text: string) => readonly string[] | Promise<readonly string[]>) | undefined;
  /**
   * The app's own re-authentication, asked before a user ends his other logins (OWASP ASVS 7.5.2): `true` goes on, a path of
   * this site sends him there, anything else refuses. Default: his session is enough.
   */
  readonly confirmIdentity?: ((req: Request) => boolean | string | Promise<boolean | string>) | undefined;
  /** The name on pages. Default: the `appId`. */
  readonly brandName?: string | undefined;
  /** The one colour of buttons and links on pages: any CSS colour that white text can be read on. Default: `#1a5ecc`. */
  readonly accentColor?: string | undefined;
  /** The language of pages. Default: what the browser asks for, else English. */
  readonly locale?: Locale | undefined;
  /** The admin API: off without `tokens`. The console: off without `authorize`. */
  readonly admin?: AdminOptions | undefined;
  /** Where a logout may send the browser: absolute http(s) addresses, matched exactly. Default: none. */
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
  readonly routes?: RouteOptions | undefined;
  /** Answers the first request of a kicked login in place of the 401; `next()` goes on with an anonymous session. */
  readonly onRejected?: ((req: Request, res: Response, next: NextFunction, ended: LoginEnd) => unknown) | undefined;
  /**
   * The longest time, in milliseconds, that a session can live without a request, where neither its cookie nor the store's
   * `ttl` says it; and how long a kick is remembered. Default: 400 days, the longest that browsers keep a cookie (RFC 6265bis).
   */
  readonly maxSessionAgeMs?: number | undefined;
  /** After how many milliseconds without an answer the session store counts as unreachable. Default: 10,000. */
  readonly storeTimeoutMs?: number | undefined;
  /**
   * How often, in milliseconds, a logged-in session is touched in the store at most, instead of at every request; never less
   * than once in a tenth of its lifetime, by which it may end earlier. Default: at every request, as express-session does.
   */
  readonly touchIntervalMs?: number | undefined;
  /**
   * Whether an answer waits until the store has touched its session, as express-session has it. Where it does not, it goes out
   * whole and at once. Once a touch has failed, answers wait for the next ones, and their errors are told, until one succeeds.
   * Default: `false` for express-session's MemoryStore and for connect-redis (unless over a pool of connections), whose touch
   * changes nothing but the session's lifetime; `true` for any other store.
   */
  readonly waitForTouch?: boolean | undefined;
  /**
   * How often, in milliseconds, it is made sure that news of ended logins arrive; while they do not, how often the logins
   * behind live connections are looked up instead. Default: 5,000.
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
  /** `undefined` where the app has not said where users land after a logout. */
  readonly defaultRedirect: string | undefined;
  /** `undefined` where the app has not said where users log in. */
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

/** The routes that can be renamed or left out. */
export type RouteName = Exclude<keyof RouteOptions, "assets" | "login" | "publicPath">;

const ROUTES: ResolvedOptions["routes"] = {
  logout: ["/login/profile/logout"],
  kickActiveUsers: ["/api/applications/:appId/kick-active-users", "/api/v2/applications/:appId/kick-active-users"],
  activeUsers: ["/api/applications/:appId/active-users", "/api/v2/applications/:appId/active-users"],
  personalCenter: ["/u"],
  loginManagement: ["/console/applications/:appId/login-management"],
};

type Check = (value: unknown) => boolean;
/** What an option must be, in words, and whether it is. The compiler keeps each table complete. */
type Checks<Options> = { readonly [Name in keyof Required<Options>]: readonly [words: string, check: Check] };

const isText: Check = (value) => typeof value === "string" && value !== "";
const isFunction: Check = (value) => typeof value === "function";
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isDuration: Check = (value) => typeof value === "number" && Number.isFinite(value) && value > 0;
/** setTimeout takes a longer one for 1 ms. */
const isTimer: Check = (value) => isDuration(value) && Number(value) <= 2_147_483_647;
const isDate: Check = (value) => value instanceof Date && !Number.isNaN(+value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isPath: Check = (value) => typeof value === "string" && value.startsWith("/") && !/^\/[/\\]/.test(value);
const isHttpUrl: Check = (value) => {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "https:" || protocol === "http:") && username === "" && password === "";
};
const isColor: Check = (value) =>
  typeof value === "string" && /^(#[\da-f]{3,8}|[a-z]+|[a-z]+\([\d\s.,%/a-z-]+\))$/i.test(value);
/** An outer path, or one that is relative to the mount path. */
const isOwnAddress: Check = (value) => isPath(value) || (typeof value === "string" && /^\.\/(?![/\\])/.test(value));
/** A path to compare with: what looks like a pattern would silently match nothing. */
const isLiteralPath: Check = (value) => isPath(value) && !/[?#:*+()[\]{}\\]|\/\//.test(String(value));
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
    "a path, an array of paths, or a function: (req) => boolean. For paths with parameters pass a function",
    (value) => isFunction(value) || isLiteralPath(value) || isListOf(isLiteralPath)(value),
  ],
  publicPath: [
    "a path such as /shop, without a query, dots, or two slashes",
    (value) => typeof value === "string" && publicPath(value) !== undefined,
  ],
};
const REQUIRED: readonly (keyof LogoutOptions)[] = ["store", "appId", "userPoolId"];

/**
 * Checks what `logout()` was given and fills in the defaults.
 *
 * @param before - what the closed `logout()` used of which the store is taken over
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_REQUIRED`
 */
export function resolveOptions(options: LogoutOptions, before?: HookUse): ResolvedOptions {
  if (!isObject(options)) throw invalid("", "an object: logout({ store, appId, userPoolId })");
  check("", options, OPTIONS);
  for (const name of REQUIRED) if (options[name] === undefined) throw invalid(name, OPTIONS[name][0]);
  const { admin = {}, routes = {}, sessions = {} } = options;
  // A console that anybody could open must not come about by an oversight.
  if (admin.authorize === undefined && ![undefined, false].includes(routes.loginManagement as undefined)) {
    throw invalid("admin.authorize", "given where routes.loginManagement is: it says who may see the console");
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
    publicPath: routes.publicPath === undefined ? undefined : publicPath(routes.publicPath),
    // With a slash at the end, the address of a file in the root would name another host.
    assetsPath: (routes.assets ?? "/express-logout").replace(/\/+$/, ""),
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
  return typeof given === "string" ? [given] : [...given];
}

function loginRoutes(given: RouteOptions["login"]): ResolvedOptions["loginRoutes"] {
  if (given === undefined || typeof given === "function") return given;
  return paths(given, []).map((path) => comparablePath(path) ?? path);
}

/** A path of any script, as browsers send it. */
function publicPath(given: string): string | undefined {
  return plainPath(encodeURI(given.toWellFormed()).replace(/%25/g, "%"));
}

function registryFor({ store, appId, registry }: LogoutOptions, before: HookUse | undefined): LoginRegistry {
  if (registry instanceof MemoryLoginRegistry && !isMemoryStore(store)) {
    warn(
      "EXPRESS_LOGOUT_MEMORY_REGISTRY",
      "MemoryLoginRegistry forgets logins and kicks when the process restarts, and the session store does not: kicked users whose sessions are older than the installation can come back. Pass a RedisLoginRegistry or a PostgresLoginRegistry, or sessions: { adopt: false }.",
    );
  }
  if (registry !== undefined) return registry;
  // Who is logged in stays logged in, and a kick stays a kick.
  if (isMemoryStore(store)) return before?.appId === appId ? before.registry : new MemoryLoginRegistry();
  throw new LogoutError(
    "ERR_REGISTRY_REQUIRED",
    "logout(): pass registry. Processes that share their sessions share it: new RedisLoginRegistry({ client }) from express-logout/redis. Without Redis: new PostgresLoginRegistry({ pool }). new MemoryLoginRegistry() is for one process, and forgets all logins at a restart.",
  );
}
