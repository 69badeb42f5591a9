import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import RedisStore7 from "connect-redis7";
import { RedisStore as RedisStore8 } from "connect-redis8";
import session, { type Store } from "express-session";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { MemoryLoginRegistry } from "../../lib/index.js";
import type { ListedLogin } from "../../lib/types/registry.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { ConnectRedisTombstones } from "../../lib/session/store/connect-redis-tombstones.js";
import { Tombstones } from "../../lib/session/store/tombstones.js";
import { RawStore } from "../../lib/session/store/raw-store.js";
import { isSameLogin, tombstoneOf, stampOf, withStamp, type SessionRecord } from "../../lib/session/stamp.js";
import { cluster, oneServer, sentinelSet, stopSharedServers } from "../support/redis-clients.js";
import { startClusterBehindOneAddress } from "../support/redis-replicated.js";
import { connectTo, type RedisServer } from "../support/redis-server.js";
import { sessionId, useSites } from "../support/site.js";

// Servers that start while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

const openSite = useSites();
const LONGEST_SESSION = 4_096;
/** The same as connect-redis's default, but a custom serializer cannot be recognized as such. */
const SERIALIZER = { parse: JSON.parse, stringify: JSON.stringify };
const KICK = { id: "kick", at: new Date(1_700_000_000_000), cause: "kick" as const, reason: "moved on" };
const inAnHour = (): Date => new Date(Date.now() + 3_600_000);

let redis: RedisServer;
let client: Awaited<ReturnType<typeof connectTo>>;
beforeAll(async () => {
  redis = await oneServer.get();
  client = await connectTo(redis);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  client.destroy();
  await stopSharedServers();
});

/** Returns the number of calls of the store itself meanwhile, without the commands of scripts. */
async function askedOf(store: Store, act: () => Promise<unknown>): Promise<number> {
  const { client: used } = store as unknown as { client: { get: () => unknown; set: () => unknown } };
  const spies = [jest.spyOn(used, "get"), jest.spyOn(used, "set")];
  for (const spy of spies) spy.mockClear();
  await act();
  return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
}

const tombstonesOn = (store: Store): Tombstones => new Tombstones(store, new RawStore(store, 5_000, true), 5_000);
const kickedLogin = (id: string, userId: string, sids: readonly string[]): ListedLogin => {
  const expires = inAnHour();
  return { id, userId, sids, began: new Date(), lastActive: new Date(), expires, shownUntil: expires };
};

async function keptOf(sid: string): Promise<SessionRecord> {
  return JSON.parse((await client.get(`sess:${sid}`)) ?? "null") as SessionRecord;
}

