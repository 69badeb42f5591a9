/** A user id as apps hold it. `7` and `"7"` name the same user. */
export type UserId = string | number;

/** The device behind a login. Both fields come from the request: display them as text and trust neither. */
export interface DeviceInfo {
  /** The IP address, from Express's `req.ip` (so `trust proxy` applies). */
  readonly ip?: string | undefined;
  /** The `User-Agent` header, truncated to 256 characters. */
  readonly userAgent?: string | undefined;
}

/**
 * One login of a user on one device. A login begins when a session with a user id is first saved, survives every rotation of
 * the session id, and ends by logout, kick or expiry.
 */
export interface Login extends DeviceInfo {
  /** The public identifier of the login. Random, and no credential: a session id never leaves the server. */
  readonly id: string;
  readonly userId: string;
  /** When the login began. */
  readonly began: Date;
  /** The time of the last request, to the minute (to a tenth of the session's lifetime if that is shorter). */
  readonly lastActive: Date;
  /** When the login expires if no further request arrives. Never earlier than its session. */
  readonly expires: Date;
}

/** A user's profile, shown in lists and on pages. Leave out fields that the app does not know or does not want to show. */
export interface UserProfile {
  readonly name?: string | undefined;
  readonly username?: string | undefined;
  readonly nickname?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  /** The URL of a picture. */
  readonly photo?: string | undefined;
}

/** One kick: why logins ended that neither expired nor were logged out. */
export interface KickRecord {
  /** Random; identifies the kick. */
  readonly id: string;
  /** When the kick was made. */
  readonly at: Date;
  /** `"kick"`: someone kicked. `"limit"`, `"lifetime"`: a rule of the app ended the logins. */
  readonly cause: "kick" | "limit" | "lifetime";
  /** Shown to the kicked user. */
  readonly reason?: string | undefined;
  /** Who kicked: for events and audit, never shown to the kicked user. */
  readonly by?: string | undefined;
}

/**
 * How a login ended. `"close"`: the login may live on, but `auth.close()` was called, so this process would not notice a kick any more.
 */
export type LoginEndCause = "kick" | "logout" | "limit" | "lifetime" | "expiry" | "close";

/** The end of a login. */
export interface LoginEnd {
  /** The id of the login; `""` if the session no longer names one. */
  readonly loginId: string;
  readonly cause: LoginEndCause;
  readonly at: Date;
  /** The reason for the user, if one was given. */
  readonly reason?: string | undefined;
}

/**
 * The kicks that came before a login began: opaque text, made and read by the registry only. A kick of a user starts a new
 * generation of that user; a kick of everyone starts one of the application.
 */
export type Generation = string;
