import type { SessionData, Store } from "express-session";
import { supportsBackgroundTouch } from "../session/store/store-support.js";
import { DEFAULT_MAX_AGE_MS } from "../util/limits.js";
import { check, isBoolean, isDate, isDuration, isFunction, isTimer, type Checks } from "./checks.js";

/** Options in `sessions`. Durations are in milliseconds. */
export interface SessionOptions {
  /**
   * The longest lifetime of a session for which neither the cookie nor the store's `ttl` defines one; also how long a kick is
   * remembered. Default: 34,560,000,000 (400 days, the longest that browsers keep a cookie). Source: RFC 6265bis section 5.5.
   */
  readonly maxAgeMs?: number | undefined;
  /** The time after which a session store that does not respond counts as unavailable. Default: 10,000. At most 2,147,483,647. */
  readonly storeTimeoutMs?: number | undefined;
  /**
   * The shortest interval between two touches of a logged-in session in the store, capped at a tenth of the session's lifetime. A
   * session may expire earlier by this much. Default: 0, every request, as express-session does.
   */
  readonly touchIntervalMs?: number | undefined;
  /**
   * Whether a response waits until the store has touched its session, as in express-session. After a failed touch, responses
   * wait, and report errors, until a touch succeeds. Default: `false` for MemoryStore and for connect-redis on one connection,
   * whose touch writes no session data; `true` for any other store.
   */
  readonly waitForTouch?: boolean | undefined;
  /**
   * The interval at which the notification channel is tested, and at which live connections look their logins up while it is down.
   * Default: 5,000. At most 2,147,483,647.
   */
  readonly liveCheckIntervalMs?: number | undefined;
  /**
   * Whether sessions that are older than the installation are adopted as logins at their first request: `true`, `false`
   * (rejected: users log in again), or until a date. Before they are adopted, only the record of a kick guards them, which a
   * registry can lose. Default: `true`. [Older sessions](docs/guides/sessions.md#sessions-from-before-the-installation)
   */
  readonly adopt?: boolean | Date | undefined;
  /**
   * Returns when the user of a session that this package has not written logged in, as a date, an ISO 8601 string (a date in a
   * stored session) or milliseconds since 1970. For apps in which another service writes sessions: a login at least a minute
   * after a kick is then recognized as new. The clocks of both services are compared. Default: unknown, so every such session
   * counts as older than any kick. [A separate login service](docs/guides/sessions.md#a-separate-login-service)
   */
  readonly loggedInAt?: ((session: SessionData) => Date | number | null | undefined) | undefined;
}

export interface ResolvedSessions {
  readonly maxAgeMs: number;
  readonly storeTimeoutMs: number;
  readonly touchIntervalMs: number;
  readonly waitForTouch: boolean;
  readonly liveCheckIntervalMs: number;
  readonly adopt: boolean | Date;
  readonly loggedInAt: SessionOptions["loggedInAt"];
}

const CHECKS: Checks<SessionOptions> = {
  maxAgeMs: ["a number of milliseconds above 0", isDuration],
  storeTimeoutMs: ["a number of milliseconds above 0, and less than 25 days", isTimer],
  touchIntervalMs: ["a number of milliseconds, 0 or more", (value) => value === 0 || isDuration(value)],
  waitForTouch: ["true or false", isBoolean],
  liveCheckIntervalMs: ["a number of milliseconds above 0, and less than 25 days", isTimer],
  adopt: ["true, false, or a valid Date", (value) => isBoolean(value) || isDate(value)],
  loggedInAt: ["a function: (session) => Date, milliseconds since 1970, or undefined", isFunction],
};

export function resolveSessions(options: SessionOptions = {}, store: Store): ResolvedSessions {
  check("sessions.", options, CHECKS);
  return {
    maxAgeMs: options.maxAgeMs ?? DEFAULT_MAX_AGE_MS,
    storeTimeoutMs: options.storeTimeoutMs ?? 10_000,
    touchIntervalMs: options.touchIntervalMs ?? 0,
    waitForTouch: options.waitForTouch ?? !supportsBackgroundTouch(store),
    liveCheckIntervalMs: options.liveCheckIntervalMs ?? 5_000,
    adopt: options.adopt ?? true,
    loggedInAt: options.loggedInAt,
  };
}
