import type { Request } from "express";
import type { SessionData } from "express-session";
import { LogoutError } from "../errors.js";
import type { LoginPolicy } from "../session/rules/login-policy.js";
import type { LoginRegistry } from "../types/registry.js";
import { Deadline } from "../util/deadline.js";
import { MAX_KICK_TEXT } from "../util/limits.js";
import { isProvider, resolveKeys, type LoginKeyOptions } from "./login-keys.js";
import {
  check,
  invalid,
  isDuration,
  isFunction,
  isListOf,
  isObject,
  isSyncFunction,
  type Check,
  type Checks,
} from "./checks.js";

/** The most logins of a user if the app does not say: no account can grow without bound. */
const SAFETY_CAP = 1_000;

/** Options in `logins`: the policy for logins. */
export interface LoginOptions extends LoginKeyOptions {
  /**
   * The most logins a user may have at a time: a number, or a policy. Default: 1,000, a safety cap, where the registry supports
   * limits; `Infinity`: no limit. [Limits](docs/guides/lifetimes-and-limits.md)
   */
  readonly max?: number | MaxLogins | undefined;
  /**
   * The lifetime of logins: fixed, or for each session. A login keeps the lifetime that it began with; `auth.confirmLogin(req)`
   * asks again. Default: that of the session.
   * [Lifetimes](docs/guides/lifetimes-and-limits.md#lifetimes)
   */
  readonly lifetime?:
    LoginLifetime | ((session: SessionData, userId: string) => LoginLifetime | Promise<LoginLifetime>) | undefined;
  /**
   * Returns whether a login that begins with this request is fresh, for `auth.isFresh` and `auth.requireFresh`: `true` if the request
   * has checked the user's credentials. For apps with a remember-me cookie, which logs users in without. Not asked after
   * `auth.startLogin(req)`. Default: every login is fresh. [Step-up](docs/guides/step-up.md#remember-me)
   */
  readonly startsFresh?: ((req: Request) => boolean | Promise<boolean>) | undefined;
}

/**
 * A limit of logins. It holds in every process and at every moment, because the step that lists a login ends the excess. Logins in
 * one session count as one.
 */
export interface MaxLogins {
  /**
   * The most logins, 1 or more; `Infinity` for no limit. A function is called when a login begins, and when a login gets a new
   * session id. A lower number takes effect at the user's next login.
   */
  readonly count: number | ((userId: string, session: SessionData) => number | Promise<number>);
  /**
   * What happens at a login above the limit. `"endLeastActive"` ends the least recently active login; `"refuseNew"` refuses the new
   * one with `ERR_TOO_MANY_LOGINS` (409) from `req.session.save()`, which the login route must call. Default: `"endLeastActive"`.
   */
  readonly whenFull?: "endLeastActive" | "refuseNew" | undefined;
  /** The reason that the user of an ended login sees, at most 500 characters. Default: none. */
  readonly reason?: string | undefined;
}

/** How long a login lasts. Source: OWASP ASVS 5.0 7.3.1 and 7.3.2; NIST SP 800-63B section 5.2. */
export interface LoginLifetime {
  /** The time from the login, or from `auth.confirmLogin(req)`, to the end, in milliseconds. Default: unlimited. */
  readonly absoluteMs?: number | undefined;
  /** The time without a request to the end, in milliseconds; late by at most a minute. Default: unlimited. */
  readonly idleMs?: number | undefined;
}

const isCount: Check = (value) => value === Infinity || (Number.isSafeInteger(value) && Number(value) > 0);
const COUNT = "a whole number above 0, or Infinity";

