import { LogoutError } from "../../../errors.js";
import type { ConsoleContext } from "../../../options/console.js";
import { deny, NO_APPLICATION } from "../../authing-api/authenticate.js";
import type { HandlerContext } from "../../context.js";
import { withPassportUser } from "../../middleware-order.js";
import { mustBeSameOrigin } from "../../origin.js";
import type { Login } from "../../../types/login.js";
import { noticeReply } from "../../notice-reply.js";
import type { Notice } from "../../../pages/notice.js";
import { isRead } from "../../request-kind.js";
import { isReply, type Reply } from "../../reply.js";
import type { RouteRequest } from "../../route-request.js";
import { describeUser } from "../ask-app.js";
import { FORCE } from "./parts.js";
import { pageUrl, requireLogin, returnPath, truncateKickText, withReturnTo } from "../require-login.js";

/** The login of an administrator. */
export type Admin = Pick<Login, "id" | "userId">;

/** @throws LogoutError `ERR_REQUEST_INVALID` 403 */
export function requireSameOrigin(context: HandlerContext, request: RouteRequest): void {
  try {
    mustBeSameOrigin(request);
  } catch (error) {
    deny(context, request, { reason: "a form of another origin" });
    throw error;
  }
}

/** Returns the user who may do this in the console, or the reply to anybody else. */
export async function requireAdmin(
  context: HandlerContext,
  request: RouteRequest,
  what: Omit<ConsoleContext, "appId">,
): Promise<Admin | Reply> {
  const { appId, console } = context.options;
  if ((request.params["appId"] ?? appId) !== appId) {
    throw new LogoutError("ERR_REQUEST_INVALID", NO_APPLICATION, { status: 404 });
  }
  const login = await requireLogin(context, request);
  if (isReply(login)) return login;
  const { original, texts } = request;
  const may = await withPassportUser(original, () => console?.authorize(original, { appId, ...what }));
  if (may === true) return login;
  const userId = what.userIds?.length === 1 ? what.userIds[0] : undefined;
  const reason = `console.authorize refused ${what.isMassKick ? "to kick everyone" : what.action}`;
  deny(context, request, { by: truncateKickText(login.userId), userId, reason });
  return noticeReply(context, request, 403, {
    title: texts.noAccess,
    text: texts.adminsOnly,
    reader: request.acceptsPage ? await describeUser(context, login.userId) : undefined,
    ...waysOn(context, request),
  });
}

/** To the app's own pages, or to log in as an administrator. */
function waysOn({ options }: HandlerContext, request: RouteRequest): Pick<Notice, "link" | "otherLink"> {
  const { brandName, homeUrl } = options.pages;
  const { addresses, texts } = request;
  const { login } = addresses;
  // A form cannot be sent again by going there.
  const back = isRead(request) ? returnPath(request) : pageUrl(request, FORCE);
  return {
    link: { href: homeUrl ?? addresses.home, label: texts.continueTo(brandName) },
    otherLink: login === false ? undefined : { href: withReturnTo(login, back), label: texts.logInAsSomeoneElse },
  };
}
