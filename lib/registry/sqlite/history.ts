import type { AuditEntry } from "../../audit/entry.js";
import type { HistoryLog, HistoryLimits, HistoryPage, Page } from "../../types/history.js";
import type { KickRecord } from "../../types/login.js";
import { oneLine } from "../../util/one-line.js";
import { DAY_MS, numberOf, readHistory, readRow } from "../history.js";
import type { Sql } from "./connection.js";
import type { Database } from "./database.js";
import { readEntry, readKick, readText, readTexts, writeKick, writeText, writeTexts } from "./records.js";

const READERS = { readEntry, readKick, readText, readTexts };

interface Application {
  /** As stored. */
  readonly app: string;
  readonly appId: string;
  readonly history: HistoryLimits | undefined;
}

/** The history in an SQLite database. */
export class SqliteHistory implements HistoryLog {
  readonly keepsEnds = true;
  readonly #database: Database;
  readonly #application: () => Application;
  readonly #onAppend: () => void;

  constructor(database: Database, application: () => Application, onAppend: () => void) {
    this.#database = database;
    this.#application = application;
    this.#onAppend = onAppend;
  }

  async append(entry: AuditEntry): Promise<void> {
    const { app } = this.#application();
    const user = entry.userId === undefined ? null : writeText(entry.userId);
    const values = [app, user, writeText(entry.id), Date.parse(entry.at), JSON.stringify(entry)] as const;
    await this.#database.step((sql) => {
      sql.run("keepEntry", ...values);
    });
    this.#onAppend();
  }

  list(page: HistoryPage): Promise<Page<AuditEntry>> {
    const { app, appId, history } = this.#application();
    const { userId } = page;
    return readHistory(page, history?.days, (position, count) =>
      this.#database.read((sql) => {
        const before = numberOf(position) ?? Number.MAX_SAFE_INTEGER;
        const rows =
          userId === undefined
            ? sql.all("listHistory", app, before, count)
            : sql.all("listHistoryOf", app, writeText(userId), writeText(oneLine(userId)), before, count);
        return rows.map((row) => readRow(appId, row, READERS));
      }),
    );
  }
}

/** Keeps the end of logins, inside of the step that ends them. A kick of everyone has an entry of its own. */
export function keepEnd(
  sql: Sql,
  [app, user]: readonly [app: string, user: string],
  logins: readonly { readonly id: string }[],
  kick: KickRecord,
): void {
  const id = writeText(kick.id);
  if (logins.length === 0 || sql.first("findKickOfEveryone", app)?.["kick_id"] === id) return;
  const ids = writeTexts(logins.map((login) => login.id));
  sql.run("keepEnd", app, user, id, +kick.at, writeKick(kick), ids, logins.length);
}

/** Drops what is too old or too much. `app`: as stored. */
export function trimHistory(sql: Sql, app: string, { days, maxEntries }: HistoryLimits): void {
  sql.run("deleteOldHistory", app, Date.now() - days * DAY_MS);
  sql.run("deleteLongHistory", app, app, maxEntries);
}
