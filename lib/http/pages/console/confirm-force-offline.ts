import { LogoutError } from "../../../errors.js";
import { confirmationPage, type Confirmation } from "../../../pages/confirmation.js";
import type { LoginFilter } from "../../../logins/filter.js";
import type { ConsoleContext } from "../../../options/console.js";
import type { Handler, HandlerContext } from "../../context.js";
import { noticeReply } from "../../notice-reply.js";
import { isReply, pageOrData, type Reply } from "../../reply.js";
import type { RouteRequest } from "../../route-request.js";
import { describeLogins, describeUser } from "../ask-app.js";
import { userJson } from "../json.js";
import { joinPath, userPageContext } from "../page-context.js";
import { requireFresh } from "../require-fresh.js";
import { pageUrl } from "../require-login.js";
import { filterParameters } from "./filter-fields.js";
import { readListQuery } from "./list-query.js";
import { foundUsers, readable, type Found } from "./online-users.js";
import { FORCE } from "./parts.js";
import { requireAdmin, type Admin } from "./require-admin.js";
import {
  chosenIn,
  encodeSelection,
  MAX_SELECTED,
  type Chosen,
  type ChosenFound,
  type ChosenUsers,
  type Includes,
} from "./selection.js";
import { sparedUsers } from "./spared.js";

/** Whom a page asks about before ticks change it. */
const SPARES_ADMINISTRATORS: Includes = { me: false, administrators: false };

/** `GET …/login-management/force-offline?user=…`: asks before anybody is forced offline. */
export const confirmForceOffline: Handler = async (context, request) => {
  const asked = await whomAsked(context, request);
  if (isReply(asked)) return asked;
  const { chosen, found } = asked;
  const admin = await requireAdmin(context, request, aboutToKick(chosen));
  if (isReply(admin)) return admin;
  const refusal = confirm(context, request);
  if (refusal !== undefined) return refusal;
  const url = pageUrl(request, FORCE);
  const about = await askedAbout(context, chosen, found, admin);
  if (about === undefined) {
    const { texts } = request;
    return noticeReply(context, request, 409, {
      title: texts.noneSelected,
      link: { href: url, label: texts.continue_ },
    });
  }
  if (request.wantsData) return pageOrData(previewJson(about));
  const page = confirmationPage({
    frame: await userPageContext(context, request, admin.userId),
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
    ...about,
  });
  return pageOrData(page);
};

/** What a POST with `selection` does; with the application's id in `everyone` where that is needed. */
function previewJson({ target, users, logins }: Asked): object {
  const { kind } = target;
  if (kind === "everyone") {
    return { kind, users, administrators: target.administrators, isAppIdNeeded: true };
  }
  const { selection } = target;
  const people = target.people.map(userJson);
  if (kind === "found") {
    const { administrators, isCut, isEveryone } = target;
    return { kind, users, logins, people, administrators, isCut, isAppIdNeeded: isEveryone, selection };
  }
  const { login, offline, isYou } = target;
  return { kind, users, logins, people, loginId: login?.id, offline, isYou, isAppIdNeeded: false, selection };
}

/** What `authorize` is asked about such a form: exactly those who would be kicked. */
export function aboutToKick(chosen: Chosen): Omit<ConsoleContext, "appId"> {
  if (chosen.kind === "everyone" || chosen.userIds === undefined) return { action: "kick", isMassKick: true };
  return { action: "kick", isMassKick: false, userIds: chosen.userIds };
}

/** Returns the reply to an administrator whose login must be fresh, and is not. */
export function confirm(context: HandlerContext, request: RouteRequest, page?: string): Reply | undefined {
  const { confirmIdentity } = context.options.pages;
  // A function is for the personal center: here, `authorize` decides.
  return typeof confirmIdentity === "object" ? requireFresh(context, request, confirmIdentity, page) : undefined;
}

interface WhomAsked {
  readonly chosen: Chosen;
  /** Those whom a filter or a search finds. */
  readonly found?: Found;
}

/** Looks for those who are found, if the administrator may list them. Everyone whom a search finds is named one by one. */
async function whomAsked(context: HandlerContext, request: RouteRequest): Promise<WhomAsked | Reply> {
  const chosen = chosenIn(request.query);
  if (chosen.kind !== "found") return { chosen };
  const admin = await requireAdmin(context, request, { action: "list", isMassKick: false });
  if (isReply(admin)) return admin;
  const query = readListQuery(request.query);
  if (query.search === "" || chosen.filter.wrong.length > 0) checkFilter(chosen);
  const found = await foundUsers(context, query);
  if (query.search === "") return { chosen, found };
  const users = found.users.slice(0, MAX_SELECTED);
  const userIds = users.map(({ userId }) => userId);
  // With a filter, only the logins that match end.
  if (chosen.filter.where !== undefined) return { chosen: { ...chosen, userIds }, found: { ...found, users } };
  const spared = new Set(await sparedUsers(context, SPARES_ADMINISTRATORS, admin));
  return { chosen: { kind: "users", userIds: userIds.filter((userId) => !spared.has(userId)) } };
}

