import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createClient } from "redis";
import type { LogoutError } from "../../lib/index.js";
import type { KickRecord, NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { appKeys, shardKeys, shardOf, type AppKeys } from "../../lib/registry/redis/keys.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt, endLogin, kickUser } from "../support/registry-calls.js";

const HOUR_MS = 3_600_000;
const FIRST_SESSION = { generation: "", endCount: 0 };

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

let apps = 0;
let kicks = 0;
let keys: AppKeys;
beforeEach(() => {
  apps += 1;
  keys = appKeys("express-logout:", `app-${String(apps)}`);
});

const newKick = (): KickRecord => ({ id: `kick-${String((kicks += 1))}`, at: new Date(), cause: "kick" });
const login = (userId: string): NewLogin => {
  return { id: `login of ${userId}`, userId, sid: `sid of ${userId}`, ttlMs: HOUR_MS };
};
const users = (count: number): string[] => Array.from({ length: count }, (_, user) => `user-${String(user)}`);

function open(indexShards?: number, through: RedisClient = client): RedisLoginRegistry {
  const registry = new RedisLoginRegistry({ client: through, indexShards });
  registry.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return registry;
}

/** The stored number of shards, without the former ones. */
const storedCount = async (): Promise<string | undefined> => (await client.get(keys.shardCount))?.split(" ")[0];

async function scanned(registry: RedisLoginRegistry): Promise<string[]> {
  const found = new Set<string>();
  for await (const userIds of registry.scanUsers()) for (const userId of userIds) found.add(userId);
  return [...found].sort();
}

/** As `auth.kickAll()` does: the record, then every user. */
async function kickEveryone(registry: RedisLoginRegistry): Promise<KickRecord> {
  const kick = newKick();
  await registry.kickEveryone(kick);
  for await (const userIds of registry.scanUsers())
    await Promise.all(userIds.map((userId) => registry.end(userId, { kick, everyone: true })));
  return kick;
}

async function pagesOf(registry: RedisLoginRegistry, limit: number): Promise<{ total: number; userIds: string[] }> {
  const userIds: string[] = [];
  for (;;) {
    const { total, items } = await registry.activeUsers({ offset: userIds.length, limit });
    userIds.push(...items.map(({ userId }) => userId));
    if (items.length < limit) return { total, userIds };
  }
}

/** Users who are in a new shard after the number of shards has grown. */
const allMoving = (from: number, to: number): string[] => users(1_000).filter((user) => shardOf(user, to) >= from);
const moves = (from: number, to: number): string => allMoving(from, to)[0] ?? "";

describe("an index in several shards", () => {
  it.each([3, 16, 1_024])("spreads the users over all %i, each with its kick of everyone", async (count) => {
    const registry = open(count);
    const all = users(2 * count);
    await Promise.all(all.map((user) => registry.add(login(user))));
    const sizes = await Promise.all(
      Array.from({ length: count }, (_, shard) => client.zCard(shardKeys(keys, shard).active)),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(all.length);
    expect(sizes.filter((size) => size > 0).length).toBeGreaterThan(count / 2);
    expect(await scanned(registry)).toEqual([...all].sort());
    const kick = await kickEveryone(registry);
    const records = await Promise.all(
      Array.from({ length: count }, (_, shard) => client.get(shardKeys(keys, shard).everyone)),
    );
    expect(records.every((record) => record?.startsWith(kick.id))).toBe(true);
    expect(await registry.find(all[0] ?? "", `login of ${all[0] ?? ""}`)).toBeUndefined();
  });

  it("has pages in one order, of which none misses or repeats a user", async () => {
    const registry = open(5);
    const all = users(200);
    for (const user of all) await registry.add(login(user));
    const newestFirst = [...all].reverse();
    for (const limit of [7, 50, 200])
      expect(await pagesOf(registry, limit)).toEqual({ total: 200, userIds: newestFirst });
  });

  it("has the same pages far from the first, where they are not merged from it", async () => {
    const registry = open(32);
    const all = users(650);
    await registry.add(login("first"));
    // Written as they are, with scores that several users share.
    await Promise.all(
      all.map(async (user, position) => {
        await registry.add(login(user));
        const { active } = shardKeys(keys, shardOf(user, 32));
        await client.zAdd(active, { score: 1_000 + Math.floor(position / 3), value: user });
      }),
    );
    const { total, userIds } = await pagesOf(registry, 100);
    expect([total, userIds.length, new Set(userIds).size, userIds[0]]).toEqual([651, 651, 651, "first"]);
    const scores = userIds.slice(1).map((user) => Math.floor(Number(user.slice(5)) / 3));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect((await registry.activeUsers({ offset: 5_000, limit: 10 })).items).toEqual([]);
  });

  it("has them over RESP 3, too, and with a prefix that has a hash tag", async () => {
    const connection = await createClient({ url: redis.url, RESP: 3 }).connect();
    try {
      const registry = new RedisLoginRegistry({ client: connection, prefix: "{all}:", indexShards: 32 });
      registry.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      await Promise.all(users(620).map((user) => registry.add(login(user))));
      expect((await registry.activeUsers({ offset: 510, limit: 20 })).items).toHaveLength(20);
    } finally {
      connection.destroy();
    }
  });

  it("drops the row of a user who logs out, and forgets everyone at a clear", async () => {
    const registry = open(3);
    for (const user of users(30)) await registry.add(login(user));
    await endLogin(registry, "user-1", "login of user-1");
    expect((await pagesOf(registry, 10)).total).toBe(29);
    await registry.clear();
    expect([(await pagesOf(registry, 10)).total, await scanned(registry)]).toEqual([0, []]);
  });

  it("stores its number, which a later process without the option takes", async () => {
    await open(4).add(login("alice"));
    expect(await client.get(keys.shardCount)).toBe("4");
    const later = open();
    for (const user of users(40)) await later.add(login(user));
    expect(await client.zCard(shardKeys(keys, 3).active)).toBeGreaterThan(0);
  });

  it("knows the kick of everyone of a user by the user's own shard", async () => {
    const registry = open(4);
    const [alice = ""] = allMoving(1, 4);
    const { id } = await kickEveryone(registry);
    await client.del(keys.everyone);
    expect(await registry.kickOf(alice, `login of ${alice}`, "")).toMatchObject({ id });
  });

  it("stores that it is one shard only if that was asked for", async () => {
    await open(1).add(login("alice"));
    expect(await client.get(keys.shardCount)).toBe("1");
  });

  it("is one shard where there is no number, and nothing is stored", async () => {
    const registry = open();
    for (const user of users(20)) await registry.add(login(user));
    expect([await client.get(keys.shardCount), await client.zCard(keys.active)]).toEqual([null, 20]);
  });
});

describe("a number of shards that cannot be", () => {
  it.each([0, -1, 1.5, 1_025, NaN, "3"])("is rejected at once: %p", (indexShards) => {
    expect(() => open(indexShards as number)).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_INVALID", message: expect.stringContaining("from 1 to 1,024") }),
    );
  });

  it("rejects every call if it is lower than the stored one, and is found by check()", async () => {
    await open(4).add(login("alice"));
    const wrong = open(2);
    const both = { code: "ERR_OPTION_INVALID", message: expect.stringMatching(/indexShards is 2.* has 4 shards/) };
    const calls: (() => Promise<unknown>)[] = [
      () => wrong.find("alice", "login of alice"),
      () => wrong.add(login("bob")),
      () => wrong.activeUsers({ offset: 0, limit: 1 }),
      () => wrong.kickEveryone(newKick()),
      () => scanned(wrong),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(both);
    const finding = (await wrong.check()).find(({ what }) => what === "Redis: shards of the index");
    expect(finding).toMatchObject({ level: "error", why: both.message, how: expect.any(String) });
    await expect(wrong.health()).rejects.toMatchObject(both);
    expect((await open(4).check()).find(({ what }) => what === "Redis: shards of the index")).toMatchObject({
      level: "ok",
      why: "There are 4. The largest has 1 user.",
    });
  });

  it.each(["many", "0", "1025", "4 shards"])(
    "is not overwritten if what is stored cannot be read: %s",
    async (text) => {
      await client.set(keys.shardCount, text);
      await expect(open(2).add(login("alice"))).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
      expect(await client.get(keys.shardCount)).toBe(text);
    },
  );

  it("is not stored by check()", async () => {
    const findings = await open(4).check();
    expect(findings.find(({ what }) => what === "Redis: shards of the index")).toMatchObject({ level: "ok" });
    expect(await client.get(keys.shardCount)).toBeNull();
  });
});

describe("a number of shards that grows while processes with the old one run", () => {
  /** An index that grows after these users have logged in. Some of them are active afterwards. */
  async function grown(count: number, all: readonly string[], active: readonly string[]) {
    const before = open(1);
    for (const user of all) await before.add(login(user));
    const after = open(count);
    for (const user of active) await after.update(user, `login of ${user}`, { ttlMs: HOUR_MS });
    return { before, after };
  }

  it("keeps every kick of everyone from before: an older session is not let in by a new shard", async () => {
    const before = open(1);
    const alice = moves(1, 4);
    await kickEveryone(before);
    const after = open(4);
    expect(await adopt(after, login(alice), FIRST_SESSION)).toBeUndefined();
    expect(await after.find(alice, `login of ${alice}`)).toBeUndefined();
  });

  it("lets a kick of everyone by either process find the users of both", async () => {
    for (const count of [1, 2]) {
      apps += 1;
      const before = open(count);
      const all = users(60);
      for (const user of all.slice(0, 30)) await before.add(login(user));
      const after = open(7);
      for (const user of all.slice(20)) await after.add({ ...login(user), id: `later login of ${user}` });
      for (const kicker of [before, after]) {
        expect(await scanned(kicker)).toEqual([...all].sort());
      }
      await kickEveryone(before);
      for (const user of all) expect((await after.list(user, { offset: 0, limit: 9 })).total).toBe(0);
    }
  });

  it("shows each user once, and counts each once after all pages have been read", async () => {
    const all = users(50);
    const { before, after } = await grown(6, all, all.slice(0, 25));
    for (const reader of [after, before, after]) {
      const { userIds } = await pagesOf(reader, 50);
      expect([...userIds].sort()).toEqual([...all].sort());
    }
    expect((await pagesOf(after, 7)).total).toBe(50);
    for (const user of all) await endLogin(after, user, `login of ${user}`);
    expect(await pagesOf(after, 50)).toEqual({ total: 0, userIds: [] });
  });

  it("counts a user whom it shows in the new shard no longer once their login is shown no more", async () => {
    const before = open(1);
    const alice = moves(1, 4);
    await before.add(login(alice));
    const after = open(4);
    expect((await pagesOf(after, 10)).userIds).toEqual([alice]);
    await before.update(alice, `login of ${alice}`, { ttlMs: 0 });
    expect((await after.activeUsers({ offset: 0, limit: 0 })).total).toBe(0);
  });

  it("leaves a row in its old shard for a scan that has passed the new one", async () => {
    const before = open(1);
    for (const user of users(1_200)) await before.add(login(user));
    const after = open(2);
    const scan = after.scanUsers()[Symbol.asyncIterator]();
    const found = new Set<string>();
    const step = async (): Promise<boolean> => {
      const { done, value } = await scan.next();
      for (const user of (value ?? []) as string[]) found.add(user);
      return done === true;
    };
    await step();
    // Reads all pages, which shows every user in the shard that the scan has finished.
    await pagesOf(after, 200);
    while (!(await step()));
    expect(found.size).toBe(1_200);
  });

  it("copies the last kick of everyone even if the process that stored the number has died", async () => {
    const alice = moves(1, 4);
    await kickEveryone(open(1));
    await client.set(keys.shardCount, "4 growing");
    expect(await adopt(open(), login(alice), FIRST_SESSION)).toBeUndefined();
    expect(await client.get(keys.shardCount)).toBe("4");
  });

  it("ends with the largest number if processes with several numbers start at once", async () => {
    await Promise.allSettled([2, 5, 3, 5, 9].map((count) => open(count).add(login("alice"))));
    expect(await storedCount()).toBe("9");
  });

  it("counts no user who has logged out, or was kicked, in a shard from before", async () => {
    const all = users(60);
    const { after } = await grown(16, all, all.slice(0, 20));
    for (const user of all.slice(0, 30)) await endLogin(after, user, `login of ${user}`);
    const kicked = all.slice(30, 50);
    for (const user of kicked) {
      const ended = await kickUser(after, user, newKick());
      await after.finishKick(
        user,
        ended.map(({ id }) => id),
      );
    }
    expect((await after.activeUsers({ offset: 0, limit: 0 })).total).toBe(10);
    expect(await client.get(keys.shardCount)).toBe("16 after 1");
  });
});

describe("a number of shards that Redis has lost", () => {
  it("is stored again by the next login of a process that goes by it, before a kick of everyone could miss the login", async () => {
    const first = open(4);
    await first.add(login("alice"));
    for (const adopts of [false, true]) {
      await client.flushDb();
      const other = allMoving(1, 4)[1] ?? "";
      if (adopts) await adopt(first, login(other), FIRST_SESSION);
      else await first.add(login(other));
      const later = open();
      expect(await scanned(later)).toEqual([other]);
      await kickEveryone(later);
      expect(await first.find(other, `login of ${other}`)).toBeUndefined();
      expect(await storedCount()).toBe("4");
    }
  });

  it("is stored again although a process with a smaller number came first", async () => {
    const first = open(4);
    await first.add(login("alice"));
    await client.flushDb();
    const smaller = open(2);
    await smaller.add(login("bob"));
    for (const user of users(40)) await first.add(login(user));
    expect(await scanned(smaller)).toEqual(["bob", ...users(40)].sort());
    expect(await storedCount()).toBe("4");
  });
});

describe("an event between two commands", () => {
  /** A registry whose command of this number waits until another node has acted. */
  function interrupted(before: number, work: () => Promise<unknown>, indexShards?: number): RedisLoginRegistry {
    let sent = 0;
    return open(indexShards, {
      sendCommand: async (args: string[], options?: object) => {
        if (args[0] !== "EVAL") sent += 1;
        if (sent === before && args[0] !== "EVAL") await work();
        return client.sendCommand(args, options);
      },
    });
  }
  const STEPS = Array.from({ length: 12 }, (_, step) => step + 1);

  it.each(STEPS)("growth before command %i of a kick of everyone lets no older session in", async (before) => {
    const [alice = "", carol = ""] = allMoving(2, 4);
    await open(2).add(login("bob"));
    let grown = open(4);
    const kicker = interrupted(before, async () => {
      grown = open(4);
      await adopt(grown, login(alice), FIRST_SESSION);
    });
    await kickEveryone(kicker);
    expect(await grown.find(alice, `login of ${alice}`)).toBeUndefined();
    for (const user of [alice, carol]) {
      expect(await adopt(grown, login(user), FIRST_SESSION)).toBeUndefined();
      expect(await adopt(open(4), login(user), FIRST_SESSION)).toBeUndefined();
    }
  });

  it.each(STEPS)("a kick of everyone before command %i of a process that makes the index grow", async (before) => {
    const [alice = "", carol = ""] = allMoving(2, 4);
    const old = open(2);
    const { id } = await kickEveryone(old);
    const session = { generation: `.${id}`, endCount: 0 };
    const kicked: string[] = [];
    const growing = interrupted(
      before,
      async () => {
        kicked.push((await kickEveryone(old)).id);
      },
      4,
    );
    await adopt(growing, login(alice), session);
    // Where the process needs fewer commands, nothing came between.
    if (kicked.length === 0) await kickEveryone(old);
    expect(await growing.find(alice, `login of ${alice}`)).toBeUndefined();
    for (const user of [alice, carol]) expect(await adopt(growing, login(user), session)).toBeUndefined();
  });

  it.each([
    [1, "9", "ERR_OPTION_INVALID"],
    [2, "9", "ERR_OPTION_INVALID"],
    [3, "9", "ERR_OPTION_INVALID"],
    [4, "9", "ERR_OPTION_INVALID"],
    // The number of this process is there by then, and its first login uses it.
    [12, "9", "listed"],
  ])("a larger number that is stored before command %i of a start stays", async (before, stored, outcome) => {
    const starting = interrupted(before, () => open(9).add(login("alice")), 3);
    const started = await starting
      .add(login("bob"))
      .catch((error: unknown) => ({ outcome: (error as LogoutError).code }));
    expect([await storedCount(), started.outcome]).toEqual([stored, outcome]);
  });

  it.each(STEPS)("a kick of everyone before command %i of a page that shows moved users finds them", async (before) => {
    const old = open(1);
    const some = users(12);
    for (const user of some) await old.add(login(user));
    const reader = interrupted(before, () => kickEveryone(old), 4);
    await pagesOf(reader, 5);
    await kickEveryone(reader);
    for (const user of some) expect(await old.find(user, `login of ${user}`)).toBeUndefined();
  });

  it.each(STEPS)("a login on an old node before command %i of a page keeps a row", async (before) => {
    const old = open(1);
    const alice = moves(1, 4);
    await old.add(login(alice));
    await endLogin(old, alice, `login of ${alice}`);
    await open(4).add(login("bob"));
    await open(4).add(login(alice));
    await endLogin(old, alice, `login of ${alice}`);
    const reader = interrupted(before, () => old.add({ ...login(alice), id: "new" }), 4);
    await pagesOf(reader, 5);
    await pagesOf(reader, 5);
    if ((await old.find(alice, "new")) === undefined) return;
    expect(await scanned(reader)).toContain(alice);
    await kickEveryone(reader);
    expect(await old.find(alice, "new")).toBeUndefined();
    await kickUser(old, alice, newKick());
  });
});
