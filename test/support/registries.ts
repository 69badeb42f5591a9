import { Pool } from "pg";
import { createClient, createClientPool } from "redis";
import { createClient as createClient5 } from "redis5";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";
import { startRedis, type RedisServer } from "./redis-server.js";

/** A kind of registry to run a suite on: `open` gives an empty one, bound to the application it is given. */
export interface RegistryKind {
  readonly name: string;
  start(): Promise<void>;
  open(appId: string): LoginRegistry;
  stop(): Promise<void>;
}

interface Client extends RedisClient {
  connect(): Promise<unknown>;
  close(): unknown;
}

export const MAX_SESSION_AGE_MS = 86_400_000;

function bound<Registry extends LoginRegistry>(registry: Registry, appId: string): Registry {
  registry.bind({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

const memory: RegistryKind = {
  name: "MemoryLoginRegistry",
  start: () => Promise.resolve(),
  open: (appId) => bound(new MemoryLoginRegistry(), appId),
  stop: () => Promise.resolve(),
};

function onRedis(name: string, makeClient: (url: string) => Client): RegistryKind {
  let server: RedisServer | undefined;
  let client: Client | undefined;
  return {
    name,
    start: async () => {
      server = await startRedis();
      client = makeClient(server.url);
      await client.connect();
    },
    open: (appId) => {
      if (client === undefined) throw new Error("not started");
      return bound(new RedisLoginRegistry({ client }), appId);
    },
    stop: async () => {
      await client?.close();
      await server?.stop();
    },
  };
}

function onPostgres(): RegistryKind {
  let server: PostgresServer | undefined;
  let pool: Pool | undefined;
  return {
    name: "PostgresLoginRegistry",
    start: async () => {
      server = await startPostgres();
      pool = new Pool({ connectionString: server.url });
      await new PostgresLoginRegistry({ pool }).migrate();
    },
    open: (appId) => {
      if (pool === undefined) throw new Error("not started");
      return bound(new PostgresLoginRegistry({ pool }), appId);
    },
    stop: async () => {
      await pool?.end();
      await server?.stop();
    },
  };
}

export const REGISTRIES: readonly RegistryKind[] = [
  memory,
  onRedis("RedisLoginRegistry on node-redis 6", (url) => createClient({ url })),
  onRedis("RedisLoginRegistry on node-redis 5", (url) => createClient5({ url })),
  onRedis("RedisLoginRegistry on a pool of node-redis 6", (url) => createClientPool({ url })),
  onRedis("RedisLoginRegistry on node-redis 6 in RESP 2", (url) => createClient({ url, RESP: 2 })),
  onPostgres(),
];
