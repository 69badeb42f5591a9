import type { DeviceInfo } from "../types/login.js";

/** Options of a kick. */
export interface KickOptions {
  /** Reason shown to the kicked user: plain text of at most 500 characters. Default: none. */
  readonly reason?: string | undefined;
  /** Who kicks, for events and audit; never shown to the kicked user. At most 500 characters. Default: none. */
  readonly by?: string | undefined;
}

/** Options of {@link LogoutControls.kick}. */
export interface KickUserOptions extends KickOptions {
  /** The id of a login that stays. If it has ended already, every login ends. Default: none. */
  readonly except?: string | undefined;
}

/** Options of {@link LogoutControls.kickByKey}. */
export interface KickByKeyOptions extends KickOptions {
  /**
   * Spares logins whose user authenticated later than this, by the clock of the issuer (the `iat` of its ID token): a date, or
   * seconds since 1970. A login for which that time is unknown is not spared. Default: none are spared.
   */
  readonly authenticatedBefore?: Date | number | undefined;
}

/** Options of a kick that walks all users. */
export interface LongKick {
  /**
   * Callback for progress. `total` is the number of users online when the kick began, an estimate while users come and go. An
   * error in the callback does not stop the kick; it is thrown after the last user. Default: none.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Stops the kick: no further user is kicked, and the call rejects with `ERR_KICK_INCOMPLETE`, whose `details.userIds` are those
   * who are left. Logins that have ended stay ended. Aborted before the call, it rejects with the signal's reason. Default: none.
   */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `kickAll`. */
export interface KickAllOptions extends KickOptions, LongKick {
  /**
   * The ids of logins that stay, such as that of the administrator who kicks: at most 1,000. A login that has ended already does not
   * come back. Default: none.
   *
   * Until `kickAll` has reached its user, a login that stays may end if a request changes its session id by `destroy()` and
   * `generate()`, in place of `regenerate()`.
   */
  readonly except?: readonly string[] | undefined;
}

/** Options of `kickWhere`. */
export interface KickWhereOptions extends KickAllOptions {
  /** Counts what would end, and ends nothing. Default: `false`. */
  readonly dryRun?: boolean | undefined;
}

/** The device of the request that kicks, for the audit log. */
export interface KickedFrom {
  readonly from?: DeviceInfo | undefined;
}

/** The result of a kick. */
export interface KickResult {
  /** The number of users who were logged in. */
  readonly users: number;
  /** The number of logins that have ended. */
  readonly logins: number;
}

/** The progress of a long call: users who were kicked, or whose logins were looked at; sessions of an adoption. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}
