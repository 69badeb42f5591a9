import type { KickMark } from "../../login.js";
import type { Connection } from "./connection.js";
import { decodePart, encodePart, type AppKeys } from "./keys.js";
import { readMark } from "./records.js";
import { Together } from "../../together.js";
import {
  INDEX_DROP,
  INDEX_EXPIRED,
  INDEX_PAGE,
  INDEX_RETIRE,
  INDEX_SCAN,
  INDEX_SCORES,
  INDEX_TOUCH,
} from "./scripts.js";

/** How many rows of expired users one look at the index clears away. */
const EXPIRED_AT_ONCE = 100;
const SCAN_COUNT = 500;

/** A row as it was read: dropped only if its score is still that one. */
export interface IndexRow {
  readonly userId: string;
  readonly score: string;
}

/** Who has been active when. An index only: whether somebody is logged in, his own keys say. */
export class LoginIndex {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #scores = new Together((userIds: readonly string[]) => this.#scoresOf(userIds));
  readonly #drops = new Together((rows: readonly IndexRow[]) => this.#dropAll(rows));
  readonly #retirements = new Together((rows: readonly IndexRow[]) => this.#retireAll(rows));

  constructor(connection: Connection, keys: AppKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /**
   * The user was active now, and has a login for at least this long.
   *
   * @returns the last kick of everyone, as of the same moment: one that comes later finds the row.
   */
  async touch(userId: string, ttlMs: number): Promise<KickMark | undefined> {
    const { active, expiry, everyone } = this.#keys;
    const args = [encodePart(userId), String(Math.ceil(ttlMs))];
    return readMark(await this.#connection.run(INDEX_TOUCH, [active, expiry, everyone], args));
  }

  /** The user's row as it is now, if he has one. */
  async rowsOf(userId: string): Promise<IndexRow[]> {
    const score = await this.#scores.ask(userId);
    return score === undefined ? [] : [{ userId, score }];
  }

  /** Drops the rows that have not been written again since they were read. @returns how many. */
  drop(rows: readonly IndexRow[]): Promise<number> {
    return countDone(rows, this.#drops);
  }

  /**
   * Of the users of these rows nothing is left but a kick to be settled: they are not active any more, and only
   * {@link scan} finds them. Not so where a row has been written again since it was read. @returns how many.
   */
  retire(rows: readonly IndexRow[]): Promise<number> {
    return countDone(rows, this.#retirements);
  }

  /** Rows of users whose logins must all have expired. */
  async expired(): Promise<IndexRow[]> {
    const { active, expiry } = this.#keys;
    return readRows(await this.#connection.run(INDEX_EXPIRED, [active, expiry], [String(EXPIRED_AT_ONCE)]));
  }

  async page(offset: number, limit: number): Promise<{ totalCount: number; rows: IndexRow[] }> {
    const range = [String(offset), String(offset + limit - 1)];
    const [totalCount, rows] = (await this.#connection.run(INDEX_PAGE, [this.#keys.active], range)) as unknown[];
    return { totalCount: Number(totalCount), rows: readRows(rows) };
  }

  /** Every row that is there from beginning to end, and perhaps others; one may come twice. */
  async *scan(): AsyncIterable<IndexRow[]> {
    let cursor = "0";
    do {
      const [next, rows] = (await this.#connection.run(
        INDEX_SCAN,
        [this.#keys.active],
        [cursor, String(SCAN_COUNT)],
      )) as [string, unknown];
      cursor = next;
      yield readRows(rows);
    } while (cursor !== "0");
  }

  async #scoresOf(userIds: readonly string[]): Promise<(string | undefined)[]> {
    const scores = await this.#connection.run(INDEX_SCORES, [this.#keys.active], userIds.map(encodePart));
    return (scores as unknown[]).map((score) => (score === "" ? undefined : String(score)));
  }

  async #dropAll(rows: readonly IndexRow[]): Promise<boolean[]> {
    const { active, expiry } = this.#keys;
    return areDone(await this.#connection.run(INDEX_DROP, [active, expiry], writeRows(rows)));
  }

  async #retireAll(rows: readonly IndexRow[]): Promise<boolean[]> {
    return areDone(await this.#connection.run(INDEX_RETIRE, [this.#keys.active], writeRows(rows)));
  }
}

function writeRows(rows: readonly IndexRow[]): string[] {
  return rows.flatMap(({ userId, score }) => [encodePart(userId), score]);
}

async function countDone(rows: readonly IndexRow[], by: Together<IndexRow, boolean>): Promise<number> {
  const done = await Promise.all(rows.map((row) => by.ask(row)));
  return done.filter(Boolean).length;
}

function areDone(counts: unknown): boolean[] {
  return (counts as unknown[]).map((count) => Number(count) === 1);
}

function readRows(reply: unknown): IndexRow[] {
  const fields = reply as string[];
  const rows: IndexRow[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    rows.push({ userId: decodePart(fields[i] ?? ""), score: fields[i + 1] ?? "" });
  }
  return rows;
}
