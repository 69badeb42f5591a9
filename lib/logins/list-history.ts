import type { AuditEntry } from "../audit/entry.js";
import { invalidCursor, LogoutError } from "../errors.js";
import type { HistoryLog, Page } from "../types/history.js";
import type { UserId } from "../types/login.js";
import { invalidArgument, isDate, userIdArgument } from "./arguments.js";
import { DEFAULT_PAGE, limitArgument, type PageRequest } from "./paging.js";

/** Which entries {@link LogoutControls.listHistory} lists. */
export interface HistoryQuery extends PageRequest {
  /** Only entries about this user. A kick of everyone is about no single one. Default: all. */
  readonly userId?: UserId | undefined;
  /** Only entries with this `by`. Default: all. */
  readonly by?: string | undefined;
  /** Only entries whose `at` is earlier. Default: all. */
  readonly before?: Date | undefined;
}

/** Returns `auth.listHistory`. @param historyOf - returns the history; `undefined` if none is kept */
export function listingHistory(
  historyOf: () => HistoryLog | undefined,
): (query?: HistoryQuery) => Promise<Page<AuditEntry>> {
  return async (query) => {
    const history = historyOf();
    if (history !== undefined) return listHistory(history, query);
    throw new LogoutError("ERR_REGISTRY_UNSUPPORTED", "listHistory() needs logout({ audit: { history: {} } }).");
  };
}

/** @throws LogoutError `ERR_ARGUMENT_INVALID`, `ERR_REGISTRY_UNAVAILABLE` */
export async function listHistory(
  history: HistoryLog,
  { limit = DEFAULT_PAGE, cursor, userId, by, before }: HistoryQuery = {},
): Promise<Page<AuditEntry>> {
  if (cursor !== undefined && typeof cursor !== "string") throw invalidCursor();
  if (by !== undefined && typeof by !== "string") throw invalidArgument("by must be a string.");
  if (before !== undefined && !isDate(before)) {
    throw invalidArgument("before must be a valid Date.");
  }
  const user = userId === undefined ? undefined : userIdArgument(userId);
  return history.list({ limit: limitArgument(limit), cursor, userId: user, by, before });
}
