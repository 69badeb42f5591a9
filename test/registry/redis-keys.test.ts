import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { logout } from "../../lib/index.js";
import type { KeyIndex, KeyRow } from "../../lib/registry/index.js";
import {
  RedisLoginRegistry,
  type RedisClient,
  type RedisLoginRegistryOptions,
} from "../../lib/registry/redis/index.js";
import { appKeys, externalKeys } from "../../lib/registry/redis/keys.js";
import * as scripts from "../../lib/registry/redis/scripts/bundle.js";
import { newKey, readRows } from "../../lib/registry/testing/keys-context.js";
import { startPair, type Pair } from "../support/redis-replicated.js";
import { connectTo, eventually, startRedis, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { HOUR_MS, newKick, newLogin, next } from "../support/registry-calls.js";

jest.setTimeout(60_000);

const DAY_MS = 86_400_000;
const UNAVAILABLE = expect.objectContaining({ code: "ERR_REGISTRY_UNAVAILABLE" });
const NOT_REPLICATED = expect.objectContaining({ code: "ERR_WRITE_NOT_REPLICATED" });

let server: RedisServer;
let client: Awaited<ReturnType<typeof connectTo>>;
beforeAll(async () => {
  server = await startRedis();
  client = await connectTo(server);
});
afterAll(async () => {
  client.destroy();
  await server.stop();
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const closeAtEnd = (opened: { destroy(): void }): void => {
  closing.push(() => {
    opened.destroy();
    return Promise.resolve();
  });
};

const row = (userId: string, since?: number): KeyRow => ({ userId, loginId: next("login"), since });

/** External keys over a client. @param sent - the commands, by the names of their scripts */
function open(
  through: RedisClient = client,
  { sent = [], ...options }: Partial<RedisLoginRegistryOptions> & { sent?: string[] } = {},
) {
  const recorded = Object.assign(Object.create(through) as typeof through, {
    sendCommand: (args: string[], more?: object) => {
      const [command = "", script = ""] = args;
      const [name = command] =
        Object.entries(scripts).find(([, { sha, source }]) => [sha, source].includes(script)) ?? [];
      sent.push(name);
      return (through as typeof client).sendCommand(args, more);
    },
  });
  const registry = new RedisLoginRegistry({ client: recorded, timeoutMs: 20_000, ...options });
  registry.init({ appId: "shop", maxSessionAgeMs: MAX_SESSION_AGE_MS });
  closing.push(() => registry.close());
  const key = newKey();
  return { registry, keys: registry.keys, key, sent, names: externalKeys(appKeys("express-logout:", "shop"), key) };
}

const put = (hash: string, rows: Readonly<Record<string, string>>) => client.hSet(hash, { ...rows });

describe("the commands of external keys", () => {
  /** Loads the scripts. */
  async function warm(keys: KeyIndex): Promise<void> {
    const [key, gone] = [newKey(), row("gone")];
    await keys.bind(key, gone, HOUR_MS);
    await keys.mark(key, newKick(), 1);
    await readRows(keys, key);
    await keys.drop(key, [gone]);
  }

  it("are one a bind, one a mark, one for a thousand rows, one for the drop of 500", async () => {
    const { keys, key, sent } = open();
    await warm(keys);
    const taken = async (act: () => Promise<unknown>): Promise<string[]> => {
      sent.splice(0);
      await act();
      return sent.splice(0);
    };
    const rows = Array.from({ length: 1_000 }, (_value, index) => row(`user ${String(index)}`, 10));
    expect(await taken(() => keys.mark(key, newKick(), 20))).toEqual(["KEY_MARK"]);
    expect(await taken(() => keys.bind(key, row("alice", 10), HOUR_MS))).toEqual(["KEY_BIND"]);
    expect(await taken(() => keys.bind(key, row("alice"), HOUR_MS))).toEqual(["KEY_BIND"]);
    await Promise.all(rows.map((each) => keys.bind(key, each, HOUR_MS)));
    expect(await taken(() => readRows(keys, key))).toEqual(["KEY_ROWS"]);
    expect(await taken(() => keys.drop(key, rows))).toEqual(["KEY_DROP", "KEY_DROP"]);
    expect(await taken(() => keys.drop(key, []))).toEqual([]);
    expect(await readRows(keys, key)).toHaveLength(2);
  });

  it("read more than a thousand rows in steps of their own", async () => {
    const { keys, key, sent } = open();
    const rows = Array.from({ length: 2_500 }, (_value, index) => row(`user ${String(index)}`, 10));
    await Promise.all(rows.map((each) => keys.bind(key, each, HOUR_MS)));
    await client.configResetStat();
    sent.splice(0);
    expect(await readRows(keys, key)).toHaveLength(2_500);
    expect(sent.length).toBeGreaterThanOrEqual(4);
    expect(await client.info("commandstats")).not.toContain("cmdstat_hgetall");
  });
});

describe("the memory that external keys take in Redis", () => {
  const bytesOf = async (name: string): Promise<number> => Number(await client.memoryUsage(name));
  // As they are: a user id of a database, a login id of this package.
  const real = (): KeyRow => ({ userId: String(1_000_000 + closing.length), loginId: newKey(), since: 1_764_000_000 });

  it("is small: of a login in a key of its own, of one of three, and of a mark", async () => {
    const { keys, key, names } = open();
    await keys.bind(key, real(), HOUR_MS);
    const one = await bytesOf(names.bound);
    expect(one).toBeLessThanOrEqual(220);
    for (let count = 0; count < 2; count += 1) await keys.bind(key, real(), HOUR_MS);
    const three = await bytesOf(names.bound);
    expect(three / 3).toBeLessThanOrEqual(120);
    await keys.mark(key, { id: newKey(), at: new Date(), cause: "kick" }, 1_764_000_000);
    expect(await bytesOf(names.mark)).toBeLessThanOrEqual(200);
  });
});

describe("what Redis forgets of external keys", () => {
  const ttl = (name: string): Promise<number> => client.pTTL(name);

  it("is a key with its last row, and a mark after a day from its last writing", async () => {
    const { keys, key, names } = open();
    await keys.bind(key, row("alice"), HOUR_MS);
    await keys.bind(key, row("bob"), 2 * HOUR_MS + 0.5);
    await keys.bind(key, row("carol"), 1_000);
    const left = await ttl(names.bound);
    expect([left > 2 * HOUR_MS - 60_000, left <= 2 * HOUR_MS + 1]).toEqual([true, true]);
    await keys.mark(key, newKick(), 20);
    for (const before of [30, 10, undefined]) {
      await client.pExpire(names.mark, 5_000);
      await keys.mark(key, newKick(), before);
      const day = await ttl(names.mark);
      expect([day > DAY_MS - 60_000, day <= DAY_MS]).toEqual([true, true]);
    }
    for (const each of await readRows(keys, key)) await keys.drop(key, [each]);
    expect(await client.exists(names.bound)).toBe(0);
  });

  it("are expired rows: at a bind, and when the others are read", async () => {
    const { keys, key, names } = open();
    await put(names.bound, { "old 1": "10 1", "old 2": " 1" });
    await keys.bind(key, row("alice"), HOUR_MS);
    expect(await client.hLen(names.bound)).toBe(1);
    await put(names.bound, { "old 1": "10 1", "old 2": " 1" });
    expect(await readRows(keys, key)).toMatchObject([{ userId: "alice" }]);
    expect(await client.hLen(names.bound)).toBe(1);
  });

  it("are expired rows among many", async () => {
    const { keys, key, names } = open();
    const old = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_value, i) => [`old ${String(i)}`, "1 1"]));
    await put(names.bound, old(300));
    await Promise.all(
      Array.from({ length: 100 }, (_value, index) => keys.bind(key, row(`user ${String(index)}`), HOUR_MS)),
    );
    expect(await client.hLen(names.bound)).toBeLessThan(150);
    await put(names.bound, old(3_000));
    expect(await readRows(keys, key)).toHaveLength(100);
    expect(await client.hLen(names.bound)).toBe(100);
  });
});

