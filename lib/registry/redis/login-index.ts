import { randomBytes } from "node:crypto";
import type { KickRecord } from "../../types/login.js";
import { Batcher } from "../../util/batcher.js";
import { unavailable, type Connection } from "./connection.js";
import { decodePart, encodePart, type AppKeys } from "./keys.js";
import { readKick } from "./records.js";
import {
  INDEX_DROP,
  INDEX_DUE,
  INDEX_PAGE,
  INDEX_PEND,
  INDEX_REVIEW,
  INDEX_SCAN,
  INDEX_SCORES,
  INDEX_SOONER,
  INDEX_TOUCH,
  INDEX_UNPEND,
} from "./scripts.js";
import { UNREADABLE } from "./user-lua.js";

/** How many users that are to be looked at one look at the index takes. */
const DUE_AT_ONCE = 100;
const SCAN_COUNT = 500;
/** For how long a login that is being adopted is found by its pending row, in milliseconds: longer than any request waits. */
const PENDING_MS = 600_000;

/** A row as it was read: dropped only if its score is still that one. */
export interface IndexRow {
  readonly userId: string;
  readonly score: string;
  /** When the user is to be looked at, where that was read as well. */
  readonly due?: string;
}

/** What was found of the user of a row: `hide` and `show` for how many milliseconds. */
export interface Reviewed {
  readonly row: IndexRow;
  readonly verdict: "drop" | "hide" | "show";
  readonly ttlMs: number;
}

/** Rows, and whether there were others that cannot be read. */
interface Rows {
  readonly rows: IndexRow[];
  readonly isWhole: boolean;
}

/** Who has been active when. An index only: whether a user is logged in, the user's own keys say. */
export class LoginIndex {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #scores = new Batcher((userIds: readonly string[]) => this.#scoresOf(userIds));
  readonly #drops = new Batcher((rows: readonly IndexRow[]) => this.#dropAll(rows));

  constructor(connection: Connection, keys: AppKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /**
   * The user was active now, and has a login that is shown for at least this long. `isShorter`: another one, that was shown for
   * longer, may be shown no more. `pending`: what {@link LoginIndex.pend} returned.
   *
   * @returns the last kick of everyone, as of the same moment: one that comes later finds the row.
   */
  async touch(
    userId: string,
    ttlMs: number,
    { isShorter = false, pending = "" }: { isShorter?: boolean; pending?: string } = {},
  ): Promise<KickRecord | undefined> {
    const args = [encodePart(userId), String(Math.ceil(ttlMs)), isShorter ? "1" : "0", pending];
    return readKick(await this.#run(INDEX_TOUCH, args));
  }

  /** A login of the user is about to be listed again: until it is, a kick of everyone finds the user by a row of its own. */
  async pend(userId: string): Promise<{ pending: string; everyone: KickRecord | undefined }> {
    const pending = `${encodePart(userId)} ${randomBytes(9).toString("base64url")}`;
    return { pending, everyone: readKick(await this.#run(INDEX_PEND, [pending, String(PENDING_MS)])) };
  }

  /** It has not been listed. Where this fails, time removes the row. */
  async unpend(pending: string): Promise<void> {
    const { active, expiry } = this.#keys;
    await this.#connection.run(INDEX_UNPEND, [active, expiry], [pending]).catch(() => undefined);
  }

  /** The user's row as it is now, if there is one. */
  async rowsOf(userId: string): Promise<IndexRow[]> {
    const score = await this.#scores.add(userId);
    return score === undefined ? [] : [{ userId, score }];
  }

  /** Drops the rows that have not been written again since they were read. @returns whether that was all of them. */
  async drop(rows: readonly IndexRow[]): Promise<boolean> {
    const dropped = await Promise.all(rows.map((row) => this.#drops.add(row)));
    return dropped.every((count) => Number(count) === 1);
  }

  /** What the user has left is shown for so much shorter: the row is looked at then, and need not stay for longer. */
  async lookSooner(userId: string, ttlMs: number): Promise<void> {
    await this.#connection.run(INDEX_SOONER, [this.#keys.expiry], [encodePart(userId), String(ttlMs)]);
  }

  /** Rows of users who may have no login any more that is shown. */
  async due(): Promise<IndexRow[]> {
    const { active, expiry } = this.#keys;
    const fields = await this.#connection.run(INDEX_DUE, [active, expiry], [String(DUE_AT_ONCE)]);
    return readRows(fields, 3).rows;
  }

  /** Keeps what was found of the users of rows. @returns how many have left the pages. */
  async review(reviewed: readonly Reviewed[]): Promise<number> {
    if (reviewed.length === 0) return 0;
    const { active, expiry } = this.#keys;
    const args = reviewed.flatMap(({ row: { userId, score, due = "" }, verdict, ttlMs }) => {
      return [encodePart(userId), score, due, verdict, String(Math.ceil(ttlMs))];
    });
    const left = (await this.#connection.run(INDEX_REVIEW, [active, expiry], args)) as unknown[];
    return left.filter((each) => Number(each) === 1).length;
  }

  async page(offset: number, limit: number): Promise<{ totalCount: number; rows: IndexRow[] }> {
    const range = [String(offset), String(offset + limit - 1)];
    const [totalCount, rows] = (await this.#connection.run(INDEX_PAGE, [this.#keys.active], range)) as unknown[];
    return { totalCount: Number(totalCount), rows: readRows(rows).rows };
  }

  /**
   * Every row that is there from beginning to end, and perhaps others; one may come twice, and what is pending comes with its
   * user. @throws LogoutError at the end, where some of them cannot be read.
   */
  async *scan(): AsyncIterable<IndexRow[]> {
    let cursor = "0";
    let isWhole = true;
    do {
      const args = [cursor, String(SCAN_COUNT)];
      const [next, fields] = (await this.#connection.run(INDEX_SCAN, [this.#keys.active], args)) as [string, unknown];
      cursor = next;
      const read = readRows(fields);
      isWhole &&= read.isWhole;
      yield read.rows;
    } while (cursor !== "0");
    if (!isWhole) throw unavailable(new Error(`${UNREADABLE} row of the index of users`), []);
  }

  #run(script: typeof INDEX_TOUCH, args: readonly string[]): Promise<unknown> {
    const { active, expiry, everyone } = this.#keys;
    return this.#connection.run(script, [active, expiry, everyone], args);
  }

  async #scoresOf(userIds: readonly string[]): Promise<(string | undefined)[]> {
    const scores = await this.#connection.run(INDEX_SCORES, [this.#keys.active], userIds.map(encodePart));
    return (scores as unknown[]).map((score) => (score === "" ? undefined : String(score)));
  }

  async #dropAll(rows: readonly IndexRow[]): Promise<readonly unknown[]> {
    const { active, expiry } = this.#keys;
    const args = rows.flatMap(({ userId, score }) => [encodePart(userId), score]);
    return (await this.#connection.run(INDEX_DROP, [active, expiry], args)) as unknown[];
  }
}

/** @param width - 2: user, score; 3: with the time to look */
function readRows(reply: unknown, width = 2): Rows {
  const fields = reply as string[];
  const rows: IndexRow[] = [];
  let isWhole = true;
  for (let i = 0; i < fields.length; i += width) {
    const [member = "", score = "", due] = fields.slice(i, i + width);
    try {
      const userId = decodePart(member.split(" ", 1)[0] ?? "");
      rows.push({ userId, score, ...(due === undefined ? {} : { due }) });
    } catch {
      isWhole = false;
    }
  }
  return { rows, isWhole };
}
