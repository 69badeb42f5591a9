/** What is known of the device that logged in. Both are as the request gave them: show them as text, trust neither. */
export interface DeviceInfo {
  /** The address, as Express's `req.ip` has it (so `trust proxy` counts). */
  readonly ip?: string | undefined;
  /** The `User-Agent` header, cut at 256 characters. */
  readonly userAgent?: string | undefined;
}

/**
 * One user's being logged in on one device: from the first save of a session with a user id, through every rotation of
 * the session id, to logout, kick or expiry.
 */
export interface Login extends DeviceInfo {
  /** The public handle of the login. It is random and opens nothing; a session id never leaves the server. */
  readonly id: string;
  readonly userId: string;
  readonly began: Date;
  /** The last request, exact to a minute (to a tenth of the session's lifetime, where that is shorter). */
  readonly lastActive: Date;
  /** When it ends by itself, if no further request comes: never before its session does. */
  readonly expires: Date;
}

/** The facts of a user that lists and pages show. Leave out what the app does not know or does not want shown. */
export interface UserProfile {
  readonly name?: string | undefined;
  readonly username?: string | undefined;
  readonly nickname?: string | undefined;
  readonly email?: string | undefined;
  readonly phone?: string | undefined;
  /** The address of a picture. */
  readonly photo?: string | undefined;
}

/** Why logins ended that did not end by themselves. */
export interface KickRecord {
  /** Random: tells one kick from another. */
  readonly id: string;
  readonly at: Date;
  /** What the kicked user is told. */
  readonly reason?: string | undefined;
  /** Who kicked: for events and audit, never shown to the kicked user. */
  readonly by?: string | undefined;
}

/** Why this request's login was refused: see `auth.ended(req)`. */
export interface LoginEnd {
  readonly loginId: string;
  readonly at: Date;
  readonly reason?: string | undefined;
}

/**
 * Which kicks came before a login began: opaque, made and read by the registry alone. A kick begins a new era for its
 * user, a kick of everyone one for the application.
 */
export type Generation = string;
