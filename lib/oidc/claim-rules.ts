import { isId } from "./keys.js";
import { Refusal, type Rule } from "./refusal.js";
import type { Provider } from "./resolve-options.js";
import type { Claims } from "./signed-token.js";

/** In seconds. */
export const MAX_AGE = 300;
const MAX_AHEAD = 60;
const MAX_LIFETIME = 600;

/** @throws Refusal unless `isRight` */
export function mustBe(isRight: boolean, rule: Rule): asserts isRight {
  if (!isRight) throw new Refusal(rule);
}

export function isNonEmpty(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** The token comes from the provider. */
export function checkIssuer({ iss }: Claims, { issuer }: Provider): void {
  mustBe(iss === issuer, "iss");
}

/** The token is for one of our clients. Source: OpenID Connect Core 1.0 section 3.1.3.7. */
export function checkAudience({ aud, azp }: Claims, clientIds: readonly string[]): void {
  const audiences = [aud].flat();
  const isList = audiences.length > 0 && audiences.every(isNonEmpty);
  mustBe(isList && audiences.some((each) => clientIds.includes(each)), "aud");
  mustBe(azp === undefined || (typeof azp === "string" && clientIds.includes(azp)), "azp");
}

/** Returns when the token was issued: not in the future. */
export function checkIssuedAt({ iat, nbf }: Claims, now: number): number {
  mustBe(isNumber(iat), "iat");
  mustBe(iat <= now + MAX_AHEAD, "ahead");
  mustBe(nbf === undefined || (isNumber(nbf) && nbf <= now + MAX_AHEAD), "nbf");
  return iat;
}

/** The token was issued a moment ago, for a moment. Source: OWASP ASVS 5.0 10.5.5. */
export function checkTimes(claims: Claims, now: number, isExpOptional = false): number {
  const iat = checkIssuedAt(claims, now);
  const { exp } = claims;
  mustBe(iat >= now - MAX_AGE, "old");
  if (exp === undefined && isExpOptional) return iat;
  mustBe(isNumber(exp), "exp");
  mustBe(exp > now && exp > iat, "expired");
  mustBe(exp <= iat + MAX_LIFETIME, "longLived");
  return iat;
}

/** A claim that may be absent is the id of a user or session. */
export function checkId(claims: Claims, name: "sub" | "sid"): string | undefined {
  const value = claims[name];
  mustBe(value === undefined || isId(value), name);
  return value;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** The time of this machine, in seconds. It decides whether a token is too old, and never which login it ends. */
export function nowInSeconds(): number {
  return Date.now() / 1_000;
}
