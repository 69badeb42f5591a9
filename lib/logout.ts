import type { IncomingMessage } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { debug } from "./util/debug.js";
import { Diagnosis, type Finding } from "./diagnose.js";
import { Events, type LogoutEvents, type LogoutListener } from "./logins/events.js";
import { createErrorHandler } from "./http/error-handler.js";
import { createGuard } from "./http/guard.js";
import { OwnPaths } from "./http/own-paths.js";
import { createMiddlewares } from "./http/middleware.js";
import type { LoginEnd, Login } from "./types/login.js";
import type { RegistryListener } from "./types/registry.js";
import {
  Logins,
  type ActiveUsers,
  type ActiveUsersPage,
  type CountedPage,
  type KickAllOptions,
  type KickOptions,
  type KickResult,
  type PageRequest,
  type Progress,
} from "./logins/logins.js";
import { LoginWatcher } from "./live/login-watcher.js";
import { LoginSignals } from "./live/signals.js";
import { EndNotifications } from "./live/notifications.js";
import type { Closable } from "./live/closable.js";
import { resolveOptions, type LogoutOptions } from "./options.js";
import { SessionsOfRequests } from "./http/request-sessions.js";
import { createAssets } from "./pages/assets.js";
import { describeStore } from "./session/store/store-support.js";
import { hookLeftOn, StoreHook, type StoreHookOptions } from "./session/hook.js";
import { forwardTo } from "./util/forward-to.js";

/** A user id as apps have it: `7` and `"7"` are one user. */
export type UserId = string | number;

