import type { ActiveUserRow, ListedLogin, RegistryList, RegistryPage } from "../../types/registry.js";
import { readEach } from "../read-each.js";
import type { Database } from "./database.js";
import { readLogin, readText, type Row } from "./records.js";
import type { Statements } from "./statements.js";

const SCAN_BATCH_SIZE = 500;

/** Lists users and their logins. `app`: the application id as stored. */
export class LoginLists {
  readonly #database: Database;
  readonly #statements: Statements;

  constructor(database: Database, statements: Statements) {
    this.#database = database;
    this.#statements = statements;
  }

  async ofUser(userId: string, userKey: Buffer, { offset, limit }: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const rows = await this.#database.read(this.#statements.list, userKey, offset, limit);
    const listed = rows.filter((row) => typeof row["id"] === "string");
    return { items: listed.map((row) => readLogin(userId, row)), total: Number(rows[0]?.["total"]) };
  }

  async *scanLogins(userId: string, userKey: Buffer): AsyncIterable<readonly ListedLogin[]> {
    const rows = await this.#database.read(this.#statements.scanLogins, userKey);
    yield rows.map((row) => readLogin(userId, row));
  }

  async ofActiveUsers(app: string, { offset, limit }: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    const [counted] = await this.#database.read(this.#statements.activeCount, app);
    const rows = limit === 0 ? [] : await this.#database.read(this.#statements.activePage, app, offset, limit);
    const rowsOf = new Map<unknown, Row[]>();
    for (const row of rows) rowsOf.set(row["user_id"], [...(rowsOf.get(row["user_id"]) ?? []), row]);
    const { read } = readEach([...rowsOf.values()], (logins) => {
      const userId = readText(logins[0]?.["user_id"]);
      const loginsCount = Number(logins[0]?.["total"]);
      return { userId, logins: logins.map((row) => readLogin(userId, row)), loginsCount };
    });
    return { items: read, total: Number(counted?.["count"]) };
  }

  async *scan(app: string): AsyncIterable<readonly string[]> {
    const unreadable: unknown[] = [];
    for (let last = ""; ;) {
      const rows = await this.#database.read(this.#statements.users, app, last, SCAN_BATCH_SIZE);
      const { read, errors } = readEach(rows, (row) => readText(row["user_id"]));
      unreadable.push(...errors);
      yield read;
      if (rows.length < SCAN_BATCH_SIZE) break;
      last = String(rows.at(-1)?.["key"]);
    }
    if (unreadable.length > 0) throw unreadable[0];
  }
}
