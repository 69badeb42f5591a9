import type { LogoutErrorCode } from "../errors.js";
import type { HistoryOptions } from "../types/history.js";

/** What an {@link AuditEntry} records. */
export type AuditAction =
  "login" | "logout" | "confirmed" | "kick" | "kick-everyone" | "limit" | "lifetime" | "rejected" | "denied";

/**
 * A security event, for {@link AuditOptions.log}. Has no field for a secret. Line breaks and other control characters are replaced
 * by spaces (OWASP ASVS 5.0 16.4.1). [What each action means](docs/guides/audit.md)
 */
export interface AuditEntry {
  /** The id of the kick, or of the event. A kick of several users has one entry for each, with the same id. */
  readonly id: string;
  /** When, in ISO 8601, UTC. */
  readonly at: string;
  readonly action: AuditAction;
  readonly outcome: "success" | "failure";
  /** The code of the error, if the outcome is a failure. */
  readonly code?: LogoutErrorCode | undefined;
  readonly appId: string;
  /** The user whose login it is, or whom the request was about. */
  readonly userId?: string | undefined;
  /** The logins, at most 1,000. */
  readonly loginIds?: readonly string[] | undefined;
  /** How many logins a kick ended. */
  readonly logins?: number | undefined;
  /** Who did it: `by` of the kick, the user of the console, or `token` and the name of the token. */
  readonly by?: string | undefined;
  /** The reason that the user is shown, or why a request was denied. */
  readonly reason?: string | undefined;
  /** The address of the request that did it; of a logout, that of the login. */
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Options in `audit`. */
export interface AuditOptions {
  /**
   * Records a security event, once, in the process where it happened. A kick waits for the function, at most 10 seconds, and rejects
   * with `ERR_AUDIT_FAILED` if it throws or rejects; nothing else waits or fails. Default: none.
   */
  readonly log?: ((entry: AuditEntry) => unknown) | undefined;
  /**
   * Keeps kicks, limits, lifetimes and what was denied in the registry, for {@link LogoutControls.listHistory}. Default: off.
   * [The history](docs/guides/audit.md#history)
   */
  readonly history?: HistoryOptions | undefined;
}
