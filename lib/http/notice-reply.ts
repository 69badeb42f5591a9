import type { IconName } from "../pages/icon.js";
import { noticePage, type Notice } from "../pages/notice.js";
import type { HandlerContext } from "./context.js";
import { pageContext } from "./pages/page-context.js";
import { errorReply, jsonReply, type PagePolicy, type Reply } from "./reply.js";
import type { RouteRequest } from "./route-request.js";

/** Replies with a message: with a page to a browser, with JSON to any other client, by `Accept`. */
export function noticeReply(
  context: HandlerContext,
  request: RouteRequest,
  status: number,
  notice: Notice,
  policy: Pick<PagePolicy, "frameAncestors"> = {},
): Reply {
  const headers = status === 401 ? { "WWW-Authenticate": challengeOf(context.options.appId) } : undefined;
  if (request.acceptsPage) {
    const page = noticePage(pageContext(context, request), notice, iconOf(status));
    return { status, headers, vary: "Accept", page, policy: { ...policy, hasPictures: false } };
  }
  const message = notice.text === undefined ? notice.title : `${notice.title}: ${notice.text}`;
  const reply =
    status < 400 ? jsonReply(status, message) : errorReply(request.header("Accept"), { status, message, headers });
  return { ...reply, vary: "Accept" };
}

function iconOf(status: number): IconName {
  if (status < 400) return "check";
  return status === 401 ? "power" : status === 403 ? "lock" : "warning";
}

/** The `WWW-Authenticate` of a 401 to a browser: no browser knows the scheme, so none asks for a password. */
function challengeOf(appId: string): string {
  const realm = appId.toWellFormed().replace(/[^\x20-\x7e]/gu, encodeURIComponent);
  return `Cookie realm="${realm.replace(/["\\]/g, "\\$&")}"`;
}