type Asked = Pick<Confirmation, "target" | "users" | "logins">;

/** Returns what the page asks about; `undefined` if there is no user to force offline. */
async function askedAbout(
  context: HandlerContext,
  chosen: Chosen,
  found: Found | undefined,
  admin: Admin,
): Promise<Asked | undefined> {
  if (chosen.kind === "everyone") return askedAboutEveryone(context, admin);
  if (chosen.kind === "users") return askedAboutUsers(context, chosen, admin);
  return found === undefined ? undefined : askedAboutFound(context, chosen, found, admin);
}

async function askedAboutEveryone(context: HandlerContext, admin: Admin): Promise<Asked> {
  const { total } = await context.logins.activeUsers({ offset: 0, limit: 0 });
  const others = (await sparedUsers(context, SPARES_ADMINISTRATORS, admin)).filter((id) => id !== admin.userId);
  const online = await countLogins(context, others);
  const administrators = online.filter((count) => count > 0).length;
  return {
    target: { kind: "everyone", administrators: hasAdministrators(context) ? administrators : undefined },
    users: Math.max(0, total - 1 - administrators),
    logins: undefined,
  };
}

async function askedAboutFound(
  context: HandlerContext,
  { filter, asOf, userIds }: ChosenFound,
  { users, isCut }: Found,
  admin: Admin,
): Promise<Asked | undefined> {
  const spared = new Set(await sparedUsers(context, SPARES_ADMINISTRATORS, admin));
  const meant = users.filter(({ userId }) => !spared.has(userId));
  if (meant.length === 0 && !isCut) return undefined;
  const { total } = await context.logins.activeUsers({ offset: 0, limit: 0 });
  const isEveryone = meant.length > 1 && users.length >= total;
  const isOther = (userId: string): boolean => userId !== admin.userId && spared.has(userId);
  const fields = Object.fromEntries(filterParameters(filter).map(([name, value]) => [name, [value]]));
  const named = meant.slice(0, MAX_NAMED).map(({ userId }) => userId);
  return {
    target: {
      kind: "found",
      people: await describeAll(context, named),
      administrators: hasAdministrators(context) ? users.filter(({ userId }) => isOther(userId)).length : undefined,
      selection: encodeSelection({ filter: fields, userIds, asOf: +asOf, isEveryone }),
      isCut,
      isEveryone,
    },
    users: meant.length,
    logins: meant.reduce((sum, { matching }) => sum + matching, 0),
  };
}

/** How many of those who are found a page names. */
const MAX_NAMED = 20;

async function askedAboutUsers(
  context: HandlerContext,
  { userIds, loginId }: ChosenUsers,
  admin: Admin,
): Promise<Asked | undefined> {
  const named = [...new Set(userIds)].slice(0, loginId === undefined ? MAX_SELECTED : 1);
  const [first] = named;
  if (first === undefined) return undefined;
  const login = loginId === undefined ? undefined : await context.logins.find(first, loginId);
  if (loginId !== undefined && login === undefined) return undefined;
  const totals = login === undefined ? await countLogins(context, named) : [1];
  return {
    target: {
      kind: "users",
      // Also who has no login that is shown: it may be changing its session id, and a kick takes it as well.
      people: await describeAll(context, named),
      login: login && (await describeLogins(context, [login]))[0],
      offline: totals.filter((total) => total === 0).length,
      isYou: login === undefined ? named.includes(admin.userId) : login.id === admin.id,
      selection: encodeSelection({ userIds: named, loginId }),
    },
    users: named.length,
    logins: totals.reduce((sum, total) => sum + total, 0),
  };
}

function hasAdministrators({ options }: HandlerContext): boolean {
  return options.console?.administrators !== undefined;
}

function describeAll(context: HandlerContext, userIds: readonly string[]) {
  return Promise.all(userIds.map((userId) => describeUser(context, userId)));
}

/** How many logins of each of these users are shown. */
function countLogins({ logins }: HandlerContext, userIds: readonly string[]): Promise<number[]> {
  return readable(userIds, async (each) => (await logins.list(each, { limit: 1 })).total);
}

/**
 * Returns the filter of a form, for those who had logged in when its page was made. One that cannot be read must end nothing, least of
 * all everyone's logins.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400
 */
export function whereOf(chosen: ChosenFound): LoginFilter {
  const where = checkFilter(chosen);
  const { loggedInBefore } = where;
  const { asOf } = chosen;
  return { ...where, loggedInBefore: loggedInBefore !== undefined && +loggedInBefore < +asOf ? loggedInBefore : asOf };
}

function checkFilter({ filter: { where, wrong } }: ChosenFound): LoginFilter {
  if (where !== undefined) return where;
  const what = wrong.length === 0 ? "The form has no filter." : `Not valid in the filter: ${wrong.join(", ")}.`;
  throw new LogoutError("ERR_REQUEST_INVALID", what);
}
