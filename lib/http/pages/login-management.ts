import type { Request, Response } from "express";
import { LogoutError } from "../../errors.js";
import { LOGINS_PER_USER } from "../../util/limits.js";
import type { KickAllOptions, KickResult } from "../../logins/logins.js";
import type { ConsoleContext } from "../../options/console.js";
import { loginManagementPage, PAGE_SIZES, SELECTION_LENGTH, type OnlineUser } from "../../pages/login-management.js";
import { confirmationPage } from "../../pages/confirmation.js";
import { toUserView } from "../../pages/user-view.js";
import type { Texts } from "../../pages/texts/index.js";
import { NO_APPLICATION } from "../authing-api/authenticate.js";
import { redirectTo, sendNotice, sendPage } from "../responses.js";
import { readForm } from "../body.js";
import type { Handler, HttpContext } from "../context.js";
import { onlyValueOf, queryOf, valueOf, type Fields } from "../fields.js";
import { mustBeSameOrigin } from "../origin.js";
import { userPageContext, joinPath, textsOf } from "./page-context.js";
import { withPassportUser } from "../middleware-order.js";
import { chosenIn, encodeSelection, MAX_SELECTED, type Chosen } from "./selection.js";
import { countOf, truncateKickText, pageUrl, requireLogin } from "./require-login.js";

type AskedOf = Omit<ConsoleContext, "appId">;

const FORCE = "/force-offline";
const MAX_FOUND = 50;
/** Of how many whom the app finds it is looked up whether they are online, and how many at once. */
const MAX_CANDIDATES = 1_000;
const CANDIDATES_AT_ONCE = 50;

/** `GET …/login-management`: who is online. */
export const showLoginManagement: Handler = async (context, req, res) => {
  const admin = await requireAdmin(context, req, res, { action: "list", isMassKick: false });
  if (admin === undefined) return;
  const frame = await userPageContext(context, req, admin);
  const query = queryOf(req);
  const search = (valueOf(query, "q") ?? "").slice(0, 256);
  const limit = PAGE_SIZES.find((size) => size === countOf(onlyValueOf(query, "limit"))) ?? PAGE_SIZES[0];
  const asked = countOf(onlyValueOf(query, "page")) ?? 1;
  const found = search === "" ? await onlinePage(context, asked, limit) : await foundUsers(context, search);
  const url = pageUrl(context, req, "");
  const html = loginManagementPage({
    frame,
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
    ...found,
    limit,
    search,
    ...selectionIn(query),
    status: statusFrom(query, frame.texts),
  });
  sendPage(context, res, 200, html);
};

/** `GET …/login-management/force-offline?user=…`: asks before anybody is forced offline. */
export const confirmForceOffline: Handler = async (context, req, res) => {
  const chosen = chosenIn(queryOf(req));
  const { everyone, userIds, loginId } = chosen;
  const admin = await requireAdmin(context, req, res, aboutToKick(chosen));
  if (admin === undefined) return;
  const url = pageUrl(context, req, FORCE);
  const base = {
    frame: await userPageContext(context, req, admin),
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
  };
  if (everyone.length > 0) {
    const { total } = await context.logins.activeUsers({ offset: 0, limit: 0 });
    const target = { kind: "everyone" } as const;
    sendPage(context, res, 200, confirmationPage({ ...base, target, users: total, logins: undefined }));
    return;
  }
  const named = [...new Set(userIds)].slice(0, loginId === undefined ? MAX_SELECTED : 1);
  const logins = await countLogins(context, named, loginId);
  if (named.length === 0 || (loginId !== undefined && logins === 0)) {
    redirectTo(res, `${url}?none=1`);
    return;
  }
  // Also who has no login that is shown: it may be changing its session id, and a kick takes it as well.
  const people = named.map(async (userId) => toUserView(userId, await context.options.pages.describeUser(userId)));
  const selection = encodeSelection({ userIds: named, loginId });
  const target = {
    kind: "users",
    people: await Promise.all(people),
    isOneLogin: loginId !== undefined,
    selection,
  } as const;
  sendPage(context, res, 200, confirmationPage({ ...base, target, users: named.length, logins }));
};