describe("the tombstone of a kick, with sessions in connect-redis", () => {
  const kicked = async (store: Store, data: SessionRecord = {}) => {
    const site = await openSite({ auth: { store, registry: new RedisLoginRegistry({ client }) } });
    const alice = await site.login("alice");
    const sid = sessionId(alice);
    await client.set(`sess:${sid}`, JSON.stringify({ ...(await keptOf(sid)), ...data }), { EX: 1_000 });
    const [login] = (await site.auth.listLogins("alice")).items;
    const asks = await askedOf(store, async () => {
      expect(await site.auth.kick("alice", { reason: "moved on" })).toEqual({ users: 1, logins: 1 });
    });
    const left = { kept: await keptOf(sid), ttl: await client.ttl(`sess:${sid}`) };
    expect(await site.user(alice)).toBeNull();
    return { ...left, asks, login };
  };

  it("is written without the store, and equals the tombstone that the store would get", async () => {
    const quick = await kicked(new RedisStore({ client }));
    const slow = await kicked(new RedisStore({ client, serializer: SERIALIZER }));
    expect([quick.asks, slow.asks]).toEqual([0, 2]);
    for (const { kept, ttl, login } of [quick, slow]) {
      expect(kept).toEqual({
        cookie: {
          originalMaxAge: expect.any(Number) as unknown,
          expires: login?.expires.toISOString(),
          httpOnly: true,
          path: "/",
        },
        expressLogout: { kicked: { loginId: login?.id, at: expect.any(Number) as unknown, reason: "moved on" } },
      });
      const leftMs = Number(login?.expires) - Date.now();
      expect(Math.abs(ttl * 1_000 - leftMs)).toBeLessThan(5_000);
    }
  });

  it.each([
    ["just short enough for Redis to read", LONGEST_SESSION, 0],
    ["too long for Redis to read", LONGEST_SESSION + 1, 2],
  ])("replaces a session that is %s", async (_what, length, asks) => {
    const spare = (data: string): number => length - data.length;
    const site = await openSite({
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
    });
    const sample = JSON.stringify({ ...(await keptOf(sessionId(await site.login("alice")))), cart: "" });
    const result = await kicked(new RedisStore({ client }), { cart: "x".repeat(spare(sample)) });
    expect([result.asks, tombstoneOf(result.kept)?.reason]).toEqual([asks, "moved on"]);
  });

  it("is written by the store if Redis refuses scripts", async () => {
    await redis.ask("ACL", "SETUSER", "shop", "on", ">word", "~*", "&*", "+@all", "-eval");
    const limited = await connectTo({ url: redis.url.replace("//", "//shop:word@") });
    try {
      const { asks, kept } = await kicked(new RedisStore({ client: limited }));
      expect([asks, tombstoneOf(kept)?.reason]).toEqual([2, "moved on"]);
    } finally {
      limited.destroy();
    }
  });

  it("is written by the store if a script reaches only one slot", async () => {
    const server = await startClusterBehindOneAddress();
    const through = await connectTo(server);
    try {
      const store = new RedisStore({ client: through });
      const site = await openSite({ auth: { store, registry: new RedisLoginRegistry({ client: through }) } });
      // Of one user: the sessions of several may arrive in scripts of their own, each for a single slot.
      const browsers = await Promise.all(["phone", "laptop", "tablet"].map(() => site.login("alice")));
      const asks = await askedOf(store, () => site.auth.kick("alice"));
      const kept = await Promise.all(browsers.map((browser) => through.get(`sess:${sessionId(browser)}`)));
      expect(asks).toBe(6);
      expect(kept.filter((text) => text?.includes('"kicked"') !== true)).toEqual([]);
      expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null, null]);
    } finally {
      through.destroy();
      await server.stop();
    }
  });

  it("is written by the store if the script does not find the session, which the store may still find", async () => {
    const elsewhere = {
      get: (key: string) => client.get(`elsewhere:${key}`),
      set: (key: string, text: string) => client.set(`elsewhere:${key}`, text),
      eval: client.eval.bind(client),
    };
    const store = new RedisStore({ client: elsewhere });
    const stamped = withStamp({ cookie: {} }, { userId: "alice", loginId: "login", generation: "" });
    await elsewhere.set("sess:hers", JSON.stringify(stamped));
    await tombstonesOn(store).write([kickedLogin("login", "alice", ["hers"])], KICK);
    expect(await elsewhere.get("sess:hers")).toContain('"reason":"moved on"');
  });

  it("belongs to one login, in each of its sessions, even if other logins are kicked at the same time", async () => {
    const store = new RedisStore({ client, prefix: "own:" });
    const tombstones = tombstonesOn(store);
    const users = ["alice", "bob", "carol"];
    const logins = users.flatMap((userId, user) =>
      ["phone", "desk"].map((device, number) => {
        const id = `${device}-of-${userId}`;
        const expires = new Date(Date.now() + 10_500 + 60_000 * (2 * user + number));
        return { ...kickedLogin(id, userId, [`${id} 1`, `${id} 2`]), expires };
      }),
    );
    for (const { id, userId, sids } of logins) {
      const text = JSON.stringify(withStamp({ cookie: {} }, { userId, loginId: id, generation: "" }));
      for (const sid of sids) await client.set(`own:${sid}`, text);
    }
    const leave = (userId: string): Promise<void> => {
      const own = logins.filter((login) => login.userId === userId);
      return tombstones.write(own, { ...KICK, reason: `for ${userId}` });
    };
    expect(await askedOf(store, () => Promise.all(users.map(leave)))).toBe(0);
    for (const { id, userId, sids, expires } of logins) {
      for (const sid of sids) {
        const kept = JSON.parse((await client.get(`own:${sid}`)) ?? "{}") as SessionRecord;
        expect(tombstoneOf(kept)).toEqual({ loginId: id, at: +KICK.at, cause: "kick", reason: `for ${userId}` });
        expect(kept).toHaveProperty("cookie.expires", expires.toISOString());
        // As connect-redis has it: in seconds, of which the last one is begun.
        const longerMs = (await client.pTTL(`own:${sid}`)) - (+expires - Date.now());
        expect(Math.abs(longerMs - 500)).toBeLessThan(600);
      }
    }
  });

  it("is awaited no longer than the store's timeout, and its failure is not reported", async () => {
    const store = new RedisStore({ client });
    const site = await openSite({
      auth: { store, registry: new MemoryLoginRegistry(), sessions: { storeTimeoutMs: 200 } },
    });
    const alice = await site.login("alice");
    await redis.ask("CLIENT", "PAUSE", "60000", "WRITE");
    try {
      const error = await site.auth.kick("alice").catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "ERR_KICK_INCOMPLETE", details: { userIds: ["alice"] } });
      const { cause } = error as { cause: Error };
      expect(cause).toMatchObject({
        code: "ERR_STORE_UNAVAILABLE",
        message: "The session store did not respond within 200 ms.",
      });
    } finally {
      await redis.ask("CLIENT", "UNPAUSE");
    }
    expect(await site.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
    expect(tombstoneOf(await keptOf(sessionId(alice)))).toBeDefined();
    expect(await site.user(alice)).toBeNull();
  });

  it("is not written for an expired login, whose session is destroyed", async () => {
    const tombstones = ConnectRedisTombstones.of(new RedisStore({ client }), 5_000);
    const stamp = { userId: "alice", loginId: "old", generation: "" };
    await client.set("sess:late", JSON.stringify(withStamp({ cookie: {} }, stamp)));
    const session = {
      sid: "late",
      userId: "alice",
      expires: new Date(Date.now() - 1),
      tombstone: { loginId: "old", at: 1, cause: "kick" as const },
    };
    expect(await tombstones?.write([session])).toEqual([]);
    expect(await client.exists("sess:late")).toBe(0);
  });
});

