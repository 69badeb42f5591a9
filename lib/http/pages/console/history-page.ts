import type { AuditEntry } from "../../../audit/entry.js";
import { LogoutError } from "../../../errors.js";
import { listHistory } from "../../../logins/list-history.js";
import { historyPage, type HistoryRow } from "../../../pages/history-page.js";
import type { UserView } from "../../../pages/user-view.js";
import type { HistoryLog, Page } from "../../../types/history.js";
import type { Handler, HandlerContext } from "../../context.js";
import { valueOf } from "../../fields.js";
import { isReply, pageOrData } from "../../reply.js";
import { describeUser } from "../ask-app.js";
import { entryJson } from "../json.js";
import { joinPath, userPageContext } from "../page-context.js";
import { pageUrl } from "../require-login.js";
import { mustBeValid } from "./list-query.js";
import { HISTORY, USERS } from "./parts.js";
import { requireAdmin } from "./require-admin.js";

const ENTRIES = 50;
/** How many users of one kick are named. */
const MAX_NAMED = 3;
const MAX_VALUE = 500;

/** `GET …/login-management/history?user=…&by=…`: what the history keeps, newest first. */
export const showHistory: Handler = async (context, request) => {
  const { query } = request;
  const userId = valueOf(query, "user")?.slice(0, MAX_VALUE);
  const by = valueOf(query, "by")?.slice(0, MAX_VALUE);
  const what = { action: "list", isMassKick: false, ...(userId === undefined ? {} : { userIds: [userId] }) } as const;
  const admin = await requireAdmin(context, request, what);
  if (isReply(admin)) return admin;
  const { history } = context.audit;
  if (history === undefined) throw new LogoutError("ERR_REQUEST_INVALID", "No history is kept.", { status: 404 });
  const { items, cursor, isWrong } = await readEntries(history, { userId, by, cursor: valueOf(query, "cursor") });
  if (request.wantsData) {
    if (isWrong) mustBeValid(["cursor"]);
    return pageOrData({ entries: items.map(entryJson), cursor });
  }
  const url = pageUrl(request, HISTORY);
  const page = historyPage({
    frame: await userPageContext(context, request, admin.userId),
    appId: context.options.appId,
    url,
    usersUrl: joinPath(url, USERS),
    historyUrl: joinPath(url, HISTORY),
    userId,
    by,
    rows: await Promise.all(grouped(items).map((entries) => toRow(context, entries))),
    cursor,
    isWrong,
  });
  return pageOrData(page);
};

interface Asked {
  readonly userId: string | undefined;
  readonly by: string | undefined;
  readonly cursor: string | undefined;
}

/** A cursor that is none leads to the first page. */
async function readEntries(
  history: HistoryLog,
  { cursor, ...asked }: Asked,
): Promise<Page<AuditEntry> & { readonly isWrong: boolean }> {
  try {
    return { ...(await listHistory(history, { ...asked, cursor, limit: ENTRIES })), isWrong: false };
  } catch (error) {
    if (cursor === undefined || !LogoutError.is(error, "ERR_ARGUMENT_INVALID")) throw error;
    return { ...(await listHistory(history, { ...asked, limit: ENTRIES })), isWrong: true };
  }
}

/** The entries of one kick of several users stand together. */
function grouped(entries: readonly AuditEntry[]): (readonly [AuditEntry, ...AuditEntry[]])[] {
  const groups: [AuditEntry, ...AuditEntry[]][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    if (last?.[0].id === entry.id && last[0].action === entry.action) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

async function toRow(context: HandlerContext, entries: readonly [AuditEntry, ...AuditEntry[]]): Promise<HistoryRow> {
  const [{ at, action, by, reason }] = entries;
  const ids = [...new Set(entries.flatMap(({ userId }) => userId ?? []))];
  const people: UserView[] = await Promise.all(ids.slice(0, MAX_NAMED).map((userId) => describeUser(context, userId)));
  return {
    at: new Date(at),
    action,
    people,
    users: ids.length,
    logins: entries.reduce((sum, { logins = 0 }) => sum + logins, 0),
    by,
    reason,
    failed: entries.filter(({ outcome }) => outcome === "failure").length,
  };
}
