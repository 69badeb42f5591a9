import type { AuditEntry } from "../../audit/entry.js";
import { invalidCursor } from "../../errors.js";
import type { HistoryLog, HistoryLimits, HistoryPage, Page } from "../../types/history.js";
import { DAY_MS, DEFAULT_LIMITS, readHistory } from "../history.js";
import type { Connection } from "./connection.js";
import { HISTORY_APPEND } from "./scripts/bundle.js";

interface Application {
  readonly keys: { readonly history: string };
  readonly history: HistoryLimits | undefined;
}

/** The history in a stream of Redis, in the hash slot of the application, so no step on a user can write it. */
export class RedisHistory implements HistoryLog {
  readonly #connection: Connection;
  readonly #application: () => Application;

  constructor(connection: Connection, application: () => Application) {
    this.#connection = connection;
    this.#application = application;
  }

  async append(entry: AuditEntry): Promise<void> {
    const { keys, history = DEFAULT_LIMITS } = this.#application();
    const { days, maxEntries } = history;
    const args = [JSON.stringify(entry), String(maxEntries), String(Math.ceil(days * DAY_MS))];
    await this.#connection.run(HISTORY_APPEND, [keys.history], args);
  }

  list(page: HistoryPage): Promise<Page<AuditEntry>> {
    const { keys, history } = this.#application();
    return readHistory(page, history?.days, async (before, count) => {
      if (before !== undefined && !/^\d{1,16}-\d{1,20}$/.test(before)) throw invalidCursor();
      const from = before === undefined ? "+" : `(${before}`;
      const reply = await this.#connection.read("XREVRANGE", keys.history, from, "-", "COUNT", String(count));
      return (reply as [id: string, fields: [string, string]][]).map(([position, [, entry]]) => ({
        position,
        entry: JSON.parse(entry) as AuditEntry,
      }));
    });
  }
}
