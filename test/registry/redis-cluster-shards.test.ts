import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import type { KickRecord, NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { appKeys, shardKeys, shardOf } from "../../lib/registry/redis/keys.js";
import { cluster, ON_A_CLUSTER, stopSharedServers, type OpenClient } from "../support/redis-clients.js";
import { eventually, until, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt } from "../support/registry-calls.js";

// A master is silent for a while before its replica takes over, and the servers take their time on a busy machine.
jest.setTimeout(120_000);

const HOUR_MS = 3_600_000;
/** As many as a new index has in a Cluster. */
const SHARDS = 16;
/** The clients look for a new master each in its own way; those of before do so late. */
const CURRENT = ON_A_CLUSTER.filter(({ name }) => name.includes("6 Cluster")).map((kind) => [kind.name, kind] as const);

let apps = 0;
let kicks = 0;
let opened: OpenClient | undefined;
afterEach(() => opened?.close());
afterAll(stopSharedServers);

const login = (userId: string): NewLogin => {
  return { id: `login of ${userId}`, userId, sid: `sid of ${userId}`, ttlMs: HOUR_MS };
};
const users = (count: number, name = "user"): string[] =>
  Array.from({ length: count }, (_, number) => `${name}-${String(number)}`);

async function open(kind: (typeof ON_A_CLUSTER)[number], waitReplicas: number) {
  const set = await cluster.get();
  opened = await kind.open(set);
  const appId = `shards-${String((apps += 1))}`;
  const registry = new RedisLoginRegistry({ client: opened.client, waitReplicas, timeoutMs: 3_000 });
  registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return { set, registry, keys: appKeys("express-logout:", appId) };
}

async function kickEveryone(registry: RedisLoginRegistry, inBetween?: () => Promise<unknown>): Promise<void> {
  const kick: KickRecord = { id: `kick-${String((kicks += 1))}`, at: new Date(), cause: "kick" };
  await registry.kickEveryone(kick);
  await inBetween?.();
  for await (const userIds of registry.scanUsers())
    await Promise.all(userIds.map((userId) => registry.end(userId, { kick, everyone: true })));
}

async function listed(registry: RedisLoginRegistry, userIds: readonly string[]): Promise<string[]> {
  const found = await Promise.all(userIds.map((userId) => registry.find(userId, `login of ${userId}`)));
  return userIds.filter((_, place) => found[place] !== undefined);
}

describe.each(CURRENT)("an index in 16 shards, on %s", (_name, kind) => {
  it("has shards on every master", async () => {
    const { set, registry, keys } = await open(kind, 0);
    for (const user of users(64)) await registry.add(login(user));
    const masters = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => set.masterOf(shardKeys(keys, shard).active)),
    );
    const ports = masters.map(({ port }) => port);
    expect(new Set(ports).size).toBe(3);
    for (const port of new Set(ports)) expect(ports.filter((each) => each === port).length).toBeLessThanOrEqual(6);
  });

  it("is kicked whole although a master dies in the middle of it", async () => {
    const { set, registry, keys } = await open(kind, 1);
    const [old = "", ...all] = users(80);
    await Promise.all(all.map((user) => eventually(() => registry.add(login(user)))));
    const failOver = async (): Promise<void> => set.failOver(shardKeys(keys, 5).active);
    // The new master has no replica that could confirm what is written to it.
    await expect(kickEveryone(registry, failOver)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    await set.recover();
    await eventually(() => kickEveryone(registry));
    expect(await eventually(() => listed(registry, all))).toEqual([]);
    // Nor is a session from before the kick let in, in whatever shard its user is.
    for (const user of [old, ...users(20, "older")]) {
      expect(await eventually(() => adopt(registry, login(user), { generation: "", endCount: 0 }))).toBeUndefined();
    }
  });

  it("loses no login while a slot moves to another master, and a kick of everyone finds them all", async () => {
    const { set, registry, keys } = await open(kind, 0);
    const moved = shardKeys(keys, 3);
    const inShard = users(4_000).filter((user) => shardOf(user, SHARDS) === 3);
    const early = inShard.slice(0, 60);
    await Promise.all(early.map((user) => registry.add(login(user))));
    const added: string[] = [];
    const moving = new AbortController();
    const logins = (async () => {
      for (const user of inShard.slice(60)) {
        if (moving.signal.aborted && added.length > 40) break;
        // A step on several keys of a slot that is moving may be refused: that login has failed.
        await registry.add(login(user)).then(
          () => added.push(user),
          () => undefined,
        );
      }
    })();
    await moveSlot(set.nodes, await set.masterOf(moved.active), moved.active);
    moving.abort();
    await logins;
    expect(added.length).toBeGreaterThan(0);
    const found = new Set<string>();
    for await (const userIds of registry.scanUsers()) for (const userId of userIds) found.add(userId);
    expect([...early, ...added].filter((user) => !found.has(user))).toEqual([]);
    await eventually(() => kickEveryone(registry));
    expect(await listed(registry, [...early, ...added])).toEqual([]);
  });
});

/** Moves the slot of a key to another master, key by key, as `redis-cli --cluster reshard` does. */
async function moveSlot(nodes: readonly RedisServer[], from: RedisServer, key: string): Promise<void> {
  const roles = await Promise.all(nodes.map(async (node) => String(await node.ask("ROLE")).startsWith("master")));
  const masters = nodes.filter((_, place) => roles[place]);
  const to = masters.find((node) => node !== from);
  if (to === undefined) throw new Error("no other master");
  const slot = String(await from.ask("CLUSTER", "KEYSLOT", key));
  const [source, target] = [String(await from.ask("CLUSTER", "MYID")), String(await to.ask("CLUSTER", "MYID"))];
  await to.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source);
  await from.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target);
  for (;;) {
    const names = (await from.ask("CLUSTER", "GETKEYSINSLOT", slot, "10")) as string[];
    if (names.length === 0) break;
    for (const name of names) {
      await from.ask("MIGRATE", "127.0.0.1", String(to.port), name, "0", "5000");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  for (const node of [to, from, ...masters]) await node.ask("CLUSTER", "SETSLOT", slot, "NODE", target);
  await until(async () => {
    const owners = await Promise.all(masters.map((node) => node.ask("CLUSTER", "SLOTS")));
    return owners.every((ranges) => {
      const all = ranges as [number, number, [string, number]][];
      return all.some(([first, last, [, port]]) => first <= Number(slot) && Number(slot) <= last && port === to.port);
    });
  }, "every master to know the new owner of the slot");
}
