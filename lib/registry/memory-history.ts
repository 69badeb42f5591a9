import type { AuditEntry } from "../audit/entry.js";
import type { HistoryLog, HistoryLimits, HistoryPage, Page } from "../types/history.js";
import { numberOf, readHistory, type KeptEntry } from "./history.js";

/** The history of `MemoryLoginRegistry`. */
export class MemoryHistory implements HistoryLog {
  /** Oldest first. */
  readonly #kept: KeptEntry[] = [];
  #number = 0;
  /** How much is kept. Absent: all of what comes, which is nothing if the app keeps no history. */
  options: HistoryLimits | undefined;

  append(entry: AuditEntry): Promise<void> {
    this.#number += 1;
    const { maxEntries = Infinity } = this.options ?? {};
    this.#kept.push({ position: String(this.#number), entry });
    if (this.#kept.length > maxEntries) this.#kept.shift();
    return Promise.resolve();
  }

  list(page: HistoryPage): Promise<Page<AuditEntry>> {
    return readHistory(page, this.options?.days, async (position, count) => {
      const before = numberOf(position) ?? Infinity;
      const found = this.#kept.filter((kept) => Number(kept.position) < before).slice(-count);
      return Promise.resolve(found.reverse());
    });
  }
}
