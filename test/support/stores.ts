import { RedisStore } from "connect-redis";
import session, { type Store } from "express-session";
import { createClient } from "redis";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { startRedis } from "./redis-server.js";

/** Where sessions and logins are kept in a test. `open` gives one node its view of them: nodes share what lies behind. */
export interface Backend {
  readonly name: string;
  start(): Promise<void>;
  open(): { store: Store; registry: LoginRegistry };
  stop(): Promise<void>;
}

export function memoryBackend(): Backend {
  return {
    name: "MemoryStore",
    start: () => Promise.resolve(),
    open: () => ({ store: new session.MemoryStore(), registry: new MemoryLoginRegistry() }),
    stop: () => Promise.resolve(),
  };
}

export function redisBackend(): Backend {
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  let client: ReturnType<typeof createClient> | undefined;
  return {
    name: "connect-redis",
    start: async () => {
      redis = await startRedis();
      client = createClient({ url: redis.url });
      await client.connect();
    },
    open: () => {
      if (client === undefined) throw new Error("not started");
      return { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) };
    },
    stop: async () => {
      client?.destroy();
      await redis?.stop();
    },
  };
}

export const BACKENDS = [memoryBackend, redisBackend];
