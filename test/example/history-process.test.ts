import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { Pool } from "pg";
import { createClient } from "redis";
import { logout } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { startPostgres } from "../support/postgres-server.js";
import { startRedis } from "../support/redis-server.js";
import { sqliteDatabase } from "../support/sqlite-engine.js";
import { SqliteSite } from "../support/sqlite-site.js";

interface Place {
  readonly kind: string;
  readonly open: () => Promise<{ registry: LoginRegistry; address: string; close: () => Promise<unknown> }>;
  /** Who has kicked, by the entries that are left. */
  readonly kickers: readonly string[];
}

const PLACES: readonly Place[] = [
  {
    kind: "redis",
    open: async () => {
      const redis = await startRedis();
      const client = createClient({ url: redis.url });
      await client.connect();
      const close = async (): Promise<void> => {
        client.destroy();
        await redis.stop();
      };
      return { registry: new RedisLoginRegistry({ client }), address: redis.url, close };
    },
    // The kick that died is not in it: its repetition is.
    kickers: ["the one who repeats it"],
  },
  {
    kind: "postgres",
    open: async () => {
      const server = await startPostgres();
      const pool = new Pool({ connectionString: server.url });
      const registry = new PostgresLoginRegistry({ pool });
      await registry.migrate();
      const close = async (): Promise<void> => {
        await pool.end();
        await server.stop();
      };
      return { registry, address: server.url, close };
    },
    kickers: ["the process that dies"],
  },
  {
    kind: "sqlite",
    open: () => {
      const site = new SqliteSite();
      const registry = new SqliteLoginRegistry({ database: sqliteDatabase(site.file) });
      return Promise.resolve({ registry, address: site.file, close: () => site.stop() });
    },
    kickers: ["the process that dies"],
  },
];

describe("a process that is killed between the end of logins and its record", () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closing) await close();
  });

  it.each(PLACES)(
    "has left an entry, or leaves it to the repetition of the kick: $kind",
    async ({ kind, open, kickers }) => {
      const { registry, address, close } = await open();
      const auth = logout({ store: new MemoryStore(), registry, appId: "shop", audit: { history: {} } });
      closing.push(async () => {
        await auth.close();
        await registry.close();
        await close();
      });
      const login = { id: "a".repeat(22), userId: "alice", sid: "a session", ttlMs: 3_600_000 };
      expect(await registry.add(login)).toMatchObject({ outcome: "listed" });
      const child = spawn(process.execPath, [join(__dirname, "history-process.mjs"), kind, address], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [output] = (await once(child.stdout, "data")) as [Buffer];
      expect(output.toString()).toBe("ended\n");
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await registry.find("alice", login.id)).toBeUndefined();
      expect(await auth.kick("alice", { by: "the one who repeats it" })).toEqual({ users: 1, logins: 1 });
      const { items } = await auth.listHistory();
      expect(items.map(({ by }) => by)).toEqual(kickers);
      expect(items).toMatchObject([{ action: "kick", userId: "alice", loginIds: [login.id], logins: 1 }]);
    },
    60_000,
  );
});