/** What can be done with logins from the app's own code. */
export interface LogoutControls {
  /**
   * Ends every login of these users. When it resolves, no node serves any of them again; only a new login is.
   *
   * Users who are unknown or not logged in are no error. Safe to repeat.
   *
   * @throws KickError `ERR_KICK_INCOMPLETE`: it names the users not done; repeat the kick.
   * @throws LogoutError `ERR_ARGUMENT`
   */
  readonly kick: (userIds: UserId | readonly UserId[], options?: KickOptions) => Promise<KickResult>;
  /** Ends one login: what a user does on "my devices". @throws KickError, LogoutError as {@link LogoutControls.kick} */
  readonly kickLogin: (userId: UserId, loginId: string, options?: KickOptions) => Promise<KickResult>;
  /**
   * Ends every login of this user but one: "log out everywhere else". Logins that are just changing their session id are
   * among those that end, which a loop over {@link LogoutControls.listLogins} would miss. Safe to repeat.
   *
   * @param loginId - the login that stays: that of `auth.currentLogin(req)`. If it has ended, all do.
   * @throws KickError, LogoutError as {@link LogoutControls.kick}
   */
  readonly kickOthers: (userId: UserId, loginId: string, options?: KickOptions) => Promise<KickResult>;
  /** Ends every login that began before the call. Safe to repeat. @throws KickError, LogoutError as {@link LogoutControls.kick} */
  readonly kickAll: (options?: KickAllOptions) => Promise<KickResult>;
  /** Lists a user's live logins, newest first. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, `ERR_ARGUMENT` */
  readonly listLogins: (userId: UserId, page?: PageRequest) => Promise<CountedPage<Login>>;
  /** Who is online, newest activity first. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, `ERR_ARGUMENT` */
  readonly activeUsers: (page?: ActiveUsersPage) => Promise<ActiveUsers>;
  /** The login of this request, or `undefined` where nobody is logged in. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE` */
  readonly currentLogin: (req: Request) => Promise<Login | undefined>;
  /**
   * Declares that this request has authenticated its user anew, and gives it a new session id: what it saves next is a new login,
   * even if it kicked the user before. Call it after the credentials are checked, and before `req.login()` or setting the user
   * id. The login that the request came with ends. The session is empty afterwards, as after `req.session.regenerate()`: copy
   * what the app wants to keep. Without a save that follows, the browser is logged out.
   *
   * A new session id is needed: in the same one, a request in flight could save the old login over the new one.
   *
   * @throws LogoutError `ERR_SESSION_MISSING`, `ERR_STORE_UNAVAILABLE`, `ERR_REGISTRY_UNAVAILABLE`
   */
  readonly startLogin: (req: Request) => Promise<void>;
  /** Logs this request's user out, for the app's own route: ends the login, destroys the session, clears the cookie. */
  readonly logout: (req: Request, res: Response) => Promise<void>;
  /** Why the session that this request came with was refused: `undefined` unless its login was kicked. */
  readonly rejection: (req: Request) => LoginEnd | undefined;
  /**
   * Aborts as soon as the login of this request ends, on whichever node that comes about: for long polls, server-sent events
   * and WebSockets (the `req` of an `upgrade` that has been through the session middleware). Its `reason` is a
   * {@link LoginEndedError}. Without a login it never aborts; where the login was refused it is aborted already. Asked for
   * again, it is the very same signal, also after the end.
   *
   * @param until - what emits `close` when the connection is over, where that is neither the answer nor the socket of this
   * request: for socket.io, `socket.conn`.
   * @throws LogoutError `ERR_SESSION_MISSING` where the request has not been through session().
   */
  readonly signal: (req: IncomingMessage, until?: Closable) => AbortSignal;
  /**
   * Returns the signal of the login that lives in a session, by session id: for sockets that read the session from the store
   * themselves. Aborted already where the session is not served. Reads the session, as `store.get` does; the reason of a kick is
   * kept for a response that a user sees.
   *
   * @param sessionId - the id, without the signature that the cookie has.
   * @param until - emits `close` when the connection is over.
   * @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
   */
  readonly signalOfSession: (sessionId: string, until: Closable) => Promise<AbortSignal>;
  /** Refuses the requests of kicked logins, for apps that mount the middleware under a path: `app.use(auth.guard)`. */
  readonly guard: RequestHandler;
  /**
   * Serves the routes that use no session: the admin API. Optional: mounted before `session()`, body parsers and CSRF
   * protection, it keeps those away from them. The main middleware serves them too.
   */
  readonly sessionlessRoutes: RequestHandler;
  /**
   * Responds to this package's errors with a page or JSON, and `Retry-After` for a 503. Passes every other error on. Mount it
   * last: `app.use(auth.errorHandler)`.
   */
  readonly errorHandler: ErrorRequestHandler;
  /**
   * Calls a listener after each event of this name. Each listener has a tick of its own: an error that one throws is an uncaught
   * exception of the process, which ends it by default, and the others are called all the same.
   */
  readonly on: <Name extends keyof LogoutEvents>(name: Name, listener: LogoutListener<Name>) => void;
  readonly off: <Name extends keyof LogoutEvents>(name: Name, listener: LogoutListener<Name>) => void;
  /**
   * Checks the set-up: registry, store, and, given a request, the order of middlewares and the user id that is seen.
   * For start-up scripts and support; not for every request. Never rejects.
   */
  readonly diagnose: (req?: Request) => Promise<readonly Finding[]>;
  /**
   * Adopts every session in the store that is older than the installation, so that it is listed before its next request. With
   * `sessions.adopt: false` it adopts none.
   *
   * @param options - `onProgress`: called after each session. An exception does not stop the walk; it is thrown at the end.
   * @returns how many were adopted.
   * @throws LogoutError `ERR_STORE_UNSUPPORTED` if the store has no `all()`, or one that returns no session ids;
   * `ERR_REGISTRY_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
   */
  readonly adoptSessions: (options?: { readonly onProgress?: (progress: Progress) => void }) => Promise<number>;
  /**
   * Closes subscriptions and timers. The store stays hooked, so ended logins stay ended, until another `logout()` takes the
   * store over (hot reload, tests). Clients and pools stay yours.
   */
  readonly close: () => Promise<void>;
}

/** A middleware with controls on it: mount it after `session()`. */
export type LogoutMiddleware = RequestHandler & LogoutControls;

/**
 * Adds every way to log a user out to an app on express-session, and makes each of them final.
 *
 * It hooks the session store from this moment on, and returns a middleware that is mounted after `session()`, at the root or
 * under a path.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_REQUIRED`, `ERR_REGISTRY_IN_USE`,
 * `ERR_STORE_INVALID`, `ERR_STORE_HOOKED`
 *
 * @example
 * ```ts
 * import express from "express";
 * import session, { MemoryStore } from "express-session";
 * import { logout } from "express-logout";
 *
 * const app = express();
 * const store = new MemoryStore();
 * const auth = logout({ store, appId: "shop", userPoolId: "acme" });
 * app.use(session({ store, secret: "keyboard cat", resave: false, saveUninitialized: false }));
 * app.use(auth);
 * ```
 */
