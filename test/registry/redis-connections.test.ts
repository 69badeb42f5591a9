import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import { createClient } from "redis";
import type { KickRecord, NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { Heard } from "../support/heard.js";
import { CLIENTS, ON_ONE_SERVER, stopSharedServers } from "../support/redis-clients.js";
import { eventually, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { kickUser } from "../support/registry-calls.js";

// Servers that start while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

const UNAVAILABLE = expect.objectContaining({ code: "ERR_REGISTRY_UNAVAILABLE" });
const newKick = (): KickRecord => ({ id: "mark", at: new Date(), cause: "kick" });
const login = (userId: string): NewLogin => ({ id: `login of ${userId}`, userId, sid: "sid", ttlMs: 3_600_000 });

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

function registryOn(client: RedisClient, appId = "app"): RedisLoginRegistry {
  const registry = new RedisLoginRegistry({ client });
  registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

async function serverOfItsOwn(settings: readonly string[] = []): Promise<RedisServer> {
  const server = await startRedis(settings);
  closing.push(() => server.stop());
  return server;
}

async function clientTo(url: string) {
  const client = createClient({ url });
  client.on("error", () => undefined);
  await client.connect();
  closing.push(() => {
    client.destroy();
  });
  return client;
}

describe("a client that a store shares", () => {
  const IN_ORDER = ["node-redis 6", "node-redis 5", "node-redis 6 in RESP 2", "ioredis 6", "ioredis 5"];
  const SENTINELS = ["ioredis 6 Sentinel", "ioredis 5 Sentinel"];

  it.each(CLIENTS.map((kind) => [kind.name, kind] as const))(
    "keeps the order of both sides' commands if it has only one connection: %s",
    async (name, kind) => {
      const { client, close } = await kind.open();
      closing.push(close);
      expect(registryOn(client).sharesConnection(client)).toBe([...IN_ORDER, ...SENTINELS].includes(name));
    },
  );

  it("is not shared by another client of the same server, or a view of it", async () => {
    const { url } = await serverOfItsOwn();
    const client = await clientTo(url);
    const registry = registryOn(client);
    expect(
      [await clientTo(url), client.withTypeMapping({}), undefined, {}].map((each) => registry.sharesConnection(each)),
    ).toEqual([false, false, false, false]);
  });

  it.each([
    ["ioredis 6", Redis],
    ["ioredis 5", Redis5],
  ])("keeps no order if it builds its own pipelines: %s", async (_name, Made) => {
    const { url } = await serverOfItsOwn();
    const client = new (Made as typeof Redis)(url, { enableAutoPipelining: true });
    closing.push(() => {
      client.disconnect();
    });
    await once(client, "ready");
    expect(registryOn(client).sharesConnection(client)).toBe(false);
  });
});

describe("a master that has become a replica under an open connection", () => {
  const SINGLE = ON_ONE_SERVER.filter(({ name }) => !name.includes("pool"));

  it.each(SINGLE.map((kind) => [kind.name, kind] as const))(
    "is disconnected once it refuses to write, and the client continues: %s",
    async (_name, kind) => {
      const [server, master] = [await serverOfItsOwn(), await serverOfItsOwn()];
      const { client, close } = await kind.open(server);
      closing.push(close);
      const registry = registryOn(client);
      await registry.add(login("alice"));
      const connections = async (): Promise<number> =>
        Number(/total_connections_received:(\d+)/.exec(await watcher.info("stats"))?.[1]);
      const watcher = await clientTo(server.url);
      await server.ask("REPLICAOF", "127.0.0.1", String(master.port));
      await until(async () => String(await server.ask("ROLE")).includes("connected"), "the replica");
      const before = await connections();
      const writes = Array.from({ length: 10 }, () => kickUser(registry, "alice", newKick()));
      for (const { status } of await Promise.allSettled(writes)) expect(status).toBe("rejected");
      await until(async () => (await connections()) > before, "the next connection");
      await server.ask("REPLICAOF", "NO", "ONE");
      await eventually(() => registry.add(login("alice")));
      // The connection of the client, and those of the test to the server.
      expect((await connections()) - before).toBe(2);
    },
  );

  it("serves no session once it is isolated, with replica-serve-stale-data no", async () => {
    const server = await serverOfItsOwn(["--replica-serve-stale-data", "no"]);
    const registry = registryOn(await clientTo(server.url));
    await registry.add(login("alice"));
    await server.ask("REPLICAOF", "127.0.0.1", "1");
    await expect(registry.find("alice", "login of alice")).rejects.toMatchObject({
      code: "ERR_REGISTRY_UNAVAILABLE",
      cause: { message: expect.stringContaining("MASTERDOWN") as unknown },
    });
  });
});

describe("databases of one server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  async function listening(path: string, appId: string) {
    const registry = registryOn(await clientTo(server.url + path), appId);
    const heard = new Heard();
    const subscription = registry.subscribe(heard, { checkIntervalMs: 100 });
    closing.push(() => subscription.close());
    await heard.until(() => heard.isListening);
    return { registry, heard };
  }

  it.each([
    ["/0", "/1"],
    ["/1", "/0"],
    ["/1", "/2"],
  ])("pass no kicks on to each other's applications of the same name: %s and %s", async (one, other) => {
    const [here, there] = [await listening(one, one + other), await listening(other, one + other)];
    const same = await listening(one, one + other);
    await here.registry.add(login("alice"));
    await there.registry.add(login("bob"));
    await kickUser(here.registry, "alice", newKick());
    await kickUser(there.registry, "bob", newKick());
    await same.heard.until(() => same.heard.news.length > 0);
    await there.heard.until(() => there.heard.news.length > 0);
    const users = [here, same, there].map(({ heard }) => heard.news.map(({ userId }) => userId));
    expect(users).toEqual([["alice"], ["alice"], ["bob"]]);
  });

  it("are looked up once, and never in a Cluster", async () => {
    for (const kind of CLIENTS.filter(({ name }) => ["node-redis 6", "node-redis 6 Cluster"].includes(name))) {
      const { client, close } = await kind.open();
      closing.push(close);
      let asked = 0;
      const watched = new Proxy(client as { sendCommand(...args: unknown[]): Promise<unknown> }, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (name !== "sendCommand") return typeof value === "function" ? (value.bind(target) as unknown) : value;
          return (...args: unknown[]) => {
            if (args.flat().includes("INFO")) asked += 1;
            return target.sendCommand(...args);
          };
        },
      });
      const registry = registryOn(watched, kind.name);
      for (let times = 0; times < 3; times += 1) await kickUser(registry, "alice", newKick());
      expect(asked).toBe(kind.name.includes("Cluster") ? 0 : 1);
    }
  });

  it("share a channel if an ACL forbids the lookup, and kicks still arrive", async () => {
    await server.ask("ACL", "SETUSER", "limited", "on", ">secret", "~*", "&*", "+@all", "-client|info");
    const limited = server.url.replace("redis://", "redis://limited:secret@");
    const registry = registryOn(await clientTo(limited), "limited");
    const heard = new Heard();
    const subscription = registry.subscribe(heard, { checkIntervalMs: 100 });
    closing.push(() => subscription.close());
    await heard.until(() => heard.isListening);
    await registry.add(login("alice"));
    await kickUser(registry, "alice", newKick());
    await heard.until(() => heard.news.length > 0);
    expect(heard.news).toMatchObject([{ userId: "alice" }]);
  });

  it("are looked up again after an outage, during which no kick returns", async () => {
    const client = await clientTo(server.url);
    let isAway = true;
    const away: RedisClient = {
      sendCommand: (args: string[], options?: object) =>
        isAway && args[0] === "CLIENT" ? Promise.reject(new Error("away")) : client.sendCommand(args, options),
    };
    const registry = registryOn(away, "away");
    await registry.add(login("alice"));
    await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(UNAVAILABLE);
    isAway = false;
    expect(await kickUser(registry, "alice", newKick())).toHaveLength(1);
  });
});
