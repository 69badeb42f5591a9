import { isObject } from "../options/checks.js";
import { checkAudience, checkId, checkIssuer, checkTimes, isNonEmpty, mustBe, nowInSeconds } from "./claim-rules.js";
import { readSigned, type Receiver } from "./signed-token.js";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
const TYPES = ["logout+jwt"];
/** What older providers send. */
const OLDER_TYPES = [...TYPES, "jwt", ""];

/** What a logout token ends: one session of a user, or all. */
export interface LogoutToken {
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** By the provider's clock, in seconds since 1970. */
  readonly iat: number;
}

/**
 * Verifies a logout token.
 *
 * Source: OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6; OWASP ASVS 5.0 10.5.5.
 *
 * @throws Refusal
 */
export async function verifyLogoutToken(receiver: Receiver, token: string): Promise<LogoutToken> {
  const { provider, relax } = receiver.options;
  const claims = await readSigned(receiver, token, relax.typ === true ? OLDER_TYPES : TYPES);
  checkIssuer(claims, provider);
  checkAudience(claims, provider.clientIds);
  const iat = checkTimes(claims, nowInSeconds(), relax.exp);
  const { jti, events } = claims;
  mustBe(isNonEmpty(jti), "jti");
  mustBe(isObject(events) && isObject((events as Record<string, unknown>)[EVENT]), "events");
  mustBe(!("nonce" in claims), "nonce");
  const [sub, sid] = [checkId(claims, "sub"), checkId(claims, "sid")];
  mustBe(sub !== undefined || sid !== undefined, "subject");
  return { sub, sid, iat };
}