export function logout(options: LogoutOptions): LogoutMiddleware {
  const left = hookLeftOn((options as LogoutOptions | undefined)?.store);
  return left === undefined ? create(options) : left.withOwnMethods(() => create(options, left));
}

/** @param left - the hook of a closed `logout()` on this store, which is taken over */
function create(options: LogoutOptions, left?: StoreHook): LogoutMiddleware {
  const resolved = resolveOptions(options, left?.current);
  const { appId, maxSessionAgeMs, recheckIntervalMs } = resolved;
  resolved.registry.init({ appId, maxSessionAgeMs, store: resolved.store });
  const facts = describeStore(resolved.store);
  debug?.("set-up of %s: %o, waitForTouch: %s", appId, facts, resolved.waitForTouch);
  const events = new Events();
  const hook = left ?? new StoreHook(resolved.store);
  // When this one is closed and its store taken over, what is left of it ends the logins that requests are served by then.
  const registry = forwardTo(() => hook.current.registry);
  const tombstones = forwardTo(() => hook.current.tombstones);
  const logins = new Logins({ registry, tombstones, events });
  const news = new EndNotifications(registry, recheckIntervalMs);
  const live = new LoginWatcher({ registry, news, recheckIntervalMs });
  const liveRequests = new LoginSignals(hook, live);
  const sessions = new SessionsOfRequests(hook, resolved.store);
  const context = { options: resolved, logins, sessions, assets: createAssets(resolved.accentColor) };
  const guard = createGuard(context);
  const paths = new OwnPaths(context);
  const { main, sessionless } = createMiddlewares(context, guard, paths);
  const { userId } = resolved;
  const diagnosis = new Diagnosis({
    registry: resolved.registry,
    store: facts,
    userId,
    sessions,
    hook,
    middleware: main,
  });
  const kicks: RegistryListener = {
    ended: (ended) => {
      logins.onRemoteEnd(ended);
    },
    listening: () => undefined,
  };
  const controls: LogoutControls = {
    kick: (userIds, kickOptions) => logins.kick(userIds, kickOptions),
    kickLogin: (userId, loginId, kickOptions) => logins.kickLogin(userId, loginId, kickOptions),
    kickOthers: (userId, loginId, kickOptions) => logins.kickOthers(userId, loginId, kickOptions),
    kickAll: (kickOptions) => logins.kickAll(kickOptions),
    listLogins: (userId, page) => logins.list(userId, page),
    activeUsers: (page) => logins.activeUsers(page),
    currentLogin: async (req) => {
      const login = sessions.loginOf(req);
      return login === undefined ? undefined : logins.find(login.userId, login.loginId);
    },
    startLogin: (req) => hook.startLogin(req),
    logout: (req, res) => sessions.logout(req, res),
    rejection: (req) => sessions.rejectionOf(req),
    signal: (req, until) => liveRequests.signal(req, until),
    signalOfSession: (sessionId, until) => liveRequests.signalOfSession(sessionId, until),
    guard,
    sessionlessRoutes: sessionless,
    errorHandler: createErrorHandler(context, paths),
    on: (name, listener) => {
      events.on(name, listener);
      if (name === "kick") news.add(kicks);
    },
    off: (name, listener) => {
      events.off(name, listener);
      if (!events.has("kick")) news.remove(kicks);
    },
    diagnose: (req) => diagnosis.run(req),
    adoptSessions: ({ onProgress = () => undefined } = {}) => hook.adoptSessions(onProgress),
    close: async () => {
      events.close();
      live.close();
      await news.close();
      try {
        if (hook.isUsedBy(use)) await resolved.registry.close();
      } finally {
        hook.leave(use);
      }
    },
  };
  const use = hook.use({ ...resolved, events: tell(events) });
  return Object.assign(main, controls);
}

function tell(events: Events): StoreHookOptions["events"] {
  return {
    login: ({ id, userId, ip, userAgent }) => {
      events.emit("login", { userId, loginId: id, ip, userAgent });
    },
    logout: ({ id, userId }) => {
      events.emit("logout", { userId, loginId: id });
    },
    rejected: ({ id, userId, reason }) => {
      debug?.(
        "rejected a session of %s, %s",
        userId ?? "a kicked user",
        reason === undefined ? "no reason given" : "with a reason",
      );
      events.emit("rejected", { loginId: id, userId, reason });
    },
  };
}
