import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Store } from "express-session";
import { MemoryStore } from "express-session";
import { Pool } from "pg";
import {
  logout,
  MemoryLoginRegistry,
  type Health,
  type LoginRegistry,
  type LogoutMiddleware,
} from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { connectTo, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";

/** Between the probe's own limit and what a busy machine adds. */
const ANSWERED_MS = 2_000;

const DOWN: Error = Object.assign(new Error("down"), { code: 7 });

const opened: LogoutMiddleware[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((auth) => auth.close()));
});

class OtherStore extends MemoryStore {}

function open(registry: LoginRegistry, store: Store = new OtherStore()): LogoutMiddleware {
  const auth = logout({ store, registry, appId: "shop" });
  opened.push(auth);
  return auth;
}

const healthy = (registry: object): Health => ({
  ok: true,
  registry: expect.objectContaining({
    ok: true,
    latencyMs: expect.any(Number),
    ...registry,
  }) as unknown as Health["registry"],
  notifications: "unused",
});

async function timed(auth: LogoutMiddleware): Promise<{ health: Health; tookMs: number }> {
  const started = performance.now();
  return { health: await auth.health(), tookMs: performance.now() - started };
}

describe("health() on Redis", () => {
  let redis: RedisServer;
  let client: Awaited<ReturnType<typeof connectTo>>;
  beforeAll(async () => {
    redis = await startRedis();
    client = await connectTo(redis);
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  it("reports latency and clock skew, by one round trip", async () => {
    const { registry } = await open(new RedisLoginRegistry({ client })).health();
    expect(registry.ok).toBe(true);
    expect(registry.latencyMs).toBeGreaterThanOrEqual(0);
    expect(Math.abs(registry.clockSkewMs ?? Infinity)).toBeLessThan(1_000);
  });

  it("reports how far the clock of the process is ahead", async () => {
    const auth = open(new RedisLoginRegistry({ client }));
    const now = Date.now;
    Date.now = () => now() + 90_000;
    try {
      const { registry } = await auth.health();
      expect(registry.clockSkewMs).toBeGreaterThan(88_000);
      expect(registry.clockSkewMs).toBeLessThan(92_000);
    } finally {
      Date.now = now;
    }
  });

  it("reports whether notifications arrive", async () => {
    const auth = open(new RedisLoginRegistry({ client }));
    expect((await auth.health()).notifications).toBe("unused");
    const remove = auth.on("kick", () => undefined);
    expect((await auth.health()).notifications).toBe("disconnected");
    await until(async () => (await auth.health()).notifications === "connected", "notifications");
    remove();
  });

  it("responds in time while Redis hangs, and again when it is back", async () => {
    const auth = open(new RedisLoginRegistry({ client, timeoutMs: 60_000 }));
    redis.pause();
    try {
      const { health, tookMs } = await timed(auth);
      expect(health).toEqual({
        ok: false,
        registry: { ok: false },
        notifications: "unused",
        code: "ERR_REGISTRY_UNAVAILABLE",
      });
      expect(tookMs).toBeLessThan(ANSWERED_MS);
    } finally {
      redis.resume();
    }
    expect(await auth.health()).toEqual(healthy({}));
  });
});

describe("health() on PostgreSQL", () => {
  let server: PostgresServer;
  let pool: Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new Pool({ connectionString: server.url });
    pool.on("error", () => undefined);
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  it("has the code of a missing schema, and then latency and clock skew", async () => {
    const registry = new PostgresLoginRegistry({ pool });
    const auth = open(registry);
    expect(await auth.health()).toMatchObject({ ok: false, code: "ERR_REGISTRY_SCHEMA" });
    await registry.migrate();
    const health = await auth.health();
    expect(health).toEqual(healthy({ clockSkewMs: expect.any(Number) }));
    expect(Math.abs(health.registry.clockSkewMs ?? Infinity)).toBeLessThan(1_000);
  });

  it("responds in time while PostgreSQL hangs", async () => {
    const auth = open(new PostgresLoginRegistry({ pool, timeoutMs: 60_000 }));
    server.pause();
    try {
      const { health, tookMs } = await timed(auth);
      expect(health).toMatchObject({ ok: false, code: "ERR_REGISTRY_UNAVAILABLE" });
      expect(tookMs).toBeLessThan(ANSWERED_MS);
    } finally {
      server.resume();
    }
  });
});

describe("health() on a registry without a clock of its own", () => {
  it("reports the latency of a read", async () => {
    const sqlite = open(new SqliteLoginRegistry({ database: ":memory:" }));
    const memory = open(new MemoryLoginRegistry(), new MemoryStore());
    for (const auth of [sqlite, memory]) {
      const health = await auth.health();
      expect(health).toEqual(healthy({}));
      expect(health.registry.clockSkewMs).toBeUndefined();
    }
  });
});

describe("health() on the registry of another author", () => {
  const withFind = (find: LoginRegistry["find"], more: Partial<LoginRegistry> = {}): LoginRegistry => {
    const memory = new MemoryLoginRegistry();
    const others = ["init", "close", "subscribe"] as const;
    const methods = Object.fromEntries(others.map((name) => [name, memory[name].bind(memory)]));
    return { ...methods, find, ...more } as LoginRegistry;
  };

  it.each<[string, LoginRegistry]>([
    ["rejects with an error of its own", withFind(() => Promise.reject(DOWN))],
    [
      "throws",
      withFind(() => {
        throw new TypeError("no promise");
      }),
    ],
    [
      "throws in its own health()",
      withFind(() => Promise.resolve(undefined), { health: () => Promise.reject(new Error()) }),
    ],
    ["never responds", withFind(() => new Promise(() => undefined))],
  ])("never rejects, and responds in time, if it %s", async (_what, registry) => {
    const { health, tookMs } = await timed(open(registry));
    expect(health).toMatchObject({ ok: false, registry: { ok: false }, code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(tookMs).toBeLessThan(ANSWERED_MS);
  });

  it("takes what its own health() measures", async () => {
    const measured = { latencyMs: 7, clockSkewMs: -3 };
    const registry = withFind(() => Promise.reject(new Error("not asked")), {
      health: () => Promise.resolve(measured),
    });
    expect((await open(registry).health()).registry).toEqual({ ok: true, ...measured });
  });
});
