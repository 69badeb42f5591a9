import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import type { LoginRegistry } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { appKeys, userKeys } from "../../lib/registry/redis/keys.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { startPostgres } from "./postgres-server.js";
import { connectTo, startRedis } from "./redis-server.js";
import { openFile, sqliteDatabase } from "./sqlite-engine.js";

/** The password in the addresses of the servers. It must not be printed, neither as it is nor as it is in the address. */
export const PASSWORD = "never shown: 4711/@";
export const PASSWORDS = [PASSWORD, encodeURIComponent(PASSWORD)];

/** Where the logins are, and how the command line is pointed to it. */
export interface Place {
  readonly name: string;
  start(): Promise<void>;
  /** A registry of the app. */
  registry(): LoginRegistry;
  args(): readonly string[];
  env(): Readonly<Record<string, string>>;
  /** From now on no login of these users can be ended, until the returned function is called. */
  breakUsers(appId: string, userIds: readonly string[]): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

/** A place with a server. */
export interface Served extends Place {
  /** Ends the server at once; resolves when it runs again, with its data. */
  outage(whileDown: () => Promise<void>): Promise<void>;
  pause(): void;
  resume(): void;
}

/** Returns an address with the password. Servers of tests accept any. */
export function withPassword(url: string, user: string, password = PASSWORD): string {
  const address = new URL(url);
  address.username = user;
  address.password = encodeURIComponent(password);
  return address.href;
}

export function redisPlace(): Served {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let client: Awaited<ReturnType<typeof connectTo>>;
  return {
    name: "Redis",
    start: async () => {
      redis = await startRedis(["--appendonly", "yes", "--appendfsync", "always"]);
      client = await connectTo(redis);
    },
    registry: () => new RedisLoginRegistry({ client }),
    args: () => [],
    env: () => ({ REDIS_URL: withPassword(redis.url, "default") }),
    breakUsers: async (appId, userIds) => {
      const app = appKeys("express-logout:", appId);
      const keys = userIds.map((userId) => userKeys(app, userId).logins);
      for (const key of keys) {
        await client.rename(key, `${key}:aside`);
        await client.set(key, "no hash");
      }
      return async () => {
        for (const key of keys) await client.rename(`${key}:aside`, key);
      };
    },
    outage: async (whileDown) => {
      await redis.kill();
      await whileDown();
      await redis.restart();
    },
    pause: () => {
      redis.pause();
    },
    resume: () => {
      redis.resume();
    },
    stop: async () => {
      client.destroy();
      await redis.stop();
    },
  };
}

export function postgresPlace(): Served {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  let pool: Pool;
  return {
    name: "PostgreSQL",
    start: async () => {
      server = await startPostgres();
      pool = new Pool({ connectionString: server.url });
      pool.on("error", () => undefined);
      await new PostgresLoginRegistry({ pool }).migrate();
    },
    registry: () => new PostgresLoginRegistry({ pool }),
    args: () => [],
    env: () => ({ DATABASE_URL: withPassword(server.url, "postgres") }),
    breakUsers: async (appId, userIds) => {
      const written = userIds.map((userId) => JSON.stringify(userId).slice(1, -1));
      const isBroken = `app = '${appId}' AND user_id IN (${written.map(quoted).join(", ")})`;
      await pool.query(`ALTER TABLE express_logout_users ADD CONSTRAINT broken CHECK (NOT (${isBroken})) NOT VALID`);
      return async () => {
        await pool.query("ALTER TABLE express_logout_users DROP CONSTRAINT broken");
      };
    },
    outage: async (whileDown) => {
      await server.kill();
      await whileDown();
      await server.restart();
    },
    pause: () => {
      server.pause();
    },
    resume: () => {
      server.resume();
    },
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
}

export function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "express-logout-cli-"));
  const file = join(folder, "logins.db");
  const change = (sql: string): void => {
    const database = openFile(file);
    database.exec("PRAGMA busy_timeout = 5000");
    database.exec(sql);
    database.close();
  };
  return {
    name: "SQLite",
    start: () => Promise.resolve(),
    registry: () => new SqliteLoginRegistry({ database: sqliteDatabase(file), pollIntervalMs: 50 }),
    args: () => ["--sqlite", file],
    env: () => ({}),
    breakUsers: (appId, userIds) => {
      const [app = "", ...users] = [appId, ...userIds].map((text) => quoted(JSON.stringify(text)));
      const isBroken = `OLD.app = ${app} AND OLD.user IN (${users.join(", ")})`;
      change(
        `CREATE TRIGGER broken BEFORE DELETE ON express_logout_logins WHEN ${isBroken}
           BEGIN SELECT RAISE(ABORT, 'the user is broken'); END`,
      );
      return Promise.resolve(() => {
        change("DROP TRIGGER broken");
        return Promise.resolve();
      });
    },
    stop: () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