describe("external keys and the coherent cache", () => {
  it("cause no invalidation", async () => {
    const tracking = createClient({
      url: server.url,
      RESP: 3,
      emitInvalidate: true,
      maintNotifications: "disabled",
    });
    await tracking.connect();
    const invalidated: string[] = [];
    tracking.on("invalidate", (key: unknown) => invalidated.push(String(key)));
    const registry = new RedisLoginRegistry({ client: tracking, coherentCache: true });
    const auth = logout({ store: new RedisStore({ client: tracking }), registry, appId: "shop" });
    try {
      const { registry: another, keys, key } = open();
      const login = newLogin();
      // Once it is reported, so is everything.
      await eventually(async () => {
        await another.add(newLogin("probe"));
        await tracking.ping();
        expect(invalidated).not.toEqual([]);
      });
      invalidated.splice(0);
      const bound = { userId: "alice", loginId: login.id, since: 10 };
      for (const index of [keys, registry.keys]) {
        await index.bind(key, bound, HOUR_MS);
        await index.mark(key, newKick(), 20);
        await readRows(index, key);
        await index.drop(key, [bound]);
      }
      await another.add(login);
      await tracking.ping();
      expect(invalidated).toEqual(["express-logout:{shop:alice}:logins"]);
    } finally {
      await auth.close();
      tracking.destroy();
    }
  });
});

