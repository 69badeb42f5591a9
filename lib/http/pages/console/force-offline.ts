import type { KickAllOptions, KickedFrom, KickResult } from "../../../logins/kick-options.js";
import { composeReason, isCanned } from "../../../pages/reason-field.js";
import { deviceInfoOf } from "../../../util/device-info.js";
import { MAX_KICK_TEXT } from "../../../util/limits.js";
import type { Handler, HandlerContext } from "../../context.js";
import { valueOf, type Fields } from "../../fields.js";
import { noticeReply } from "../../notice-reply.js";
import { errorData } from "../../error-data.js";
import { isReply, jsonReply, redirectReply, type Reply } from "../../reply.js";
import type { RouteRequest } from "../../route-request.js";
import { pageUrl, truncateKickText } from "../require-login.js";
import { aboutToKick, confirm, whereOf } from "./confirm-force-offline.js";
import { isKickIncomplete, leftBy, lineByLine } from "./kick-lines.js";
import { mustBeValid } from "./list-query.js";
import { FORCE } from "./parts.js";
import { requireAdmin, requireSameOrigin, type Admin } from "./require-admin.js";
import { confirmedIn, type Chosen, type ChosenUsers } from "./selection.js";
import { sparedLogins } from "./spared.js";

/** `POST …/login-management/force-offline`: to a form a page, to a script how it goes on, line by line. */
export const forceOffline: Handler = async (context, request) => {
  requireSameOrigin(context, request);
  const form = await request.form();
  const chosen = confirmedIn(form);
  const admin = await requireAdmin(context, request, aboutToKick(chosen));
  if (isReply(admin)) return admin;
  const refusal = confirm(context, request, pageUrl(request, FORCE));
  if (refusal !== undefined) return refusal;
  const why = {
    reason: reasonIn(form, request),
    by: truncateKickText(admin.userId),
    from: deviceInfoOf(request.original),
  };
  const { texts } = request;
  const start = async (more: Pick<KickAllOptions, "onProgress" | "signal"> = {}): Promise<KickResult | "mistyped"> =>
    kick(context, chosen, { ...why, ...more, except: await exceptOf(context, request, chosen, admin) });
  if (request.accepts(["html", "application/x-ndjson"]) === "application/x-ndjson") {
    return lineByLine(context, { texts, chosen, start });
  }
  const link = { href: pageUrl(request, FORCE), label: texts.continue_ };
  try {
    const result = await start();
    if (result === "mistyped") return noticeReply(context, request, 400, { title: texts.wrongApplicationId, link });
    if (request.wantsData) {
      return jsonReply(200, texts.forced(result.users, result.logins), { users: result.users, logins: result.logins });
    }
    // The list would say only that the administrator has been logged out.
    if (chosen.kind !== "users" && chosen.includes.me) return lastReply(context, request, result);
    return redirectReply(`${link.href}?users=${String(result.users)}&logins=${String(result.logins)}`);
  } catch (error) {
    if (!isKickIncomplete(error)) throw error;
    if (request.wantsData) return errorData(request, { status: 503, message: texts.stopped }, leftBy(error));
    return noticeReply(context, request, 503, { title: texts.stopped, link });
  }
};

/** A form is cut to the length of a reason; a program gets a 400. */
function reasonIn(form: Fields, { texts, wantsData }: RouteRequest): string {
  const picked = valueOf(form, "canned");
  const reason = composeReason(picked, valueOf(form, "reason") ?? "", texts);
  if (wantsData) {
    const isUnknown = picked !== undefined && !isCanned(picked);
    mustBeValid([...(isUnknown ? ["canned"] : []), ...(reason.length > MAX_KICK_TEXT ? ["reason"] : [])]);
  }
  return truncateKickText(reason);
}

/** The result for an administrator who has logged out everyone, and themselves. */
function lastReply(context: HandlerContext, request: RouteRequest, { users, logins }: KickResult): Reply {
  const { addresses, texts } = request;
  const link = addresses.login === false ? undefined : { href: addresses.login, label: texts.logInAgain };
  return noticeReply(context, request, 200, {
    title: texts.forced(users, logins),
    text: texts.haveBeenLoggedOut,
    link,
  });
}

/** Returns the logins that a kick spares whose users are not named. */
async function exceptOf(
  context: HandlerContext,
  request: RouteRequest,
  chosen: Chosen,
  admin: Admin,
): Promise<string[]> {
  return chosen.kind === "users" ? [] : sparedLogins(context, request, chosen.includes, admin);
}

/** Everyone only if the application's id was typed as it is. */
async function kick(
  { options, logins }: HandlerContext,
  chosen: Chosen,
  { onProgress, signal, except, ...why }: KickAllOptions & KickedFrom,
): Promise<KickResult | "mistyped"> {
  if (chosen.kind === "users") return kickUsers(logins, chosen, { ...why, signal });
  const isTyped = chosen.typed.length > 0 && chosen.typed.every((typed) => typed === options.appId);
  if (!isTyped && (chosen.kind === "everyone" || chosen.isEveryone)) return "mistyped";
  if (chosen.kind === "everyone") return logins.kickAll({ ...why, onProgress, signal, except });
  return logins.kickWhere(whereOf(chosen), { ...why, onProgress, signal, except, userIds: chosen.userIds });
}

async function kickUsers(
  logins: HandlerContext["logins"],
  { userIds, loginId }: ChosenUsers,
  { signal, ...why }: Parameters<HandlerContext["logins"]["kick"]>[1] & object,
): Promise<KickResult> {
  const [userId] = userIds;
  if (userId === undefined) return { users: 0, logins: 0 };
  return loginId === undefined ? logins.kick(userIds, { ...why, signal }) : logins.kickLogin(userId, loginId, why);
}
