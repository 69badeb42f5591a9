import { Pool } from "pg";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { startPostgres, type PostgresServer } from "./postgres-server.js";
import { clientPackage, CLIENTS, stopSharedServers, type OpenClient } from "./redis-clients.js";
import { installed, type Tried } from "./tried.js";

/** A kind of registry to run a suite on: `open` gives an empty one, bound to the application it is given, patient by default. */
export interface RegistryKind {
  readonly name: string;
  /** The row of this kind in the table of tried versions. */
  readonly row: Pick<Tried, "kind" | "name" | "version">;
  start(): Promise<void>;
  open(appId: string, timeoutMs?: number): LoginRegistry;
  stop(): Promise<void>;
}

export const MAX_SESSION_AGE_MS = 86_400_000;
/** Thousands of calls at once take their time on a busy machine. */
const PATIENCE_MS = 20_000;

function bound<Registry extends LoginRegistry>(registry: Registry, appId: string): Registry {
  registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

const memory: RegistryKind = {
  name: "MemoryLoginRegistry",
  row: { kind: "registry", name: "MemoryLoginRegistry", version: "of this package" },
  start: () => Promise.resolve(),
  open: (appId) => bound(new MemoryLoginRegistry(), appId),
  stop: () => Promise.resolve(),
};

function onRedis(kind: (typeof CLIENTS)[number]): RegistryKind {
  let opened: OpenClient | undefined;
  return {
    name: `RedisLoginRegistry on ${kind.name}`,
    row: { kind: "client", ...clientPackage(kind.name) },
    start: async () => {
      opened = await kind.open();
    },
    open: (appId, timeoutMs = PATIENCE_MS) => {
      if (opened === undefined) throw new Error("not started");
      return bound(new RedisLoginRegistry({ client: opened.client, timeoutMs }), appId);
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
    open: (appId, timeoutMs = PATIENCE_MS) => {
      if (pool === undefined) throw new Error("not started");
      return bound(new PostgresLoginRegistry({ pool, timeoutMs }), appId);
    },
    stop: async () => {
      await pool?.end();
      await server?.stop();
    },
  };
}

export const REGISTRIES: readonly RegistryKind[] = [memory, ...CLIENTS.map(onRedis), onPostgres()];

/** Ends the servers that the kinds share. */
export const stopRegistryServers = stopSharedServers;
