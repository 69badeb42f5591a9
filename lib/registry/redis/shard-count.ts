import { LogoutError } from "../../errors.js";
import { mapLimit } from "../../util/map-limit.js";
import { unavailable, type Commands, type Connection } from "./connection.js";
import { shardKeys, type AppKeys } from "./keys.js";
import { UNREADABLE } from "./records.js";
import { SHARDS_STORE } from "./scripts/bundle.js";

/** The largest number of shards. */
export const MAX_SHARDS = 1_024;
/** The number of shards of a new index in a Cluster. */
const SHARDS_OF_CLUSTER = 16;
/** Writes to this many shards run at a time: those that wait for replicas have a timeout from when they are queued. */
export const SHARDS_WRITTEN_AT_ONCE = 8;

/** The reply of PTTL for a key that is gone. */
const EXPIRED = -2;

export interface ShardCountOptions {
  readonly connection: Connection;
  /** Commands that wait for replicas. */
  readonly replicated: Commands;
  readonly keys: AppKeys;
  /** Whether the keys are spread over several servers. */
  readonly isCluster: boolean;
  /** The option of the registry. */
  readonly configured: number | undefined;
}

/** What is stored. */
interface Stored {
  readonly text: string;
  readonly count: number;
  /** Whether new shards are not prepared yet. */
  readonly isGrowing: boolean;
  /** The numbers that it has had before. */
  readonly former: readonly number[];
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
  #restoring: Promise<void> | undefined;
  #seen = 0;
  #former: readonly number[] = [];

  constructor({ connection, replicated, keys, isCluster, configured }: ShardCountOptions) {
    this.#connection = connection;
    this.#replicated = replicated;
    this.#keys = keys;
    this.#isCluster = isCluster;
    this.#configured = configured;
  }

  /** The numbers that the index has had before. Users may still have a row in the shards that these give. */
  get former(): readonly number[] {
    return this.#former;
  }

  /** The largest number that this process has seen; 0 before {@link own} has resolved. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Returns the number by which this process places users, after asking Redis once.
   *
   * @throws LogoutError `ERR_OPTION_INVALID` if a larger number is stored than was configured; `ERR_REGISTRY_UNAVAILABLE`, or
   *   `ERR_WRITE_NOT_REPLICATED`. The next call asks again.
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

  /** Returns the same, and stores nothing. */
  async peek(): Promise<number> {
    const stored = await this.#read();
    this.#checkConfigured(stored);
    return stored.count;
  }

  /** Stores the number of this process again, and prepares all shards: Redis has lost it. Once for concurrent calls. */
  restore(): Promise<void> {
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  async #restore(): Promise<void> {
    const own = await this.own();
    const stored = await this.#read();
    await this.#store(stored, { count: Math.max(own, stored.count), isGrowing: true });
    await this.#finishGrowth(await this.#read());
  }

  async #settle(): Promise<number> {
    for (;;) {
      const stored = await this.#read();
      this.#checkConfigured(stored);
      const isNew = stored.text === "";
      const count = this.#configured ?? (isNew ? await this.#default() : stored.count);
      if (count > stored.count) await this.#store(stored, { count, isGrowing: true });
      else if (stored.isGrowing) await this.#finishGrowth(stored);
      else if (isNew && this.#configured !== undefined) await this.#store(stored, { count, isGrowing: false });
      else return count;
    }
  }

  #checkConfigured({ count }: Stored): void {
    if (this.#configured !== undefined && this.#configured < count) throw tooFew(this.#configured, count);
  }

  async #read(): Promise<Stored> {
    const text = (await this.#connection.command("GET", this.#keys.shardCount)) as string | null;
    const stored = readStored(text ?? "");
    this.#former = stored.former;
    return stored;
  }

  /** Where no number is stored, an index that has data is of a version without shards. */
  async #default(): Promise<number> {
    return this.#isCluster && !(await this.#hasData()) ? SHARDS_OF_CLUSTER : 1;
  }

  async #hasData(): Promise<boolean> {
    const { active, everyone } = this.#keys;
    return Number(await this.#connection.command("EXISTS", active, everyone)) > 0;
  }

  /** Another process may have stored another number meanwhile: the caller reads again. */
  async #store(before: Stored, { count, isGrowing }: Pick<Stored, "count" | "isGrowing">): Promise<void> {
    const isOther = count !== before.count && (before.text !== "" || (await this.#hasData()));
    const former = isOther ? [before.count, ...before.former] : before.former;
    const text = [String(count), ...(isGrowing ? ["growing"] : []), ...(former.length > 0 ? ["after", ...former] : [])];
    await this.#replicated.run(SHARDS_STORE, [this.#keys.shardCount], [before.text, text.join(" ")]);
  }

  /** Prepares all shards. Each gets the last kick of everyone, unless it has one: a later one, or this one from before. */
  async #finishGrowth(stored: Stored): Promise<void> {
    const { everyone } = this.#keys;
    const kick = (await this.#connection.command("GET", everyone)) as string | null;
    const ttlMs = Number(await this.#connection.command("PTTL", everyone));
    const lifetime = ttlMs > 0 ? ["PX", String(ttlMs)] : [];
    const isKept = kick !== null && ttlMs !== EXPIRED;
    const shards = Array.from({ length: stored.count - 1 }, (_, position) => shardKeys(this.#keys, position + 1));
    await mapLimit(SHARDS_WRITTEN_AT_ONCE, shards, async (keys) => {
      if (isKept) await this.#replicated.command("SET", keys.everyone, kick, ...lifetime, "NX");
      await this.#replicated.command("SET", keys.shardCount, "known");
    });
    await this.#store(stored, { count: stored.count, isGrowing: false });
  }
}

/** Reads `16`, `16 growing` or `16 after 4 1`; `""` is one shard. */
function readStored(text: string): Stored {
  if (text === "") return { text, count: 1, isGrowing: false, former: [] };
  const [, number, growing, former] = /^(\d+)( growing)?(?: after ([\d ]+))?$/.exec(text) ?? [];
  const count = Number(number);
  if (!(count >= 1 && count <= MAX_SHARDS)) {
    throw unavailable(new Error(`${UNREADABLE} number of shards: correct the key that ends with :shards`), []);
  }
  return { text, count, isGrowing: growing !== undefined, former: former?.split(" ").map(Number) ?? [] };
}

function tooFew(configured: number, stored: number): LogoutError {
  const message = `RedisLoginRegistry: indexShards is ${String(configured)}, but the index has ${String(stored)} shards, and their number can only grow. Pass ${String(stored)} or more, or leave the option out.`;
  return new LogoutError("ERR_OPTION_INVALID", message);
}
