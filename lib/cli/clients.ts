import type * as IoRedis from "ioredis";
import type * as Pg from "pg";
import type * as NodeRedis from "redis";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { within } from "../operation/health.js";
import type { PostgresPool } from "../registry/postgres/index.js";
import type { RedisClient } from "../registry/redis/index.js";
import { debugError } from "../util/debug.js";
import { usageError } from "./errors.js";

/** How long the server may take to accept a connection, and to answer. */
export const CONNECTS_WITHIN_MS = 5_000;

/** A client that the command line has opened. */
export interface Opened<Client> {
  readonly client: Client;
  readonly close: () => Promise<void>;
}

/** Connects by node-redis or ioredis, whichever the project has. A client that was connected once connects again. */
export async function connectRedis(url: string): Promise<Opened<RedisClient>> {
  const nodeRedis = installed("redis") as typeof NodeRedis | undefined;
  if (nodeRedis !== undefined) return connectNodeRedis(nodeRedis, url);
  const ioRedis = installed("ioredis") as typeof IoRedis | undefined;
  if (ioRedis !== undefined) return connectIoRedis(ioRedis, url);
  throw usageError("REDIS_URL needs the package redis or ioredis: npm install redis");
}

async function connectNodeRedis({ createClient }: typeof NodeRedis, url: string): Promise<Opened<RedisClient>> {
  let isConnected = false;
  const reconnectStrategy = (_tries: number, cause: Error): number | Error => (isConnected ? 500 : cause);
  const client = createClient({ url, socket: { connectTimeout: CONNECTS_WITHIN_MS, reconnectStrategy } });
  client.on("error", (error) => {
    debugError("the connection to Redis failed", error);
  });
  await within(CONNECTS_WITHIN_MS, () => client.connect());
  isConnected = true;
  return {
    client: client as unknown as RedisClient,
    close: () => {
      client.destroy();
      return Promise.resolve();
    },
  };
}

async function connectIoRedis({ Redis }: typeof IoRedis, url: string): Promise<Opened<RedisClient>> {
  let isConnected = false;
  let last: Error | undefined;
  const retryStrategy = (): number | null => (isConnected ? 500 : null);
  const client = new Redis(url, { lazyConnect: true, connectTimeout: CONNECTS_WITHIN_MS, retryStrategy });
  client.on("error", (error) => {
    last = error;
  });
  await within(CONNECTS_WITHIN_MS, () => client.connect()).catch((error: unknown) => {
    client.disconnect();
    throw last ?? error;
  });
  isConnected = true;
  return {
    client,
    close: () => {
      client.disconnect();
      return Promise.resolve();
    },
  };
}

/** Opens a pool of pg. It connects when it is used. */
export function openPool(connectionString: string): Opened<PostgresPool> {
  const pg = installed("pg") as typeof Pg | undefined;
  if (pg === undefined) throw usageError("DATABASE_URL needs the package pg: npm install pg");
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: CONNECTS_WITHIN_MS });
  pool.on("error", (error) => {
    debugError("the connection to PostgreSQL failed", error);
  });
  return { client: pool, close: () => pool.end() };
}

/** Loads a package of the project in which the command runs. */
function installed(name: string): unknown {
  for (const from of [join(process.cwd(), "cli.js"), import.meta.url]) {
    try {
      return createRequire(from)(name) as unknown;
    } catch (error) {
      debugError(`${name} cannot be loaded`, error);
    }
  }
  return undefined;
}