describe("external keys on a master and its replica", () => {
  let pair: Pair;
  let master: typeof client;
  beforeEach(async () => {
    pair = await startPair();
    closing.push(() => pair.stop());
    master = await connectTo(pair.master);
    closeAtEnd(master);
  });

  const WRITES: Readonly<Record<string, (keys: KeyIndex, key: string) => Promise<unknown>>> = {
    "a bind": (keys, key) => keys.bind(key, row("alice", 10), HOUR_MS),
    "a mark": (keys, key) => keys.mark(key, newKick(), 20),
    "a mark that changes nothing but its life": (keys, key) => keys.mark(key, newKick(), 1),
  };
  it.each(Object.entries(WRITES))("wait with %s, if the registry waits for a replica", async (_what, write) => {
    const { keys, key } = open(master, { waitReplicas: 1 });
    await keys.mark(key, newKick(), 5);
    await write(keys, key);
    pair.holdReplication();
    const impatient = open(master, { waitReplicas: 1, timeoutMs: 400 });
    await expect(write(impatient.keys, key)).rejects.toEqual(NOT_REPLICATED);
    await expect(write(open(master as RedisClient).keys, key)).resolves.not.toThrow();
  });

  it("are there after a failover, as they were answered", async () => {
    const { keys, key } = open(master, { waitReplicas: 1 });
    const [alice, kick] = [row("alice", 30), newKick()];
    await keys.bind(key, alice, HOUR_MS);
    await keys.mark(key, kick, 20);
    const successor = await connectTo(await pair.failOver());
    closeAtEnd(successor);
    const after = open(successor).keys;
    expect(await readRows(after, key)).toEqual([alice]);
    expect(await after.bind(key, row("bob", 20), HOUR_MS)).toMatchObject({ id: kick.id });
  });
});

describe("external keys while Redis is away", () => {
  const CALLS: Readonly<Record<string, (keys: KeyIndex, key: string) => Promise<unknown>>> = {
    bind: (keys, key) => keys.bind(key, row("late", 10), HOUR_MS),
    mark: (keys, key) => keys.mark(key, newKick(), 20),
    rows: (keys, key) => readRows(keys, key),
    drop: (keys, key) => keys.drop(key, [{ userId: "alice", loginId: "login", since: 10 }]),
  };

  it.each(Object.entries(CALLS))("reject %s in time, and it does not take effect later", async (_name, call) => {
    const own = await startRedis(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]);
    closing.push(() => own.stop());
    const through = await connectTo(own);
    closeAtEnd(through);
    const { keys, key } = open(through, { timeoutMs: 300 });
    const alice = { userId: "alice", loginId: "login", since: 10 };
    await keys.bind(key, alice, HOUR_MS);
    await own.kill();
    const began = Date.now();
    await expect(call(keys, key)).rejects.toEqual(UNAVAILABLE);
    expect(Date.now() - began).toBeLessThan(5_000);
    await own.restart();
    expect(await eventually(() => readRows(keys, key))).toEqual([alice]);
    expect(await keys.bind(key, alice, HOUR_MS)).toBeUndefined();
  });

  it("reject a bind to what is no hash, without quoting it", async () => {
    const { keys, key, names } = open();
    await client.set(names.bound, "tHe-SeCrEt");
    const error: unknown = await keys.bind(key, row("alice", 10), HOUR_MS).catch((reason: unknown) => reason);
    expect(error).toEqual(UNAVAILABLE);
    expect(String((error as Error).cause)).toMatch(/WRONGTYPE/);
    expect(String((error as Error).cause)).not.toContain("tHe-SeCrEt");
  });
});
