import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createClient } from "redis";
import { Redis } from "ioredis";
import type { Finding } from "../../lib/index.js";
import { RedisLoginRegistry, type RedisLoginRegistryOptions } from "../../lib/registry/redis/index.js";
import { connectTo, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { startPair } from "../support/redis-replicated.js";
import { newLogin } from "../support/registry-calls.js";

jest.setTimeout(60_000);

type Client = Awaited<ReturnType<typeof connectTo>>;

function open(options: RedisLoginRegistryOptions): RedisLoginRegistry {
  const registry = new RedisLoginRegistry(options);
  registry.init({ appId: "shop", maxSessionAgeMs: 86_400_000 });
  return registry;
}

/** The finding about this, such as `eviction`. */
async function about(registry: RedisLoginRegistry, what: string): Promise<Finding | undefined> {
  return (await registry.check()).find((finding) => finding.what === `Redis: ${what}`);
}

describe("check() of one server", () => {
  let redis: RedisServer;
  let client: Client;
  beforeEach(async () => {
    redis = await startRedis();
    client = await connectTo(redis);
  });
  afterEach(async () => {
    client.destroy();
    await redis.stop();
  });
  const set = (...setting: string[]): Promise<unknown> => redis.ask("CONFIG", "SET", ...setting);

  it("finds a server in order, but for its lack of persistence", async () => {
    const registry = open({ client });
    await registry.add(newLogin());
    const findings = await registry.check();
    expect(findings.map(({ level, what, why }) => [level, what, why])).toEqual([
      ["ok", "Redis: version", expect.stringMatching(/^(?:Redis|Valkey) \d+\.\d+\.\d+, over RESP 2\.$/)],
      ["ok", "Redis: eviction", "maxmemory-policy is noeviction."],
      [
        "warn",
        "Redis: persistence",
        "Redis writes nothing to the disk. A restart ends every login, and forgets every kick.",
      ],
      ["ok", "Redis: replicas", "There are none."],
      ["ok", "Redis: notifications", "PUBLISH is allowed."],
      ["ok", "Redis: size", expect.stringMatching(/^1 user is listed\. Redis uses [\d.]+ MB, without a maxmemory\.$/)],
      ["ok", "Redis: shards of the index", "There is one."],
    ]);
  });

  it("finds a policy that evicts", async () => {
    await set("maxmemory-policy", "volatile-lru");
    expect(await about(open({ client }), "eviction")).toMatchObject({
      level: "warn",
      why: expect.stringContaining("maxmemory is 0"),
    });
    await set("maxmemory", "100mb");
    expect(await about(open({ client }), "eviction")).toEqual({
      level: "error",
      what: "Redis: eviction",
      why: "maxmemory-policy is volatile-lru. Redis may forget kicks, and let kicked users in.",
      how: "Set maxmemory-policy noeviction on the server, and give it enough memory.",
    });
  });

  it("finds that keys were evicted, also after the policy was changed", async () => {
    await client.set("a", "x".repeat(1_000_000));
    await set("maxmemory-policy", "allkeys-random");
    await set("maxmemory", "1mb");
    await client.set("b", "x").catch(() => undefined);
    await until(async () => /evicted_keys:[1-9]/.test(String(await redis.ask("INFO", "stats"))), "an eviction");
    expect(await about(open({ client }), "eviction")).toMatchObject({
      level: "error",
      why: expect.stringMatching(/allkeys-random, and \d+ keys? ha(?:s|ve) been evicted since Redis started/),
    });
    await set("maxmemory", "0");
    await set("maxmemory-policy", "noeviction");
    expect(await about(open({ client }), "eviction")).toMatchObject({
      level: "warn",
      why: expect.stringMatching(/noeviction, but \d+ keys? ha(?:s|ve) been evicted/),
    });
  });

  it("distinguishes snapshots from an append-only file", async () => {
    await set("save", "900 1");
    expect(await about(open({ client }), "persistence")).toMatchObject({
      level: "warn",
      why: "Redis writes snapshots alone. A crash undoes the kicks since the last one.",
    });
    await set("appendonly", "yes");
    expect(await about(open({ client }), "persistence")).toMatchObject({
      level: "ok",
      why: "The append-only file is on.",
    });
  });

  it("finds that the memory is nearly full", async () => {
    const [, used] = /^used_memory:(\d+)/m.exec(String(await redis.ask("INFO", "memory"))) ?? [];
    await set("maxmemory", String(Math.round(Number(used) * 1.02)));
    expect(await about(open({ client }), "size")).toMatchObject({
      level: "warn",
      why: expect.stringMatching(/Redis uses [\d.]+ MB of [\d.]+ MB\./),
    });
  });

  it("finds nothing out of what Redis refuses, and does not call it ok", async () => {
    await redis.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-info", "-config");
    const limited = await createClient({ url: redis.url, username: "app", password: "pw" }).connect();
    try {
      const registry = open({ client: limited });
      const levels = Object.fromEntries((await registry.check()).map(({ what, level }) => [what, level]));
      expect(levels).toEqual({
        "Redis: version": "unknown",
        "Redis: eviction": "unknown",
        "Redis: persistence": "unknown",
        "Redis: replicas": "unknown",
        "Redis: notifications": "ok",
        "Redis: size": "unknown",
        "Redis: shards of the index": "ok",
      });
      await redis.ask("ACL", "SETUSER", "app", "+info");
      expect(await about(registry, "eviction")).toMatchObject({ level: "ok" });
      expect(await about(registry, "persistence")).toMatchObject({ level: "unknown" });
    } finally {
      limited.destroy();
    }
  });

  it.each([
    ["the command", ["&*", "+@all", "-publish"]],
    ["the channel", ["resetchannels", "&other:*", "+@all"]],
  ])("finds an ACL that refuses PUBLISH, by %s", async (_by, rules) => {
    await redis.ask("ACL", "SETUSER", "app", "on", ">pw", "~*", ...rules);
    const limited = await createClient({ url: redis.url, username: "app", password: "pw" }).connect();
    try {
      expect(await about(open({ client: limited }), "notifications")).toMatchObject({
        level: "warn",
        how: expect.stringContaining("&express-logout:{shop}:news*"),
      });
    } finally {
      limited.destroy();
    }
  });

  it("works on ioredis and over RESP 3", async () => {
    await set("save", "900 1");
    const ioRedis = new Redis(redis.url);
    const resp3 = await createClient({ url: redis.url, RESP: 3 }).connect();
    try {
      expect(await about(open({ client: ioRedis }), "persistence")).toMatchObject({ level: "warn" });
      expect(await about(open({ client: resp3 }), "persistence")).toMatchObject({ level: "warn" });
      expect(await about(open({ client: resp3 }), "version")).toMatchObject({ why: expect.stringContaining("RESP 3") });
    } finally {
      ioRedis.disconnect();
      resp3.destroy();
    }
  });

  it("never rejects: of a server that hangs or is gone nothing is known", async () => {
    const registry = open({ client, timeoutMs: 300 });
    redis.pause();
    expect(await registry.check()).toEqual([
      { level: "unknown", what: "Redis: settings", why: expect.stringContaining("They could not be read: ") },
    ]);
    redis.resume();
    await redis.kill();
    expect(await registry.check()).toEqual([expect.objectContaining({ level: "unknown", what: "Redis: settings" })]);
  });
});

describe("check() of a master with a replica", () => {
  let pair: Awaited<ReturnType<typeof startPair>>;
  let client: Client;
  beforeAll(async () => {
    pair = await startPair();
    client = await connectTo(pair.master);
  });
  afterAll(async () => {
    client.destroy();
    await pair.stop();
  });

  it("finds that kicks do not wait for it, or for more than there are", async () => {
    expect(await about(open({ client }), "replicas")).toEqual({
      level: "warn",
      what: "Redis: replicas",
      why: "1 of 1 replicas is in step, and waitReplicas is 0: a failover may undo a kick that has returned.",
      how: "Pass waitReplicas to RedisLoginRegistry.",
    });
    expect(await about(open({ client, waitReplicas: 1 }), "replicas")).toMatchObject({ level: "ok" });
    expect(await about(open({ client, waitReplicas: 2 }), "replicas")).toMatchObject({
      level: "error",
      why: "waitReplicas is 2, and 1 of 1 replicas is in step: kicks reject with ERR_WRITE_NOT_REPLICATED.",
    });
  });

  it("finds a client that is connected to a replica", async () => {
    const other = await connectTo(pair.replica);
    try {
      expect(await about(open({ client: other }), "replicas")).toMatchObject({
        level: "error",
        why: "The client is connected to a replica: logins and kicks fail.",
      });
    } finally {
      other.destroy();
    }
  });

  it("finds a replica that lags", async () => {
    pair.holdReplication();
    const lagging = async (): Promise<boolean> =>
      (await about(open({ client }), "replicas"))?.why.includes("0 of 1") === true;
    await until(lagging, "the lag");
    expect(await about(open({ client }), "replicas")).toMatchObject({
      level: "warn",
      why: expect.stringMatching(/^0 of 1 replicas are in step; the slowest was last heard of \d+ s ago\.$/),
    });
    expect(await about(open({ client, waitReplicas: 1 }), "replicas")).toMatchObject({ level: "error" });
  });
});

describe("the process warnings", () => {
  let redis: RedisServer;
  let client: Client;
  const warnings: string[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    client = await connectTo(redis);
    jest.spyOn(process, "emitWarning").mockImplementation((message, options) => {
      warnings.push(`${(options as { code: string }).code}: ${String(message)}`);
    });
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    client.destroy();
    await redis.stop();
  });

  it("name a policy that evicts, once, after the first login of a registry", async () => {
    await open({ client }).add(newLogin());
    await redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await redis.ask("CONFIG", "SET", "maxmemory", "100mb");
    const registry = open({ client });
    await registry.find("alice", "none");
    expect(warnings).toEqual([]);
    await registry.add(newLogin());
    await until(() => Promise.resolve(warnings.length > 0), "the warning");
    await registry.add(newLogin());
    await client.ping();
    expect(warnings).toEqual([
      expect.stringMatching(/^EXPRESS_LOGOUT_REDIS_EVICTION: maxmemory-policy is allkeys-lru\. Redis may forget kicks/),
    ]);
  });
});
