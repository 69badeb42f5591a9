import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from "redis";
import { createClient as createClient5, createCluster as createCluster5, RESP_TYPES as RESP_TYPES5 } from "redis5";
import type { NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { cluster, ON_A_CLUSTER, oneServer, sentinelSet, stopSharedServers } from "../support/redis-clients.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt, endLogin, generationOf, kickUser } from "../support/registry-calls.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

const PAGE = { offset: 0, limit: 10 };
const AS_BUFFERS = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String };
const AS_BUFFERS5 = { [RESP_TYPES5.BLOB_STRING]: Buffer, [RESP_TYPES5.NUMBER]: String };
// An option that is missing in its types.
const FOR_ALL5 = { commandOptions: { typeMapping: AS_BUFFERS5 } };

async function connected<Client extends { connect(): Promise<unknown>; destroy(): unknown }>(client: Client) {
  await client.connect();
  closing.push(async () => {
    await client.destroy();
  });
  return client;
}

function made<Client extends { disconnect(): void }>(client: Client): Client {
  closing.push(() => {
    client.disconnect();
    return Promise.resolve();
  });
  return client;
}

const url = async (): Promise<string> => (await oneServer.get()).url;
const nodes = async () => (await cluster.get()).nodes.map(({ port }) => ({ host: "127.0.0.1", port }));
const rootNodes = async () => (await cluster.get()).nodes.map((node) => ({ url: node.url }));

const SETTINGS: [string, () => Promise<RedisClient>][] = [
  [
    "node-redis 6 that maps strings to buffers and numbers to strings",
    async () => connected(createClient({ url: await url(), commandOptions: { typeMapping: AS_BUFFERS } })),
  ],
  [
    "a view of a node-redis 6 client that maps so",
    async () => (await connected(createClient({ url: await url() }))).withTypeMapping(AS_BUFFERS),
  ],
  [
    "a view of a node-redis 5 client that maps so",
    async () => (await connected(createClient5({ url: await url() }))).withTypeMapping(AS_BUFFERS5),
  ],
  [
    "a pool of node-redis 6 that maps so",
    async () => connected(createClientPool({ url: await url(), commandOptions: { typeMapping: AS_BUFFERS } })),
  ],
  [
    "node-redis 6 Cluster that maps so",
    async () => connected(createCluster({ rootNodes: await rootNodes(), commandOptions: { typeMapping: AS_BUFFERS } })),
  ],
  [
    "node-redis 5 Cluster that maps so",
    async () => connected(createCluster5({ rootNodes: await rootNodes(), ...FOR_ALL5 })),
  ],
  [
    "node-redis 6 Cluster that reads from replicas and connects when it has to",
    async () =>
      connected(createCluster({ rootNodes: await rootNodes(), useReplicas: true, minimizeConnections: true })),
  ],
  [
    "node-redis 5 Cluster that reads from replicas and connects when it has to",
    async () =>
      connected(createCluster5({ rootNodes: await rootNodes(), useReplicas: true, minimizeConnections: true })),
  ],
  [
    "node-redis 6 Sentinel with a reserved client, and clients of replicas",
    async () => {
      const { name, sentinels } = await sentinelSet.get();
      const sentinelRootNodes = sentinels.map(({ port }) => ({ host: "127.0.0.1", port }));
      const pools = { masterPoolSize: 2, replicaPoolSize: 1, reserveClient: true };
      const commandOptions = { typeMapping: AS_BUFFERS };
      return connected(createSentinel({ name, sentinelRootNodes, commandOptions, ...pools }));
    },
  ],
  ["node-redis 6 with a key prefix", async () => connected(createClient({ url: await url(), keyPrefix: "mine:" }))],
  [
    "node-redis 6 without a queue",
    async () => connected(createClient({ url: await url(), disableOfflineQueue: true })),
  ],
  ["ioredis 6 with a key prefix", async () => made(new Redis(await url(), { keyPrefix: "mine:" }))],
  ["ioredis 5 with a key prefix", async () => made(new Redis5(await url(), { keyPrefix: "mine:" }))],
  ["ioredis 6 with numbers as strings", async () => made(new Redis(await url(), { stringNumbers: true }))],
  ["ioredis 5 with numbers as strings", async () => made(new Redis5(await url(), { stringNumbers: true }))],
  [
    "ioredis 6 in RESP 3 shapes",
    async () => made(new Redis(await url(), { protocol: 3, replyMapping: "resp3", stringNumbers: true })),
  ],
  ["ioredis 6 that is not connected yet", async () => made(new Redis(await url(), { lazyConnect: true }))],
  ["ioredis 5 that is not connected yet", async () => made(new Redis5(await url(), { lazyConnect: true }))],
  ["ioredis 6 without a queue", async () => made(new Redis(await url(), { enableOfflineQueue: false }))],
  ["ioredis 6 with pipelines of its own", async () => made(new Redis(await url(), { enableAutoPipelining: true }))],
  ["ioredis 5 with pipelines of its own", async () => made(new Redis5(await url(), { enableAutoPipelining: true }))],
  [
    "ioredis 6 Cluster with pipelines of its own and a key prefix",
    async () => made(new Cluster(await nodes(), { enableAutoPipelining: true, keyPrefix: "mine:" })),
  ],
  [
    "ioredis 5 Cluster with pipelines of its own and a key prefix",
    async () => made(new Cluster5(await nodes(), { enableAutoPipelining: true, keyPrefix: "mine:" })),
  ],
  [
    "ioredis 6 Cluster with a prefix that has a hash tag",
    async () => made(new Cluster(await nodes(), { keyPrefix: "{x}" })),
  ],
  ["ioredis 5 Cluster that is not connected yet", async () => made(new Cluster5(await nodes(), { lazyConnect: true }))],
];

