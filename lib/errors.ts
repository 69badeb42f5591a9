/**
 * Every code a {@link LogoutError} can carry. Compare `error.code`, never the message: messages may be reworded in any
 * release, codes only in a major one. Each has a heading in `docs/errors.md` that says what to do.
 */
export type LogoutErrorCode =
  | "ERR_OPTION_UNKNOWN"
  | "ERR_OPTION_INVALID"
  | "ERR_STORE_INVALID"
  | "ERR_STORE_HOOKED"
  | "ERR_STORE_UNSUPPORTED"
  | "ERR_REGISTRY_REQUIRED"
  | "ERR_REGISTRY_IN_USE"
  | "ERR_SESSION_MISSING"
  | "ERR_SESSION_STORE"
  | "ERR_SESSION_ORDER"
  | "ERR_USER_ID"
  | "ERR_ARGUMENT"
  | "ERR_REQUEST"
  | "ERR_REGISTRY_UNAVAILABLE"
  | "ERR_STORE_UNAVAILABLE"
  | "ERR_KICK_INCOMPLETE"
  | "ERR_NOT_REPLICATED"
  | "ERR_LOGIN_ENDED";

const STATUS: Partial<Record<LogoutErrorCode, number>> = {
  ERR_REQUEST: 400,
  ERR_REGISTRY_UNAVAILABLE: 503,
  ERR_STORE_UNAVAILABLE: 503,
  ERR_KICK_INCOMPLETE: 503,
  ERR_NOT_REPLICATED: 503,
  ERR_LOGIN_ENDED: 401,
};

/** What a response with this status must or should carry: RFC 9110 sections 11.6.1 and 10.2.3. */
export function headersOf(status: number): Readonly<Record<string, string>> {
  // No browser knows the scheme Cookie, so none asks for a password.
  if (status === 401) return { "WWW-Authenticate": 'Cookie realm="login"' };
  return status === 503 ? { "Retry-After": "5" } : {};
}

/**
 * The one kind of error this package throws, rejects with, or hands to `next`.
 *
 * Its message names the fix and never holds a session id, a token or any other secret.
 *
 * @example
 * ```ts
 * import { LogoutError } from "express-logout";
 *
 * export const isOutage = (error: unknown) => error instanceof LogoutError && error.status === 503;
 * ```
 */
export class LogoutError extends Error {
  /** What went wrong, for programs. */
  readonly code: LogoutErrorCode;
  /** The HTTP status that Express answers with when this error reaches `next`: 4xx, 500 (misuse) or 503 (an outage). */
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

  constructor(code: LogoutErrorCode, message: string, options: LogoutErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "LogoutError";
    this.code = code;
    this.status = options.status ?? STATUS[code] ?? 500;
    this.statusCode = this.status;
    this.expose = this.status < 500;
    this.headers = { ...headersOf(this.status), ...options.headers };
  }
}

interface LogoutErrorOptions {
  readonly status?: number;
  readonly cause?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A kick that did not finish (`status` 503). Repeat it, with the same users or only with {@link KickError.userIds}; it continues where
 * it stopped.
 *
 * `code` is `ERR_KICK_INCOMPLETE`, or `ERR_NOT_REPLICATED` if only the acknowledgement of replicas is missing: these logins are
 * rejected from now on, but a failover could lose the kick.
 */
export class KickError extends LogoutError {
  /** The users whose kick is not known to be finished. */
  readonly userIds: readonly string[];

  constructor(userIds: readonly string[], cause: unknown) {
    const isMissingReplicas = cause instanceof LogoutError && cause.code === "ERR_NOT_REPLICATED";
    const why = isMissingReplicas ? "too few replicas acknowledged it" : "session store or registry unavailable";
    super(
      isMissingReplicas ? "ERR_NOT_REPLICATED" : "ERR_KICK_INCOMPLETE",
      `Kick incomplete for ${String(userIds.length)} ${userIds.length === 1 ? "user" : "users"}: ${why}. Safe to retry.`,
      { cause },
    );
    this.name = "KickError";
    this.userIds = userIds;
  }
}

/**
 * How a login ended. `"close"`: the login may live on, but `auth.close()` was called, so this process would not notice a kick any more.
 */
export type LoginEndCause = "kick" | "logout" | "expiry" | "close";

/**
 * The `reason` of a signal from `auth.signal(req)` whose login has ended (`code` `ERR_LOGIN_ENDED`, `status` 401; 503 if
 * {@link LoginEndedError.end} is `"close"`: the client may connect again).
 */
export class LoginEndedError extends LogoutError {
  readonly loginId: string;
  readonly end: LoginEndCause;
  readonly at: Date;
  /** The reason for the user, if one was given. */
  readonly reason: string | undefined;

  constructor({
    loginId,
    end,
    at,
    reason,
  }: {
    loginId: string;
    end: LoginEndCause;
    at: Date;
    reason?: string | undefined;
  }) {
    const isKnown = end !== "close";
    super(
      "ERR_LOGIN_ENDED",
      isKnown
        ? `The login has ended by ${end}${reason === undefined ? "" : `: ${reason}`}`
        : "Connection ended: auth.close() was called, so a kick would not be seen. Connect again.",
      isKnown ? {} : { status: 503 },
    );
    this.name = "LoginEndedError";
    this.loginId = loginId;
    this.end = end;
    this.at = at;
    this.reason = reason;
  }
}
