import type { Handler } from "../http/context.js";
import type { JsonReply } from "../http/reply.js";
import { debugError } from "../util/debug.js";
import { sessionKey, userKey, userKeyWithoutSession } from "./keys.js";
import { JoinedKicks } from "./joined-kicks.js";
import { AT_PROVIDER, type Kicks } from "./kicks.js";
import { verifyLogoutToken, type LogoutToken } from "./logout-token.js";
import { emptyReply, oauthError, read, receive } from "./receive.js";
import { Refusal, RULES } from "./refusal.js";
import type { Receiver } from "./signed-token.js";

/** `POST /oidc/backchannel-logout`: the provider says that a session of its own, or all of a user, have ended. */
export function receiveLogoutToken(receiver: Receiver): Handler {
  const joined = new JoinedKicks();
  return receive(async (kicks, request) => {
    const form = await read(request.smallForm());
    const [token, ...others] = form("logout_token");
    if (token === undefined || others.length > 0) throw new Refusal("parameter");
    const claims = await verifyLogoutToken(receiver, token);
    const { sub, sid, iat } = claims;
    await joined.join(kicks, JSON.stringify([sub, sid, iat]), () => endLogins(kicks, receiver, claims));
    return emptyReply(204);
  }, refused);
}

/** `GET` on the same address: a logout token in an address would be in logs. */
export const refuseGet: Handler = () =>
  Promise.resolve({ ...oauthError(405, "invalid_request", RULES.method), headers: { Allow: "POST" } });

/** A token may come before the login that it ends, several times, and late: the times of the provider decide. */
async function endLogins(kicks: Kicks, { options }: Receiver, { sub, sid, iat }: LogoutToken): Promise<void> {
  const { issuer } = options.provider;
  const kick = { ...AT_PROVIDER, authenticatedBefore: Math.floor(iat + options.issuerSkewSeconds) };
  if (sid === undefined) {
    await kicks.kickByKey(userKey(issuer, String(sub)), kick);
    return;
  }
  const keys = [sessionKey(issuer, sid), ...(sub === undefined ? [] : [userKeyWithoutSession(issuer, sub)])];
  await Promise.all(keys.map((key) => kicks.kickByKey(key, kick)));
}

/** Source: OpenID Connect Back-Channel Logout 1.0 section 2.8, which wants 400 for what failed here as well. */
function refused(error: unknown): JsonReply {
  if (error instanceof Refusal) {
    return oauthError(400, error.rule === "keys" ? "temporarily_unavailable" : "invalid_request", error.message);
  }
  debugError("a logout token was not acted on", error);
  return oauthError(400, "temporarily_unavailable", "The logout did not finish. Send the token again.");
}