let count = 0;
const login = (userId: string): NewLogin => ({
  id: `login-${String((count += 1))}`,
  userId,
  sid: "sid",
  ttlMs: 3_600_000,
});

describe.each(SETTINGS)("%s", (name, make) => {
  it("serves the registry like any other server", async () => {
    const isReplicated = /Cluster|Sentinel/.test(name);
    const registry = new RedisLoginRegistry({ client: await make(), waitReplicas: isReplicated ? 1 : 0 });
    registry.init({ appId: name, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    closing.push(() => registry.close());
    const users = Array.from({ length: 20 }, (_value, index) => `user ${String(index)}`);
    const logins = users.map(login);
    const generations = await Promise.all(logins.map(async (each) => generationOf(await registry.add(each))));
    const [first, second] = logins as [NewLogin, NewLogin];
    expect(await registry.update(first.userId, first.id, { ttlMs: 7_200_000, addSid: "sid 2" })).toBe(true);
    expect(await registry.find(first.userId, first.id)).toMatchObject({ userId: "user 0", sids: ["sid", "sid 2"] });
    const page = await registry.activeUsers({ offset: 0, limit: 3 });
    expect([page.total, page.items[0]?.userId]).toEqual([20, "user 0"]);
    const kick = { id: "mark", at: new Date(0), cause: "kick" as const, reason: "why", by: undefined };
    expect(await kickUser(registry, first.userId, kick)).toMatchObject([{ id: first.id }]);
    expect(await registry.kickOf(first.userId, first.id, generations[0] ?? "")).toEqual(kick);
    expect(await adopt(registry, first, { generation: "", endCount: 0 })).toBeUndefined();
    expect(await endLogin(registry, second.userId, second.id)).toMatchObject({ login: { id: second.id }, endCount: 0 });
    expect(await endLogin(registry, second.userId, second.id)).toEqual({ login: undefined, endCount: 1 });
    expect(await registry.find(first.userId, first.id)).toBeUndefined();
    await registry.finishKick(first.userId, [first.id]);
    const others = logins.slice(2, 5);
    const kicked = await Promise.all(others.map(({ userId }) => kickUser(registry, userId, kick)));
    expect(kicked.map(([removed]) => removed?.id)).toEqual(others.map(({ id }) => id));
    await Promise.all(others.map(({ userId, id }) => registry.finishKick(userId, [id])));
    expect(await kickUser(registry, others[0]?.userId ?? "", kick)).toEqual([]);
    const online: string[] = [];
    for await (const found of registry.scanUsers()) online.push(...found);
    expect(online.sort()).toEqual(users.slice(5).sort());
    await registry.clear();
    expect(await registry.list("user 6", PAGE)).toEqual({ items: [], total: 0 });
  });
});

describe.each(ON_A_CLUSTER.map((kind) => [kind.name, kind] as const))(
  "kicks that wait for replicas, on %s",
  (name, kind) => {
    it("are the only calls that fail if Redis refuses them", async () => {
      const set = await cluster.get();
      const { client, close } = await kind.open(set);
      const registry = new RedisLoginRegistry({ client, timeoutMs: 20_000, waitReplicas: 1 });
      registry.init({ appId: name, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      closing.push(close, () => registry.close());
      const users = Array.from({ length: 40 }, (_value, index) => `user-${String(index)}`);
      await Promise.all(users.map((user) => registry.add(login(user))));
      const broken = `express-logout:{${encodeURIComponent(name)}:user-7}:ended`;
      await (await set.masterOf(broken)).ask("SET", broken, "no hash");
      const kicks = await Promise.allSettled(
        users.map((user) => kickUser(registry, user, { id: "mark", at: new Date(), cause: "kick" })),
      );
      const refused = kicks.flatMap((kick, index) =>
        kick.status === "rejected" ? [{ index, reason: kick.reason as unknown }] : [],
      );
      expect(refused).toMatchObject([
        {
          index: 7,
          reason: { code: "ERR_WRITE_NOT_REPLICATED", cause: { message: expect.stringMatching(/WRONGTYPE/) } },
        },
      ]);
    });
  },
);

describe("an unsuitable client", () => {
  it.each([[undefined], [null], ["redis://localhost"], [{}], [{ call: 1, status: "ready" }]])(
    "is refused: %p",
    (client) => {
      const make = () => new RedisLoginRegistry({ client: client as unknown as RedisClient });
      expect(make).toThrow(expect.objectContaining({ code: "ERR_OPTION_INVALID" }));
    },
  );

  it.each([
    ["ioredis 6", Cluster],
    ["ioredis 5", Cluster5],
  ])(
    "is refused if it is a Cluster of %s that reads from replicas, until the fix of the error is applied",
    async (_name, Made) => {
      const client = made(new (Made as typeof Cluster)(await nodes(), { scaleReads: "slave" }));
      const refused = expect.objectContaining({
        code: "ERR_OPTION_INVALID",
        message: expect.stringContaining('cluster.duplicate([], { scaleReads: "master" })') as unknown,
      });
      expect(() => new RedisLoginRegistry({ client })).toThrow(refused);
      const fit = made(client.duplicate([], { scaleReads: "master" }));
      expect(() => new RedisLoginRegistry({ client: fit })).not.toThrow();
    },
  );
});
