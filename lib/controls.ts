import type { IncomingMessage } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import type { AuditEntry } from "./audit/entry.js";
import type { LogoutEvents } from "./logins/events.js";
import type { LoginEnd, Login, UserId } from "./types/login.js";
import type { LoginKey } from "./types/login-keys.js";
import type { Finding, Health } from "./types/health.js";
import type { ActiveUser } from "./logins/login-lists.js";
import type { LoginFilter } from "./logins/filter.js";
import type {
  KickAllOptions,
  KickByKeyOptions,
  KickOptions,
  KickResult,
  KickUserOptions,
  KickWhereOptions,
  Progress,
} from "./logins/kick-options.js";
import type { HistoryQuery } from "./logins/list-history.js";
import type { FreshLoginOptions } from "./options/fresh-logins.js";
import type { CountedPage, PageRequest } from "./logins/paging.js";
import type { Page } from "./types/history.js";
import type { LoginSignal } from "./live/login-end-error.js";
import type { Closable } from "./live/closable.js";

/** Everything that `logout()` adds to its middleware. Controls do not use `this`, so `const { kick } = auth` works. */
export interface LogoutControls {
  // End logins
  /**
   * Ends every login of a user, or of several users. Once the call resolves, every node rejects those logins; the only way back in
   * is a new login. Safe to repeat. Users who are unknown or offline are no error.
   *
   * @throws LogoutError `ERR_ARGUMENT_INVALID`; `ERR_KICK_INCOMPLETE`, `ERR_WRITE_NOT_REPLICATED`: repeat for `details.userIds`
   */
  readonly kick: (userIds: UserId | readonly UserId[], options?: KickUserOptions) => Promise<KickResult>;
  /** Ends one login. @throws LogoutError as {@link LogoutControls.kick} */
  readonly kickLogin: (userId: UserId, loginId: string, options?: KickOptions) => Promise<KickResult>;
  /**
   * Ends every login of this request's user except its own: "log out everywhere else". Also ends logins that are changing their
   * session id, which a loop over {@link LogoutControls.listLogins} would miss. Outside of a request, use
   * `kick(userId, { except: loginId })`.
   *
   * @throws LogoutError `ERR_LOGIN_REQUIRED` if the request has no login; others as {@link LogoutControls.kick}
   */
  readonly kickOthers: (req: Request, options?: KickOptions) => Promise<KickResult>;
  /**
   * Ends every login that carries an external key of `logins.keys` or of a provider, also one that is being written, or adopted within
   * a day. [Keys](docs/guides/keys.md)
   *
   * @throws LogoutError `ERR_REGISTRY_UNSUPPORTED` if the registry keeps no keys; others as {@link LogoutControls.kick}
   */
  readonly kickByKey: (key: LoginKey, options?: KickByKeyOptions) => Promise<KickResult>;
  /** Ends every login of all users that began before the call. Safe to repeat. @throws LogoutError as {@link LogoutControls.kick} */
  readonly kickAll: (options?: KickAllOptions) => Promise<KickResult>;
  /**
   * Ends every login that matches a filter or a function, among those that are listed from the beginning of the call to the time when
   * their user is read. Walks all users: for an incident, not for a request. Safe to repeat. An empty filter is refused: use
   * {@link LogoutControls.kickAll}.
   *
   * @throws LogoutError `ERR_REGISTRY_UNSUPPORTED` if the registry cannot scan logins; others as {@link LogoutControls.kick}
   */
  readonly kickWhere: (
    where: LoginFilter | ((login: Login) => boolean),
    options?: KickWhereOptions,
  ) => Promise<KickResult>;
  // Read logins
  /** Lists a user's live logins, newest first. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, `ERR_ARGUMENT_INVALID` */
  readonly listLogins: (userId: UserId, page?: PageRequest) => Promise<CountedPage<Login>>;
  /** Lists the users who are online, newest activity first. @throws LogoutError as {@link LogoutControls.listLogins} */
  readonly listActiveUsers: (page?: PageRequest) => Promise<CountedPage<ActiveUser>>;
  /**
   * Lists what the history has kept, newest first. Needs `audit.history`. [The history](docs/guides/audit.md#history)
   *
   * @throws LogoutError `ERR_REGISTRY_UNSUPPORTED` without `audit.history`; others as {@link LogoutControls.listLogins}
   */
  readonly listHistory: (query?: HistoryQuery) => Promise<Page<AuditEntry>>;
  /** Returns the login of a request, or `undefined` for an anonymous one. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE` */
  readonly currentLogin: (req: Request) => Promise<Login | undefined>;
  // Log in and out
  /**
   * Declares that this request has authenticated its user anew, and gives it a new session id: what it saves next is a new login,
   * even if it kicked the user before. Call it after the credentials are checked, and before `req.login()` or setting the user
   * id. The login that the request came with ends. The session is empty afterwards, as after `req.session.regenerate()`: copy
   * what the app wants to keep. Without a save that follows, the browser is logged out. In the old session id, a request in flight
   * could save the old login over the new one.
   *
   * @throws LogoutError `ERR_SESSION_MISSING`, `ERR_STORE_UNAVAILABLE`, `ERR_REGISTRY_UNAVAILABLE`
   */
  readonly startLogin: (req: Request) => Promise<void>;
  /**
   * Logs the request's user out: ends the login, destroys the session, clears the cookie. Does not respond, and does not need
   * `req.session`, which may be `null`.
   *
   * Leaves the request with a new, empty session. What the app puts into it afterwards is saved under a new session id, and the
   * browser gets that cookie. A user who is set again begins a new login, and needs {@link LogoutControls.startLogin} if a kick
   * came in between. After a rejection nothing is saved.
   *
   * @throws LogoutError `ERR_STORE_UNAVAILABLE`, `ERR_REGISTRY_UNAVAILABLE`, `ERR_WRITE_NOT_REPLICATED`
   */
  readonly logout: (req: Request, res: Response) => Promise<void>;
  /**
   * Declares that the user has confirmed who they are: the password, or a second factor, was checked again. Gives the session a new
   * id (OWASP ASVS 5.0 7.2.4), makes the login fresh, and restarts its absolute lifetime (NIST SP 800-63B section 5.2). The login and
   * the data of the session stay, in a new `req.session`. Await it before the response. If it rejects, the login is not fresh.
   *
   * @throws LogoutError `ERR_LOGIN_REQUIRED` if the request has no login, or the login has ended; `ERR_REGISTRY_UNAVAILABLE`,
   * `ERR_STORE_UNAVAILABLE`; `ERR_ARGUMENT_INVALID` if the response has been sent
   */
  readonly confirmLogin: (req: Request) => Promise<void>;
  /**
   * Returns whether the user logged in, or confirmed who they are, within the last `maxAgeMs` milliseconds. Needs no I/O. `false`
   * without a login, and for adopted ones. Clocks of processes may differ by a minute. @throws LogoutError `ERR_ARGUMENT_INVALID`
   */
  readonly isFresh: (req: Request, maxAgeMs: number) => boolean;
  /**
   * Creates a middleware that requires a fresh login: else redirects to `confirmUrl` with `returnTo`, or responds with 403 and
   * `confirmUrl` as JSON; without a login, as the pages do. [Step-up](docs/guides/step-up.md) @throws LogoutError `ERR_OPTION_INVALID`
   */
  readonly requireFresh: (options: FreshLoginOptions) => RequestHandler;
  /** Returns why the login of this request was rejected, or `undefined`. */
  readonly rejection: (req: Request) => LoginEnd | undefined;
  // Live connections
  /**
   * Returns a signal that aborts when the login of this request ends, on any node: for long polls, event streams and WebSockets.
   * `req` may be an upgrade that has passed through `session()`. The `reason` is a {@link LogoutError} `ERR_LOGIN_ENDED`. For an
   * anonymous request it never aborts; for a rejected one it is aborted already. The same request gets the same signal.
   *
   * @param until - emits `close` when the connection is over, if neither the response nor the socket does: for socket.io,
   * `socket.conn`.
   * @throws LogoutError `ERR_SESSION_MISSING` if the request has not passed through `session()`.
   */
  readonly signal: (req: IncomingMessage, until?: Closable) => LoginSignal;
  /**
   * Returns the signal of the login of a session, by session id: for sockets that read the session from the store themselves.
   * Aborted already if the session is not served. Keeps the reason of a kick for a response that a user sees.
   *
   * @param sessionId - the id, without the signature that the cookie has.
   * @param until - emits `close` when the connection is over.
   * @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
   */
  readonly signalOfSession: (sessionId: string, until: Closable) => Promise<LoginSignal>;
  // Middlewares
  /** Rejects requests of ended logins with a 401. Needed only where the middleware is mounted under a path: `app.use(auth.guard)`. */
  readonly guard: RequestHandler;
  /**
   * Serves the routes that use no session: the admin API, and the receivers of `logins.providers`. Optional: mounted before `session()`, body parsers and CSRF
   * protection, it keeps those away from them. The main middleware serves them too.
   */
  readonly sessionlessRoutes: RequestHandler;
  /**
   * Responds to this package's errors with a page or JSON, and `Retry-After` for a 503. Passes every other error on. Mount it
   * last: `app.use(auth.errorHandler)`.
   */
  readonly errorHandler: ErrorRequestHandler;
  // Events and operation
  /**
   * Adds a listener, and returns a function that removes it. Listeners run after the event. An exception in a listener is an
   * uncaught exception of the process; the other listeners are still called.
   *
   * @throws LogoutError `ERR_ARGUMENT_INVALID` if there is no such event
   */
  readonly on: <Name extends keyof LogoutEvents>(
    name: Name,
    listener: (event: LogoutEvents[Name]) => void,
  ) => () => void;
  /**
   * Reports whether logins can be checked now. For a readiness probe, not for liveness: a restart of the process does not repair the
   * registry. Does not ask the session store. Never rejects; responds within 2 seconds.
   */
  readonly health: () => Promise<Health>;
  /**
   * Checks the set-up: registry, store, and, given a request, the order of middlewares and the user id that is seen.
   * For start-up scripts and support; not for every request. Never rejects.
   */
  readonly diagnose: (req?: Request) => Promise<readonly Finding[]>;
  /**
   * Adopts every session in the store that is older than the installation, so that it is listed before its next request. With
   * `sessions.adopt: false` it adopts none.
   *
   * @param options - `onProgress`: called after each session. An exception in it is thrown after all sessions.
   * @returns the number of adopted sessions.
   * @throws LogoutError `ERR_STORE_UNSUPPORTED`, `ERR_REGISTRY_UNAVAILABLE`, `ERR_STORE_UNAVAILABLE`
   */
  readonly adoptSessions: (options?: { readonly onProgress?: (progress: Progress) => void }) => Promise<number>;
  /**
   * Closes subscriptions and timers, and waits for `audit.log`, so that the process can exit. The store stays hooked, so ended logins stay ended, until
   * another `logout()` takes the store over (hot reload, tests). Clients and pools stay yours.
   *
   * Live connections wait for that `logout()`, which looks up their logins at once and watches them from then on. Without one,
   * their signals abort after `sessions.liveCheckIntervalMs`, with the cause `"close"`, because kicks of other processes would be
   * missed. Does every step even if one fails, and rejects with the first error of the registry.
   */
  readonly close: () => Promise<void>;
}

/** A middleware with controls. Mount it after `session()`. */
export type LogoutMiddleware = RequestHandler & LogoutControls;