describe("the owner of a session", () => {
  const kick = async (sid: string, userId: string, loginId: string, text: string) => {
    const tombstones = ConnectRedisTombstones.of(new RedisStore({ client }), 5_000);
    await client.set(`sess:${sid}`, text);
    const left = await tombstones?.write([
      { sid, userId, expires: inAnHour(), tombstone: { loginId, at: 1, cause: "kick" } },
    ]);
    return { isLeftToStore: left?.length === 1, kept: await client.get(`sess:${sid}`) };
  };

  it("is the same in Redis as in this process", async () => {
    const userIds = ["alice", "b", "a b", " b", "0 b", "ä", "€b", "😀b", "b😀", "\ufffd"];
    const generations = ["", "a", "é", "é ", "€", "😀", "user.app", "0 7 "];
    const loginIds = ["login", "log", "~login"];
    const stamps = userIds.flatMap((userId) =>
      generations.flatMap((generation, index) =>
        loginIds.map((loginId) => ({
          userId,
          generation,
          loginId,
          authenticatedAt: index % 2 === 0 ? undefined : 1_764_000_000_000 + index,
        })),
      ),
    );
    const tombstones = ConnectRedisTombstones.of(new RedisStore({ client }), 5_000);
    const wrong: unknown[] = [];
    let replaced = 0;
    for (const asked of userIds.map((userId) => ({ userId, loginId: "login" }))) {
      const texts = stamps.map((stamp) => JSON.stringify(withStamp({ cookie: {} }, stamp)));
      const sids = stamps.map((_stamp, number) => `whose ${String(number)}`);
      await Promise.all(sids.map((sid, number) => client.set(`sess:${sid}`, texts[number] ?? "")));
      const tombstone = { loginId: asked.loginId, at: 1, cause: "kick" as const };
      const left = await tombstones?.write(
        sids.map((sid) => ({ sid, userId: asked.userId, expires: inAnHour(), tombstone })),
      );
      const leftSids = left?.map(({ sid }) => sid);
      for (const [number, sid] of sids.entries()) {
        const isReplaced = tombstoneOf(await keptOf(sid)) !== undefined;
        expect(leftSids?.includes(sid)).toBe(!isReplaced);
        const isHis = isSameLogin(stampOf(JSON.parse(texts[number] ?? "") as SessionRecord), asked);
        replaced += Number(isReplaced);
        if (isReplaced !== isHis) wrong.push({ asked, stamp: stamps[number] });
      }
    }
    expect(wrong).toEqual([]);
    expect(replaced).toBe(userIds.length * generations.length);
  });

  const STAMPED = JSON.stringify(withStamp({ cookie: {} }, { userId: "alice", loginId: "login", generation: "" }));
  const OTHERS = [
    ["that another login has begun in", '{"cookie":{},"expressLogout":"other 0 alice"}'],
    ["that another user has logged in to", '{"cookie":{},"expressLogout":"login 0 bob"}'],
    [
      "that contains a copy of the user's session",
      JSON.stringify({ cookie: {}, before: JSON.parse(STAMPED) as unknown }),
    ],
    ["that mentions the login in a text", JSON.stringify({ cookie: {}, text: STAMPED })],
    ["that is anonymous", '{"cookie":{}}'],
    ["with a tombstone already", '{"cookie":{},"expressLogout":{"kicked":{"loginId":"login","at":1}}}'],
    ["with an odd stamp", '{"cookie":{},"expressLogout":"login"}'],
    ["without the length of a generation", '{"cookie":{},"expressLogout":"login x alice"}'],
    ["that is gone", undefined],
  ] as const;
  it.each([
    ["Redis", {}],
    ["the store", { serializer: SERIALIZER }],
  ])("decides which sessions are replaced, by %s", async (_whom, more) => {
    const store = new RedisStore({ client, prefix: "whose:", ...more });
    const others = OTHERS.filter(([, text]) => text !== undefined);
    await Promise.all(others.map(([which, text]) => client.set(`whose:${which}`, String(text))));
    await client.set("whose:hers", STAMPED);
    const sids = ["hers", ...OTHERS.map(([which]) => which)];
    await tombstonesOn(store).write([kickedLogin("login", "alice", sids)], KICK);
    const kept = await Promise.all(OTHERS.map(async ([which]) => [which, await client.get(`whose:${which}`)]));
    expect(kept).toEqual(OTHERS.map(([which, text]) => [which, text ?? null]));
    const record = JSON.parse((await client.getDel("whose:hers")) ?? "{}") as SessionRecord;
    expect(tombstoneOf(record)).toEqual({ loginId: "login", at: 1_700_000_000_000, cause: "kick", reason: "moved on" });
  });

  it.each([
    ["that is no JSON", "login 0 alice", "alice"],
    ["that is no object", "null", "alice"],
    ["that is a number", "7", "alice"],
    ["that is empty", "", "alice"],
    ["whose text Redis does not read", '{"expressLogout":"login 0 \\ud800"}', "alice"],
    ["of a user whose id would arrive as this one's", STAMPED.replace("alice", "\ufffd"), "\ud800"],
  ])("leaves a session to the store %s", async (_which, text, userId) => {
    expect(await kick("odd", userId, "login", text)).toEqual({ isLeftToStore: true, kept: text });
  });
});

