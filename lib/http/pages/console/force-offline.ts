import type { KickAllOptions, KickedFrom, KickResult } from "../../../logins/kick-options.js";
import type { ConsoleContext } from "../../../options/console.js";
import { confirmationPage } from "../../../pages/confirmation.js";
import { toUserView } from "../../../pages/user-view.js";
import { deviceInfoOf } from "../../../util/device-info.js";
import { MAX_EXCEPT } from "../../../util/limits.js";
import type { Handler, HandlerContext } from "../../context.js";
import { valueOf } from "../../fields.js";
import { noticeReply } from "../../notice-reply.js";
import { isReply, jsonReply, redirectReply, type Reply } from "../../reply.js";
import type { RouteRequest } from "../../route-request.js";
import { joinPath, userPageContext } from "../page-context.js";
import { requireFresh } from "../require-fresh.js";
import { pageUrl, truncateKickText } from "../require-login.js";
import { isKickIncomplete, lineByLine } from "./kick-lines.js";
import { readable } from "./online-users.js";
import { requireAdmin, requireSameOrigin, type Admin } from "./require-admin.js";
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
  const asked = await askedAbout(context, chosen, admin);
  if (asked !== undefined) return { status: 200, page: confirmationPage({ ...base, ...asked }) };
  const { texts } = request;
  return noticeReply(context, request, 409, { title: texts.noneSelected, link: { href: url, label: texts.continue_ } });
};

type Asked = Pick<Parameters<typeof confirmationPage>[0], "target" | "users" | "logins">;

/** Returns what the page asks about; `undefined` if there is no user to force offline. */
async function askedAbout(
  context: HandlerContext,
  { everyone, userIds, loginId }: Chosen,
  admin: Admin,
): Promise<Asked | undefined> {
  if (everyone.length > 0) {
    const { total } = await context.logins.activeUsers({ offset: 0, limit: 0 });
    return { target: { kind: "everyone" }, users: Math.max(0, total - 1), logins: undefined };
  }
  const named = [...new Set(userIds)].slice(0, loginId === undefined ? MAX_SELECTED : 1);
  const [first] = named;
  if (first === undefined) return undefined;
  const login = loginId === undefined ? undefined : await context.logins.find(first, loginId);
  if (loginId !== undefined && login === undefined) return undefined;
  const totals = login === undefined ? await countLogins(context, named) : [1];
  // Also who has no login that is shown: it may be changing its session id, and a kick takes it as well.
  const people = named.map(async (userId) => toUserView(userId, await context.options.pages.describeUser(userId)));
  const selection = encodeSelection({ userIds: named, loginId });
  return {
    target: {
      kind: "users",
      people: await Promise.all(people),
      login,
      offline: totals.filter((total) => total === 0).length,
      isYou: login === undefined ? named.includes(admin.userId) : login.id === admin.id,
      selection,
    },
    users: named.length,
    logins: totals.reduce((sum, total) => sum + total, 0),
  };
}

/** How many logins of each of these users are shown. */
function countLogins({ logins }: HandlerContext, userIds: readonly string[]): Promise<number[]> {
  return readable(userIds, async (each) => (await logins.list(each, { limit: 1 })).total);
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
  const start = async (more: Pick<KickAllOptions, "onProgress" | "signal"> = {}): Promise<KickResult | "mistyped"> =>
    kick(context, chosen, { ...why, ...more, except: await sparedOf(context, chosen, admin) });
  if (request.accepts(["html", "application/x-ndjson"]) === "application/x-ndjson") {
    return lineByLine(context, texts, start);
  }
  const link = { href: pageUrl(request, FORCE), label: texts.continue_ };
  try {
    const result = await start();
    if (result === "mistyped") return noticeReply(context, request, 400, { title: texts.wrongApplicationId, link });
    if (!context.options.pages.html) {
      return jsonReply(200, texts.forced(result.users, result.logins), { users: result.users, logins: result.logins });
    }
    // The list would say only that the administrator has been logged out.
    if (chosen.everyone.length > 0 && chosen.includesAdmin) return lastReply(context, request, result);
    return redirectReply(`${link.href}?users=${String(result.users)}&logins=${String(result.logins)}`);
  } catch (error) {
    if (!isKickIncomplete(error)) throw error;
    return noticeReply(context, request, 503, { title: texts.stopped, link });
  }
};

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

/** Returns the logins that a kick of everyone spares: those of the administrator, unless they have ticked themselves as well. */
async function sparedOf(context: HandlerContext, { everyone, includesAdmin }: Chosen, admin: Admin): Promise<string[]> {
  if (everyone.length === 0 || includesAdmin) return [];
  const { items } = await context.logins.list(admin.userId, { limit: MAX_EXCEPT });
  return [...new Set([admin.id, ...items.map(({ id }) => id)])].slice(0, MAX_EXCEPT);
}

/** Everyone only if the application's id was typed as it is. */
async function kick(
  { options, logins }: HandlerContext,
  { everyone, userIds, loginId }: Chosen,
  { onProgress, signal, except, ...why }: KickAllOptions & KickedFrom,
): Promise<KickResult | "mistyped"> {
  if (everyone.length > 0) {
    const isTyped = everyone.every((typed) => typed === options.appId);
    return isTyped ? logins.kickAll({ ...why, onProgress, signal, except }) : "mistyped";
  }
  const [userId] = userIds;
  if (userId === undefined) return { users: 0, logins: 0 };
  return loginId === undefined ? logins.kick(userIds, { ...why, signal }) : logins.kickLogin(userId, loginId, why);
}
