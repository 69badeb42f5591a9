import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import type { KickRecord, ListedLogin, NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import {
  cluster,
  ON_A_CLUSTER,
  ON_SENTINEL,
  sentinelSet,
  stopSharedServers,
  type OpenClient,
} from "../support/redis-clients.js";
import { eventually } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { kickUser } from "../support/registry-calls.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(120_000);
// On an overloaded machine, sentinels may take a live master for dead and fail over once more. That no login is
// resumed is shown without retries in redis-replicas.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

let count = 0;
const newKick = (): KickRecord => ({
  id: `mark-${String((count += 1))}`,
  at: new Date(),
  cause: "kick",
  reason: undefined,
  by: undefined,
});
const login = (userId: string): NewLogin => ({ id: `login of ${userId}`, userId, sid: "sid", ttlMs: 3_600_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

/** Returns a registry that waits for this many replicas. */
async function opened(opening: Promise<OpenClient>, waitReplicas: number): Promise<RedisLoginRegistry> {
  const { client, close } = await opening;
  closing.push(close);
  return onClient(client, waitReplicas);
}

function onClient(client: RedisClient, waitReplicas: number): RedisLoginRegistry {
  const registry = new RedisLoginRegistry({ client, waitReplicas });
  registry.init({ appId: "app", maxSessionAgeMs: MAX_SESSION_AGE_MS });
  closing.push(() => registry.close());
  return registry;
}

describe.each(ON_SENTINEL.map((kind) => [kind.name, kind] as const))("a failover by sentinels, on %s", (name, kind) => {
  it("undoes no kick that the replicas have, and the registry continues", async () => {
    const set = await sentinelSet.get();
    const opening = kind.open(set);
    const registry = await opened(opening, 1);
    const patient = onClient((await opening).client, 2);
    const alice = login(`alice of ${name}`);
    await registry.add(alice);
    await eventually(() => kickUser(patient, alice.userId, newKick()));
    await registry.finishKick(alice.userId, [alice.id]);
    await set.failOver();
    expect(await eventually(() => registry.find(alice.userId, alice.id))).toBeUndefined();
    const kicked = await eventually(() => loginAndKick(registry, alice)).finally(() => set.recover());
    expect(kicked).toMatchObject([{ id: alice.id }]);
  });
});

describe.each(ON_A_CLUSTER.map((kind) => [kind.name, kind] as const))(
  "a failover in a Cluster, on %s",
  (name, kind) => {
    it("undoes no kick that the replica has, and the registry continues", async () => {
      const set = await cluster.get();
      const registry = await opened(kind.open(set), 1);
      const alice = login(`alice of ${name}`);
      await registry.add(alice);
      await eventually(() => kickUser(registry, alice.userId, newKick()));
      await registry.finishKick(alice.userId, [alice.id]);
      await set.failOver(`{app:${encodeURIComponent(alice.userId)}}`);
      // The Cluster client of node-redis 5 looks for the new master only once the old one is back.
      if (name === "node-redis 5 Cluster") await set.recover();
      expect(await eventually(() => registry.find(alice.userId, alice.id))).toBeUndefined();
      if (name !== "node-redis 5 Cluster") await set.recover();
      expect(await eventually(() => loginAndKick(registry, alice))).toMatchObject([{ id: alice.id }]);
    });
  },
);

/** Logins do not wait for replicas: one that another failover loses is begun again. */
async function loginAndKick(registry: RedisLoginRegistry, login: NewLogin): Promise<readonly ListedLogin[]> {
  await registry.add(login);
  const kicked = await kickUser(registry, login.userId, newKick());
  if (kicked.length === 0) throw new Error("the login is lost");
  return kicked;
}
