import { randomBytes } from "node:crypto";
import type { KickRecord } from "../../types/login.js";
import { Batcher } from "../../util/batcher.js";
import type { Connection } from "./connection.js";
import { decodePart, encodePart, type ShardKeys } from "./keys.js";
import { readKick } from "./records.js";
import {
  INDEX_DROP,
  INDEX_DUE,
  INDEX_FROM,
  INDEX_PAGE,
  INDEX_PEND,
  INDEX_REVIEW,
  INDEX_SCAN,
  INDEX_SCORES,
  INDEX_SOONER,
  INDEX_TAKE,
  INDEX_TOUCH,
  INDEX_UNPEND,
} from "./scripts/bundle.js";
import { ignored } from "../../util/debug.js";

/** How long the pending row of an adoption lives, in milliseconds: longer than any request waits. */
const PENDING_MS = 600_000;

/** A row as it was read. It is dropped only if its score has not changed since. */
export interface IndexRow {
  readonly userId: string;
  /** The number of the shard that holds the row. */
  readonly shard: number;
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

export interface TouchOptions {
  readonly isShorter?: boolean;
  readonly pending?: string;
}

/** What a step that writes a row has seen. */
export interface Seen {
  /** The last kick of everyone. */
  readonly everyone: KickRecord | undefined;
  /** Redis has lost the number of shards, and nothing is written. */
  readonly isLost: boolean;
}

/** A shard of the index: one part of the users, in one hash slot. */
export class IndexShard {
  readonly #connection: Connection;
  readonly #number: number;
  readonly keys: ShardKeys;
  readonly #scores = new Batcher((userIds: readonly string[]) => this.#scoresOf(userIds));
  readonly #drops = new Batcher((rows: readonly IndexRow[]) => this.#dropAll(rows));

  constructor(connection: Connection, number: number, keys: ShardKeys) {
    this.#connection = connection;
    this.#number = number;
    this.keys = keys;
  }

  /**
   * Records activity of a user with a login that is shown for at least `ttlMs`.
   *
   * @param isDivided - whether the process goes by several shards
   * @param options - `isShorter`: a login is shown for a shorter time than before, so check the user after `ttlMs` at the latest.
   *   `pending`: a pending row from {@link IndexShard.pend} to remove.
   * @returns The last kick of everyone, read in the same step. A later kick finds the row.
   */
  async touch(
    isDivided: boolean,
    userId: string,
    ttlMs: number,
    { isShorter = false, pending = "" }: TouchOptions = {},
  ): Promise<Seen> {
    const args = [encodePart(userId), String(Math.ceil(ttlMs)), isShorter ? "1" : "0", pending];
    return this.#write(INDEX_TOUCH, isDivided, args);
  }

