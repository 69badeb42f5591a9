import { LRUCache } from "lru-cache";
import type { KickRecord } from "../../types/login.js";
import type { EndOfLogin, EndOfUser, EndResult } from "../../types/registry.js";
import type { Commands, Connection } from "./connection.js";
import { encodePart, userKeys, type AppKeys, type UserKeys } from "./keys.js";
import type { IndexRow } from "./index-shard.js";
import type { LoginIndex } from "./login-index.js";
import type { NotificationChannel } from "./notification-channel.js";
import { readLogin, readLogins, writeEnd, writeKick } from "./records.js";
import { FINISH_KICK, FORGET, REMOVE, REMOVE_ALL } from "./scripts/bundle.js";

/** The maximum number of logins per FINISH_KICK. */
const FINISH_BATCH_SIZE = 1_000;
/** The maximum number of unfinished kicks whose index rows are kept; the rows of others are read again. */
const MAX_KEPT_ROWS = 10_000;

export interface LoginEndsOptions {
  readonly connection: Connection;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly channel: NotificationChannel;
  readonly maxSessionAgeMs: number;
}

/** Ends logins, and keeps the users of unfinished kicks in the index. */
export class LoginEnds {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #index: LoginIndex;
  readonly #channel: NotificationChannel;
  readonly #maxSessionAgeMs: number;
  /** The index rows of users with an unfinished kick, as they were before the kick. */
  readonly #rowsOfKicks = new LRUCache<string, readonly IndexRow[]>({ max: MAX_KEPT_ROWS });

  constructor({ connection, keys, index, channel, maxSessionAgeMs }: LoginEndsOptions) {
    this.#connection = connection;
    this.#keys = keys;
    this.#index = index;
    this.#channel = channel;
    this.#maxSessionAgeMs = maxSessionAgeMs;
  }

  /** @param unlessSparedBy - ends no login that is listed because the kick of everyone with this id has spared it; `""`: any login */
  async one(userId: string, end: EndOfLogin, commands: Commands, unlessSparedBy = ""): Promise<EndResult> {
    const { loginId, kick } = end;
    const { logins, ended, kicked, order } = this.#keysOf(userId);
    const [rows, channel] = await this.#rowsAndChannel(userId);
    const args = writeEnd(end, this.#maxSessionAgeMs, channel, userId, unlessSparedBy);
    const reply = (await commands.run(REMOVE, [logins, ended, kicked, order], args)) as unknown[];
    const [record, ends, left, unfinished, shownMs] = reply;
    if (kick !== undefined && record !== null) this.#keepRows(userId, rows);
    else if (Number(left) === 0 && Number(unfinished) === 0) await this.#index.drop(rows);
    else if (Number(left) === 0) await this.#index.checkSooner(userId, 0);
    if (shownMs !== "") await this.#index.checkSooner(userId, Number(shownMs));
    return { ended: record === null ? [] : [readLogin(userId, loginId, record)], endCount: Number(ends) };
  }

  async all(
    userId: string,
    { kick, except = [], everyone = false }: EndOfUser,
    commands: Commands,
  ): Promise<EndResult> {
    const { logins, ended, kicked, order } = this.#keysOf(userId);
    const [rows, channel] = await this.#rowsAndChannel(userId);
    const user = [channel, encodePart(userId), everyone ? kick.id : ""];
    const args = [writeKick(kick), String(this.#maxSessionAgeMs), ...user, ...except];
    const reply = await commands.run(REMOVE_ALL, [logins, ended, kicked, order], args);
    const [spared, ...fields] = reply as string[];
    const removed = readLogins(userId, fields);
    if (removed.length > 0) this.#keepRows(userId, rows);
    // A user with a spared login keeps the row for as long as that login is shown.
    if (Number(spared) > 0) await this.#index.checkSooner(userId, 0);
    else if (removed.length === 0) await this.#index.drop(rows);
    return { ended: removed, endCount: 0 };
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const { logins, kicked } = this.#keysOf(userId);
    // The rows as read before the kick: a login that was listed since then has written the row again, so the drop skips it.
    const rows = this.#rowsOfKicks.get(userId) ?? (await this.#index.rowsOf(userId));
    this.#rowsOfKicks.delete(userId);
    let left: readonly unknown[] = [];
    for (let start = 0; start < loginIds.length; start += FINISH_BATCH_SIZE) {
      const batch = loginIds.slice(start, start + FINISH_BATCH_SIZE);
      left = (await this.#connection.run(FINISH_KICK, [logins, kicked], batch)) as unknown[];
    }
    if (left.length === 0 || left.some((count) => Number(count) > 0)) return;
    // Dropped only now, so that a repeated kick of everyone finds the user. A row that was written meanwhile may belong to a login
    // that has ended since, so the user is checked.
    if (!(await this.#index.drop(rows))) await this.#index.checkSooner(userId, 0);
  }

  /** Removes all logins of the users of rows, for `clear()`. */
  async forget(rows: readonly IndexRow[], kick: KickRecord): Promise<void> {
    const args = [writeKick(kick), String(this.#maxSessionAgeMs)];
    const forgetOne = (userId: string): Promise<unknown> => {
      const { logins, ended, kicked, order } = this.#keysOf(userId);
      return this.#connection.run(FORGET, [logins, ended, kicked, order], args);
    };
    await Promise.all([...new Set(rows.map(({ userId }) => userId))].map(forgetOne));
    await this.#index.drop(rows);
  }

  #rowsAndChannel(userId: string): Promise<[rows: IndexRow[], channel: string]> {
    return Promise.all([this.#index.rowsOf(userId), this.#channel.name()]);
  }

  #keysOf(userId: string): UserKeys {
    return userKeys(this.#keys, userId);
  }

  #keepRows(userId: string, rows: readonly IndexRow[]): void {
    if (rows.length > 0) this.#rowsOfKicks.set(userId, rows);
    else this.#rowsOfKicks.delete(userId);
  }
}
