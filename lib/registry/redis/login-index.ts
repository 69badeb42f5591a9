import { randomBytes } from "node:crypto";
import type { KickRecord } from "../../types/login.js";
import { Batcher } from "../../util/batcher.js";
import { unavailable, type Connection } from "./connection.js";
import { decodePart, encodePart, type AppKeys } from "./keys.js";
import { readKick, UNREADABLE } from "./records.js";
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
} from "./scripts/bundle.js";
import { ignored } from "../../util/debug.js";

/** The maximum number of due users that one read of the index checks. */
const DUE_BATCH_SIZE = 100;
const SCAN_COUNT = 500;
/** How long the pending row of an adoption lives, in milliseconds: longer than any request waits. */
const PENDING_MS = 600_000;

/** A row as it was read. It is dropped only if its score has not changed since. */
export interface IndexRow {
  readonly userId: string;
  readonly score: string;
  /** When the user is to be checked, if that was read too. */
  readonly due?: string;
}

/** The result of checking the user of a row. */
export interface Reviewed {
  readonly row: IndexRow;
  readonly verdict: "drop" | "hide" | "show";
  /** When to check again, in milliseconds from now. */
  readonly ttlMs: number;
}

interface Rows {
  readonly rows: IndexRow[];
  /** Whether every row could be read. */
  readonly isComplete: boolean;
}

/** The index of users by last activity. Whether a user is logged in is decided by the user's own keys only. */
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
   * Records activity of a user with a login that is shown for at least `ttlMs`.
   *
   * @param options - `isShorter`: a login is shown for a shorter time than before, so check the user after `ttlMs` at the latest.
   *   `pending`: a pending row from {@link LoginIndex.pend} to remove.
   * @returns The last kick of everyone, read in the same step. A later kick finds the row.
   */
  async touch(
    userId: string,
    ttlMs: number,
    { isShorter = false, pending = "" }: { isShorter?: boolean; pending?: string } = {},
  ): Promise<KickRecord | undefined> {
    const args = [encodePart(userId), String(Math.ceil(ttlMs)), isShorter ? "1" : "0", pending];
    return readKick(await this.#run(INDEX_TOUCH, args));
  }

  /** Writes a pending row, by which a kick of everyone finds the user while a login is being adopted. */
  async pend(userId: string): Promise<{ pending: string; everyone: KickRecord | undefined }> {
    const pending = `${encodePart(userId)} ${randomBytes(9).toString("base64url")}`;
    return { pending, everyone: readKick(await this.#run(INDEX_PEND, [pending, String(PENDING_MS)])) };
  }

  /** Removes a pending row after a refused adoption. If this fails, the row expires. */
  async unpend(pending: string): Promise<void> {
    const { active, expiry } = this.#keys;
    await this.#connection
      .run(INDEX_UNPEND, [active, expiry], [pending])
      .catch(ignored("a pending row stays until it expires"));
  }

  /** Reads the user's row, if there is one. */
  async rowsOf(userId: string): Promise<IndexRow[]> {
    const score = await this.#scores.add(userId);
    return score === undefined ? [] : [{ userId, score }];
  }

  /** Drops the rows that have not been written since they were read. Returns whether all of them were dropped. */
  async drop(rows: readonly IndexRow[]): Promise<boolean> {
    const dropped = await Promise.all(rows.map((row) => this.#drops.add(row)));
    return dropped.every((count) => Number(count) === 1);
  }

  /** Schedules the check of a user after `ttlMs` at the latest, when their remaining logins are shown for a shorter time. */
  async checkSooner(userId: string, ttlMs: number): Promise<void> {
    await this.#connection.run(INDEX_SOONER, [this.#keys.expiry], [encodePart(userId), String(ttlMs)]);
  }

  /** Reads the rows of users who may no longer have a login that is shown. */
  async due(): Promise<IndexRow[]> {
    const { active, expiry } = this.#keys;
    const fields = await this.#connection.run(INDEX_DUE, [active, expiry], [String(DUE_BATCH_SIZE)]);
    return readRows(fields, 3).rows;
  }

  /** Writes the results of checked users. Returns the number of users who have left the pages. */
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
   * Iterates over all rows that exist from the start to the end of the iteration; perhaps over others, perhaps twice. Pending rows
   * are included with their user.
   *
   * @throws LogoutError at the end, if some rows cannot be read.
   */
  async *scan(): AsyncIterable<IndexRow[]> {
    let cursor = "0";
    let isComplete = true;
    do {
      const args = [cursor, String(SCAN_COUNT)];
      const [next, fields] = (await this.#connection.run(INDEX_SCAN, [this.#keys.active], args)) as [string, unknown];
      cursor = next;
      const read = readRows(fields);
      isComplete &&= read.isComplete;
      yield read.rows;
    } while (cursor !== "0");
    if (!isComplete) throw unavailable(new Error(`${UNREADABLE} row of the index of users`), []);
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

/** Reads rows from a reply. @param width - Fields per row. 2: user, score; 3: user, score, due. */
function readRows(reply: unknown, width = 2): Rows {
  const fields = reply as string[];
  const rows: IndexRow[] = [];
  let isComplete = true;
  for (let i = 0; i < fields.length; i += width) {
    const [member = "", score = "", due] = fields.slice(i, i + width);
    try {
      const userId = decodePart(member.split(" ", 1)[0] ?? "");
      rows.push({ userId, score, ...(due === undefined ? {} : { due }) });
    } catch {
      // The caller then leaves the row as it is.
      isComplete = false;
    }
  }
  return { rows, isComplete };
}