/** How many logins of these users are shown; or whether the one that is named is listed. */
async function countLogins(
  { logins }: HttpContext,
  userIds: readonly string[],
  loginId: string | undefined,
): Promise<number> {
  const [userId = ""] = userIds;
  if (loginId !== undefined) return (await logins.find(userId, loginId)) === undefined ? 0 : 1;
  const totals = await readable(userIds, async (each) => (await logins.list(each, { limit: 1 })).total);
  return totals.reduce((sum, total) => sum + total, 0);
}

/** `POST …/login-management/force-offline`: to a form a page, to a script how it goes on, line by line. */
export const forceOffline: Handler = async (context, req, res) => {
  mustBeSameOrigin(req);
  const form = await readForm(req, res);
  const chosen = chosenIn(form);
  const admin = await requireAdmin(context, req, res, aboutToKick(chosen));
  if (admin === undefined) return;
  const texts = textsOf(context, req);
  const link = { href: pageUrl(context, req, FORCE), label: texts.continue_ };
  const why = { reason: truncateKickText(valueOf(form, "reason") ?? ""), by: truncateKickText(admin) };
  if (req.accepts(["html", "application/x-ndjson"]) === "application/x-ndjson") {
    await forceLineByLine(res, texts, (onProgress) => kick(context, chosen, { ...why, onProgress }));
    return;
  }
  try {
    const result = await kick(context, chosen, why);
    if (result === "mistyped") sendNotice(context, req, res, 400, { title: texts.wrongApplicationId, link });
    else redirectTo(res, `${link.href}?users=${String(result.users)}&logins=${String(result.logins)}`);
  } catch (error) {
    if (!isKickIncomplete(error)) throw error;
    sendNotice(context, req, res, 503, { title: texts.stopped, link });
  }
};

/** Who is checked: as many as an address can carry on to the next page. */
function selectionIn(query: Fields) {
  const checked = [...new Set(query("user").filter((user) => user !== ""))];
  let length = 0;
  const selected = checked.filter((user) => {
    length += new URLSearchParams({ user }).toString().length + "&".length;
    return length <= SELECTION_LENGTH;
  });
  return { selected, isFull: selected.length < checked.length };
}

/** What `authorize` is asked about such a form: exactly those who would be kicked. */
function aboutToKick({ everyone, userIds }: Chosen): AskedOf {
  const isMassKick = everyone.length > 0;
  return { action: "kick", isMassKick, ...(isMassKick ? {} : { userIds }) };
}

/** Everyone only if the application's id was typed as it is. */
async function kick(
  { options, logins }: HttpContext,
  { everyone, userIds, loginId }: Chosen,
  { onProgress, ...why }: KickAllOptions,
): Promise<KickResult | "mistyped"> {
  if (everyone.length > 0) {
    const isTyped = everyone.every((typed) => typed === options.appId);
    return isTyped ? logins.kickAll({ ...why, onProgress }) : "mistyped";
  }
  const [userId] = userIds;
  if (userId === undefined) return { users: 0, logins: 0 };
  return loginId === undefined ? logins.kick(userIds, why) : logins.kickLogin(userId, loginId, why);
}

/** A line of JSON for each step, the last one with a `code`. The head is sent before it is known how it ends. */
async function forceLineByLine(
  res: Response,
  texts: Texts,
  start: (onProgress: KickAllOptions["onProgress"]) => Promise<KickResult | "mistyped">,
): Promise<void> {
  res.status(200).set({ "Content-Type": "application/x-ndjson; charset=utf-8", "Cache-Control": "no-store" });
  const line = (data: object): void => void res.write(`${JSON.stringify(data)}\n`);
  try {
    const result = await start(({ done, total }) => line({ message: texts.forcing(done, total), done, total }));
    if (result === "mistyped") line({ code: 400, message: texts.wrongApplicationId });
    else line({ code: 200, message: texts.forced(result.users, result.logins) });
  } catch (error) {
    if (!(error instanceof LogoutError)) throw error;
    line({ code: error.status, message: isKickIncomplete(error) ? texts.stopped : error.message });
  }
  res.end();
}

