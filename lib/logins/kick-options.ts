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

/** Options of `kickAll`. */
export interface KickAllOptions extends KickOptions {
  /**
   * Callback for progress. `total` is the number of users online when the kick began, an estimate while users come and go. An
   * error in the callback does not stop the kick; `kickAll` throws it after everyone has been kicked. Default: none.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
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

/** The progress of a long call: users of a kick of everyone, sessions of an adoption. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}