  /** Writes a pending row, by which a kick of everyone finds the user while a login is being adopted. */
  async pend(isDivided: boolean, userId: string): Promise<Seen & { readonly pending: string }> {
    const pending = `${encodePart(userId)} ${randomBytes(9).toString("base64url")}`;
    return { pending, ...(await this.#write(INDEX_PEND, isDivided, [pending, String(PENDING_MS)])) };
  }

  /** Removes a pending row after a refused adoption. If this fails, the row expires. */
  async unpend(pending: string): Promise<void> {
    const { active, expiry } = this.keys;
    await this.#connection
      .run(INDEX_UNPEND, [active, expiry], [pending])
      .catch(ignored("a pending row stays until it expires"));
  }

  /** Reads the user's row, if there is one. */
  async rowsOf(userId: string): Promise<IndexRow[]> {
    const score = await this.#scores.add(userId);
    return score === undefined ? [] : [{ userId, shard: this.#number, score }];
  }

  /** Drops a row unless it was written since it was read. Returns whether it was dropped. */
  async drop(row: IndexRow): Promise<boolean> {
    return Number(await this.#drops.add(row)) === 1;
  }

  /** Schedules the check of a user after `ttlMs` at the latest, when their remaining logins are shown for a shorter time. */
  async checkSooner(userId: string, ttlMs: number): Promise<void> {
    await this.#connection.run(INDEX_SOONER, [this.keys.expiry], [encodePart(userId), String(ttlMs)]);
  }

  /** Reads at most `limit` rows of users who may no longer have a login that is shown. */
  async due(limit: number): Promise<IndexRow[]> {
    const { active, expiry } = this.keys;
    const fields = await this.#connection.run(INDEX_DUE, [active, expiry], [String(limit)]);
    return this.#readRows(fields, 3).rows;
  }

  /** Writes the results of checked users. Returns the number of users who have left the pages. */
  async review(reviewed: readonly Reviewed[]): Promise<number> {
    if (reviewed.length === 0) return 0;
    const { active, expiry } = this.keys;
    const args = reviewed.flatMap(({ row: { userId, score, due = "" }, verdict, ttlMs }) => {
      return [encodePart(userId), score, due, verdict, String(Math.ceil(ttlMs))];
    });
    const left = (await this.#connection.run(INDEX_REVIEW, [active, expiry], args)) as unknown[];
    return left.filter((each) => Number(each) === 1).length;
  }

  async page(offset: number, limit: number): Promise<{ totalCount: number; rows: IndexRow[] }> {
    const range = [String(offset), String(offset + limit - 1)];
    const [totalCount, rows] = (await this.#connection.run(INDEX_PAGE, [this.keys.active], range)) as unknown[];
    return { totalCount: Number(totalCount), rows: this.#readRows(rows).rows };
  }

  /** Returns the number of rows. */
  async size(): Promise<number> {
    return Number(await this.#connection.read("ZCARD", this.keys.active));
  }

  /** Returns the number of users who are shown, with a score above this one. */
  async countAbove(score: number): Promise<number> {
    return Number(await this.#connection.read("ZCOUNT", this.keys.active, `(${String(score)}`, "+inf"));
  }

  /** Reads users who are shown, with this score or a lower one: the highest first. */
  async from(score: number, limit: number): Promise<IndexRow[]> {
    const reply = await this.#connection.run(INDEX_FROM, [this.keys.active], [String(score), String(limit)]);
    return this.#readRows(reply).rows;
  }

  /** Shows a user whose row is in another shard. */
  async take({ userId, score }: IndexRow): Promise<void> {
    const { active, expiry } = this.keys;
    await this.#connection.run(INDEX_TAKE, [active, expiry], [encodePart(userId), score]);
  }

  /** Reads about `count` rows at a cursor, which is `"0"` at first and after the last. */
  async scan(cursor: string, count: number): Promise<Rows & { next: string }> {
    const args = [cursor, String(count)];
    const [next, fields] = (await this.#connection.run(INDEX_SCAN, [this.keys.active], args)) as [string, unknown];
    return { next, ...this.#readRows(fields) };
  }

  async #write(script: typeof INDEX_TOUCH, isDivided: boolean, args: readonly string[]): Promise<Seen> {
    const { active, expiry, everyone, shardCount } = this.keys;
    const keys = [active, expiry, everyone, shardCount] as const;
    const kick = await this.#connection.run(script, keys, [isDivided ? "1" : "0", ...args]);
    return kick === null ? { everyone: undefined, isLost: true } : { everyone: readKick(kick), isLost: false };
  }

  async #scoresOf(userIds: readonly string[]): Promise<(string | undefined)[]> {
    const scores = await this.#connection.run(INDEX_SCORES, [this.keys.active], userIds.map(encodePart));
    return (scores as unknown[]).map((score) => (score === "" ? undefined : String(score)));
  }

  async #dropAll(rows: readonly IndexRow[]): Promise<readonly unknown[]> {
    const { active, expiry } = this.keys;
    const args = rows.flatMap(({ userId, score }) => [encodePart(userId), score]);
    return (await this.#connection.run(INDEX_DROP, [active, expiry], args)) as unknown[];
  }

  /** Reads rows from a reply. @param width - Fields per row. 2: user, score; 3: user, score, due. */
  #readRows(reply: unknown, width = 2): Rows {
    const fields = reply as string[];
    const rows: IndexRow[] = [];
    let isComplete = true;
    for (let i = 0; i < fields.length; i += width) {
      const [member = "", score = "", due] = fields.slice(i, i + width);
      try {
        const userId = decodePart(member.split(" ", 1)[0] ?? "");
        rows.push({ userId, shard: this.#number, score, ...(due === undefined ? {} : { due }) });
      } catch {
        // The caller then leaves the row as it is.
        isComplete = false;
      }
    }
    return { rows, isComplete };
  }
}
