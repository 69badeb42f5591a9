import type { KickRecord } from "../../types/login.js";
import { unavailable, type Commands, type Connection } from "./connection.js";
import { mapLimit } from "../../util/map-limit.js";
import { IndexShard, type IndexRow, type Reviewed, type Seen, type TouchOptions } from "./index-shard.js";
import { shardKeys, shardOf, type AppKeys } from "./keys.js";
import { readKick, UNREADABLE, writeKick } from "./records.js";
import { SHARDS_WRITTEN_AT_ONCE, type ShardCount } from "./shard-count.js";

/** The maximum number of due users that one read of the index checks. */
const DUE_BATCH_SIZE = 100;
/** The number of rows that a step of a scan reads, about. */
const SCAN_COUNT = 500;
/** A page is merged from the first rows of all shards if no more than this many are read, or if it ends before this position. */
const MAX_MERGED_ROWS = 16_000;
const ALWAYS_MERGED = 200;

/**
 * The index of users by last activity, in one shard or several. Whether a user is logged in is decided by the user's own keys only.
 *
 * A user is in the shard that the number of shards gives; while that number grows, perhaps in another, or in both. Calls for one user
 * go by the number of this process, calls for all users by the stored one, which is never smaller: see {@link ShardCount}.
 */
export class LoginIndex {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  readonly #count: ShardCount;
  readonly #shards: IndexShard[] = [];

  constructor(connection: Connection, keys: AppKeys, count: ShardCount) {
    this.#connection = connection;
    this.#keys = keys;
    this.#count = count;
  }

  /** See {@link IndexShard.touch}. @returns the last kick of everyone, read in the same step */
  async touch(userId: string, ttlMs: number, options?: TouchOptions): Promise<KickRecord | undefined> {
    const touch = (shard: IndexShard, isDivided: boolean) => shard.touch(isDivided, userId, ttlMs, options);
    return (await this.#write(userId, touch)).everyone;
  }

  /** See {@link IndexShard.pend}. */
  pend(userId: string): Promise<{ readonly pending: string; readonly everyone: KickRecord | undefined }> {
    return this.#write(userId, (shard, isDivided) => shard.pend(isDivided, userId));
  }

  /** Writes to the shard of a user. If Redis has lost the number of shards, and all rows with it, the number is stored first. */
  async #write<Written extends Seen>(
    userId: string,
    write: (shard: IndexShard, isDivided: boolean) => Promise<Written>,
  ): Promise<Written> {
    const count = await this.#count.own();
    const shard = this.#shard(shardOf(userId, count));
    for (;;) {
      const written = await write(shard, count > 1);
      if (!written.isLost) return written;
      await this.#count.restore();
    }
  }

