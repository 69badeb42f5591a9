import { RedisStore } from "connect-redis";
import type { Store } from "express-session";
import type { LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import {
  cluster,
  ON_A_CLUSTER,
  ON_ONE_SERVER,
  ON_SENTINEL,
  oneServer,
  sentinelSet,
  type ClientKind,
  type OpenClient,
  type Shared,
} from "./redis-clients.js";

/** connect-redis and the registry on one kind of client. `open` gives one node its view of the shared data. */
export interface RedisBackend {
  readonly name: string;
  start(): Promise<void>;
  open(): { store: Store; registry: LoginRegistry };
  stop(): Promise<void>;
}

function backendOn<Servers>(
  kind: ClientKind<Servers>,
  servers: Shared<Servers>,
  kinds: readonly ClientKind<Servers>[],
): RedisBackend {
  let client: OpenClient | undefined;
  let storeClient: OpenClient | undefined;
  // connect-redis does not speak with ioredis: an app that uses both has two clients.
  const storeKind = kind.name.startsWith("ioredis") ? kinds[0] : undefined;
  return {
    name: kind.name,
    start: async () => {
      client = await kind.open(await servers.get());
      storeClient = await storeKind?.open(await servers.get());
    },
    open: () => {
      if (client === undefined) throw new Error("not started");
      const store = new RedisStore({ client: (storeClient ?? client).client });
      return { store, registry: new RedisLoginRegistry({ client: client.client }) };
    },
    stop: async () => {
      await client?.close();
      await storeClient?.close();
    },
  };
}

/** The topologies that the stores' own matrix does not cover. */
export const REDIS_TOPOLOGIES: readonly RedisBackend[] = [
  ...ON_A_CLUSTER.map((kind) => backendOn(kind, cluster, ON_A_CLUSTER)),
  ...ON_SENTINEL.map((kind) => backendOn(kind, sentinelSet, ON_SENTINEL)),
  ...ON_ONE_SERVER.map((kind) => backendOn(kind, oneServer, ON_ONE_SERVER)),
];
