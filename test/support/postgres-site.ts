import { Pool, type PoolConfig } from "pg";
import { HOUR_MS, next } from "./registry-calls.js";
import {
  PostgresLoginRegistry,
  type PostgresClient,
  type PostgresLoginRegistryOptions,
  type PostgresPool,
} from "../../lib/registry/postgres/index.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";

/** A PostgreSQL server with the tables, and the pools of its users. */
export class PostgresSite {
  readonly #pools: Pool[] = [];

  private constructor(readonly server: PostgresServer) {}

  static async start(settings: readonly string[] = []): Promise<PostgresSite> {
    const site = new PostgresSite(await startPostgres(settings));
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
