import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import type { KickRecord, ListedLogin, NewLogin } from "../../lib/index.js";
import { RedisLoginRegistry, type RedisLoginRegistryOptions } from "../../lib/registry/redis/index.js";
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

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(120_000);
// On an overloaded machine, sentinels may take a live master for dead and fail over once more. That no login is
// resumed is shown without retries in redis-replicas.
jest.retryTimes(2, { logErrorsBeforeRetry: true });

let count = 0;
const newKick = (): KickRecord => ({
  id: `mark-${String((count += 1))}`,
  at: new Date(),
  reason: undefined,
  by: undefined,
});
const login = (userId: string): NewLogin => ({ id: `login of ${userId}`, userId, sid: "sid", ttlMs: 3_600_000 });

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(stopSharedServers);

async function opened(
  opening: Promise<OpenClient>,
  options: Partial<RedisLoginRegistryOptions> = {},
): Promise<RedisLoginRegistry> {
  const { client, close } = await opening;
  const registry = new RedisLoginRegistry({ client, ...options });
  registry.init({ appId: "app", maxSessionAgeMs: MAX_SESSION_AGE_MS });
  closing.push(close, () => registry.close());
  return registry;
}

describe.each(ON_SENTINEL.map((kind) => [kind.name, kind] as const))("a failover by sentinels, on %s", (name, kind) => {
  it("undoes no kick that the replicas have, and the registry continues", async () => {
    const set = await sentinelSet.get();
    const registry = await opened(kind.open(set), { waitReplicas: 1 });
    const alice = login(`alice of ${name}`);
    await registry.add(alice);
    await eventually(() => registry.removeAll(alice.userId, newKick(), { waitReplicas: 2 }));
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
      const registry = await opened(kind.open(set));
      const alice = login(`alice of ${name}`);
      await registry.add(alice);
      await eventually(() => registry.removeAll(alice.userId, newKick(), { waitReplicas: 1 }));
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
  const kicked = await registry.removeAll(login.userId, newKick(), { waitReplicas: 1 });
  if (kicked.length === 0) throw new Error("the login is lost");
  return kicked;
}
