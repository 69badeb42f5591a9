import type { EndedLogins, RegistryListener, Subscription } from "../../types/registry.js";
import { LONGEST_TIMER_MS } from "../../util/deadline.js";
import { debugError } from "../../util/debug.js";
import type { Sql } from "./connection.js";
import type { Database } from "./database.js";
import { readKick, readText, readTexts, type Row } from "./records.js";

const LOGINS_OF_A_NOTIFICATION = 1_000;

/**
 * Writes the notifications of logins that have ended, inside of the step that ends them. All texts are as stored: `ids` are parts of
 * JSON already.
 */
export function announce(
  sql: Sql,
  user: readonly [app: string, user: string],
  ids: readonly string[],
  kick: string | null,
  now: number,
): void {
  for (let from = 0; from < ids.length; from += LOGINS_OF_A_NOTIFICATION) {
    const some = ids.slice(from, from + LOGINS_OF_A_NOTIFICATION);
    sql.run("putEnd", ...user, `[${some.join(",")}]`, kick, now);
  }
}

/** Writes the notification that everyone has been removed. */
export function announceAll(sql: Sql, app: string): void {
  sql.run("putEnd", app, null, "[]", null, Date.now());
}

interface News {
  readonly ended: readonly EndedLogins[];
  /** Whether there may be more than `ended`. */
  readonly hasGap: boolean;
}

/** Reads the notifications of all processes, at intervals and after each step of this process. */
export class SqliteNotifications implements Subscription {
  readonly #database: Database;
  readonly #app: string;
  readonly #listener: RegistryListener;
  readonly #timer: NodeJS.Timeout;
  /** What the last notification was read from. Another object may read another file. */
  #source: Sql | undefined;
  #lastNumber = 0;
  #isConnected = false;
  #isClosed = false;
  /** Whether a read waits for the one that is running. */
  #isWaiting = false;
  #polling: Promise<void> = Promise.resolve();

  constructor(database: Database, app: string, listener: RegistryListener, intervalMs: number) {
    this.#database = database;
    this.#app = app;
    this.#listener = listener;
    const poll = (): void => {
      this.poll();
    };
    this.#timer = setInterval(poll, Math.min(intervalMs, LONGEST_TIMER_MS)).unref();
    this.poll();
  }

  /** Reads what is new, after the read that is running. */
  poll(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#polling = this.#polling.then(() => {
      this.#isWaiting = false;
      return this.#poll();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#polling;
  }

  async #poll(): Promise<void> {
    if (this.#isClosed) return;
    try {
      const news = await this.#database.read((sql) => this.#readNews(sql));
      this.#call((listener) => {
        if (!this.#isConnected) listener.connected();
      });
      const isFirst = !this.#isConnected;
      this.#isConnected = true;
      for (const ended of news.ended) {
        this.#call((listener) => {
          listener.ended(ended);
        });
      }
      if (isFirst || news.hasGap) {
        this.#call((listener) => {
          listener.gap();
        });
      }
    } catch (error) {
      debugError("SQLite: notifications cannot be read", error);
      if (this.#isConnected) {
        this.#call((listener) => {
          listener.disconnected();
        });
      }
      this.#isConnected = false;
    }
  }

  /** Calls the listener, unless this subscription is closed: the listener may belong to another one by then. */
  #call(method: (listener: RegistryListener) => void): void {
    if (this.#isClosed) return;
    try {
      method(this.#listener);
    } catch (error) {
      debugError("SQLite: a listener failed", error);
    }
  }

  #readNews(sql: Sql): News {
    const { first, last } = sql.first("endNumbers") ?? {};
    const isContinued = sql === this.#source && Number(first ?? 0) <= this.#lastNumber + 1;
    const rows =
      isContinued && Number(last) > this.#lastNumber
        ? sql.all("endsAfter", this.#lastNumber, Number(last), this.#app)
        : [];
    this.#source = sql;
    this.#lastNumber = Number(last ?? 0);
    const ended = rows.map(readEnd).filter((each) => each !== undefined);
    return { ended, hasGap: !isContinued || ended.length < rows.length };
  }
}

/** Reads a notification. `undefined`: logins may have ended unnoticed, so watched logins must be looked up. */
function readEnd({ user, ids, kick }: Row): EndedLogins | undefined {
  if (user === null) return undefined;
  try {
    return { userId: readText(user), loginIds: readTexts(ids), kick: readKick(kick) };
  } catch (error) {
    debugError("SQLite: a notification cannot be read", error);
    return undefined;
  }
}
