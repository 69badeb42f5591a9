import type { LoginEnd } from "./types/login.js";

/** The users that a call is not done for. */
interface UnfinishedUsers {
  readonly userIds: readonly string[];
}

/**
 * The codes of {@link LogoutError}, with what each carries in `details`. Codes change in major releases only. Each has a heading in
 * `docs/errors.md` that says what to do.
 */
export interface LogoutErrorDetails {
  // At set-up
  /** An option is not known. Fix: check the spelling; the message lists the known names. */
  ERR_OPTION_UNKNOWN: undefined;
  /** An option is missing or of the wrong type; an empty token is often an unset environment variable. */
  ERR_OPTION_INVALID: undefined;
  /** The store lacks a method that express-session needs. Fix: pass the instance that `session({ store })` gets. */
  ERR_STORE_INVALID: undefined;
  /** `logout()` was called twice with one store. Fix: call it once and share what it returns. */
  ERR_STORE_IN_USE: undefined;
  /** The store lacks an optional method, such as `all()`. Fix: do without `auth.adoptSessions()`. */
  ERR_STORE_UNSUPPORTED: undefined;
  /** The store may be shared, so the registry must be too. Fix: pass `registry`. */
  ERR_REGISTRY_REQUIRED: undefined;
  /** One registry was given to two applications. Fix: create one for each; they may share a client. */
  ERR_REGISTRY_IN_USE: undefined;
  /** The schema in the database is older or newer than this release can use (503). Fix: run `registry.migrate()`, or upgrade. */
  ERR_REGISTRY_SCHEMA: undefined;
  // At a request
  /** No `session()` with this store ran. Fix: mount `session({ store })` first, also for upgrades. */
  ERR_SESSION_MISSING: undefined;
  /** `session()` uses another store. Fix: pass the same instance to both. */
  ERR_SESSION_STORE_MISMATCH: undefined;
  /** A middleware is mounted in the wrong order. Fix: swap the two lines that the message names. */
  ERR_SESSION_ORDER: undefined;
  /** The user id of a session is neither a string nor a number. Fix: pass `userId: (session) => …`. */
  ERR_USER_ID_INVALID: undefined;
  /** A request to one of this package's routes is malformed or forbidden (4xx). Fix: see the message. */
  ERR_REQUEST_INVALID: undefined;
  /** The request has no login (401). Fix: require a login before the call. */
  ERR_LOGIN_REQUIRED: undefined;
  /** The registry did not respond in time (503). Fix: retry; see `cause`. No request is served on a guess. */
  ERR_REGISTRY_UNAVAILABLE: undefined;
  /** The session store did not respond in time (503). Fix: retry; see `cause`. */
  ERR_STORE_UNAVAILABLE: undefined;
  // From a call
  /** An argument is invalid: an empty user id, a reason above 500 characters, an unknown cursor. */
  ERR_ARGUMENT_INVALID: undefined;
  /** A kick did not finish for these users (503). Fix: repeat it; it continues where it stopped. */
  ERR_KICK_INCOMPLETE: UnfinishedUsers;
  /**
   * Too few replicas acknowledged the write, so that a failover could lose it (503). Fix: repeat the kick of these users; after a
   * logout, kick the user. `details` is absent after a logout.
   */
  ERR_WRITE_NOT_REPLICATED: UnfinishedUsers | undefined;
  /** The reason of a signal: the login has ended (401), or `auth.close()` was called (503, with the cause `"close"`). */
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
  ERR_REGISTRY_SCHEMA: 503,
  ERR_REGISTRY_UNAVAILABLE: 503,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_KICK_INCOMPLETE: 503,
  ERR_WRITE_NOT_REPLICATED: 503,
  ERR_LOGIN_ENDED: 401,
};

/**
 * The one error class of this package. Its message names the failure, the cause and the fix, and never holds a session id, a token or
 * a request body. Compare codes, not messages.
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
  /** The same, for frameworks that read this name (NestJS, http-errors). */
  readonly statusCode: number;
  /**
   * Whether the message may be sent to clients: `true` for a 4xx, `false` for a 5xx, as in http-errors. Read by Koa and NestJS; NestJS
   * 12 responds with the status of an error only if this is a boolean.
   */
  readonly expose: boolean;
  /** The headers of a response with this error, which Express sets: `Retry-After` for a 503, `WWW-Authenticate` for a 401. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the code has to say besides: see {@link LogoutErrorDetails}. */
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
   * Returns whether a value is a LogoutError with one of these codes; with any, if none is given. Works across copies of the package,
   * such as ESM and CommonJS, where `instanceof` does not.
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

/** What a response with this status must or should carry: RFC 9110 sections 11.6.1 and 10.2.3. */
export function headersOf(status: number): Readonly<Record<string, string>> {
  // No browser knows the scheme Cookie, so none asks for a password.
  if (status === 401) return { "WWW-Authenticate": 'Cookie realm="login"' };
  return status === 503 ? { "Retry-After": "5" } : {};
}
