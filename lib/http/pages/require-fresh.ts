import type { FreshLoginOptions } from "../../options/fresh-logins.js";
import type { HandlerContext } from "../context.js";
import { errorData } from "../error-data.js";
import { noticeReply } from "../notice-reply.js";
import { redirectReply, type Reply } from "../reply.js";
import { isRead } from "../request-kind.js";
import type { RouteRequest } from "../route-request.js";
import { returnPath, withReturnTo } from "./require-login.js";

/**
 * The code by which a program sees that the user must authenticate again: that of OAuth 2.0 Step Up Authentication (RFC 9470 section
 * 3), but with a 403, since no token is challenged.
 */
const NOT_FRESH = "insufficient_user_authentication";

/**
 * Returns the reply to a login that is not fresh: a redirect for a page, a 403 with `confirmUrl` for a program. `undefined` if the
 * login is fresh.
 *
 * @param back - the path that the user returns to. Default: the page itself; after a form, the page with the form, because a POST
 * cannot be repeated.
 */
export function requireFresh(
  context: HandlerContext,
  request: RouteRequest,
  { maxAgeMs, confirmUrl }: FreshLoginOptions,
  back: string | undefined = isRead(request) ? returnPath(request) : referringPath(request),
): Reply | undefined {
  if (request.isFresh(maxAgeMs)) return undefined;
  const title = request.texts.confirmIdentity;
  if (!request.acceptsPage) {
    return errorData(request, { status: 403, message: title }, { error: NOT_FRESH, confirmUrl });
  }
  const href = back === undefined ? confirmUrl : withReturnTo(confirmUrl, back);
  if (!readsLines(request)) return redirectReply(href);
  return noticeReply(context, request, 403, { title, link: { href, label: request.texts.continue_ } });
}

/** Whether a script reads the response line by line, as that of the console does: it would follow a redirect, and show nothing. */
function readsLines(request: RouteRequest): boolean {
  return request.accepts(["html", "application/x-ndjson"]) === "application/x-ndjson";
}

/** Returns the page of this site that the request comes from, if the browser says so. */
function referringPath(request: RouteRequest): string | undefined {
  const referrer = request.header("Referer");
  if (referrer === undefined || !URL.canParse(referrer) || !request.isOwnOrigin(referrer)) return undefined;
  const { pathname, search } = new URL(referrer);
  // With two slashes the path would name a host.
  return pathname.replace(/^\/{2,}/, "/") + search;
}
