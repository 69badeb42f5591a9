import { RedisStore } from "connect-redis";
import session, { type Store } from "express-session";
import { createClient } from "redis";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { startRedis } from "./redis-server.js";
import { installed, serverVersion } from "./tried.js";

const DAY_MS = 86_400_000;
/** The time for which a login is listed if its session's lifetime is unknown: the default of `sessions.maxAgeMs`. */
export const MAX_SESSION_AGE_MS = 400 * DAY_MS;

/** The options of `logout()` on one node. */
export interface Node {
  readonly store: Store;
  readonly registry: LoginRegistry;
}

/** Where sessions and logins are kept in a test. */
export interface Backend {
  readonly name: string;
  /** Of the package, where the store is not one of the tests' own. */
  readonly version?: string;
  readonly server?: { readonly name: string; readonly version: string };
  /** Whether several nodes can share it. */
  readonly isShared: boolean;
  /** How long it keeps a session whose cookie has no age, without a request, in milliseconds. */
  readonly browserSessionMs: number;
  /** How long such a session's login is listed, in milliseconds. Default: as long as the session is kept. */
  readonly browserLoginMs?: number;
  start(): Promise<void>;
  /** A node's view of the stored data, or the view of a second node that shares the data. */
  open(beside?: Node): Node;
  /** A store for the same app without the package, to compare with. */
  openBare(): Store;
  /** The remaining time for which a server with its own clock keeps a session. */
  keptMs?(sid: string): Promise<number>;
  stop(): Promise<void>;
}

export const titleOf = ({ name, version }: Backend): string => (version === undefined ? name : `${name} ${version}`);

/** A second instance of a store in memory, without the hooks of the first. */
export function unhookedViewOf<S extends Store>(store: S): S {
  const view = Object.create(store) as S;
  for (const method of ["get", "set", "destroy", "touch"] as const) {
    Object.defineProperty(view, method, { value: store[method]?.bind(view), configurable: true, writable: true });
  }
  return view;
}

/** A store in this process, or one whose nodes are all in this process. */
export function localBackend(given: Partial<Backend> & { readonly name: string; openStore(): Store }): Backend {
  return {
    isShared: true,
    browserSessionMs: DAY_MS,
    start: () => Promise.resolve(),
    openBare: () => given.openStore(),
    open: (beside) => ({ store: given.openStore(), registry: beside?.registry ?? new MemoryLoginRegistry() }),
    stop: () => Promise.resolve(),
    ...given,
  };
}

export function memoryBackend(): Backend {
  return localBackend({
    name: "MemoryStore",
    version: installed("express-session").version,
    isShared: false,
    browserSessionMs: 30 * DAY_MS,
    browserLoginMs: MAX_SESSION_AGE_MS,
    openStore: () => new session.MemoryStore(),
  });
}

type RedisStoreClass = new (options: { client: ReturnType<typeof createClient> }) => Store;

/** connect-redis, under the name by which it is installed. */
export function redisBackend(folder = "connect-redis", RedisStoreOfVersion: RedisStoreClass = RedisStore): Backend {
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  let client: ReturnType<typeof createClient> | undefined;
  const connected = (): ReturnType<typeof createClient> => {
    if (client === undefined) throw new Error("not started");
    return client;
  };
  return {
    ...installed(folder),
    server: { name: "Redis", version: serverVersion("redis-server") },
    isShared: true,
    browserSessionMs: DAY_MS,
    start: async () => {
      redis = await startRedis();
      client = createClient({ url: redis.url });
      await client.connect();
    },
    openBare: () => new RedisStoreOfVersion({ client: connected() }),
    open: () => ({
      store: new RedisStoreOfVersion({ client: connected() }),
      registry: new RedisLoginRegistry({ client: connected() }),
    }),
    keptMs: (sid) => connected().pTTL(`sess:${sid}`),
    stop: async () => {
      client?.destroy();
      await redis?.stop();
    },
  };
}

/** The two that every suite on sessions runs on. */
export const BACKENDS = [memoryBackend, () => redisBackend()];
