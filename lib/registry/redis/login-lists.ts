import { LOGINS_PER_USER } from "../../util/limits.js";
import type { ActiveUserRow, ListedLogin, RegistryList, RegistryPage } from "../../types/registry.js";
import type { Connection } from "./connection.js";
import { userKeys, type AppKeys } from "./keys.js";
import type { IndexRow, Reviewed } from "./index-shard.js";
import type { LoginIndex } from "./login-index.js";
import { isUnreadable, readLogins } from "./records.js";
import { LIST, ORDER, SCAN_LOGINS } from "./scripts/bundle.js";

/** When to check a user again whose data cannot be read, in milliseconds. */
const UNREADABLE_RETRY_MS = 3_600_000;
/** When to check a user without shown logins again, at the earliest, in milliseconds. */
const MIN_HIDDEN_MS = 1_000;

/** The reply of LIST if the sorted set of the user's logins must be built first. */
const NOT_IN_ORDER = 2;

/** The shown logins of a user. */
interface ShownLogins extends RegistryList<ListedLogin> {
  /** How long the longest-lived of the logins is shown, in milliseconds. */
  readonly shownMs: number;
  /** How long a kick of everyone must find the user, in milliseconds; `undefined`: no longer. */
  readonly keptMs: number | undefined;
}

/** Lists users and their logins. */
export class LoginLists {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #index: LoginIndex;
  /** The users for whom ORDER is running. */
  readonly #ordering = new Map<string, Promise<void>>();

  constructor(connection: Connection, keys: AppKeys, index: LoginIndex) {
    this.#connection = connection;
    this.#keys = keys;
    this.#index = index;
  }

  async ofUser(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const { items, total } = await this.#read(userId, page);
    return { items, total };
  }

  /** Iterates over the hashes of a user. A login that a kick moves to the second one meanwhile is found there. */
  async *scan(userId: string): AsyncIterable<readonly ListedLogin[]> {
    const { logins, kicked } = userKeys(this.#keys, userId);
    for (const key of [logins, kicked]) {
      let cursor = "0";
      do {
        const [next = "0", ...fields] = (await this.#connection.run(SCAN_LOGINS, [key], [cursor])) as string[];
        yield readLogins(userId, fields);
        cursor = next;
      } while (cursor !== "0");
    }
  }

  async ofActiveUsers({ offset, limit }: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    await this.#review(await this.#index.due(), 1);
    for (;;) {
      const { totalCount, rows } = await this.#index.page(offset, limit);
      const { users, left } = await this.#review(rows, LOGINS_PER_USER);
      // If no user has left the page, each row belongs to a user with logins, or was written since it was read.
      if (left === 0) return { items: users, total: totalCount };
    }
  }

  /** Reads the users of rows, and corrects the rows. */
  async #review(rows: readonly IndexRow[], limit: number): Promise<{ users: ActiveUserRow[]; left: number }> {
    const results = await Promise.all(rows.map(({ userId }) => this.#readIfPossible(userId, limit)));
    const users: ActiveUserRow[] = [];
    const reviewed: Reviewed[] = [];
    rows.forEach((row, position) => {
      const found = results[position];
      if (found === undefined) reviewed.push({ row, verdict: "hide", ttlMs: UNREADABLE_RETRY_MS });
      else if (found.total > 0) {
        users.push({ userId: row.userId, logins: found.items, loginsCount: found.total });
        // Only rows that were due are written.
        if (row.due !== undefined) reviewed.push({ row, verdict: "show", ttlMs: found.shownMs });
      } else if (found.keptMs === undefined) reviewed.push({ row, verdict: "drop", ttlMs: 0 });
      else reviewed.push({ row, verdict: "hide", ttlMs: Math.max(MIN_HIDDEN_MS, found.keptMs) });
    });
    return { users, left: await this.#index.review(reviewed) };
  }

  /** Returns `undefined` if the data of the user cannot be read, which must not hide other users. */
  async #readIfPossible(userId: string, limit: number): Promise<ShownLogins | undefined> {
    try {
      return await this.#read(userId, { offset: 0, limit });
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }

  async #read(userId: string, { offset, limit }: RegistryPage): Promise<ShownLogins> {
    const keys = userKeys(this.#keys, userId);
    const items: ListedLogin[] = [];
    let isOrdered = "";
    for (;;) {
      const args = [String(offset + items.length), String(limit - items.length), isOrdered];
      const reply = (await this.#connection.run(LIST, [keys.logins, keys.kicked, keys.order], args)) as string[];
      const [total = 0, shownMs = 0, keptMs = 0, isCut = 0, isWhole = 0] = reply.slice(0, 5).map(Number);
      const logins = readLogins(userId, reply.slice(5)).sort(newestFirst);
      if (isWhole === 1) items.splice(0, items.length, ...logins.slice(offset, offset + limit));
      else items.push(...logins);
      if (isCut === 0) return { items, total, shownMs, keptMs: keptMs < 0 ? undefined : keptMs };
      if (isCut === NOT_IN_ORDER) {
        await this.#putInOrder(userId);
        isOrdered = "1";
      }
    }
  }

  /** Builds the sorted set of a user's logins: once for concurrent calls, and in steps that do not block Redis for long. */
  #putInOrder(userId: string): Promise<void> {
    const { logins, order } = userKeys(this.#keys, userId);
    const run = async (): Promise<void> => {
      let cursor = "0";
      do cursor = String(await this.#connection.run(ORDER, [logins, order], [cursor]));
      while (cursor !== "0");
    };
    const ordering = this.#ordering.get(userId) ?? run().finally(() => this.#ordering.delete(userId));
    this.#ordering.set(userId, ordering);
    return ordering;
  }
}

function newestFirst(a: ListedLogin, b: ListedLogin): number {
  return +b.began - +a.began || (a.id < b.id ? 1 : -1);
}
