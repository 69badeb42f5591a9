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
   * Whether the message is for clients: `true` for a 4xx, `false` for a 5xx, as http-errors has it. Koa and NestJS read it;
   * NestJS 12 responds with the status of an error only where this is a boolean. Express reads `status` alone.
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
 * A kick that could not be finished (`status` 503). Nothing is lost: repeat it, with the same users or only with
 * {@link KickError.userIds}, and it goes on where it broke off.
 *
 * `code` is `ERR_KICK_INCOMPLETE`; or `ERR_NOT_REPLICATED`, where all that is missing is that enough replicas have it: these
 * logins are refused from now on, but a failover could bring them back.
 */
export class KickError extends LogoutError {
  /** The users of whom it is not known that they are kicked. */
  readonly userIds: readonly string[];

  constructor(userIds: readonly string[], cause: unknown) {
    const isMissingReplicas = cause instanceof LogoutError && cause.code === "ERR_NOT_REPLICATED";
    const why = isMissingReplicas ? "too few replicas have it" : "the store or the registry did not answer";
    super(
      isMissingReplicas ? "ERR_NOT_REPLICATED" : "ERR_KICK_INCOMPLETE",
      `The kick is not done for ${String(userIds.length)} user(s): ${why}. Repeat it.`,
      { cause },
    );
    this.name = "KickError";
    this.userIds = userIds;
  }
}

/**
 * By what a login has ended. `"close"`: by nothing that is known. The login may live on, but `auth.close()` was called, and a
 * kick would not be seen any more.
 */
export type LoginEndCause = "kick" | "logout" | "expiry" | "close";

/**
 * The `reason` of a signal that `auth.signal(req)` gave, once its login has ended (`code` `ERR_LOGIN_ENDED`, `status` 401; 503
 * where {@link LoginEndedError.end} is `"close"`: the client may connect again).
 */
export class LoginEndedError extends LogoutError {
  readonly loginId: string;
  readonly end: LoginEndCause;
  readonly at: Date;
  /** What the kicked user is told, where whoever kicked has given a reason. */
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
