import { Pool, type PoolConfig } from "pg";
import type { Generation, KickRecord, ListedLogin, LoginRegistry, NewLogin } from "../../lib/registry/index.js";
import { generationOf } from "./registry-calls.js";
import {
  PostgresLoginRegistry,
  type PostgresClient,
  type PostgresLoginRegistryOptions,
  type PostgresPool,
} from "../../lib/registry/postgres/index.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";

const HOUR_MS = 3_600_000;

let count = 0;
export const next = (word: string): string => `${word}-${String((count += 1))}`;

export const newKick = (more: Partial<KickRecord> = {}): KickRecord => ({
  id: next("mark"),
  at: new Date(1_700_000_000_000),
  cause: "kick",
  ...more,
});

export const newLogin = (userId = "alice"): NewLogin => ({
  id: next("login"),
  userId,
  sid: next("sid"),
  ttlMs: HOUR_MS,
});

/** Lists a login, and gives its generation. */
export async function begun(registry: LoginRegistry, login: NewLogin): Promise<Generation> {
  const generation = generationOf(await registry.add(login));
  if (generation === undefined) throw new Error(`${login.id} is not listed`);
  return generation;
}

/** The logins of a user that lists show. */
export async function shown(registry: LoginRegistry, userId: string): Promise<readonly ListedLogin[]> {
  return (await registry.list(userId, { offset: 0, limit: 1_000 })).items;
}

/** Waits until the condition is true. Fails after a timeout, so that the test releases its resources. */
export async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  while (!(await isSo())) {
    if (signal.aborted) throw new Error("still not so");
    await new Promise(setImmediate);
  }
}

/** A PostgreSQL server with the tables, and the pools of its users. */
export class PostgresSite {
  readonly #pools: Pool[] = [];

  private constructor(readonly server: PostgresServer) {}

  static async start(): Promise<PostgresSite> {
    const site = new PostgresSite(await startPostgres());
    await new PostgresLoginRegistry({ pool: site.pool() }).migrate();
    return site;
  }

  pool(config: PoolConfig = {}): Pool {
    const pool = new Pool({ connectionString: this.server.url, ...config });
    // Idle connections are lost when the server is killed.
    pool.on("error", () => undefined);
    this.#pools.push(pool);
    return pool;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.end()));
    await this.server.stop();
  }
}

/** A registry of an application that no other test knows, unless one is named. */
export function open(
  pool: PostgresPool,
  { appId = next("app"), ...options }: Partial<PostgresLoginRegistryOptions> & { appId?: string } = {},
): PostgresLoginRegistry {
  const registry = new PostgresLoginRegistry({ pool, ...options });
  registry.init({ appId, maxSessionAgeMs: HOUR_MS });
  return registry;
}

/** A pool whose connections do something before they send a statement that calls the function of this name. */
export function before(name: string, pool: Pool, act: (client: PostgresClient) => unknown): PostgresPool {
  return beforeText(`express_logout_${name}"(`, pool, act);
}

/** The same for a statement with this text in it. */
export function beforeText(text: string, pool: Pool, act: (client: PostgresClient) => unknown): PostgresPool {
  return {
    connect: async () => {
      const client: PostgresClient = await pool.connect();
      return {
        on: client.on.bind(client),
        off: client.off.bind(client),
        release: client.release.bind(client),
        query: async (query) => {
          if (query.text.includes(text)) await act(client);
          return client.query(query);
        },
      };
    },
  };
}
