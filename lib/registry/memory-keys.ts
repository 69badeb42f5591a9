import type { KickRecord } from "../types/login.js";
import type { KeyDigest, KeyIndex, KeyRow } from "../types/login-keys.js";
import { laterOf, MARK_TTL_MS } from "./key-times.js";

interface KeptRow extends KeyRow {
  /** Until when it is kept, in epoch milliseconds. */
  readonly until: number;
}

interface Mark {
  readonly before: number;
  readonly record: KickRecord;
  readonly until: number;
}

interface Key {
  readonly rows: Map<string, KeptRow>;
  mark?: Mark | undefined;
}

/** The external keys of `MemoryLoginRegistry`. Every method is one turn of the event loop. */
export class MemoryKeys implements KeyIndex {
  readonly #keys = new Map<KeyDigest, Key>();
  readonly #check: () => unknown;

  /** @param check - throws if the registry serves no application yet */
  constructor(check: () => unknown) {
    this.#check = check;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a failed check rejects
  async bind(digest: KeyDigest, { userId, loginId, ...row }: KeyRow, ttlMs: number): Promise<KickRecord | undefined> {
    const now = this.#now();
    const { rows, mark } = this.#findOrCreate(digest);
    const id = idOf({ userId, loginId });
    const found = rows.get(id);
    const kept = isKept(found, now) ? found : undefined;
    const until = Math.max(kept?.until ?? 0, now + ttlMs);
    const since = laterOf(kept?.since, row.since);
    rows.set(id, { userId, loginId, since, until });
    return isKept(mark, now) && since !== undefined && since <= mark.before ? mark.record : undefined;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a failed check rejects
  async mark(digest: KeyDigest, record: KickRecord, before = 0): Promise<void> {
    const now = this.#now();
    const key = this.#findOrCreate(digest);
    const until = now + MARK_TTL_MS;
    const kept = isKept(key.mark, now) ? key.mark : undefined;
    key.mark = kept !== undefined && before < kept.before ? { ...kept, until } : { before, record, until };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a failed check rejects
  async *rows(digest: KeyDigest): AsyncIterable<readonly KeyRow[]> {
    const now = this.#now();
    const key = this.#keys.get(digest);
    if (key === undefined) return;
    this.#dropExpired(digest, key, now);
    yield Array.from(key.rows.values(), ({ userId, loginId, since }) => ({ userId, loginId, since }));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a failed check rejects
  async drop(digest: KeyDigest, rows: readonly KeyRow[]): Promise<void> {
    const now = this.#now();
    const key = this.#keys.get(digest);
    if (key === undefined) return;
    for (const row of rows) {
      const found = key.rows.get(idOf(row));
      if (found !== undefined && laterOf(row.since, found.since) === row.since) key.rows.delete(idOf(row));
    }
    this.#dropExpired(digest, key, now);
  }

  /** The number of keys with rows or a mark, including what has expired and was not swept. */
  get size(): number {
    return this.#keys.size;
  }

  /** Drops what has expired. */
  sweep(): void {
    const now = Date.now();
    for (const [digest, key] of this.#keys) this.#dropExpired(digest, key, now);
  }

  /** Forgets the rows, but not the marks: a login may be about to bind a key that was marked a moment ago. */
  clear(): void {
    for (const [digest, key] of this.#keys) {
      key.rows.clear();
      this.#dropExpired(digest, key, Date.now());
    }
  }

  #dropExpired(digest: KeyDigest, key: Key, now: number): void {
    for (const [id, row] of key.rows) if (!isKept(row, now)) key.rows.delete(id);
    if (!isKept(key.mark, now)) key.mark = undefined;
    if (key.rows.size === 0 && key.mark === undefined) this.#keys.delete(digest);
  }

  #findOrCreate(digest: KeyDigest): Key {
    let key = this.#keys.get(digest);
    if (key === undefined) {
      key = { rows: new Map() };
      this.#keys.set(digest, key);
    }
    return key;
  }

  #now(): number {
    this.#check();
    return Date.now();
  }
}

function idOf({ userId, loginId }: KeyRow): string {
  return JSON.stringify([userId, loginId]);
}

function isKept<Kept extends { readonly until: number }>(kept: Kept | undefined, now: number): kept is Kept {
  return kept !== undefined && kept.until > now;
}
