import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import type { NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import {
  cluster,
  ON_A_CLUSTER,
  ON_ONE_SERVER,
  ON_SENTINEL,
  sentinelSet,
  stopSharedServers,
  type OpenClient,
} from "../support/redis-clients.js";
import { eventually, startRedis, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

const PAGE = { offset: 0, limit: 10 };
const TIMEOUT_MS = 300;
/** Much longer than a busy machine needs, and much shorter than the timeout of any client. */
const AT_MOST_MS = 2_500;
const UNAVAILABLE = expect.objectContaining({ name: "LogoutError", code: "ERR_REGISTRY_UNAVAILABLE", status: 503 });
/** So long that Redis truncates it in a quotation. */
const SECRET = `tHe-SeCrEt-SiD${"x".repeat(60)}`;

const login = (userId: string): NewLogin => ({ id: "login", userId, sid: SECRET, ttlMs: 3_600_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

function registryOn(client: RedisClient, appId = "a"): RedisLoginRegistry {
  const registry = new RedisLoginRegistry({ client, prefix: "", timeoutMs: TIMEOUT_MS });
  registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

async function serverOfItsOwn(settings: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis(settings);
  closing.push(() => server.stop());
  return server;
}

async function clientOf(opening: Promise<OpenClient>): Promise<RedisClient> {
  const { client, close } = await opening;
  closing.push(close);
  return client;
}

/** Returns the error of a call, which must be fast. */
async function failureOf(call: () => Promise<unknown>): Promise<Error> {
  const began = Date.now();
  const error: unknown = await call().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toEqual(UNAVAILABLE);
  expect(Date.now() - began).toBeLessThan(AT_MOST_MS);
  return error as Error;
}

function expectNoSecretIn(error: Error): void {
  expect(inspect(error, { depth: Infinity, showHidden: true, getters: true })).not.toContain(SECRET.slice(0, 6));
}

describe.each(ON_ONE_SERVER.map((kind) => [kind.name, kind] as const))("an outage of Redis, on %s", (_name, kind) => {
  it("that hangs fails a call in time, and serves again when it is back", async () => {
    const server = await serverOfItsOwn();
    const registry = registryOn(await clientOf(kind.open(server)));
    await eventually(() => registry.add(login("u")));
    server.pause();
    expectNoSecretIn(await failureOf(() => registry.find("u", "login")));
    expectNoSecretIn(await failureOf(() => registry.update("u", "login", { removeSid: SECRET })));
    server.resume();
    await eventually(() => registry.list("u", PAGE));
  });

  it("that is gone fails a call in time, and the call is not sent when it is back", async () => {
    const server = await serverOfItsOwn();
    const registry = registryOn(await clientOf(kind.open(server)));
    await eventually(() => registry.add(login("u")));
    await server.kill();
    await failureOf(() => registry.find("u", "login"));
    expectNoSecretIn(await failureOf(() => registry.add(login("u"))));
    await failureOf(() => registry.kickEveryone({ id: "mark", at: new Date(), cause: "kick" }));
    await server.restart();
    expect(await eventually(() => registry.list("u", PAGE))).toEqual({ items: [], total: 0 });
    expect(await eventually(() => registry.kickOf("u", "login", ""))).toBeUndefined();
  });

  it("that dies during a call fails it without quoting its arguments", async () => {
    const server = await serverOfItsOwn();
    const registry = registryOn(await clientOf(kind.open(server)));
    await eventually(() => registry.add(login("u")));
    server.pause();
    const failed = failureOf(() => registry.add(login("u")));
    await server.kill();
    expectNoSecretIn(await failed);
  });

  it("that quotes a command's arguments in its answer is not quoted", async () => {
    const server = await serverOfItsOwn(["--rename-command", "EVALSHA", ""]);
    const client = await clientOf(kind.open(server));
    expectNoSecretIn(await failureOf(() => registryOn(client).add(login("u"))));
    const quoted = server.ask("EVALSHA", "0".repeat(40), "2", "{a:u}:logins", "{a:u}:ended", "login", SECRET);
    await expect(quoted).rejects.toThrow(SECRET.slice(0, 6));
  });

  it("that refuses a command is quoted without its arguments", async () => {
    const server = await serverOfItsOwn();
    await server.ask("SET", "{a:u}:logins", "no hash");
    const registry = registryOn(await clientOf(kind.open(server)));
    for (const call of [() => registry.add(login("u")), () => registry.find("u", "login")]) {
      const error = await failureOf(call);
      expectNoSecretIn(error);
      expect(inspect(error.cause)).toContain("WRONGTYPE");
    }
  });
});

describe("a lookup that timed out while Redis was gone", () => {
  it("is not kept until it is back, however long that takes", async () => {
    const sites = await Promise.all(
      ON_ONE_SERVER.map(async (kind) => {
        const server = await serverOfItsOwn();
        const registry = registryOn(await clientOf(kind.open(server)));
        await eventually(() => registry.add(login("u")));
        await server.kill();
        // The client has noticed by then.
        await failureOf(() => registry.find("u", "login"));
        await Promise.all(Array.from({ length: 20 }, () => failureOf(() => registry.find("u", "login"))));
        return { name: kind.name, server, registry };
      }),
    );
    // No client has a longer timeout.
    await wait(5_500);
    for (const { name, server, registry } of sites) {
      await server.restart();
      await eventually(() => registry.list("u", PAGE));
      const [, calls = 0] = /cmdstat_hget:calls=(\d+)/.exec(String(await server.ask("INFO", "commandstats"))) ?? [];
      expect({ name, isForgotten: Number(calls) <= 1 }).toEqual({ name, isForgotten: true });
    }
  });
});

describe.each(ON_A_CLUSTER.map((kind) => [kind.name, kind] as const))("a node that hangs, on %s", (name, kind) => {
  it("fails a call in time, and serves again when it is back", async () => {
    const set = await cluster.get();
    const registry = registryOn(await clientOf(kind.open(set)), name);
    await eventually(() => registry.add(login("u")));
    const node = await set.masterOf(`{${encodeURIComponent(name)}:u}`);
    node.pause();
    expectNoSecretIn(await failureOf(() => registry.update("u", "login", { removeSid: SECRET })));
    node.resume();
    await eventually(() => registry.list("u", PAGE));
  });
});

describe.each(ON_SENTINEL.map((kind) => [kind.name, kind] as const))("a master that hangs, on %s", (name, kind) => {
  it("fails a call in time, and serves again when it is back", async () => {
    const set = await sentinelSet.get();
    const registry = registryOn(await clientOf(kind.open(set)), name);
    await eventually(() => registry.add(login("u")));
    const master = await set.master();
    master.pause();
    expectNoSecretIn(await failureOf(() => registry.update("u", "login", { removeSid: SECRET })));
    master.resume();
    await eventually(() => registry.list("u", PAGE));
  });
});
