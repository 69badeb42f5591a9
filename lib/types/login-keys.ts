import type { KickRecord } from "./login.js";

/**
 * An external key of a login: a flat object of strings, such as `{ tenant: "acme" }` or `{ iss, sid }`. Two keys are equal if all
 * members are. At most 8 members and 1 kB. Stored as a digest.
 */
export type LoginKey = Readonly<Record<string, string>>;

/** The digest of a key: 22 characters of base64url. The key itself never reaches the registry. */
export type KeyDigest = string;

/** A login that is bound to a key. */
export interface KeyRow {
  readonly userId: string;
  readonly loginId: string;
  /**
   * When the user authenticated, by the issuer's clock, in seconds since 1970. Absent: unknown, the login is new. `0`: unknown, and
   * the login is older than any mark.
   */
  readonly since?: number | undefined;
}

/**
 * Binds logins to external keys. `logout()` drives the protocol. A login: list, bind, write the session. A kick: mark, read the rows,
 * end each login, drop the rows. A login has ended if a key of it has `since ≤ before`; both come from the issuer's clock.
 *
 * Each method is one atomic step on its key. A method that cannot reach its data rejects with `ERR_REGISTRY_UNAVAILABLE`, as those of
 * {@link LoginRegistry} do.
 */
export interface KeyIndex {
  /**
   * Binds a login to a key, and returns the record of a mark that applies to its row: one with `before ≥ since`, and none if `since` is
   * absent. Writing the row and reading the mark are one step.
   *
   * A row that exists keeps the later `since` and the later expiry. A row lives for at least `ttlMs` from now, also
   * after its login has ended.
   */
  bind(key: KeyDigest, row: KeyRow, ttlMs: number): Promise<KickRecord | undefined>;

  /**
   * Marks a key: logins with `since ≤ before` have ended. Keeps the greatest `before` and its record, so that order and repetition
   * change nothing. Absent, `before` is 0: it applies to logins that are older than any mark. A mark lives for a day from now.
   */
  mark(key: KeyDigest, record: KickRecord, before: number | undefined): Promise<void>;

  /** Iterates over the rows of a key, in batches: all that were bound before the call, once each; perhaps others. */
  rows(key: KeyDigest): AsyncIterable<readonly KeyRow[]>;

  /** Removes rows whose logins have ended, unless a row has a later `since` by now. */
  drop(key: KeyDigest, rows: readonly KeyRow[]): Promise<void>;
}
