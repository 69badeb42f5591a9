import { createHash } from "node:crypto";
import type { KeyDigest, KeyIndex } from "../../types/login-keys.js";
import type { LoginRegistry } from "../../types/registry.js";
import type { KickRecord } from "../../types/login.js";
import { CLOCK_MARGIN_MS } from "../../util/clock-margin.js";
import { digestForAdoption, digestOfUser } from "../../util/login-key.js";
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
  /** Whether the login is adopted: every kick by key that knows no time came after it. Default: it begins now. */
  readonly isOld?: boolean;
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
  async bind({ sid, session, keepMs, isOld = false }: Binding, stamp: Stamp): Promise<Stamp | undefined> {
    if (this.#keysOf === undefined) return stamp;
    const keys = this.#keysOf(session).map((key) => (isOld ? { ...key, since: key.since ?? 0 } : key));
    // Rows of earlier keys stay: a login is never unbound.
    if (keys.length === 0) return stamp.bound === undefined ? stamp : { ...stamp, bound: undefined };
    const checksum = checksumOf(keys);
    const now = Date.now();
    const known = this.#bound(sid, stamp, checksum);
    if (known !== undefined && known.until >= now + keepMs)
      return known === stamp.bound ? stamp : { ...stamp, bound: known };
    const { userId, loginId } = stamp;
    const bind = ({ digest, since }: SessionKey): Promise<KickRecord | undefined> =>
      this.#index.bind(digest, { userId, loginId, since }, 2 * keepMs + CLOCK_MARGIN_MS);
    // One after the other: a kick leaves its mark for adoptions before it reads the rows.
    const mark = (await markOf(keys, bind)) ?? (isOld ? await markOf(forAdoption(keys, userId), bind) : undefined);
    if (mark !== undefined) {
      const kick = this.#events.newKick("kick", mark);
      const { ended } = await this.#registry.end(userId, { loginId, kick });
      await this.#finish(userId, ended, kick);
      return undefined;
    }
    const next = { ...stamp, bound: { checksum, until: now + 2 * keepMs } };
    this.#remembered.bound(sid, next);
    return next;
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

/** Binds all keys together. Returns the record of a mark that applies to one of them. */
async function markOf(
  keys: readonly SessionKey[],
  bind: (key: SessionKey) => Promise<KickRecord | undefined>,
): Promise<KickRecord | undefined> {
  return (await Promise.all(keys.map(bind))).find((record) => record !== undefined);
}

function checksumOf(keys: readonly SessionKey[]): string {
  const text = keys.map(({ digest, since = "" }) => `${digest} ${String(since)}`).sort();
  const digest = createHash("sha256").update(text.join("\n")).digest();
  return String(digest.readUInt32BE()).padStart(10, "0");
}