const LOGINS: Checks<LoginOptions> = {
  max: [`${COUNT}, or an object: { count, whenFull, reason }`, (value) => isObject(value) || isCount(value)],
  lifetime: [
    "an object: { absoluteMs, idleMs }, or a function that returns one",
    (value) => isObject(value) || isFunction(value),
  ],
  keys: [
    "a function that returns an array of keys, not a promise: (session) => [{ tenant: session.tenantId }]",
    isSyncFunction,
  ],
  providers: ["an array of identity providers: [oidc({ … })]", isListOf(isProvider)],
  startsFresh: ["a function: (req) => true if the request has checked the credentials", isFunction],
};
const MAX: Checks<MaxLogins> = {
  count: [`${COUNT}, or a function that returns one`, (value) => isFunction(value) || isCount(value)],
  whenFull: ['"endLeastActive" or "refuseNew"', (value) => value === "endLeastActive" || value === "refuseNew"],
  reason: [
    `a text of at most ${String(MAX_KICK_TEXT)} characters`,
    (value) => typeof value === "string" && value.length <= MAX_KICK_TEXT,
  ],
};
const LIFETIME: Checks<LoginLifetime> = {
  absoluteMs: ["a number of milliseconds above 0", isDuration],
  idleMs: ["a number of milliseconds above 0", isDuration],
};

/**
 * Returns the policy for logins.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_REGISTRY_UNSUPPORTED`
 */
export function resolveLogins(
  options: LoginOptions = {},
  { supports = {}, keys: keyIndex }: Pick<LoginRegistry, "supports" | "keys">,
  timeoutMs: number,
): LoginPolicy {
  check("logins.", options, LOGINS);
  const { limit: hasLimits = false, lifetime: hasLifetimes = false } = supports;
  const max = typeof options.max === "object" ? options.max : { count: options.max ?? SAFETY_CAP };
  check("logins.max.", max, MAX, ["count"]);
  const { lifetime = {} } = options;
  if (typeof lifetime === "object") check("logins.lifetime.", lifetime, LIFETIME);
  const isLimited = options.max !== undefined && max.count !== Infinity;
  if (isLimited && !hasLimits) throw unsupported("logins.max");
  if (options.lifetime !== undefined && !hasLifetimes) throw unsupported("logins.lifetime");
  const keysOf = resolveKeys(options);
  if (keysOf !== undefined && keyIndex === undefined)
    throw unsupported(options.keys === undefined ? "logins.providers" : "logins.keys");
  const deadline = new Deadline(timeoutMs);
  const { count, whenFull = "endLeastActive", reason } = max;
  const { startsFresh } = options;
  return {
    keysOf,
    whenFull: whenFull === "refuseNew" ? "refuse" : "end",
    reason: reason === "" ? undefined : reason,
    count: async (userId, session) => {
      if (!hasLimits) return Infinity;
      if (typeof count === "number") return count;
      const answer: unknown = await answerOf("logins.max.count", deadline, () => count(userId, session as never));
      if (!isCount(answer)) throw invalid("the answer of logins.max.count", COUNT);
      return answer as number;
    },
    lifetime: async (session, userId) => {
      if (typeof lifetime === "object") return lifetime;
      const answer: unknown = await answerOf("logins.lifetime", deadline, () => lifetime(session as never, userId));
      if (!isObject(answer)) throw invalid("the answer of logins.lifetime", "an object: { absoluteMs, idleMs }");
      check("logins.lifetime.", answer as LoginLifetime, LIFETIME);
      return answer as LoginLifetime;
    },
    startsFresh: async (req) => {
      if (startsFresh === undefined) return true;
      const answer: unknown = await answerOf("logins.startsFresh", deadline, () => startsFresh(req as Request));
      return answer === true;
    },
  };
}

/** Calls a function of the app, which may reject or never answer. */
async function answerOf<Answer>(
  name: string,
  deadline: Deadline,
  ask: () => Answer | Promise<Answer>,
): Promise<Answer> {
  try {
    return await deadline.run(async () => ask());
  } catch (cause) {
    throw new LogoutError("ERR_OPTION_INVALID", `${name} failed, so no login was listed. See cause.`, {
      status: 503,
      cause,
    });
  }
}

function unsupported(name: string): LogoutError {
  return new LogoutError(
    "ERR_REGISTRY_UNSUPPORTED",
    `logout(): the registry does not support ${name}. Use a registry of this package, or leave the option out.`,
  );
}
