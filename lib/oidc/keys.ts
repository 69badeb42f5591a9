import type { SessionData } from "express-session";
import { LogoutError } from "../errors.js";
import type { KeySince } from "../types/login-provider.js";
import type { LoginKey } from "../types/login-keys.js";
import { debug } from "../util/debug.js";
import { MAX_SECONDS } from "../util/limits.js";
import { warn } from "../util/warning.js";
import type { Provider, ResolvedOidc } from "./resolve-options.js";

/*
 * The members differ between the kinds of keys, and only values come from claims. So no text in a claim makes a key of one kind
 * equal to a key of another.
 */

/** One session at the provider. */
export const sessionKey = (iss: string, sid: string): LoginKey => ({ iss, sid });
/** All sessions of a user at the provider. */
export const userKey = (iss: string, sub: string): LoginKey => ({ iss, sub });
/** Those of a user whose ID tokens had no `sid`. A logout token with both claims finds them without ending the other ones. */
export const userKeyWithoutSession = (iss: string, sub: string): LoginKey => ({ iss, sub, without: "sid" });

/** In bytes. OpenID Connect Core 1.0 section 2 has this limit for `sub`. */
const LONGEST_ID = 255;
/** The providers that have warned. */
const warned = new WeakSet<Provider>();

/** Returns whether a claim can be a `sub` or `sid`. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && Buffer.byteLength(value) <= LONGEST_ID;
}

/** Returns the keys that a session's login is bound to: none if the session came from elsewhere. */
export function keysOf({ claims, provider }: ResolvedOidc, session: SessionData): readonly KeySince[] {
  const found = claims(session);
  if (found === undefined || found === null) return [];
  const { iss, sub, sid, iat } = found;
  if (typeof iss !== "string" || !isId(sub) || !isOptional(sid, isId) || !isOptional(iat, isTime))
    throw invalidClaims();
  if (iss !== provider.issuer) {
    debug?.("oidc(): claims of another issuer, which its own provider binds");
    if (isAlmost(iss, provider.issuer)) warnOnce(provider);
    return [];
  }
  // Times are compared in whole seconds: within one, a logout comes after a login.
  const since = iat == null ? {} : { since: Math.floor(iat) };
  return [
    { key: userKey(iss, sub), ...since },
    { key: sid == null ? userKeyWithoutSession(iss, sub) : sessionKey(iss, sid), ...since },
  ];
}

/** Returns whether two issuers differ only by a slash at the end and letter case: one is a typo of the other. */
function isAlmost(one: string, other: string): boolean {
  const plain = (issuer: string): string => issuer.toLowerCase().replace(/\/$/, "");
  return plain(one) === plain(other);
}

function warnOnce(provider: Provider): void {
  if (warned.has(provider)) return;
  warned.add(provider);
  warn(
    "EXPRESS_LOGOUT_OIDC_ISSUER",
    `oidc(): iss of the claims differs from issuer ${provider.issuer} by a slash or letter case: no logout ends these logins.`,
  );
}

function isOptional<Value>(value: unknown, is: (value: unknown) => value is Value): value is Value | null | undefined {
  return value === undefined || value === null || is(value);
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < MAX_SECONDS;
}

function invalidClaims(): LogoutError {
  return new LogoutError(
    "ERR_OPTION_INVALID",
    "oidc(): claims must return { iss, sub, sid?, iat? } of the ID token, at once: texts, and iat a number of seconds.",
    { status: 503 },
  );
}
