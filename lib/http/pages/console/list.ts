import { loginManagementPage, SELECTION_LENGTH } from "../../../pages/login-management.js";
import type { Texts } from "../../../pages/texts/index.js";
import type { Handler } from "../../context.js";
import { onlyValueOf, type Fields } from "../../fields.js";
import { isReply, pageOrData } from "../../reply.js";
import { onlineUserJson } from "../json.js";
import { joinPath, userPageContext } from "../page-context.js";
import { countOf, pageUrl } from "../require-login.js";
import { findingParameters, mustBeValid, readListQuery, type ListQuery } from "./list-query.js";
import { onlineUsers, withShown, type OnlineUsers } from "./online-users.js";
import { FORCE, HISTORY, USERS } from "./parts.js";
import { requireAdmin, type Admin } from "./require-admin.js";

/** `GET …/login-management`: who is online. */
export const showLoginManagement: Handler = async (context, request) => {
  const admin = await requireAdmin(context, request, { action: "list", isMassKick: false });
  if (isReply(admin)) return admin;
  const { query, texts } = request;
  const asked = readListQuery(query);
  if (request.wantsData) {
    mustBeValid(asked.wrong);
    return pageOrData(listJson(await onlineUsers(context, asked), asked, admin, texts));
  }
  const frame = await userPageContext(context, request, admin.userId);
  const found = await onlineUsers(context, asked);
  const shown = await withShown(context, found.users, query("shown"));
  const url = pageUrl(request, "");
  const page = loginManagementPage({
    frame,
    appId: context.options.appId,
    url,
    forceUrl: joinPath(url, FORCE),
    userUrl: joinPath(url, USERS),
    historyUrl: context.audit.history === undefined ? undefined : joinPath(url, HISTORY),
    ...found,
    ...shown,
    limit: asked.limit,
    search: asked.search,
    filter: asked.filter,
    finding: findingParameters(asked),
    wrong: found.sort === asked.sort ? asked.wrong : [...asked.wrong, "sort"],
    opened: query("open"),
    ...selectionIn(query),
    status: statusFrom(query, texts),
  });
  return pageOrData(page);
};

function listJson(
  { online, found, users, page, sort, isCut, isSearchFailed, lookedAt }: OnlineUsers,
  { limit }: ListQuery,
  admin: Admin,
  texts: Texts,
): object {
  const total = found ?? online;
  const list = users.map((user) => onlineUserJson(user, admin.id, texts));
  return { online, total, page, limit, sort, isCut, isSearchFailed, lookedAt, users: list };
}

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

function statusFrom(query: Fields, texts: Texts): string | undefined {
  const counts = [countOf(onlyValueOf(query, "users")), countOf(onlyValueOf(query, "logins"))] as const;
  return counts[0] === undefined || counts[1] === undefined ? undefined : texts.forced(counts[0], counts[1]);
}
