import type { KickRecord } from "../../types/login.js";
import type { KeyDigest, KeyIndex, KeyRow } from "../../types/login-keys.js";
import { MARK_TTL_MS } from "../key-times.js";
import { readEach } from "../read-each.js";
import type { Database } from "./database.js";
import { digest } from "./names.js";
import { milliseconds, readKick, readText, writeKick, writeText, type Row } from "./records.js";
import type { Statements } from "./statements.js";

const READ_BATCH_SIZE = 1_000;
const DROP_BATCH_SIZE = 500;

interface Application {
  /** As stored. */
  readonly app: string;
  readonly appId: string;
}

/**
 * External keys in PostgreSQL. `clear()` leaves them: it is no single transaction, so it could remove the row of a login that has begun
 * meanwhile. They expire.
 */
export class PostgresKeys implements KeyIndex {
  readonly #database: Database;
  readonly #statements: Statements;
  readonly #application: () => Application;

  constructor(database: Database, statements: Statements, application: () => Application) {
    this.#database = database;
    this.#statements = statements;
    this.#application = application;
  }

  async bind(key: KeyDigest, row: KeyRow, ttlMs: number): Promise<KickRecord | undefined> {
    const { app } = this.#application();
    const texts = [row.userId, row.loginId].map(writeText);
    const values = [app, this.#key(key), this.#login(row), ...texts, row.since ?? null, milliseconds(ttlMs)];
    const [bound] = await this.#database.step(this.#statements.bindKey, ...values);
    return readKick(bound?.["its_mark"]);
  }

  async mark(key: KeyDigest, record: KickRecord, before = 0): Promise<void> {
    const { app } = this.#application();
    const values = [app, this.#key(key), before, writeKick(record), MARK_TTL_MS];
    await this.#database.step(this.#statements.markKey, ...values);
  }

  async *rows(key: KeyDigest): AsyncIterable<readonly KeyRow[]> {
    const unreadable: unknown[] = [];
    for (let last = ""; ;) {
      const rows = await this.#database.read(this.#statements.boundRows, this.#key(key), last, READ_BATCH_SIZE);
      const { read, errors } = readEach(rows, readRow);
      unreadable.push(...errors);
      yield read;
      if (rows.length < READ_BATCH_SIZE) break;
      last = String(rows.at(-1)?.["login"]);
    }
    if (unreadable.length > 0) throw unreadable[0];
  }

  async drop(key: KeyDigest, rows: readonly KeyRow[]): Promise<void> {
    const theKey = this.#key(key);
    for (let start = 0; start < rows.length; start += DROP_BATCH_SIZE) {
      const batch = rows.slice(start, start + DROP_BATCH_SIZE);
      const logins = batch.map((row) => this.#login(row));
      const times = batch.map(({ since = null }) => since);
      await this.#database.step(this.#statements.dropBound, theKey, logins, times);
    }
  }

  /** Drops what has expired: at most `size` rows, and as many marks. Returns how many of what it has dropped most. */
  async sweep(size: number): Promise<number> {
    const [row] = await this.#database.step(this.#statements.sweepKeys, this.#application().app, size);
    return Number(row?.["swept"]);
  }

  #key(key: KeyDigest): Buffer {
    return digest(this.#application().appId, key);
  }

  #login({ userId, loginId }: KeyRow): Buffer {
    return digest(this.#application().appId, userId, loginId);
  }
}

function readRow(row: Row): KeyRow {
  const since = row["since"];
  return {
    userId: readText(row["user_id"]),
    loginId: readText(row["id"]),
    since: since === null ? undefined : Number(since),
  };
}