describe("the error of the store for a session that it cannot read", () => {
  it("contains neither the session's id nor its data", async () => {
    const store = new RedisStore({ client });
    await client.set("sess:the-session", "private data");
    const failed = tombstonesOn(store).write([kickedLogin("login", "alice", ["the-session"])], KICK);
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_STORE_UNAVAILABLE", cause: { name: "SyntaxError" } });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/the-session|private data/);
    jest.spyOn(client, "get").mockRejectedValue(new Error("no sess:the-session"));
    const again = tombstonesOn(store).write([kickedLogin("login", "alice", ["the-session"])], KICK);
    await expect(again).rejects.toMatchObject({ cause: { message: "no sess:…" } });
  });
});

describe("many sessions", () => {
  /** The methods of all kinds of clients. Their full types are too large for the compiler to compare. */
  interface Through {
    on(event: "error", listener: () => void): unknown;
    connect(): Promise<unknown>;
    destroy(): unknown;
    get(key: string): Promise<string | null>;
    set(key: string, text: string): Promise<unknown>;
    eval(...args: unknown[]): Promise<unknown>;
  }
  const MANY = 250;
  const sentinel = async (): Promise<unknown> => {
    const { name, sentinels } = await sentinelSet.get();
    return createSentinel({ name, sentinelRootNodes: sentinels.map(({ port }) => ({ host: "127.0.0.1", port })) });
  };
  const onCluster = async (): Promise<unknown> =>
    createCluster({ rootNodes: (await cluster.get()).nodes.map(({ url }) => ({ url })) });

  it.each<[string, () => unknown, number]>([
    ["one client", () => createClient({ url: redis.url }), 5],
    ["a pool", () => createClientPool({ url: redis.url }, { minimum: 2, maximum: 2 }), 5],
    ["a Sentinel", sentinel, 5],
    ["a Cluster, where a script reaches no further than a slot", onCluster, 0],
  ])("get their tombstones by a few scripts over %s", async (_which, make, scripts) => {
    const through = (await make()) as Through;
    through.on("error", () => undefined);
    await through.connect();
    try {
      const tombstones = tombstonesOn(new RedisStore({ client: through }));
      const sids = Array.from({ length: MANY }, (_each, number) => `many ${String(number)}`);
      const stamped = withStamp({ cookie: {} }, { userId: "alice", loginId: "login", generation: "" });
      await Promise.all(sids.map((sid) => through.set(`sess:${sid}`, JSON.stringify(stamped))));
      const ran = jest.spyOn(through, "eval");
      const parts = [sids.slice(0, 120), sids.slice(120)];
      await Promise.all(parts.map((part) => tombstones.write([kickedLogin("login", "alice", part)], KICK)));
      expect(ran).toHaveBeenCalledTimes(scripts);
      const kept = await Promise.all(sids.map((sid) => through.get(`sess:${sid}`)));
      expect(kept.filter((text) => text?.includes('"kicked"') !== true)).toEqual([]);
    } finally {
      await through.destroy();
    }
  });
});

