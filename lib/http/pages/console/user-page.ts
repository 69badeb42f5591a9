import { userPage, USER_PAGE_LOGINS } from "../../../pages/user-page.js";
import { listHistory } from "../../../logins/list-history.js";
import type { AuditEntry } from "../../../audit/entry.js";
import type { Handler, HandlerContext } from "../../context.js";
import { valueOf } from "../../fields.js";
import { noticeReply } from "../../notice-reply.js";
import { isReply, pageOrData } from "../../reply.js";
import { describeLogins, describeUser } from "../ask-app.js";
import { entryJson, loginJson, userJson } from "../json.js";
import { joinPath, userPageContext } from "../page-context.js";
import { pageUrl } from "../require-login.js";
import { mustBeValid, pageIn } from "./list-query.js";
import { FORCE, HISTORY, USERS } from "./parts.js";
import { requireAdmin } from "./require-admin.js";

/** How many entries of the history stand beside a user's logins. */
const LAST_ENTRIES = 20;

/** `GET …/login-management/users?id=…`: every login of one user. */
export const showUser: Handler = async (context, request) => {
  const { query, texts } = request;
  const userId = valueOf(query, "id");
  const what = { action: "list", isMassKick: false, ...(userId === undefined ? {} : { userIds: [userId] }) } as const;
  const admin = await requireAdmin(context, request, what);
  if (isReply(admin)) return admin;
  const url = pageUrl(request, USERS);
  if (userId === undefined) {
    return noticeReply(context, request, 404, {
      title: texts.pageNotFound,
      link: { href: url, label: texts.continue_ },
    });
  }
  const asked = pageIn(query);
  if (request.wantsData && asked === undefined) mustBeValid(["page"]);
  const page = asked ?? 1;
  const read = (number: number) =>
    context.logins.loginsOf(userId, { limit: USER_PAGE_LOGINS, offset: (number - 1) * USER_PAGE_LOGINS });
  const first = await read(page);
  const last = Math.max(1, Math.ceil(first.total / USER_PAGE_LOGINS));
  const { items, total } = page <= last ? first : await read(last);
  const shown = {
    person: await describeUser(context, userId),
    isYou: userId === admin.userId,
    logins: await describeLogins(context, items),
    total,
    page: Math.min(page, last),
    history: await lastEntries(context, userId),
  };
  if (request.wantsData) {
    return pageOrData({
      user: userJson(shown.person),
      isYou: shown.isYou,
      total,
      page: shown.page,
      limit: USER_PAGE_LOGINS,
      logins: shown.logins.map((login) => loginJson(login, admin.id, texts)),
      history: context.audit.history && shown.history.map(entryJson),
    });
  }
  const html = userPage({
    frame: await userPageContext(context, request, admin.userId),
    appId: context.options.appId,
    url,
    usersUrl: joinPath(url, USERS),
    forceUrl: joinPath(url, FORCE),
    historyUrl: context.audit.history === undefined ? undefined : joinPath(url, HISTORY),
    currentId: admin.id,
    ...shown,
  });
  return pageOrData(html);
};

async function lastEntries({ audit }: HandlerContext, userId: string): Promise<readonly AuditEntry[]> {
  if (audit.history === undefined) return [];
  return (await listHistory(audit.history, { userId, limit: LAST_ENTRIES })).items;
}
