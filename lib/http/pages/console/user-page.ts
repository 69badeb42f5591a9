import { userPage, USER_PAGE_LOGINS } from "../../../pages/user-page.js";
import { listHistory } from "../../../logins/list-history.js";
import type { AuditEntry } from "../../../audit/entry.js";
import type { Handler, HandlerContext } from "../../context.js";
import { onlyValueOf, valueOf } from "../../fields.js";
import { noticeReply } from "../../notice-reply.js";
import { isReply } from "../../reply.js";
import { describeLogins, describeUser } from "../ask-app.js";
import { joinPath, userPageContext } from "../page-context.js";
import { countOf, pageUrl } from "../require-login.js";
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
  const page = Math.max(1, countOf(onlyValueOf(query, "page")) ?? 1);
  const read = (number: number) =>
    context.logins.loginsOf(userId, { limit: USER_PAGE_LOGINS, offset: (number - 1) * USER_PAGE_LOGINS });
  const first = await read(page);
  const last = Math.max(1, Math.ceil(first.total / USER_PAGE_LOGINS));
  const { items, total } = page <= last ? first : await read(last);
  const shown = userPage({
    frame: await userPageContext(context, request, admin.userId),
    appId: context.options.appId,
    url,
    usersUrl: joinPath(url, USERS),
    forceUrl: joinPath(url, FORCE),
    historyUrl: context.audit.history === undefined ? undefined : joinPath(url, HISTORY),
    person: await describeUser(context, userId),
    isYou: userId === admin.userId,
    currentId: admin.id,
    logins: await describeLogins(context, items),
    total,
    page: Math.min(page, last),
    history: await lastEntries(context, userId),
  });
  return { status: 200, page: shown };
};

async function lastEntries({ audit }: HandlerContext, userId: string): Promise<readonly AuditEntry[]> {
  if (audit.history === undefined) return [];
  return (await listHistory(audit.history, { userId, limit: LAST_ENTRIES })).items;
}
