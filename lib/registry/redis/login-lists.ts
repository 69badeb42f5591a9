import { LOGINS_PER_USER } from "../../util/limits.js";
import type { ActiveUser, ListedLogin, RegistryList, RegistryPage } from "../../types/registry.js";
import type { Connection } from "./connection.js";
import { userKeys, type AppKeys } from "./keys.js";
import type { IndexRow, LoginIndex, Reviewed } from "./login-index.js";
import { isUnreadable, readLogins } from "./records.js";
import { LIST, ORDER } from "./scripts.js";

/** After how long a user is looked at again whose data could not be read, in milliseconds. */
const UNREADABLE_AGAIN_MS = 3_600_000;
/** A user who has nothing to show is looked at again after this at the earliest, in milliseconds. */
const LEAST_HIDDEN_MS = 1_000;

/** What LIST answers where the logins of a user have first to be put in order. */
const NOT_IN_ORDER = 2;

/** What a look at the logins of a user has found. */
interface Look extends RegistryList<ListedLogin> {
  /** For how long one of the logins is shown, in milliseconds. */
  readonly shownMs: number;
  /** For how long there is anything that a kick of everyone must find; `undefined`: nothing. */
  readonly keptMs: number | undefined;
}

/** What is shown of users and their logins. */
export class LoginLists {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #index: LoginIndex;
  /** The users whose logins are being put in order. */
  readonly #ordering = new Map<string, Promise<void>>();

  constructor(connection: Connection, keys: AppKeys, index: LoginIndex) {
    this.#connection = connection;
    this.#keys = keys;
    this.#index = index;
  }

  async ofUser(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const { items, total } = await this.#look(userId, page);
    return { items, total };
  }

  async ofActiveUsers({ offset, limit }: RegistryPage): Promise<{ totalCount: number; users: ActiveUser[] }> {
    await this.#review(await this.#index.due(), 1);
    for (;;) {
      const { totalCount, rows } = await this.#index.page(offset, limit);
      const { users, left } = await this.#review(rows, LOGINS_PER_USER);
      // A round in which none leaves found only users with logins, or rows that were written again meanwhile.
      if (left === 0) return { totalCount, users };
    }
  }

  /** Looks at the users of rows, and puts the rows right. */
  async #review(rows: readonly IndexRow[], limit: number): Promise<{ users: ActiveUser[]; left: number }> {
    const looks = await Promise.all(rows.map(({ userId }) => this.#lookIfReadable(userId, limit)));
    const users: ActiveUser[] = [];
    const reviewed: Reviewed[] = [];
    rows.forEach((row, position) => {
      const look = looks[position];
      if (look === undefined) reviewed.push({ row, verdict: "hide", ttlMs: UNREADABLE_AGAIN_MS });
      else if (look.total > 0) {
        users.push({ userId: row.userId, logins: look.items, loginsCount: look.total });
        // Of others it was not asked.
        if (row.due !== undefined) reviewed.push({ row, verdict: "show", ttlMs: look.shownMs });
      } else if (look.keptMs === undefined) reviewed.push({ row, verdict: "drop", ttlMs: 0 });
      else reviewed.push({ row, verdict: "hide", ttlMs: Math.max(LEAST_HIDDEN_MS, look.keptMs) });
    });
    return { users, left: await this.#index.review(reviewed) };
  }

  /** `undefined`: what is kept of this user cannot be read, which must not hide the others. */
  async #lookIfReadable(userId: string, limit: number): Promise<Look | undefined> {
    try {
      return await this.#look(userId, { offset: 0, limit });
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  async #look(userId: string, { offset, limit }: RegistryPage): Promise<Look> {
    const { logins, kicked, order } = userKeys(this.#keys, userId);
    const items: ListedLogin[] = [];
    let isOrdered = "";
    for (;;) {
      const args = [String(offset + items.length), String(limit - items.length), isOrdered];
      const reply = (await this.#connection.run(LIST, [logins, kicked, order], args)) as string[];
      const [total = 0, shownMs = 0, keptMs = 0, isCut = 0, isWhole = 0] = reply.slice(0, 5).map(Number);
      const found = readLogins(userId, reply.slice(5)).sort(newestFirst);
      if (isWhole === 1) items.splice(0, items.length, ...found.slice(offset, offset + limit));
      else items.push(...found);
      if (isCut === 0) return { items, total, shownMs, keptMs: keptMs < 0 ? undefined : keptMs };
      if (isCut === NOT_IN_ORDER) {
        await this.#putInOrder(userId);
        isOrdered = "1";
      }
    }
  }

  /** Once for all who ask at the same time, in pieces, so that nothing else in Redis waits for long. */
  #putInOrder(userId: string): Promise<void> {
    const { logins, order } = userKeys(this.#keys, userId);
    const begin = async (): Promise<void> => {
      let cursor = "0";
      do cursor = String(await this.#connection.run(ORDER, [logins, order], [cursor]));
      while (cursor !== "0");
    };
    const ordering = this.#ordering.get(userId) ?? begin().finally(() => this.#ordering.delete(userId));
    this.#ordering.set(userId, ordering);
    return ordering;
  }
}

function newestFirst(a: ListedLogin, b: ListedLogin): number {
  return +b.began - +a.began || (a.id < b.id ? 1 : -1);
}
