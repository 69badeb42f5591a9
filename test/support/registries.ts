import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import type { Outage } from "../../lib/registry/testing/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";
import { clientPackage, CLIENTS, stopSharedServers, type OpenClient } from "./redis-clients.js";
import { sqliteDatabase, sqliteRow } from "./sqlite-engine.js";
import { installed, type Tried } from "./tried.js";

/** A kind of registry to run a suite on. */
export interface RegistryKind {
  readonly name: string;
  /** The row of this kind in the table of tried versions. */
  readonly row: Pick<Tried, "kind" | "name" | "version">;
  start(): Promise<void>;
  /** Gives a registry that is not initialized yet. The data of two belongs together if they get the same application. */
  create(appId: string): LoginRegistry;
  /** Makes the data unreachable for a while. Without it, the suites of each kind test its outages. */
  readonly outage?: Outage;
  stop(): Promise<void>;
}

export const MAX_SESSION_AGE_MS = 86_400_000;
/** Thousands of calls at once take their time on a busy machine. */
const PATIENCE_MS = 20_000;

/** One process has one registry of an application in memory. */
const inMemory = new Map<string, MemoryLoginRegistry>();

const memory: RegistryKind = {
  name: "MemoryLoginRegistry",
  row: { kind: "registry", name: "MemoryLoginRegistry", version: "of this package" },
  start: () => Promise.resolve(),
  create: (appId) => {
    const registry = inMemory.get(appId) ?? new MemoryLoginRegistry();
    inMemory.set(appId, registry);
    return registry;
  },
  stop: () => Promise.resolve(),
};

function onRedis(kind: (typeof CLIENTS)[number], indexShards?: number): RegistryKind {
  let opened: OpenClient | undefined;
  const shards = indexShards === undefined ? "" : `, with ${String(indexShards)} shards`;
  return {
    name: `RedisLoginRegistry on ${kind.name}${shards}`,
    row: { kind: "client", ...clientPackage(kind.name) },
    start: async () => {
      opened = await kind.open();
    },
    create: () => {
      if (opened === undefined) throw new Error("not started");
      return new RedisLoginRegistry({ client: opened.client, timeoutMs: PATIENCE_MS, indexShards });
    },
    stop: async () => {
      await opened?.close();
    },
  };
}

function onPostgres(): RegistryKind {
  let server: PostgresServer | undefined;
  let pool: Pool | undefined;
  return {
    name: "PostgresLoginRegistry",
    row: { kind: "client", ...installed("pg") },
    start: async () => {
      server = await startPostgres();
      pool = new Pool({ connectionString: server.url });
      await new PostgresLoginRegistry({ pool }).migrate();
    },
    create: () => {
      if (pool === undefined) throw new Error("not started");
      return new PostgresLoginRegistry({ pool, timeoutMs: PATIENCE_MS });
    },
    stop: async () => {
      await pool?.end();
      await server?.stop();
    },
  };
}

function onSqlite(): RegistryKind {
  const folder = join(tmpdir(), `express-logout-sqlite-${randomBytes(9).toString("base64url")}`);
  const elsewhere = `${folder}-moved`;
  const opened: SqliteLoginRegistry[] = [];
  return {
    name: "SqliteLoginRegistry",
    row: { kind: "client", ...sqliteRow() },
    start: () => {
      mkdirSync(folder);
      return Promise.resolve();
    },
    create: () => {
      const database = sqliteDatabase(join(folder, "logins.db"));
      const registry = new SqliteLoginRegistry({ database, timeoutMs: PATIENCE_MS, pollIntervalMs: 50 });
      opened.push(registry);
      return registry;
    },
    outage: {
      begin: () => rename(folder, elsewhere),
      end: () => rename(elsewhere, folder),
    },
    stop: async () => {
      for (const registry of opened.splice(0)) await registry.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** The index in several shards, on the first client: what differs is the same for all. */
const sharded = CLIENTS.slice(0, 1).map((kind) => onRedis(kind, 3));

export const REGISTRIES: readonly RegistryKind[] = [
  memory,
  ...CLIENTS.map((kind) => onRedis(kind)),
  ...sharded,
  onPostgres(),
  onSqlite(),
];

/** Ends the servers that the kinds share. */
export const stopRegistryServers = stopSharedServers;
