import type { Handler } from "../http/context.js";
import type { JsonReply } from "../http/reply.js";
import type { RouteRequest } from "../http/route-request.js";
import { isObject } from "../options/checks.js";
import { debugError } from "../util/debug.js";
import { checkIssuer, checkTimes, isNonEmpty, mustBe, nowInSeconds } from "./claim-rules.js";
import { JoinedKicks } from "./joined-kicks.js";
import { BY_EVENT } from "./kicks.js";
import { emptyReply, oauthError, read, receive } from "./receive.js";
import { Refusal, type Rule } from "./refusal.js";
import { readSigned, type Receiver } from "./signed-token.js";
import { resolve } from "./subjects.js";

const TYPES = ["global-token-revocation+jwt"];
const OLDER_TYPES = [...TYPES, "jwt", ""];
/** What is wrong with the request, and not with who sends it. */
const OF_REQUEST: readonly Rule[] = ["subjectFormat", "unreadable", "limits", "form"];

/** `POST { sub_id }` with a signed token of the provider: Global Token Revocation, which Okta calls Universal Logout. */
export function receiveRevocation(receiver: Receiver): Handler {
  const joined = new JoinedKicks();
  return receive(async (kicks, request) => {
    const iat = await authenticate(receiver, request);
    const body = await read(request.json());
    const subject = isObject(body) ? (body as Record<string, unknown>)["sub_id"] : undefined;
    if (!isObject(subject)) throw new Refusal("subjectFormat");
    const { provider, securityEvents, issuerSkewSeconds } = receiver.options;
    const { keys, userIds } = await resolve(subject, provider.issuer, securityEvents.resolveSubject);
    if (keys.length === 0 && securityEvents.resolveSubject === undefined) throw new Refusal("subjectFormat");
    const authenticatedBefore = Math.floor(iat + issuerSkewSeconds);
    const name = JSON.stringify([request.header("Authorization"), keys, userIds]);
    await joined.join(kicks, name, async () => {
      await Promise.all(keys.map((key) => kicks.kickByKey(key, { ...BY_EVENT, authenticatedBefore })));
      if (userIds.length > 0) await kicks.kick(userIds, BY_EVENT);
    });
    return emptyReply(204);
  }, refused);
}

/** Returns when the token was issued. @throws Refusal */
async function authenticate(receiver: Receiver, request: RouteRequest): Promise<number> {
  const [, token] = /^Bearer +(\S+)$/i.exec(request.header("Authorization") ?? "") ?? [];
  if (token === undefined) throw new Refusal("bearer");
  const claims = await readSigned(receiver, token, receiver.options.relax.typ === true ? OLDER_TYPES : TYPES);
  checkIssuer(claims, receiver.options.provider);
  // A token for another receiver of this provider must not count here. The host of the request proves nothing.
  const own = new URL(request.addresses.path, receiver.options.postLogoutRedirectUri).href;
  mustBe([claims["aud"]].flat().includes(own), "aud");
  const iat = checkTimes(claims, nowInSeconds());
  mustBe(isNonEmpty(claims["jti"]), "jti");
  mustBe(!("nonce" in claims), "nonce");
  return iat;
}

function refused(error: unknown): JsonReply {
  if (!(error instanceof Refusal) || error.rule === "keys") {
    if (!(error instanceof Refusal)) debugError("a token revocation failed", error);
    return oauthError(503, "temporarily_unavailable", "The revocation did not finish. Send it again.");
  }
  if (OF_REQUEST.includes(error.rule)) return oauthError(400, "invalid_request", error.message);
  const headers = { "WWW-Authenticate": 'Bearer error="invalid_token"' };
  return { ...oauthError(401, "invalid_token", error.message), headers };
}
