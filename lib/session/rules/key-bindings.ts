import { createHash } from "node:crypto";
import type { KeyDigest, KeyIndex } from "../../types/login-keys.js";
import type { LoginRegistry } from "../../types/registry.js";
import type { KickRecord } from "../../types/login.js";
import { CLOCK_MARGIN_MS, isBefore } from "../../util/clock-margin.js";
import { digestForAdoption, digestOfUser } from "../../util/login-key.js";
import type { HeldLogin } from "../request-state.js";
import type { SessionEvents } from "../session-events.js";
import type { BoundKeys, SessionRecord, Stamp } from "../stamp.js";
import type { FinishKick } from "./finish-kick.js";
import type { RememberedSessions } from "./remembered-sessions.js";

/** A key of a session's login. */
export interface SessionKey {
  readonly digest: KeyDigest;
  /** When the user authenticated, by the issuer's clock, in seconds since 1970. */
  readonly since?: number | undefined;
}

/** Returns the keys of a session's login. Throws if a function of the app fails: no login is listed without its keys. */
export type KeysOf = (session: SessionRecord) => readonly SessionKey[];

export interface KeyBindingsOptions {
  readonly registry: LoginRegistry;
  /** Absent: no login has keys. */
  readonly keysOf: KeysOf | undefined;
  readonly remembered: RememberedSessions;
  readonly finish: FinishKick;
  readonly events: SessionEvents;
}

/** A listed login whose session is about to be written, or to live longer. */
export interface Binding {
  readonly sid: string;
  readonly session: SessionRecord;
  /** How long the registry keeps the login, in milliseconds. */
  readonly keepMs: number;
  /** Set for an adopted login: it counts as older than a kick by key without a time, unless its user authenticated after the kick. */
  readonly adopted?: { readonly authenticatedAt: Date | undefined };
  /** The logins of other users that the request leaves for this one: if one was kicked, the request must not go on as someone else. */
  readonly leaves?: readonly HeldLogin[] | undefined;
}

/**
 * Binds logins to the external keys of their sessions, after a login is listed and before its session is written: a kick by key then
 * either finds the row, or has left a mark that is found here.
 */
export class KeyBindings {
  readonly #registry: LoginRegistry;
  readonly #keysOf: KeysOf | undefined;
  readonly #remembered: RememberedSessions;
  readonly #finish: FinishKick;
  readonly #events: SessionEvents;

  constructor({ registry, keysOf, remembered, finish, events }: KeyBindingsOptions) {
    this.#registry = registry;
    this.#keysOf = keysOf;
    this.#remembered = remembered;
    this.#finish = finish;
    this.#events = events;
  }

  /**
   * Binds a login to its keys, unless the rows are there already and outlive it.
   *
   * @returns the stamp to be written; `undefined` if a kick by key applies to the login: it has ended now
   */
  async bind(binding: Binding, stamp: Stamp): Promise<Stamp | undefined> {
    if (this.#keysOf === undefined) return stamp;
    const { sid, session, keepMs, adopted, leaves = [] } = binding;
    const own = this.#keysOf(session);
    const checksum = own.length === 0 ? "" : checksumOf(own);
    const keys = adopted === undefined ? own : own.map((key) => ({ ...key, since: key.since ?? 0 }));
    const now = Date.now();
    const known = this.#bound(sid, stamp, checksum);
    const isBound = keys.length === 0 || (known !== undefined && known.until >= now + keepMs);
    // Rows of earlier keys stay until they expire: a login is never unbound.
    if (isBound && leaves.length === 0) return known === stamp.bound ? stamp : { ...stamp, bound: known };
    const { userId, loginId } = stamp;
    const bind = ({ digest, since }: SessionKey): Promise<KickRecord | undefined> =>
      this.#index.bind(digest, { userId, loginId, since }, 2 * keepMs + CLOCK_MARGIN_MS);
    // One after the other: a kick leaves its mark for adoptions before it reads the rows.
    const mark =
      (await markOf(keys, bind)) ??
      (adopted && (await markOf(forAdoption(keys, userId), bind, adopted.authenticatedAt))) ??
      (await this.#kickOfLeft(leaves));
    if (mark !== undefined) {
      const kick = this.#events.newKick("kick", mark);
      const { ended } = await this.#registry.end(userId, { loginId, kick });
      await this.#finish(userId, ended, kick);
      return undefined;
    }
    const next = { ...stamp, bound: keys.length === 0 ? undefined : { checksum, until: now + 2 * keepMs } };
    this.#remembered.bound(sid, next);
    return next;
  }

  /** Returns whether a login is bound to the keys that its session has now: an app may have changed them since. */
  isBound(session: SessionRecord, { bound }: Stamp): boolean {
    if (this.#keysOf === undefined) return true;
    const keys = this.#keysOf(session);
    return keys.length === 0 || bound?.checksum === checksumOf(keys);
  }

  async #kickOfLeft(leaves: readonly HeldLogin[]): Promise<KickRecord | undefined> {
    for (const { stamp } of leaves) {
      const { userId, loginId, generation } = stamp;
      if ((await this.#registry.find(userId, loginId)) !== undefined) continue;
      const kick = await this.#registry.kickOf(userId, loginId, generation);
      if (kick !== undefined) return kick;
    }
    return undefined;
  }

  /** A session that is only touched keeps the stamp of its last save: what this process has bound since, it remembers. */
  #bound(sid: string, stamp: Stamp, checksum: string): BoundKeys | undefined {
    return [this.#remembered.boundKeys(sid, stamp), stamp.bound].find((bound) => bound?.checksum === checksum);
  }

  get #index(): KeyIndex {
    const { keys } = this.#registry;
    if (keys === undefined) throw new TypeError("the registry keeps no keys");
    return keys;
  }
}

function forAdoption(keys: readonly SessionKey[], userId: string): SessionKey[] {
  const own = digestOfUser(userId);
  return keys.flatMap(({ digest }) => [
    { digest: digestForAdoption(digest, "key"), since: 0 },
    ...(digest === own ? [] : [{ digest: digestForAdoption(digest, "user"), since: 0 }]),
  ]);
}

/**
 * Binds all keys together. Returns the record of a mark that applies to one of them, and is not certainly older than the user's
 * authentication.
 */
async function markOf(
  keys: readonly SessionKey[],
  bind: (key: SessionKey) => Promise<KickRecord | undefined>,
  authenticatedAt?: Date,
): Promise<KickRecord | undefined> {
  const marks = await Promise.all(keys.map(bind));
  return marks.find((mark) => mark !== undefined && !isBefore(mark, authenticatedAt));
}

function checksumOf(keys: readonly SessionKey[]): string {
  const text = keys.map(({ digest, since = "" }) => `${digest} ${String(since)}`).sort();
  const digest = createHash("sha256").update(text.join("\n")).digest();
  return String(digest.readUInt32BE()).padStart(10, "0");
}
