import { crc32 } from "node:zlib";
import keySlot from "cluster-key-slot";

/**
 * Encodes any string for use in a key: without braces (which would split the hash tag) and colons. Lone surrogates, which UTF-8
 * cannot represent and `encodeURIComponent` refuses, are written as `%uD800`, so that two user ids never share a key.
 */
export function encodePart(text: string): string {
  if (text.isWellFormed()) return encodeURIComponent(text);
  return text
    .split(/(\p{Surrogate})/u)
    .map((part, index) => (index % 2 === 0 ? encodeURIComponent(part) : `%u${hex(part)}`))
    .join("");
}

/** Decodes a string from {@link encodePart}. */
export function decodePart(encoded: string): string {
  return encoded
    .split(/%u([0-9A-F]{4})/)
    .map((part, index) => (index % 2 === 0 ? decodeURIComponent(part) : String.fromCharCode(parseInt(part, 16))))
    .join("");
}

function hex(surrogate: string): string {
  return surrogate.charCodeAt(0).toString(16).toUpperCase();
}

/** The keys of one user. They share a hash tag, so that a script can use all of them in a Cluster. */
export interface UserKeys {
  /** Hash: login id → record. */
  readonly logins: string;
  /**
   * Hash: `*` → the last kick of the user; `*spared` → the login that this kick has spared; `=` and a login id → how often, and by
   * which kick, that login was ended.
   */
  readonly ended: string;
  /** Hash: login id → record, for the logins of kicks that are not finished. */
  readonly kicked: string;
  /** Sorted set, only for a user with many logins: login id → when it began, negative if it is not shown. */
  readonly order: string;
}

/** The keys of one shard of the index of users. They share a hash tag. */
export interface ShardKeys {
  /**
   * Sorted set: user → last activity, in microseconds; negative if no login of the user is shown. A user followed by a space and a
   * nonce: a login is being adopted.
   */
  readonly active: string;
  /** Sorted set: the same members → when to check whether the user still has a login that is shown, in milliseconds. */
  readonly expiry: string;
  /** String: the last kick of everyone. Each shard has a copy. */
  readonly everyone: string;
  /**
   * String. Of the first shard: the number of shards, ` growing` while new ones are prepared, and ` after` with former numbers. Of the
   * others: present once the shard may be used. A shard that has lost it has lost its rows.
   */
  readonly shardCount: string;
}

/** The keys of one application, among them those of the first shard of its index. */
export interface AppKeys extends ShardKeys {
  /** Stream: the entries of the history. */
  readonly history: string;
  /** Channel: notifications of ended logins. */
  readonly notifications: string;
  /** The prefix of every key of every user. */
  readonly users: string;
  /** The prefix of every external key. Never a prefix of the keys of a user, in which a slash is encoded. */
  readonly external: string;
  /** The prefix of every key of every shard but the first. Never a prefix of the keys of a user either. */
  readonly shards: string;
}

export function appKeys(prefix: string, appId: string): AppKeys {
  const id = encodePart(appId);
  const app = `${prefix}{${id}}`;
  return {
    ...indexKeys(app),
    history: `${app}:history`,
    notifications: `${app}:news`,
    users: `${prefix}{${id}:`,
    external: `${prefix}{${id}/`,
    shards: `${prefix}{${id}#`,
  };
}

/** Returns the keys of a shard. Those of the first are as they were before there were others. */
export function shardKeys(app: AppKeys, shard: number): ShardKeys {
  return shard === 0 ? app : indexKeys(shardTag(app, shard));
}

/** A shard lies in one of this many equal parts of the slots of a Cluster. */
const PARTS = 256;
const SLOTS_OF_A_PART = 16_384 / PARTS;

/**
 * Returns a tag whose slot is in the part that the shard is to be in: however many masters there are, each has about as many shards.
 * The part does not depend on the number of shards, which may grow: each new one halves a gap, as in the van der Corput sequence.
 */
function shardTag(app: AppKeys, shard: number): string {
  const part = Math.floor(reversed(shard) * PARTS);
  // Of the tag alone: with a prefix that has a tag of its own, all keys are in one slot.
  const slotOf = (start: string): number => keySlot(start.slice(start.lastIndexOf("{")));
  const first = slotOf(app.active);
  for (let attempt = 0; ; attempt += 1) {
    const tag = `${app.shards}${String(shard)}${attempt === 0 ? "" : `.${String(attempt)}`}}`;
    const distance = (slotOf(tag) - first + 16_384) % 16_384;
    if (Math.floor(distance / SLOTS_OF_A_PART) === part) return tag;
  }
}

/** Returns the number from 0 to 1 whose binary digits after the point are those of a whole number, reversed. */
function reversed(number: number): number {
  let [rest, digit, result] = [number, 0.5, 0];
  for (; rest > 0; rest = Math.floor(rest / 2), digit /= 2) result += (rest % 2) * digit;
  return result;
}

function indexKeys(start: string): ShardKeys {
  return {
    active: `${start}:active`,
    expiry: `${start}:expiry`,
    everyone: `${start}:everyone`,
    shardCount: `${start}:shards`,
  };
}

/** Returns the shard of a user among so many. */
export function shardOf(userId: string, shardCount: number): number {
  return shardCount === 1 ? 0 : crc32(encodePart(userId)) % shardCount;
}

export function userKeys(app: AppKeys, userId: string): UserKeys {
  const user = `${app.users}${encodePart(userId)}}`;
  return { logins: loginsKey(app, userId), ended: `${user}:ended`, kicked: `${user}:kicked`, order: `${user}:order` };
}

/** Returns `logins` of {@link UserKeys} only, for the read of every request. */
export function loginsKey(app: AppKeys, userId: string): string {
  return `${app.users}${encodePart(userId)}}:logins`;
}

/** Returns the keys of ADD, ADOPT and UPDATE. */
export function stepKeys({ logins, ended, kicked, order }: UserKeys): readonly [string, ...string[]] {
  return [logins, ended, kicked, order];
}

/** Returns the keys of an external key, which share a hash tag. `bound`: hash, its logins. `mark`: string. */
export function externalKeys(app: AppKeys, digest: string): { readonly bound: string; readonly mark: string } {
  const key = `${app.external}${encodePart(digest)}}`;
  return { bound: `${key}:bound`, mark: `${key}:mark` };
}
