import type { LoginEnd } from "./types/login.js";

/** The users that a call is not done for. */
interface UnfinishedUsers {
  readonly userIds: readonly string[];
}

/**
 * The codes of {@link LogoutError}, with what each carries in `details`. Codes change in major releases only. The comment of a
 * code says when the error occurs and what to do; `docs/reference/errors.md` is written from it.
 */
export interface LogoutErrorDetails {
  // At set-up
  /**
   * An option does not exist.
   *
   * Fix: check the spelling. The message lists the known names.
   */
  ERR_OPTION_UNKNOWN: undefined;
  /**
   * An option is missing or has the wrong type. At a request: `routes.login` is a function that returned a promise; or a function
   * in `logins` returned no valid limit or lifetime. With the status 503: such a function failed (see `cause`), or did not answer in
   * time. Then no login is listed, and none ends.
   *
   * Fix: see the message. An empty entry in `admin.tokens` is often an unset environment variable. An address in
   * `redirects.allow` has no wildcard: list each address, and write a `*` that is part of one as `%2A`.
   */
  ERR_OPTION_INVALID: undefined;
  /**
   * The session store lacks a method that express-session needs.
   *
   * Fix: pass the instance that `session({ store })` gets.
   */
  ERR_STORE_INVALID: undefined;
  /**
   * `logout()` was called twice with one store.
   *
   * Fix: call it once and share what it returns. Where the app is created again (hot reload, tests), `await auth.close()` first:
   * the next `logout()` takes the store over. Users stay logged in and ended logins stay ended if it gets the same registry, or
   * one with the same data; with a `MemoryStore` and the same `appId` it does by default.
   */
  ERR_STORE_IN_USE: undefined;
  /**
   * From `auth.adoptSessions()`: the store has no `all()`, or its `all()` returns no session ids.
   *
   * Fix: leave the call out. Sessions are adopted at their first request.
   */
  ERR_STORE_UNSUPPORTED: undefined;
  /**
   * The store is not a `MemoryStore`, so other processes may share it. They must share the list of logins too.
   *
   * Fix: on one machine pass `registry: new SqliteLoginRegistry({ database: "logins.db" })`, on several
   * `new RedisLoginRegistry({ client })` or `new PostgresLoginRegistry({ pool })`; see
   * [session stores](docs/guides/session-stores.md). `new MemoryLoginRegistry()` is for one process, and forgets all logins and
   * kicks at a restart.
   */
  ERR_REGISTRY_REQUIRED: undefined;
  /**
   * One registry was given to two applications.
   *
   * Fix: create one for each. They may share a client.
   */
  ERR_REGISTRY_IN_USE: undefined;
  /**
   * An option or a call needs what the registry does not support: `logins.max`, `logins.lifetime`, `kickWhere`. Those of this package
   * support everything.
   *
   * Fix: use a registry of this package, or leave the option out. See [writing a registry](docs/writing-a-registry.md).
   */
  ERR_REGISTRY_UNSUPPORTED: undefined;
  /**
   * The schema in the database is missing, or older or newer than this release can use.
   *
   * Fix: run the [migrations](docs/guides/postgres.md#the-migrations) of PostgreSQL, or upgrade this process. An older
   * [SQLite file](docs/guides/sqlite.md#upgrades) is upgraded by itself.
   */
  ERR_REGISTRY_SCHEMA: undefined;

