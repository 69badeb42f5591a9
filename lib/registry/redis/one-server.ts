import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Connection } from "./connection.js";
import type { AppKeys } from "./keys.js";
import { TAKE_AWAY } from "./scripts.js";

/** That all of them are on one server although there are two comes about once in two thousand million times. */
const KEYS = 32;
/** For how long they stay where nobody takes them away, in milliseconds. */
const KEPT_MS = "10000";
/** After how long it is tried again where there was no proof, in milliseconds. */
const AGAIN_MS = 60_000;

/**
 * Whether a script reaches the keys of every user.
 *
 * A client of one server cannot know: a cluster may be behind its one address. Some refuse a script on keys of several slots; a
 * proxy may as well run it where its first key is, where it finds the other keys missing, and says nothing. There a kick would
 * be answered that was none. So it is tried.
 */
export class OneServer {
  readonly #connection: Connection;
  readonly #keys: AppKeys;
  #proof: Promise<boolean> | undefined;
  #notBefore = 0;

  constructor(connection: Connection, keys: AppKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /** Never fails: where it is not known, it is not so. */
  async isProven(): Promise<boolean> {
    if (this.#proof === undefined && performance.now() < this.#notBefore) return false;
    this.#proof ??= this.#prove().catch(() => false);
    const isProven = await this.#proof;
    if (!isProven) {
      this.#proof = undefined;
      this.#notBefore = performance.now() + AGAIN_MS;
    }
    return isProven;
  }

  async #prove(): Promise<boolean> {
    const nonce = randomBytes(9).toString("base64url");
    const key = (number: number): string => `${this.#keys.users}${nonce}${String(number)}}:one-server`;
    const [first, ...more] = Array.from({ length: KEYS }, (_each, number) => key(number)) as [string, ...string[]];
    await Promise.all([first, ...more].map((each) => this.#connection.command("SET", each, "", "PX", KEPT_MS)));
    return Number(await this.#connection.run(TAKE_AWAY, [first, ...more])) === KEYS;
  }
}