  /** See {@link IndexShard.unpend}. */
  async unpend(userId: string, pending: string): Promise<void> {
    await (await this.#shardOf(userId)).unpend(pending);
  }

  /** Reads the rows of a user: one, or one in each shard that the user has been in. */
  async rowsOf(userId: string): Promise<IndexRow[]> {
    const shards = await this.#allOf(userId);
    return (await Promise.all(shards.map((shard) => shard.rowsOf(userId)))).flat();
  }

  /** See {@link IndexShard.checkSooner}. */
  async checkSooner(userId: string, ttlMs: number): Promise<void> {
    const shards = await this.#allOf(userId);
    await Promise.all(shards.map((shard) => shard.checkSooner(userId, ttlMs)));
  }

  /** Drops the rows that have not been written since they were read. Returns whether all of them were dropped. */
  async drop(rows: readonly IndexRow[]): Promise<boolean> {
    const dropped = await Promise.all(rows.map((row) => this.#shard(row.shard).drop(row)));
    return dropped.every(Boolean);
  }

  /** Reads the rows of users who may no longer have a login that is shown. */
  async due(): Promise<IndexRow[]> {
    const shards = await this.#stored();
    const limit = Math.ceil(DUE_BATCH_SIZE / shards.length);
    return (await Promise.all(shards.map((shard) => shard.due(limit)))).flat();
  }

  /** Writes the results of checked users. Returns the number of users who have left the pages. */
  async review(reviewed: readonly Reviewed[]): Promise<number> {
    if (reviewed.length === 0) return 0;
    const shards = this.#first(this.#count.seen);
    const isMoved = ({ row, verdict }: Reviewed): boolean => verdict === "show" && !isAtHome(row, shards.length);
    await this.#takeAll(reviewed.filter(isMoved), shards.length);
    const left = await Promise.all(
      shards.map((shard, number) => {
        const own = reviewed.filter(({ row }) => row.shard === number);
        return shard.review(own.map((each) => (isMoved(each) ? { ...each, verdict: "hide" } : each)));
      }),
    );
    return left.reduce((sum, each) => sum + each, 0);
  }

  /**
   * Reads a page of users, most recently active first. Each is in it once, even if the number of shards has grown. After {@link due},
   * which reads that number.
   */
  async page(offset: number, limit: number): Promise<{ totalCount: number; rows: IndexRow[] }> {
    for (;;) {
      const shards = this.#first(this.#count.seen);
      const page = await readPage(shards, offset, limit);
      const moved = page.rows.filter((row) => !isAtHome(row, shards.length));
      if (moved.length === 0) return page;
      await this.review(moved.map((row) => ({ row, verdict: "show", ttlMs: 0 })));
    }
  }

  /** Returns the number of rows in each shard. Stores nothing. @throws LogoutError as {@link ShardCount.own} */
  async sizes(): Promise<readonly number[]> {
    const shards = this.#first(await this.#count.peek());
    return Promise.all(shards.map((shard) => shard.size()));
  }

  /**
   * Iterates over all rows that exist from the start to the end of the iteration; perhaps over others, perhaps twice. Pending rows
   * are included with their user.
   *
   * @throws LogoutError at the end, if some rows cannot be read.
   */
  async *scan(): AsyncIterable<IndexRow[]> {
    let left = (await this.#stored()).map((shard) => ({ shard, cursor: "0" }));
    let isComplete = true;
    while (left.length > 0) {
      const count = Math.ceil(SCAN_COUNT / left.length);
      const read = await Promise.all(left.map(({ shard, cursor }) => shard.scan(cursor, count)));
      isComplete &&= read.every((each) => each.isComplete);
      left = left
        .map(({ shard }, position) => ({ shard, cursor: read[position]?.next ?? "0" }))
        .filter(({ cursor }) => cursor !== "0");
      yield read.flatMap(({ rows }) => rows);
    }
    if (!isComplete) throw unavailable(new Error(`${UNREADABLE} row of the index of users`), []);
  }

  /** Writes the last kick of everyone. Each login that is listed from then on sees it, and a scan after it finds all others. */
  async kickEveryone(kick: KickRecord, ttlMs: number, commands: Commands): Promise<void> {
    const args = [writeKick(kick), "PX", String(ttlMs)];
    let written = 0;
    for (;;) {
      const count = await this.#count.stored();
      if (count <= written) return;
      const shards = this.#first(count).slice(written);
      await mapLimit(SHARDS_WRITTEN_AT_ONCE, shards, ({ keys: { everyone } }) =>
        commands.command("SET", everyone, ...args),
      );
      written = count;
    }
  }

  /** Returns the last kick of everyone, as a step that lists a login of this user sees it. */
  async kickOfEveryone(userId: string): Promise<KickRecord | undefined> {
    const { keys } = await this.#shardOf(userId);
    return readKick(await this.#connection.command("GET", keys.everyone));
  }

  /**
   * Writes the rows of users where they belong. They stay where they were, and are hidden there: a scan that has passed the new place
   * already must still find them in the old one.
   */
  async #takeAll(moved: readonly Reviewed[], shardCount: number): Promise<void> {
    await Promise.all(moved.map(({ row }) => this.#shard(shardOf(row.userId, shardCount)).take(row)));
  }

  async #shardOf(userId: string): Promise<IndexShard> {
    return this.#shard(shardOf(userId, await this.#count.own()));
  }

  /** Returns the shards in which there may be a row of a user. */
  async #allOf(userId: string): Promise<readonly IndexShard[]> {
    const counts = [await this.#count.own(), ...this.#count.former];
    return [...new Set(counts.map((count) => shardOf(userId, count)))].map((number) => this.#shard(number));
  }

  async #stored(): Promise<readonly IndexShard[]> {
    return this.#first(await this.#count.stored());
  }

  #first(count: number): readonly IndexShard[] {
    return Array.from({ length: count }, (_, number) => this.#shard(number));
  }

  #shard(number: number): IndexShard {
    return (this.#shards[number] ??= new IndexShard(this.#connection, number, shardKeys(this.#keys, number)));
  }
}

/** Whether a row is in the shard that the number of shards gives. */
function isAtHome({ userId, shard }: IndexRow, shardCount: number): boolean {
  return shard === shardOf(userId, shardCount);
}

/** Merges the first rows of all shards; far from the first row, the rows from the score that the page begins with. */
async function readPage(
  shards: readonly IndexShard[],
  offset: number,
  limit: number,
): Promise<{ totalCount: number; rows: IndexRow[] }> {
  const [only] = shards;
  if (only !== undefined && shards.length === 1) return only.page(offset, limit);
  const isNear = offset + limit <= Math.max(ALWAYS_MERGED, MAX_MERGED_ROWS / shards.length);
  const firsts = await Promise.all(shards.map((shard) => shard.page(0, isNear ? offset + limit : 1)));
  const totalCount = firsts.reduce((sum, first) => sum + first.totalCount, 0);
  const first = firsts.flatMap(({ rows }) => rows).sort(byScore);
  if (isNear || first[0] === undefined) return { totalCount, rows: first.slice(offset, offset + limit) };
  const { score, skipped } = await scoreAt(shards, offset, Number(first[0].score));
  const rows = (await Promise.all(shards.map((shard) => shard.from(score, offset - skipped + limit))))
    .flat()
    .sort(byScore);
  return { totalCount, rows: rows.slice(offset - skipped, offset - skipped + limit) };
}

/** Finds the lowest score with at most `offset` users above it, and their number, by halving the scores. */
async function scoreAt(
  shards: readonly IndexShard[],
  offset: number,
  highest: number,
): Promise<{ score: number; skipped: number }> {
  let [low, high, skipped] = [0, highest, 0];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const counts = await Promise.all(shards.map((shard) => shard.countAbove(middle)));
    const above = counts.reduce((sum, each) => sum + each, 0);
    if (above <= offset) [high, skipped] = [middle, above];
    else low = middle + 1;
  }
  return { score: high, skipped };
}

function byScore(a: IndexRow, b: IndexRow): number {
  return Number(b.score) - Number(a.score);
}