  // At a request
  /**
   * No `session()` with the store of `logout()` has run for this request, or the request has no session.
   *
   * Fix: mount `session({ store })` before the middleware. For `auth.signal(req)`, run the session middleware first, also for an
   * upgrade. For `auth.startLogin(req)`, call it before the session is destroyed.
   */
  ERR_SESSION_MISSING: undefined;
  /**
   * `session()` uses another store than `logout()`, and no other `session()` uses the store of `logout()`.
   *
   * Fix: pass the same instance to both. Two sites in one app have
   * [a `session()` and a `logout()` each](docs/troubleshooting.md#two-session-in-one-app).
   */
  ERR_SESSION_STORE_MISMATCH: undefined;
  /**
   * Two middlewares are mounted in the wrong order. The message names them.
   *
   * Fix: mount `session()` first, then `passport.session()`, then `auth` and `auth.guard`, then CSRF protection. The routes of
   * this package check the origin of a request themselves.
   */
  ERR_SESSION_ORDER: undefined;
  /**
   * The option `userId` returned neither a string nor a number, or a different id at each call. The request fails, because a user
   * without a stable id could not be kicked.
   *
   * Fix: return an id, or `undefined` for an anonymous session. See
   * [which user a session has](docs/troubleshooting.md#which-user-a-session-has).
   */
  ERR_USER_ID_INVALID: undefined;
  /**
   * A request to one of this package's own routes is malformed or forbidden. The response says why, and names the field.
   *
   * Fix: see the message.
   *
   * - "The body was already read": code before the middleware has read the body and not kept it. Mount `auth` before that code,
   *   or let the code set `req.body` (an object, a string or a Buffer). For the admin API alone, mount `auth.sessionlessRoutes`
   *   first.
   * - A POST with `Origin: null` is most often a form of the app's own, on plain HTTP under `Referrer-Policy: no-referrer`, the
   *   default of helmet. Send the page with `same-origin`, or use HTTPS.
   */
  ERR_REQUEST_INVALID: undefined;
  /**
   * From `auth.kickOthers(req)` and `auth.confirmLogin(req)`: the request has no login, or the login has ended.
   *
   * Fix: require a login before the call.
   */
  ERR_LOGIN_REQUIRED: undefined;
  /**
   * From `req.session.save()`: the user has as many logins as `logins.max` allows, and `whenFull` is `"refuseNew"`. The session is
   * not written.
   *
   * Fix: ask the user to log out on another device; or end a login, and save again. Without a call of `req.session.save()` the
   * response is sent before the refusal is known. See [limits](docs/guides/lifetimes-and-limits.md).
   */
  ERR_TOO_MANY_LOGINS: { readonly userId: string; readonly max: number };
  /**
   * The registry failed or did not respond within its `timeoutMs`. The request is rejected rather than served without a check.
   *
   * Fix: retry, and see `cause`.
   */
  ERR_REGISTRY_UNAVAILABLE: undefined;
  /**
   * The session store failed or did not respond within `sessions.storeTimeoutMs`. A missing session (`ENOENT`) is no failure.
   *
   * Fix: retry, and see `cause`: the name, code and message of the store's error, without session ids and data.
   */
  ERR_STORE_UNAVAILABLE: undefined;

  // From a call
  /**
   * An argument is invalid: an empty user id, a reason above 500 characters, a `limit` that is no whole number, a `cursor` that
   * is not the one of the page before, a `maxAgeMs` of `auth.isFresh` that is no number above 0.
   *
   * Fix: see the message.
   */
  ERR_ARGUMENT_INVALID: undefined;
  /**
   * A kick did not finish for the users in `details.userIds`.
   *
   * Fix: repeat the kick of these users. It continues where it stopped. See `cause` for the error of the store or the registry.
   */
  ERR_KICK_INCOMPLETE: UnfinishedUsers;
  /**
   * Fewer replicas than `waitReplicas` acknowledged the write. The logins may be rejected already, but a failover to a replica
   * without the write could bring them back.
   *
   * Fix: repeat the kick of the users in `details.userIds`. After a logout, which has no `details`, kick the user.
   */
  ERR_WRITE_NOT_REPLICATED: UnfinishedUsers | undefined;
  /**
   * `audit.log` threw, rejected, or did not settle within 10 seconds. The logins of the users in `details.userIds` have ended, and
   * no entry says so. Without users, the entry of a kick of everyone is missing.
   *
   * Fix: repeat the kick to record it. See `cause` for the error of the function.
   */
  ERR_AUDIT_FAILED: UnfinishedUsers;

  // From a signal
  /**
   * The `reason` of an aborted signal: the login has ended. `details.cause` says how, `details.reason` why. With the cause
   * `"close"` the status is 503: `auth.close()` was called, and the login may still be live.
   *
   * Fix: end the connection. After a `"close"` the client may connect again. See
   * [live connections](docs/guides/live-connections.md).
   */
  ERR_LOGIN_ENDED: LoginEnd;
}

