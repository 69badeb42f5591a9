import { afterAll, beforeAll, describe } from "@jest/globals";
import { Pool } from "pg";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { HOUR_MS } from "../support/registry-calls.js";
import { raceTests } from "../support/registry-races.js";

let server: PostgresServer;
let pools: readonly Pool[];
let nodes: readonly PostgresLoginRegistry[];

beforeAll(async () => {
  server = await startPostgres();
  pools = [server.url, server.url].map((connectionString) => new Pool({ connectionString }));
  nodes = pools.map((pool) => new PostgresLoginRegistry({ pool, timeoutMs: 60_000 }));
  for (const node of nodes) node.init({ appId: "shop", maxSessionAgeMs: HOUR_MS });
  await nodes[0]?.migrate();
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await server.stop();
});

describe("many steps on one user at once, from two pools", () => {
  raceTests(() => nodes);
});
