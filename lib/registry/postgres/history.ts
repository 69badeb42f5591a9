import type { AuditEntry } from "../../audit/entry.js";
import type { HistoryLog, HistoryLimits, HistoryPage, Page } from "../../types/history.js";
import { oneLine } from "../../util/one-line.js";
import { numberOf, readHistory, readRow } from "../history.js";
import type { Database } from "./database.js";
import { digest } from "./names.js";
import { readEntry, readKick, readText, readTexts, writeText } from "./records.js";
import type { Statements } from "./statements.js";

const READERS = { readEntry, readKick, readText, readTexts };

interface Application {
  /** As stored. */
  readonly app: string;
  readonly appId: string;
  readonly history: HistoryLimits | undefined;
}

export interface PostgresHistoryOptions {
  readonly database: Database;
  readonly statements: Statements;
  readonly application: () => Application;
  /** Called after an entry was kept. */
  readonly onAppend: () => void;
}

/** The history in PostgreSQL. */
export class PostgresHistory implements HistoryLog {
  readonly keepsEnds = true;
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #application: () => Application;
  readonly #onAppend: () => void;

  constructor({ database, statements, application, onAppend }: PostgresHistoryOptions) {
    this.#database = database;
    this.#statements = statements;
    this.#application = application;
    this.#onAppend = onAppend;
  }

  async append(entry: AuditEntry): Promise<void> {
    const { id, at, userId } = entry;
    const { app, appId } = this.#application();
    const user = userId === undefined ? [null, null] : [digest(appId, userId), writeText(userId)];
    const values = [app, writeText(id), ...user, Date.parse(at), JSON.stringify(entry)];
    await this.#database.step(this.#statements.keepEntry, ...values);
    this.#onAppend();
  }

  list(page: HistoryPage): Promise<Page<AuditEntry>> {
    const { app, appId, history } = this.#application();
    const { userId } = page;
    const users = userId === undefined ? undefined : [userId, oneLine(userId)].map((each) => digest(appId, each));
    return readHistory(page, history?.days, async (position, count) => {
      const range = [app, numberOf(position) ?? Number.MAX_SAFE_INTEGER, count];
      const { listHistory, listHistoryOf } = this.#statements;
      const rows = await (users === undefined
        ? this.#database.read(listHistory, ...range)
        : this.#database.read(listHistoryOf, ...range, ...users));
      return rows.map((row) => readRow(appId, row, READERS));
    });
  }

  /** Drops what is too old or too much. */
  async trim(): Promise<void> {
    const { app, history } = this.#application();
    if (history === undefined) return;
    await this.#database.step(this.#statements.trimHistory, app, history.days, history.maxEntries);
  }
}
