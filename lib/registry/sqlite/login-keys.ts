import type { KickRecord } from "../../types/login.js";
import type { KeyDigest, KeyIndex, KeyRow } from "../../types/login-keys.js";
import { laterOf, MARK_TTL_MS } from "../key-times.js";
import { readEach } from "../read-each.js";
import type { Sql } from "./connection.js";
import type { Database } from "./database.js";
import { LONGEST_MS, readKick, readText, writeKick, writeText, type Row } from "./records.js";

const READ_BATCH_SIZE = 1_000;
const DROP_BATCH_SIZE = 500;

/**
 * What binds and marks write survives a power failure: a session that is kept elsewhere must not outlive the row that a kick needs to
 * find its login.
 */
const IS_DURABLE = true;

/**
 * External keys in an SQLite database. `clear()` leaves them: it is no single transaction, so it could remove the row of a login that
 * has begun meanwhile. They expire.
 */
export class SqliteKeys implements KeyIndex {
  readonly #database: Database;
  readonly #application: () => { readonly app: string };

  /** @param application - with the application id as stored */
  constructor(database: Database, application: () => { readonly app: string }) {
    this.#database = database;
    this.#application = application;
  }

  async bind(key: KeyDigest, row: KeyRow, ttlMs: number): Promise<KickRecord | undefined> {
    const theKey = this.#key(key);
    return this.#database.step((sql) => bind(sql, theKey, row, ttlMs), IS_DURABLE);
  }

  async mark(key: KeyDigest, record: KickRecord, before = 0): Promise<void> {
    const theKey = this.#key(key);
    await this.#database.step((sql) => {
      mark(sql, theKey, record, before);
    }, IS_DURABLE);
  }

  async *rows(key: KeyDigest): AsyncIterable<readonly KeyRow[]> {
    const theKey = this.#key(key);
    const unreadable: unknown[] = [];
    // No text that is stored is empty.
    for (let last: readonly [user: string, id: string] = ["", ""]; ;) {
      const range = [...theKey, ...last, Date.now(), READ_BATCH_SIZE] as const;
      const rows = await this.#database.read((sql) => sql.all("listBound", ...range));
      const { read, errors } = readEach(rows, readRow);
      unreadable.push(...errors);
      yield read;
      if (rows.length < READ_BATCH_SIZE) break;
      last = [String(rows.at(-1)?.["user"]), String(rows.at(-1)?.["id"])];
    }
    if (unreadable.length > 0) throw unreadable[0];
  }

  async drop(key: KeyDigest, rows: readonly KeyRow[]): Promise<void> {
    const theKey = this.#key(key);
    for (let start = 0; start < rows.length; start += DROP_BATCH_SIZE) {
      const batch = rows.slice(start, start + DROP_BATCH_SIZE);
      await this.#database.step((sql) => {
        for (const row of batch) sql.run("deleteBound", ...theKey, ...writeLogin(row), row.since ?? null);
      });
    }
  }

  #key(key: KeyDigest): readonly [app: string, key: string] {
    return [this.#application().app, writeText(key)];
  }
}

/** Drops rows and marks that have expired, at most `size` of each. Returns how many of what it has dropped most. */
export function sweepKeys(sql: Sql, app: string, size: number): number {
  const now = Date.now();
  const counts = (["Bound", "Marks"] as const).map((what) => {
    const { count } = sql.first(`countOld${what}`, app, now, size) ?? {};
    if (Number(count) > 0) sql.run(`deleteOld${what}`, app, app, now, size);
    return Number(count);
  });
  return Math.max(...counts);
}

function bind(sql: Sql, key: readonly [string, string], row: KeyRow, ttlMs: number): KickRecord | undefined {
  const now = Date.now();
  const login = writeLogin(row);
  const kept = sql.first("findBound", ...key, ...login, now);
  const until = Math.max(Number(kept?.["until"] ?? 0), Math.ceil(Math.min(now + ttlMs, LONGEST_MS)));
  const since = laterOf(kept && readSince(kept), row.since);
  sql.run("putBound", ...key, ...login, since ?? null, until);
  return since === undefined ? undefined : readKick(sql.first("findMarkOf", ...key, now, since)?.["kick"]);
}

function mark(sql: Sql, key: readonly [string, string], record: KickRecord, before: number): void {
  const now = Date.now();
  const kept = sql.first("findMark", ...key, now);
  const isGreatest = kept === undefined || before >= Number(kept["before"]);
  if (isGreatest) sql.run("putMark", ...key, before, writeKick(record), now + MARK_TTL_MS);
  else sql.run("keepMark", now + MARK_TTL_MS, ...key);
}

function writeLogin({ userId, loginId }: KeyRow): readonly [user: string, id: string] {
  return [writeText(userId), writeText(loginId)];
}

function readRow(row: Row): KeyRow {
  return { userId: readText(row["user"]), loginId: readText(row["id"]), since: readSince(row) };
}

function readSince(row: Row): KeyRow["since"] {
  return row["since"] === null ? undefined : Number(row["since"]);
}