function isKickIncomplete(error: unknown): boolean {
  return LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED");
}

/** The user who may do this here; anybody else is answered, and there is nothing more to do. */
async function requireAdmin(
  context: HttpContext,
  req: Request,
  res: Response,
  what: AskedOf,
): Promise<string | undefined> {
  const { appId, console } = context.options;
  if ((req.params["appId"] ?? appId) !== appId) {
    throw new LogoutError("ERR_REQUEST_INVALID", NO_APPLICATION, { status: 404 });
  }
  const login = await requireLogin(context, req, res);
  if (login === undefined) return undefined;
  const may = await withPassportUser(req, () => console?.authorize(req, { appId, ...what }));
  if (may === true) return login.userId;
  const texts = textsOf(context, req);
  sendNotice(context, req, res, 403, { title: texts.noAccess, text: texts.adminsOnly });
  return undefined;
}

async function onlinePage({ options, logins }: HttpContext, page: number, limit: number) {
  const asked = Math.max(1, page);
  const pageOf = (number: number) => logins.activeUsers({ offset: (number - 1) * limit, limit });
  const first = await pageOf(asked);
  const last = Math.max(1, Math.ceil(first.total / limit));
  const { total: totalCount, items: users } = asked <= last ? first : await pageOf(last);
  const people = users.map(async ({ userId, ...live }) => ({
    person: toUserView(userId, await options.pages.describeUser(userId)),
    ...live,
  }));
  return { totalCount, users: await Promise.all(people), page: Math.min(asked, last), isCut: false };
}

async function foundUsers(context: HttpContext, search: string) {
  // Apps in JavaScript have numbers for ids as well.
  const byName = ((await context.options.console?.searchUsers(search)) ?? []).map(String);
  const candidates = [...new Set([search, ...byName])];
  const online: OnlineUser[] = [];
  for (let next = 0; next < Math.min(candidates.length, MAX_CANDIDATES); next += CANDIDATES_AT_ONCE) {
    if (online.length > MAX_FOUND) break;
    online.push(...(await onlineUsers(context, candidates.slice(next, next + CANDIDATES_AT_ONCE))));
  }
  const users = online.slice(0, MAX_FOUND);
  const isCut = online.length > MAX_FOUND || candidates.length > MAX_CANDIDATES;
  return { totalCount: users.length, users, page: 1, isCut };
}

/** Of these users, those who are online. */
async function onlineUsers({ options, logins }: HttpContext, userIds: readonly string[]): Promise<OnlineUser[]> {
  const live = await readable([...new Set(userIds)], async (userId) => {
    const { items, total } = await logins.list(userId, { limit: LOGINS_PER_USER });
    return { userId, logins: items, loginsCount: total };
  });
  const online = live.filter((user) => user.logins.length > 0);
  return Promise.all(
    online.map(async ({ userId, ...user }) => ({
      person: toUserView(userId, await options.pages.describeUser(userId)),
      ...user,
    })),
  );
}

/** What is read of these users: one that cannot be read is left out, unless none can. */
async function readable<Read>(userIds: readonly string[], read: (userId: string) => Promise<Read>): Promise<Read[]> {
  const results = await Promise.allSettled(userIds.map(read));
  const found = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (found.length === 0 && failed !== undefined) throw failed.reason;
  return found;
}

function statusFrom(query: Fields, texts: Texts): string | undefined {
  if (query("none").length > 0) return texts.noneSelected;
  const counts = [countOf(onlyValueOf(query, "users")), countOf(onlyValueOf(query, "logins"))] as const;
  return counts[0] === undefined || counts[1] === undefined ? undefined : texts.forced(counts[0], counts[1]);
}
