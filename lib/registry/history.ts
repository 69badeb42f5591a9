import type { AuditEntry } from "../audit/entry.js";
import { invalidCursor } from "../errors.js";
import type { HistoryLimits, HistoryPage, Page } from "../types/history.js";
import type { KickRecord } from "../types/login.js";
import { MAX_LOGIN_IDS } from "../util/limits.js";
import { oneLine, optionalLine } from "../util/one-line.js";

/** How much is kept if the app does not say. */
export const DEFAULT_LIMITS: HistoryLimits = { days: 90, maxEntries: 10_000 };
export const DAY_MS = 86_400_000;
const READ_AT_ONCE = 1_000;

/** An entry, with its place in the history. */
export interface KeptEntry {
  readonly position: string;
  readonly entry: AuditEntry;
}

/**
 * Reads entries, newest first.
 *
 * @param before - the position after the first entry to read. Default: the end of the history.
 */
export type ReadEntries = (before: string | undefined, count: number) => Promise<readonly KeptEntry[]>;

/** Reads one page of the history. @param days - how long entries are kept; one that is older is not listed any more. */
export async function readHistory(
  { limit, cursor, ...wanted }: HistoryPage,
  days: number | undefined,
  read: ReadEntries,
): Promise<Page<AuditEntry>> {
  const oldest = days === undefined ? undefined : Date.now() - days * DAY_MS;
  const items = new Map<string, AuditEntry>();
  let last: string | undefined;
  for (let [before, count] = [cursor, limit + 1]; ; count = READ_AT_ONCE) {
    const kept = await read(before, count);
    for (const { position, entry } of kept) {
      before = position;
      if (!matches(entry, wanted) || (oldest !== undefined && Date.parse(entry.at) < oldest)) continue;
      const key = JSON.stringify([entry.id, entry.action, entry.outcome, entry.userId]);
      if (items.has(key)) continue;
      if (items.size === limit) return { items: [...items.values()], cursor: last };
      items.set(key, entry);
      last = position;
    }
    if (kept.length < count) return { items: [...items.values()] };
  }
}

function matches(entry: AuditEntry, { userId, by, before }: Omit<HistoryPage, "limit" | "cursor">): boolean {
  if (userId !== undefined && entry.userId !== oneLine(userId)) return false;
  if (by !== undefined && entry.by !== oneLine(by)) return false;
  return before === undefined || Date.parse(entry.at) < +before;
}

/** How a database reads the columns of its table of entries. */
interface ColumnReaders {
  readonly readEntry: (written: unknown) => AuditEntry;
  readonly readKick: (written: unknown) => KickRecord | undefined;
  readonly readText: (written: unknown) => string;
  readonly readTexts: (written: unknown) => readonly string[];
}

/** Reads a row of a table of entries: an entry as it was written, or what a kick record has ended. */
export function readRow(
  appId: string,
  row: Readonly<Record<string, unknown>>,
  { readEntry, readKick, readText, readTexts }: ColumnReaders,
): KeptEntry {
  const position = String(row["number"]);
  const kick = readKick(row["kick"]);
  if (kick === undefined) return { position, entry: readEntry(row["entry"]) };
  const entry: AuditEntry = {
    id: kick.id,
    at: kick.at.toISOString(),
    action: kick.cause,
    outcome: "success",
    appId,
    userId: oneLine(readText(row["user"])),
    loginIds: readTexts(row["ids"]).slice(0, MAX_LOGIN_IDS),
    logins: Number(row["logins"]),
    by: optionalLine(kick.by),
    reason: optionalLine(kick.reason),
  };
  return { position, entry };
}

/** Returns the number in a position. @throws LogoutError `ERR_ARGUMENT_INVALID` */
export function numberOf(position: string | undefined): number | undefined {
  if (position === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(position)) return Number(position);
  throw invalidCursor();
}
