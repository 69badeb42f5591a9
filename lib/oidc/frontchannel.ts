import type { Handler } from "../http/context.js";
import { debugError } from "../util/debug.js";
import { isId, sessionKey } from "./keys.js";
import { AT_PROVIDER } from "./kicks.js";
import { emptyReply, oauthError, receive } from "./receive.js";
import { Refusal } from "./refusal.js";
import type { Receiver } from "./signed-token.js";

/**
 * `GET …?iss=…&sid=…`, in a frame of the provider's logout page (OpenID Connect Front-Channel Logout 1.0). The request is not
 * signed: it ends the logins of a session that its sender can name, and leaves no mark. Cookies are not read.
 */
export function receiveFrontchannelLogout({ options }: Receiver): Handler {
  const { issuer } = options.provider;
  return receive(
    async (kicks, { query }) => {
      const [sids, issuers] = [query("sid"), query("iss")];
      const [sid] = sids;
      if (sids.length !== 1 || !isId(sid)) throw new Refusal("sid");
      if (issuers.length > 1 || (issuers[0] !== undefined && issuers[0] !== issuer)) throw new Refusal("iss");
      await kicks.kickByKey(sessionKey(issuer, sid), { ...AT_PROVIDER, leavesMark: false });
      return emptyReply(200);
    },
    (error) => {
      if (error instanceof Refusal) return oauthError(400, "invalid_request", error.message);
      debugError("a front-channel logout failed", error);
      return oauthError(503, "temporarily_unavailable", "The logout did not finish. Try again.");
    },
  );
}
