import { LogoutError } from "../../../errors.js";
import type { KickAllOptions, KickedFrom, KickResult } from "../../../logins/kick-options.js";
import type { ConsoleContext } from "../../../options/console.js";
import { confirmationPage } from "../../../pages/confirmation.js";
import type { Texts } from "../../../pages/texts/index.js";
import { toUserView } from "../../../pages/user-view.js";
import { deviceInfoOf } from "../../../util/device-info.js";
import type { Handler, HandlerContext } from "../../context.js";
import { valueOf } from "../../fields.js";
import { noticeReply } from "../../notice-reply.js";
import { isReply, jsonReply, redirectReply, type LinesReply, type Reply } from "../../reply.js";
import type { RouteRequest } from "../../route-request.js";
import { joinPath, userPageContext } from "../page-context.js";
import { requireFresh } from "../require-fresh.js";
import { pageUrl, truncateKickText } from "../require-login.js";
import { readable } from "./online-users.js";
import { requireAdmin, requireSameOrigin } from "./require-admin.js";
import { chosenIn, encodeSelection, MAX_SELECTED, type Chosen } from "./selection.js";

/** The part of the console that forces users offline. */
export const FORCE = "/force-offline";

/** `GET …/login-management/force-offline?user=…`: asks before anybody is forced offline. */
export const confirmForceOffline: Handler = async (context, request) => {
  const chosen = chosenIn(request.query);
  const admin = await requireAdmin(context, request, aboutToKick(chosen));
  if (isReply(admin)) return admin;
  const refusal = confirm(context, request);
  if (refusal !== undefined) return refusal;
  const url = pageUrl(request, FORCE);
  const base = {
    frame: await userPageContext(context, request, admin.userId),
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
  };
  const asked = await askedAbout(context, chosen);
  return asked === undefined
    ? redirectReply(`${url}?none=1`)
    : { status: 200, page: confirmationPage({ ...base, ...asked }) };
};

type Asked = Pick<Parameters<typeof confirmationPage>[0], "target" | "users" | "logins">;

/** Returns what the page asks about; `undefined` if there is no user to force offline. */
async function askedAbout(context: HandlerContext, { everyone, userIds, loginId }: Chosen): Promise<Asked | undefined> {
  if (everyone.length > 0) {
    const { total } = await context.logins.activeUsers({ offset: 0, limit: 0 });
    return { target: { kind: "everyone" }, users: total, logins: undefined };
  }
  const named = [...new Set(userIds)].slice(0, loginId === undefined ? MAX_SELECTED : 1);
  const logins = await countLogins(context, named, loginId);
  if (named.length === 0 || (loginId !== undefined && logins === 0)) return undefined;
  // Also who has no login that is shown: it may be changing its session id, and a kick takes it as well.
  const people = named.map(async (userId) => toUserView(userId, await context.options.pages.describeUser(userId)));
  const selection = encodeSelection({ userIds: named, loginId });
  return {
    target: { kind: "users", people: await Promise.all(people), isOneLogin: loginId !== undefined, selection },
    users: named.length,
    logins,
  };
}

/** How many logins of these users are shown; or whether the one that is named is listed. */
async function countLogins(
  { logins }: HandlerContext,
  userIds: readonly string[],
  loginId: string | undefined,
): Promise<number> {
  const [userId = ""] = userIds;
  if (loginId !== undefined) return (await logins.find(userId, loginId)) === undefined ? 0 : 1;
  const totals = await readable(userIds, async (each) => (await logins.list(each, { limit: 1 })).total);
  return totals.reduce((sum, total) => sum + total, 0);
}

/** `POST …/login-management/force-offline`: to a form a page, to a script how it goes on, line by line. */
export const forceOffline: Handler = async (context, request) => {
  requireSameOrigin(context, request);
  const form = await request.form();
  const chosen = chosenIn(form);
  const admin = await requireAdmin(context, request, aboutToKick(chosen));
  if (isReply(admin)) return admin;
  const refusal = confirm(context, request, pageUrl(request, FORCE));
  if (refusal !== undefined) return refusal;
  const why = {
    reason: truncateKickText(valueOf(form, "reason") ?? ""),
    by: truncateKickText(admin.userId),
    from: deviceInfoOf(request.original),
  };
  const { texts } = request;
  if (request.accepts(["html", "application/x-ndjson"]) === "application/x-ndjson") {
    return lineByLine(texts, (onProgress) => kick(context, chosen, { ...why, onProgress }));
  }
  const link = { href: pageUrl(request, FORCE), label: texts.continue_ };
  try {
    const result = await kick(context, chosen, why);
    if (result === "mistyped") return noticeReply(context, request, 400, { title: texts.wrongApplicationId, link });
    if (!context.options.pages.html) {
      return jsonReply(200, texts.forced(result.users, result.logins), { users: result.users, logins: result.logins });
    }
    return redirectReply(`${link.href}?users=${String(result.users)}&logins=${String(result.logins)}`);
  } catch (error) {
    if (!isKickIncomplete(error)) throw error;
    return noticeReply(context, request, 503, { title: texts.stopped, link });
  }
};

/** Returns the reply to an administrator whose login must be fresh, and is not. */
function confirm(context: HandlerContext, request: RouteRequest, page?: string): Reply | undefined {
  const { confirmIdentity } = context.options.pages;
  // A function is for the personal center: here, `authorize` decides.
  return typeof confirmIdentity === "object" ? requireFresh(context, request, confirmIdentity, page) : undefined;
}

/** What `authorize` is asked about such a form: exactly those who would be kicked. */
function aboutToKick({ everyone, userIds }: Chosen): Omit<ConsoleContext, "appId"> {
  const isMassKick = everyone.length > 0;
  return { action: "kick", isMassKick, ...(isMassKick ? {} : { userIds }) };
}

/** Everyone only if the application's id was typed as it is. */
async function kick(
  { options, logins }: HandlerContext,
  { everyone, userIds, loginId }: Chosen,
  { onProgress, ...why }: Omit<KickAllOptions, "except"> & KickedFrom,
): Promise<KickResult | "mistyped"> {
  if (everyone.length > 0) {
    const isTyped = everyone.every((typed) => typed === options.appId);
    return isTyped ? logins.kickAll({ ...why, onProgress }) : "mistyped";
  }
  const [userId] = userIds;
  if (userId === undefined) return { users: 0, logins: 0 };
  return loginId === undefined ? logins.kick(userIds, why) : logins.kickLogin(userId, loginId, why);
}

/** A line for each step, the last one with a `code`. */
function lineByLine(
  texts: Texts,
  start: (onProgress: KickAllOptions["onProgress"]) => Promise<KickResult | "mistyped">,
): LinesReply {
  const lines: LinesReply["lines"] = async (line) => {
    try {
      const result = await start(({ done, total }) => {
        line({ message: texts.forcing(done, total), done, total });
      });
      if (result === "mistyped") line({ code: 400, message: texts.wrongApplicationId });
      else line({ code: 200, message: texts.forced(result.users, result.logins) });
    } catch (error) {
      if (!(error instanceof LogoutError)) throw error;
      line({ code: error.status, message: isKickIncomplete(error) ? texts.stopped : error.message });
    }
  };
  return { status: 200, lines };
}

function isKickIncomplete(error: unknown): boolean {
  return LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED", "ERR_AUDIT_FAILED");
}
