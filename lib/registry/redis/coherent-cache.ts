import { LRUCache } from "lru-cache";
import { LogoutError } from "../../errors.js";
import { isAsPublished, isConnectRedis } from "../../util/known-stores.js";
import type { KeptLogin } from "../lifetime.js";
import { Tracking, type TrackingClient, type TrackingListener } from "./tracking.js";

/** The maximum number of users in the cache. */
const MAX_USERS = 10_000;

/**
 * Caches logins, coherently with Redis.
 *
 * Redis reports every change of a login over the connection that reads sessions, in order. So the message of a kick that returned
 * before a request arrived precedes the reply to that request's session read, and a lookup right after the session read sees the
 * kick. The cache is empty and unused from the loss of the connection until Redis reports changes again.
 */
export class CoherentCache implements TrackingListener {
  readonly prefix: string;
  readonly #tracking: Tracking;
  readonly #users = new LRUCache<string, Map<string, KeptLogin>>({ max: MAX_USERS });
  /** The keys that are being read: the number of readers, and whether the key has changed meanwhile. */
  readonly #reading = new Map<string, { readers: number; isChanged: boolean }>();
  #isTracking = false;
  /** The number of interruptions. Reads that began before the last one are not cached. */
  #interruptions = 0;

  /** @throws LogoutError `ERR_OPTION_INVALID` if Redis sends no invalidations to this client. */
  constructor(client: unknown, prefix: string) {
    this.prefix = prefix;
    this.#tracking = Tracking.of(trackingClient(client));
    this.#tracking.add(this);
  }

  get(key: string, loginId: string): KeptLogin | undefined {
    return this.#isTracking ? this.#users.get(key)?.get(loginId) : undefined;
  }

  /** Reads a login, and caches it unless it has changed meanwhile. */
  async read(key: string, load: () => Promise<KeptLogin | undefined>): Promise<KeptLogin | undefined> {
    if (!this.#isTracking) return load();
    const interruptions = this.#interruptions;
    const reading = this.#reading.get(key) ?? { readers: 0, isChanged: false };
    this.#reading.set(key, reading);
    reading.readers += 1;
    try {
      const login = await load();
      const isCurrent = !reading.isChanged && interruptions === this.#interruptions;
      if (login !== undefined && isCurrent) this.#store(key, login);
      return login;
    } finally {
      reading.readers -= 1;
      if (reading.readers === 0 && this.#reading.get(key) === reading) this.#reading.delete(key);
    }
  }

  close(): Promise<void> {
    return this.#tracking.remove(this);
  }

  onTracking(): void {
    this.#isTracking = true;
  }

  onInterrupted(): void {
    this.#interruptions += 1;
    this.#isTracking = false;
    this.#users.clear();
    this.#reading.clear();
  }

  onChange(key: string | undefined): void {
    if (key === undefined) {
      this.#users.clear();
      for (const reading of this.#reading.values()) reading.isChanged = true;
      return;
    }
    this.#users.delete(key);
    const reading = this.#reading.get(key);
    if (reading === undefined) return;
    reading.isChanged = true;
    // A read that begins now gets the new value.
    this.#reading.delete(key);
  }

  #store(key: string, login: KeptLogin): void {
    const logins = this.#users.get(key) ?? new Map<string, KeptLogin>();
    logins.set(login.id, login);
    this.#users.set(key, logins);
  }
}

/**
 * Rejects session stores that do not read every session from Redis over the client that receives the invalidations: the cache
 * would not be coherent with them.
 *
 * @throws LogoutError `ERR_OPTION_INVALID`
 */
export function rejectOtherStores(client: unknown, store: unknown): void {
  const isOnClient = (store as { client?: unknown } | undefined)?.client === client;
  if (isOnClient && isConnectRedis(store) && isAsPublished(store, ["get"])) return;
  throw new LogoutError(
    "ERR_OPTION_INVALID",
    isOnClient
      ? "RedisLoginRegistry: coherentCache needs an unmodified store. Pass new RedisStore({ client }) of connect-redis 9."
      : "RedisLoginRegistry: coherentCache needs a store on the same client. Pass new RedisStore({ client }) of connect-redis 9.",
  );
}

function trackingClient(client: unknown): TrackingClient {
  const { options, isReady, on } = client as Partial<TrackingClient>;
  const isSingle = typeof on === "function" && typeof isReady === "boolean" && options !== undefined;
  // During maintenance, Redis Enterprise moves a client to another connection without an event.
  const isSupported = isSingle && options.emitInvalidate === true && options.maintNotifications === "disabled";
  if (!isSupported) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      'RedisLoginRegistry: coherentCache needs a single node-redis 6 client, not a pool or Cluster: createClient({ url, RESP: 3, emitInvalidate: true, maintNotifications: "disabled" }).',
    );
  }
  return client as TrackingClient;
}
