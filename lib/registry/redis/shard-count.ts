import { LogoutError } from "../../errors.js";
import { unavailable, type Commands, type Connection } from "./connection.js";
import { shardKeys, type AppKeys } from "./keys.js";
import { UNREADABLE } from "./records.js";
import { SHARDS_STORE } from "./scripts/bundle.js";

/** The number of shards of a new index in a Cluster. */
const SHARDS_OF_CLUSTER = 16;

export interface ShardCountOptions {
  readonly connection: Connection;
  /** Commands that wait for replicas. */
  readonly replicated: Commands;
  readonly keys: AppKeys;
  readonly isCluster: boolean;
  /** The option of the registry. */
  readonly configured: number | undefined;
}

/** What is stored. */
interface Stored {
  readonly text: string;
  readonly count: number;
  /** Whether new shards may lack the last kick of everyone. */
  readonly isGrowing: boolean;
}

/**
 * Determines the number of shards of the index.
 *
 * The number is stored before its first use and only grows, and a call for all users goes by the stored one: so it finds the users of
 * any process. A new shard gets a copy of the last kick of everyone before its first use. A process that writes a kick of
 * everyone reads the number again afterwards: either the copy is made of that kick, or the new shards are written to as well.
 */
export class ShardCount {
  readonly #connection: Connection;
  readonly #replicated: Commands;
  readonly #keys: AppKeys;
  readonly #isCluster: boolean;
  readonly #configured: number | undefined;
  #own: Promise<number> | undefined;
  #seen = 0;

  constructor({ connection, replicated, keys, isCluster, configured }: ShardCountOptions) {
    this.#connection = connection;
    this.#replicated = replicated;
    this.#keys = keys;
    this.#isCluster = isCluster;
    this.#configured = configured;
  }

  /** The largest number that this process has seen; 0 before {@link own} has resolved. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Returns the number by which this process places users, after asking Redis once.
   *
   * @throws LogoutError `ERR_OPTION_INVALID` if a larger number is stored than was configured; `ERR_REGISTRY_UNAVAILABLE`. The next
   *   call asks again.
   */
  own(): Promise<number> {
    this.#own ??= this.#settle().then(
      (count) => {
        this.#seen = Math.max(this.#seen, count);
        return count;
      },
      (error: unknown) => {
        this.#own = undefined;
        throw error;
      },
    );
    return this.#own;
  }

  /** Returns the number of shards in which there may be users. */
  async stored(): Promise<number> {
    const [, { count }] = await Promise.all([this.own(), this.#read()]);
    return (this.#seen = Math.max(this.#seen, count));
  }

  async #settle(): Promise<number> {
    for (;;) {
      const stored = await this.#read();
      const count = this.#configured ?? (stored.text === "" ? await this.#default() : stored.count);
      if (count < stored.count) throw tooFew(count, stored.count);
      if (count > stored.count) await this.#store(stored, `${String(count)} growing`);
      else if (stored.isGrowing) {
        await this.#copyKickOfEveryone(count);
        await this.#store(stored, String(count));
      } else return count;
    }
  }

  async #read(): Promise<Stored> {
    const text = ((await this.#connection.command("GET", this.#keys.shardCount)) as string | null) ?? "";
    const [, count = "", growing] = /^(?:(\d+)( growing)?)?$/.exec(text) ?? [];
    if (text !== "" && count === "") throw unavailable(new Error(`${UNREADABLE} number of shards`), []);
    return { text, count: Number(count) || 1, isGrowing: growing !== undefined };
  }

  /** Where no number is stored, an index that has data is of a version without shards. */
  async #default(): Promise<number> {
    if (!this.#isCluster) return 1;
    const { active, everyone } = this.#keys;
    return Number(await this.#connection.command("EXISTS", active, everyone)) > 0 ? 1 : SHARDS_OF_CLUSTER;
  }

  /** Another process may have stored another number meanwhile: the caller reads again. */
  async #store({ text }: Stored, next: string): Promise<void> {
    await this.#replicated.run(SHARDS_STORE, [this.#keys.shardCount], [text, next]);
  }

  async #copyKickOfEveryone(count: number): Promise<void> {
    const { everyone } = this.#keys;
    const kick = (await this.#connection.command("GET", everyone)) as string | null;
    const ttlMs = Number(await this.#connection.command("PTTL", everyone));
    if (kick === null || ttlMs <= 0) return;
    const added = Array.from({ length: count - 1 }, (_, position) => shardKeys(this.#keys, position + 1).everyone);
    // A shard that has one already has a later one, or has had this one before.
    await Promise.all(added.map((key) => this.#replicated.command("SET", key, kick, "PX", String(ttlMs), "NX")));
  }
}

function tooFew(configured: number, stored: number): LogoutError {
  const message = `RedisLoginRegistry: indexShards is ${String(configured)}, but the index has ${String(stored)} shards, and their number can only grow. Pass ${String(stored)} or more, or leave the option out.`;
  return new LogoutError("ERR_OPTION_INVALID", message);
}