/** Every code that a {@link LogoutError} can carry. */
export type LogoutErrorCode = keyof LogoutErrorDetails;

/** Options of the {@link LogoutError} constructor, for authors of registries. */
export interface LogoutErrorOptions<Code extends LogoutErrorCode = LogoutErrorCode> {
  /** Default: that of the code. */
  readonly status?: number | undefined;
  readonly cause?: unknown;
  readonly details?: LogoutErrorDetails[Code] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const STATUS: Partial<Record<LogoutErrorCode, number>> = {
  ERR_REQUEST_INVALID: 400,
  ERR_LOGIN_REQUIRED: 401,
  ERR_TOO_MANY_LOGINS: 409,
  ERR_REGISTRY_SCHEMA: 503,
  ERR_REGISTRY_UNAVAILABLE: 503,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_KICK_INCOMPLETE: 503,
  ERR_WRITE_NOT_REPLICATED: 503,
  ERR_AUDIT_FAILED: 503,
  ERR_LOGIN_ENDED: 401,
};

/**
 * The one error class of this package. Its message names the failure, the cause and the fix, and never holds a session id, a
 * token or a request body. Compare codes, not messages.
 *
 * @example
 * ```ts
 * import { LogoutError } from "express-logout";
 *
 * export const isOutage = (error: unknown) => LogoutError.is(error) && error.status === 503;
 * ```
 */
export class LogoutError<Code extends LogoutErrorCode = LogoutErrorCode> extends Error {
  readonly code: Code;
  /** The HTTP status that Express responds with: 4xx, 500 (misuse) or 503 (outage; safe to retry). */
  readonly status: number;
  /** Equals `status`, for frameworks that read this name (NestJS, http-errors). */
  readonly statusCode: number;
  /**
   * Whether the message may be sent to clients: `true` for a 4xx, `false` for a 5xx, as in http-errors. Read by Koa and NestJS;
   * NestJS 12 responds with the status of an error only if this is a boolean.
   */
  readonly expose: boolean;
  /** The headers of a response with this error, which Express sets: `Retry-After` for a 503, `WWW-Authenticate` for a 401. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the code carries: a kick that did not finish, its users. Typed by the code. */
  readonly details: LogoutErrorDetails[Code];

  constructor(code: Code, message: string, options: LogoutErrorOptions<Code> = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "LogoutError";
    this.code = code;
    this.status = options.status ?? STATUS[code] ?? 500;
    this.statusCode = this.status;
    this.expose = this.status < 500;
    this.headers = { ...headersOf(this.status), ...options.headers };
    // Only errors whose details may be absent are created without.
    const { details } = options as { readonly details: LogoutErrorDetails[Code] };
    this.details = details;
  }

  /**
   * Returns whether a value is a LogoutError with one of these codes; with any, if none is given. Works across copies of the
   * package, such as ESM and CommonJS, where `instanceof` does not.
   */
  static is<Code extends LogoutErrorCode = LogoutErrorCode>(
    error: unknown,
    ...codes: readonly Code[]
  ): error is { [Each in Code]: LogoutError<Each> }[Code] {
    if (!(error instanceof Error) || error.name !== "LogoutError") return false;
    const { code, status } = error as Partial<LogoutError>;
    if (typeof code !== "string" || !/^ERR_[A-Z_]+$/.test(code) || typeof status !== "number") return false;
    return codes.length === 0 || (codes as readonly string[]).includes(code);
  }
}

/** Returns whether this copy of the package created an error. No other error passes, unlike {@link LogoutError.is}. */
export function isOwnCopy(error: unknown): error is LogoutError {
  return error instanceof LogoutError;
}

/** Returns the error of a list whose cursor is not one of its own. */
export function invalidCursor(): LogoutError {
  return new LogoutError("ERR_ARGUMENT_INVALID", "cursor must be the cursor of the previous page.");
}

/** What a response with this status must or should carry: RFC 9110 sections 11.6.1 and 10.2.3. */
export function headersOf(status: number): Readonly<Record<string, string>> {
  // No browser knows the scheme Cookie, so none asks for a password.
  if (status === 401) return { "WWW-Authenticate": 'Cookie realm="login"' };
  return status === 503 ? { "Retry-After": "5" } : {};
}
