import { LRUCache } from "lru-cache";
import { LogoutError } from "../../errors.js";
import { isAsPublished, isConnectRedis } from "../../util/known-stores.js";
import type { ListedLogin } from "../../types/registry.js";
import { Tracking, type TrackingClient, type TrackingListener } from "./tracking.js";

/** Of how many users this process keeps logins. */
const USERS = 10_000;

/**
 * Logins as Redis has them, known without asking.
 *
 * Redis tells of every change of a login over the very connection that reads sessions, in order: a kick that was answered
 * before a request came in has pushed its message ahead of the answer to that request's session read. So whoever looks here
 * right after a session has been read sees every such kick. It is empty, and of no use, from the moment the connection is
 * lost until Redis tells again.
 */
export class CoherentCache implements TrackingListener {
  readonly prefix: string;
  readonly #tracking: Tracking;
  readonly #users = new LRUCache<string, Map<string, ListedLogin>>({ max: USERS });
  /** The keys that are being read, and how often; and those of them that have changed meanwhile. */
  readonly #reading = new Map<string, { readers: number; isChanged: boolean }>();
  #isTold = false;
  /** Counts how often it has stopped being told: what was asked for before is void. */
  #losses = 0;

  /** @throws LogoutError `ERR_OPTION_INVALID` where Redis sends this client no invalidations. */
  constructor(client: unknown, prefix: string) {
    this.prefix = prefix;
    this.#tracking = Tracking.of(trackingClient(client));
    this.#tracking.add(this);
  }

  get(key: string, loginId: string): ListedLogin | undefined {
    return this.#isTold ? this.#users.get(key)?.get(loginId) : undefined;
  }

  /** Reads a login, and keeps it unless it has changed meanwhile. */
  async read(key: string, ask: () => Promise<ListedLogin | undefined>): Promise<ListedLogin | undefined> {
    if (!this.#isTold) return ask();
    const losses = this.#losses;
    const reading = this.#reading.get(key) ?? { readers: 0, isChanged: false };
    this.#reading.set(key, reading);
    reading.readers += 1;
    try {
      const login = await ask();
      if (login !== undefined && !reading.isChanged && losses === this.#losses) this.#keep(key, login);
      return login;
    } finally {
      reading.readers -= 1;
      if (reading.readers === 0 && this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  close(): Promise<void> {
    return this.#tracking.remove(this);
  }

  told(): void {
    this.#isTold = true;
  }

  lost(): void {
    this.#losses += 1;
    this.#isTold = false;
    this.#users.clear();
    this.#reading.clear();
  }

  changed(key: string | undefined): void {
    if (key === undefined) {
      this.#users.clear();
      for (const reading of this.#reading.values()) reading.isChanged = true;
      return;
    }
    this.#users.delete(key);
    const reading = this.#reading.get(key);
    if (reading === undefined) return;
    reading.isChanged = true;
    // Whoever begins to read now reads what is new.
    this.#reading.delete(key);
  }

  #keep(key: string, login: ListedLogin): void {
    const logins = this.#users.get(key) ?? new Map<string, ListedLogin>();
    logins.set(login.id, login);
    this.#users.set(key, logins);
  }
}

/**
 * What is known right after a session has been read is sure only if that read went to Redis, over the client that Redis sends
 * invalidations to: so every store is checked.
 *
 * @throws LogoutError `ERR_OPTION_INVALID`
 */
export function rejectOtherStores(client: unknown, store: unknown): void {
  const isOnClient = (store as { client?: unknown } | undefined)?.client === client;
  if (isOnClient && isConnectRedis(store) && isAsPublished(store, ["get"])) return;
  throw new LogoutError(
    "ERR_OPTION_INVALID",
    isOnClient
      ? "RedisLoginRegistry: coherentCache needs a session store that reads from Redis each time. Pass new RedisStore({ client }) of connect-redis 9 itself: no subclass, its get not replaced."
      : "RedisLoginRegistry: coherentCache needs the session store to use the very client of the registry: new RedisStore({ client }) of connect-redis 9 with the same client.",
  );
}

function trackingClient(client: unknown): TrackingClient {
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
  return client as TrackingClient;
}
