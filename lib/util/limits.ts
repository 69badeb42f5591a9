/** The longest reason of an end, and the longest name of who ends a login, in characters. */
export const MAX_KICK_TEXT = 500;

/**
 * How long a session lives for which neither the cookie nor the store defines a lifetime, and how long a kick is remembered: the
 * longest that browsers keep a cookie. Source: RFC 6265bis section 5.5.
 */
export const DEFAULT_MAX_AGE_MS = 400 * 86_400_000;

/** The maximum number of logins of one user in a list of users. */
export const LOGINS_PER_USER = 50;
/** The maximum number of login ids in an audit entry. */
export const MAX_LOGIN_IDS = 1_000;

/** A time in seconds since 1970 is below this. A larger number is one of milliseconds, later than every login and every kick. */
export const MAX_SECONDS = 100_000_000_000;

/** How many logins a kick of everyone spares at most. */
export const MAX_EXCEPT = 1_000;