describe("a great many sessions", () => {
  it("delay other commands no longer than a few scripts take", async () => {
    const underWay = { now: 0, most: 0 };
    const through = {
      eval: async () => {
        underWay.most = Math.max(underWay.most, (underWay.now += 1));
        await client.ping();
        underWay.now -= 1;
        return new Array<number>(50).fill(1);
      },
    };
    const tombstones = ConnectRedisTombstones.of(new RedisStore({ client: through }), 5_000);
    const tombstone = { loginId: "login", at: 1, cause: "kick" as const };
    const session = { userId: "alice", expires: inAnHour(), tombstone };
    const left = await tombstones?.write(
      Array.from({ length: 5_000 }, (_each, number) => ({ ...session, sid: String(number) })),
    );
    expect([left, underWay]).toEqual([[], { now: 0, most: 8 }]);
  });
});

describe("a store that differs from connect-redis 9 as published", () => {
  const SHAPE = { prefix: "", scanCount: 100, serializer: JSON, ttl: 60, disableTTL: false, disableTouch: false };
  const METHODS = Object.getOwnPropertyDescriptors(RedisStore.prototype);
  const isAskedItself = (store: unknown): boolean => ConnectRedisTombstones.of(store as Store, 5_000) === undefined;
  const like = (shape: object, base: object | null = session.Store.prototype, methods: object = METHODS): unknown =>
    Object.assign(Object.create(Object.create(base, methods as PropertyDescriptorMap) as object) as object, shape);

  it.each<[string, () => unknown]>([
    ["connect-redis 7", () => new RedisStore7({ client })],
    ["connect-redis 8", () => new RedisStore8({ client })],
    ["of a class of its own", () => new (class Encrypted extends RedisStore {})({ client })],
    ["whose get() is the app's", () => Object.assign(new RedisStore({ client }), { get: () => undefined })],
    ["whose set() is the app's", () => Object.assign(new RedisStore({ client }), { set: () => undefined })],
    ["whose destroy() is the app's", () => Object.assign(new RedisStore({ client }), { destroy: () => undefined })],
    ["with another serializer", () => new RedisStore({ client, serializer: { ...SERIALIZER } })],
    ["that makes up the lifetime", () => new RedisStore({ client, ttl: () => 60 })],
    ["that keeps sessions for ever", () => new RedisStore({ client, disableTTL: true })],
    ["without a client", () => Object.assign(new RedisStore({ client }), { client: undefined })],
    ["whose client is gone", () => Object.assign(new RedisStore({ client }), { client: null })],
    ["with its methods, below nothing", () => like({ ...SHAPE, client }, null)],
    ["without a class", () => Object.create(null) as unknown],
    ["without its methods", () => like({ ...SHAPE, client }, session.Store.prototype, {})],
    ["without one of its options", () => like({ ...SHAPE, client, disableTouch: undefined })],
    ["with its methods, below another one", () => like({ ...SHAPE, client }, RedisStore.prototype)],
    ["whose client has no scripts", () => like({ ...SHAPE, client: { get: () => undefined } })],
  ])("is called directly: one %s", (_which, make) => {
    expect(isAskedItself(make())).toBe(true);
  });

  it("differs from an unchanged store", () => {
    expect(isAskedItself(like({ ...SHAPE, client }))).toBe(false);
    expect(isAskedItself(new RedisStore({ client, prefix: "", ttl: 60, disableTouch: true }))).toBe(false);
  });
});
