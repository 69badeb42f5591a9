import type { AuditEntry } from "../audit/entry.js";

/** How much history is kept. */
export interface HistoryOptions {
  /** How long an entry is kept, in days. Default: 90. */
  readonly days?: number | undefined;
  /** About how many entries are kept; the oldest go first. Default: 10,000. */
  readonly maxEntries?: number | undefined;
}

/** {@link HistoryOptions} with every default filled in. */
export interface HistoryLimits {
  readonly days: number;
  readonly maxEntries: number;
}

/** Which part of the history is read, and which of its entries. */
export interface HistoryPage {
  /** The maximum number of entries to return. */
  readonly limit: number;
  /** The `cursor` of the page before. Default: the first page. */
  readonly cursor?: string | undefined;
  /** Only entries about this user. Default: all. */
  readonly userId?: string | undefined;
  /** Only entries with this `by`. Default: all. */
  readonly by?: string | undefined;
  /** Only entries whose `at` is earlier. Default: all. */
  readonly before?: Date | undefined;
}

/** One page of a list whose size is not known. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Reads the next page. Absent on the last one. */
  readonly cursor?: string | undefined;
}

/** Keeps audit entries for `auth.listHistory()`: kicks, kicks of everyone, limits, lifetimes, and what was denied. */
export interface HistoryLog {
  /**
   * Whether `add`, `update` and `end` themselves keep an entry for what their kick record has ended, in the same transaction: exactly
   * once. A record of {@link LoginRegistry.kickEveryone} gets none, because `append` gets the entry of the whole kick. Default: `false`,
   * `append` gets every entry.
   */
  readonly keepsEnds?: boolean | undefined;
  /** Keeps an entry. It may be kept twice, if a client sends a command twice. */
  append(entry: AuditEntry): Promise<void>;
  /**
   * Lists entries, newest first, each once.
   *
   * @throws LogoutError `ERR_ARGUMENT_INVALID` for an invalid cursor
   */
  list(page: HistoryPage): Promise<Page<AuditEntry>>;
}
