import type { ActiveUserRow, ListedLogin, RegistryList, RegistryPage } from "../../types/registry.js";
import { LOGINS_PER_USER } from "../../util/limits.js";
import { readEach } from "../read-each.js";
import type { Sql } from "./connection.js";
import type { Database } from "./database.js";
import { readLogin, readText, writeText } from "./records.js";

const SCAN_BATCH_SIZE = 500;
/** Above this, the number of a user's logins is an estimate. */
const EXACT_COUNT = 10_000;

/** Lists users and their logins. `app`: the application id as stored. */
export class LoginLists {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  ofUser(app: string, userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#database.read((sql) => shownLogins(sql, app, writeText(userId), page));
  }

  async *scanLogins(app: string, userId: string): AsyncIterable<readonly ListedLogin[]> {
    const [user, now] = [[app, writeText(userId)] as const, Date.now()];
    const rows = await this.#database.read((sql) => [
      ...sql.all("scanLogins", ...user, now, now),
      ...sql.all("listKicked", ...user, now),
    ]);
    yield rows.map((row) => readLogin(userId, row));
  }

  ofActiveUsers(app: string, { offset, limit }: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    return this.#database.read((sql) => {
      const now = Date.now();
      const total = Number(sql.first("countActive", app, now)?.["count"]);
      const users = limit === 0 ? [] : sql.all("listActive", app, now, limit, offset);
      const { read } = readEach(users, ({ user }) => {
        const logins = shownLogins(sql, app, String(user), { offset: 0, limit: LOGINS_PER_USER });
        return { userId: readText(user), logins: logins.items, loginsCount: logins.total };
      });
      return { items: read.filter(({ loginsCount }) => loginsCount > 0), total };
    });
  }

  async *scan(app: string): AsyncIterable<readonly string[]> {
    const unreadable: unknown[] = [];
    for (let last = ""; ;) {
      const range = [app, last, SCAN_BATCH_SIZE] as const;
      const rows = await this.#database.read((sql) => sql.all("usersAfter", ...range, ...range, SCAN_BATCH_SIZE));
      const { read, errors } = readEach(rows, ({ user }) => readText(user));
      unreadable.push(...errors);
      yield read;
      if (rows.length < SCAN_BATCH_SIZE) break;
      last = String(rows.at(-1)?.["user"]);
    }
    if (unreadable.length > 0) throw unreadable[0];
  }
}

/** Lists the logins of a user that are shown. `user`: the user id as stored. */
function shownLogins(sql: Sql, app: string, user: string, { offset, limit }: RegistryPage): RegistryList<ListedLogin> {
  const now = Date.now();
  const userId = readText(user);
  const items = sql.all("listShown", app, user, now, limit, offset).map((row) => readLogin(userId, row));
  const count = Number(sql.first("countShown", app, user, now, EXACT_COUNT)?.["count"]);
  const total = count < EXACT_COUNT ? count : Number(sql.first("countLogins", app, user)?.["count"]);
  return { items, total };
}
