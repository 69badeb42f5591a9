import type { KickRecord } from "../../types/login.js";
import type { KeyDigest, KeyIndex, KeyRow } from "../../types/login-keys.js";
import { MARK_TTL_MS } from "../key-times.js";
import type { Commands, Connection } from "./connection.js";
import { decodePart, encodePart, externalKeys, type AppKeys } from "./keys.js";
import { readKick, writeKick } from "./records.js";
import { KEY_BIND, KEY_DROP, KEY_MARK, KEY_ROWS } from "./scripts/bundle.js";

/** The maximum number of rows per KEY_DROP. */
const DROP_BATCH_SIZE = 500;

export interface RedisKeysOptions {
  readonly connection: Connection;
  /** The commands that must not be undone by a failover. */
  readonly replicated: Commands;
  readonly appKeys: () => AppKeys;
}

/**
 * External keys in Redis: all of a key in one hash slot. `clear()` does not reach them: it knows no digest, and a mark must outlive it
 * for the logins in flight. They expire.
 */
export class RedisKeys implements KeyIndex {
  readonly #connection: Connection;
  readonly #replicated: Commands;
  readonly #appKeys: () => AppKeys;

  constructor({ connection, replicated, appKeys }: RedisKeysOptions) {
    this.#connection = connection;
    this.#replicated = replicated;
    this.#appKeys = appKeys;
  }

  async bind(digest: KeyDigest, row: KeyRow, ttlMs: number): Promise<KickRecord | undefined> {
    const { bound, mark } = this.#keys(digest);
    const args = [...writeRow(row), String(Math.ceil(ttlMs))];
    return readKick(await this.#replicated.run(KEY_BIND, [bound, mark], args));
  }

  async mark(digest: KeyDigest, record: KickRecord, before = 0): Promise<void> {
    const { mark } = this.#keys(digest);
    await this.#replicated.run(KEY_MARK, [mark], [String(before), writeKick(record), String(MARK_TTL_MS)]);
  }

  async *rows(digest: KeyDigest): AsyncIterable<readonly KeyRow[]> {
    const { bound } = this.#keys(digest);
    // A scan may return a row twice.
    const found = new Set<string>();
    let cursor = "0";
    do {
      const [next = "0", ...fields] = (await this.#connection.run(KEY_ROWS, [bound], [cursor])) as string[];
      const rows: KeyRow[] = [];
      for (let i = 0; i < fields.length; i += 2) {
        const [login = "", since = ""] = fields.slice(i, i + 2);
        if (!found.has(login)) rows.push(readRow(login, since));
        found.add(login);
      }
      yield rows;
      cursor = next;
    } while (cursor !== "0");
  }

  async drop(digest: KeyDigest, rows: readonly KeyRow[]): Promise<void> {
    const { bound } = this.#keys(digest);
    for (let start = 0; start < rows.length; start += DROP_BATCH_SIZE) {
      const args = rows.slice(start, start + DROP_BATCH_SIZE).flatMap(writeRow);
      await this.#connection.run(KEY_DROP, [bound], args);
    }
  }

  #keys(digest: KeyDigest): ReturnType<typeof externalKeys> {
    return externalKeys(this.#appKeys(), digest);
  }
}

/** Returns a row as the scripts know it: user and login, and since. */
function writeRow({ userId, loginId, since }: KeyRow): [login: string, since: string] {
  return [`${encodePart(userId)} ${encodePart(loginId)}`, String(since ?? "")];
}

function readRow(login: string, since: string): KeyRow {
  const [userId = "", loginId = ""] = login.split(" ").map(decodePart);
  return { userId, loginId, since: since === "" ? undefined : Number(since) };
}
