import { LRUCache } from "lru-cache";
import { LogoutError } from "../../errors.js";
import type { ListedLogin } from "../../login.js";

/** Of how many users this process keeps logins. */
const USERS = 10_000;

/** What is asked of a client of node-redis 6, by its shape. */
interface TrackingClient {
  readonly options: {
    readonly RESP?: number;
    readonly emitInvalidate?: boolean;
    readonly maintNotifications?: string;
  };
  readonly isReady: boolean;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** Whatever happens to a connection, it is told by one of these before anything is answered over another one. */
const LOST = ["connect", "error", "reconnecting", "terminated", "end"];

/**
 * Logins as Redis has them, known without asking.
 *
 * Redis tells of every change of a login over the very connection that reads sessions, in order: a kick that was answered
 * before a request came in has pushed its message ahead of the answer to that request's session read. So whoever looks here
 * right after a session has been read sees every such kick. It is empty, and of no use, from the moment the connection is
 * lost until Redis tells again.
 *
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/ (broadcasting mode)
 */
export class CoherentCache {
  readonly #client: TrackingClient;
  readonly #prefix: string;
  readonly #users = new LRUCache<string, Map<string, ListedLogin>>({ max: USERS });
  /** The keys that are being read, and how often; and those of them that have changed meanwhile. */
  readonly #reading = new Map<string, { readers: number; isChanged: boolean }>();
  #isTold = false;
  /** Which connection it is: what belongs to an earlier one is void. */
  #connection = 0;

  /** @throws LogoutError `ERR_OPTION_INVALID` where the condition does not hold. */
  constructor(client: unknown, store: unknown, prefix: string) {
    this.#client = trackingClient(client, store);
    this.#prefix = prefix;
    for (const event of LOST) this.#client.on(event, this.#lost);
    this.#client.on("ready", this.#start);
    this.#client.on("invalidate", this.#changed);
    if (this.#client.isReady) this.#start();
  }

  get(key: string, loginId: string): ListedLogin | undefined {
    return this.#isTold ? this.#users.get(key)?.get(loginId) : undefined;
  }

  /** Reads a login, and keeps it unless it has changed meanwhile. */
  async read(key: string, ask: () => Promise<ListedLogin | undefined>): Promise<ListedLogin | undefined> {
    if (!this.#isTold) return ask();
    const connection = this.#connection;
    const reading = this.#reading.get(key) ?? { readers: 0, isChanged: false };
    this.#reading.set(key, reading);
    reading.readers += 1;
    try {
      const login = await ask();
      if (login !== undefined && !reading.isChanged && connection === this.#connection) this.#keep(key, login);
      return login;
    } finally {
      reading.readers -= 1;
      if (reading.readers === 0 && this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  async close(): Promise<void> {
    for (const event of LOST) this.#client.off(event, this.#lost);
    this.#isTold = false;
    this.#connection += 1;
    this.#users.clear();
    this.#client.off("ready", this.#start);
    this.#client.off("invalidate", this.#changed);
    if (this.#client.isReady) await this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]).catch(() => undefined);
  }

  readonly #start = (): void => {
    const connection = this.#connection;
    // The client has switched plain tracking on, which does not turn into broadcasting without being switched off.
    const off = this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]);
    const on = this.#client.sendCommand(["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", this.#prefix]);
    Promise.all([off, on]).then(
      () => {
        this.#isTold = connection === this.#connection;
      },
      // Every login is asked for, as without the cache.
      () => undefined,
    );
  };

  readonly #lost = (): void => {
    this.#connection += 1;
    this.#isTold = false;
    this.#users.clear();
    this.#reading.clear();
    // Not every error is the end of the connection.
    if (this.#client.isReady) this.#start();
  };

  /** A key has changed, or, without one, all may have. */
  readonly #changed = (key: unknown): void => {
    if (key === null) {
      this.#users.clear();
      for (const reading of this.#reading.values()) reading.isChanged = true;
      return;
    }
    const name = (key as string | Buffer).toString();
    this.#users.delete(name);
    const reading = this.#reading.get(name);
    if (reading === undefined) return;
    reading.isChanged = true;
    // Whoever begins to read now reads what is new.
    this.#reading.delete(name);
  };

  #keep(key: string, login: ListedLogin): void {
    const logins = this.#users.get(key) ?? new Map<string, ListedLogin>();
    logins.set(login.id, login);
    this.#users.set(key, logins);
  }
}

function trackingClient(client: unknown, store: unknown): TrackingClient {
  const { options, isReady, on } = client as Partial<TrackingClient>;
  const isSingle = typeof on === "function" && typeof isReady === "boolean" && options !== undefined;
  // Maintenance moves a client of Redis Enterprise to another connection without a word.
  const isRight = isSingle && options.emitInvalidate === true && options.maintNotifications === "disabled";
  if (!isRight) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      'RedisLoginRegistry: coherentCache needs a single client of node-redis 6 (no pool, no Cluster): createClient({ url, RESP: 3, emitInvalidate: true, maintNotifications: "disabled" }).',
    );
  }
  if ((store as { client?: unknown } | undefined)?.client !== client) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      "RedisLoginRegistry: coherentCache needs the session store to use the very client of the registry: new RedisStore({ client }) of connect-redis 9 with the same client.",
    );
  }
  return client as TrackingClient;
}
