import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import session, { type SessionData } from "express-session";
import { createClient, createClientPool } from "redis";
import { logout, type LogoutMiddleware } from "../../lib/index.js";
import { appKeys, userKeys } from "../../lib/registry/redis/keys.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { kickUser } from "../support/registry-calls.js";

const ROUNDS = 20_000;
/** Rounds at once: each is the others' load. */
const LANES = 24;
/** A record that has expired. */
const NO_LOGIN = JSON.stringify([0, 0, 0, "", "", "nowhere"]);

let server: RedisServer;
let admin: ReturnType<typeof createClient>;
const open: { destroy(): void }[] = [];
beforeAll(async () => {
  server = await startRedis();
  admin = createClient({ url: server.url });
  await admin.connect();
});
afterEach(() => {
  for (const client of open.splice(0)) client.destroy();
});
afterAll(async () => {
  admin.destroy();
  await server.stop();
});

async function trackingClient() {
  const reconnectStrategy = (): number => 1;
  const client = createClient({
    url: server.url,
    RESP: 3,
    emitInvalidate: true,
    maintNotifications: "disabled",
    socket: { reconnectStrategy },
  });
  client.on("error", () => undefined);
  await client.connect();
  open.push(client);
  return client;
}

function optionsWith(client: RedisClient, store: session.Store, appId = "shop") {
  return { store, registry: new RedisLoginRegistry({ client, coherentCache: true }), appId };
}

/** A node with the cache, its session reads and writes, and another node that kicks over its own connection. */
async function openNode() {
  const client = await trackingClient();
  const store = new RedisStore({ client });
  const auth = logout(optionsWith(client, store));
  const kicking = new RedisLoginRegistry({ client: admin });
  kicking.init({ appId: "shop", maxSessionAgeMs: MAX_SESSION_AGE_MS });
  return { client, store, auth, kicking };
}

const sessionOf = (userId: string): SessionData => ({ cookie: new session.Cookie(), userId });
const get = async (store: session.Store, sid: string): Promise<unknown> =>
  (store as unknown as { get(sid: string): Promise<unknown> }).get(sid);
const set = async (store: session.Store, sid: string, data: SessionData): Promise<void> =>
  (store as unknown as { set(sid: string, data: SessionData): Promise<void> }).set(sid, data);

/**
 * Each round logs a user in, serves them, ends their logins over another connection meanwhile, as a kick does,
 * and requests their session as soon as that has returned.
 */
async function rounds(count: number, disturb: (round: number) => unknown) {
  const { store, auth } = await openNode();
  const tally = { kicked: 0, served: 0, servedAfterKick: 0 };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const round = next++;
      const [userId, sid] = [`user ${String(round)}`, `sid ${String(round)}`];
      const { logins } = userKeys(appKeys("express-logout:", "shop"), userId);
      disturb(round);
      try {
        await set(store, sid, sessionOf(userId));
        if ((await get(store, sid)) !== null) tally.served += 1;
      } catch {
        continue;
      }
      // Half of the logins are cached when they are kicked; the others are being read.
      if (round % 2 === 0) await admin.hSet(logins, "another", NO_LOGIN);
      const during = get(store, sid).catch(() => null);
      await admin.del(logins);
      const answer = await get(store, sid).catch(() => null);
      tally.kicked += 1;
      if (answer !== null) tally.servedAfterKick += 1;
      await during;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await auth.close();
  return tally;
}

async function hgets(): Promise<number> {
  return Number(/cmdstat_hget:calls=(\d+)/.exec(await admin.info("commandstats"))?.[1] ?? 0);
}

describe("applications that share one client", () => {
  /** A node of each application on one client, and another process that ends logins as a kick does, without touching sessions. */
  async function openNodes(appIds: readonly string[]) {
    const client = await trackingClient();
    return appIds.map((appId) => {
      const store = new RedisStore({ client, prefix: `${appId}:` });
      const auth = logout(optionsWith(client, store, appId));
      const kicking = new RedisLoginRegistry({ client: admin });
      kicking.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      const isServedAfterKick = async (): Promise<boolean> => {
        const [sid, userId] = [`sid ${String(Math.random())}`, `user ${String(Math.random())}`];
        await set(store, sid, sessionOf(userId));
        for (let reads = 0; reads < 3; reads += 1) expect(await get(store, sid)).not.toBeNull();
        await kickUser(kicking, userId, { id: "mark", at: new Date(), cause: "kick" });
        return (await get(store, sid)) !== null;
      };
      return { auth, client, isServedAfterKick };
    });
  }

  it.each([[["shop", "blog"]], [["shop", "shop"]]])("each see kicks: %j", async (appIds) => {
    const nodes = await openNodes(appIds);
    for (const { isServedAfterKick } of nodes) expect(await isServedAfterKick()).toBe(false);
    const lost = new Promise((resolve) => nodes[0]?.client.once("ready", resolve));
    await admin.sendCommand(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    await lost;
    for (const { isServedAfterKick } of nodes) expect(await isServedAfterKick()).toBe(false);
    for (const { auth } of nodes) await auth.close();
  });

  it("each see kicks when another one is closed or opened", async () => {
    const [shop, blog] = await openNodes(["shop", "blog"]);
    await shop?.auth.close();
    expect(await blog?.isServedAfterKick()).toBe(false);
    await blog?.auth.close();
    expect(await blog?.isServedAfterKick()).toBe(false);
  });

  it("read from Redis only once each", async () => {
    const client = await trackingClient();
    for (const appId of ["shop", "blog"]) {
      const store = new RedisStore({ client, prefix: `${appId}:` });
      logout(optionsWith(client, store, appId));
      await set(store, "sid", sessionOf("alice"));
      await get(store, "sid");
      const before = await hgets();
      await get(store, "sid");
      expect(await hgets()).toBe(before);
    }
  });
});

describe("a cached login", () => {
  it("is read once, and again after it has changed", async () => {
    const { store, auth, kicking } = await openNode();
    await set(store, "s1", sessionOf("alice"));
    await get(store, "s1");
    const before = await hgets();
    for (let reads = 0; reads < 10; reads += 1) expect(await get(store, "s1")).not.toBeNull();
    expect(await hgets()).toBe(before);
    const [login] = (await kicking.list("alice", { offset: 0, limit: 1 })).items;
    await kicking.update("alice", login?.id ?? "", { addSid: "another" });
    const afterChange = await hgets();
    expect(await get(store, "s1")).not.toBeNull();
    expect(await hgets()).toBe(afterChange + 1);
    await auth.close();
  });

  it("is rejected as soon as a kick over another connection has returned", async () => {
    const { kicked, served, servedAfterKick } = await rounds(ROUNDS, () => undefined);
    expect({ kicked, served, servedAfterKick }).toEqual({ kicked: ROUNDS, served: ROUNDS, servedAfterKick: 0 });
  }, 600_000);

  it("is rejected even while connections are dropped at random", async () => {
    const drop = (round: number): void => {
      if (round % 100 === 0) void admin.sendCommand(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    };
    const { kicked, servedAfterKick } = await rounds(ROUNDS / 4, drop);
    expect(kicked).toBeGreaterThan(ROUNDS / 8);
    expect(servedAfterKick).toBe(0);
  }, 120_000);

  it("is read again after Redis was flushed", async () => {
    const { store, auth } = await openNode();
    await set(store, "s2", sessionOf("alice"));
    await get(store, "s2");
    await admin.sendCommand(["FLUSHALL"]);
    expect(await get(store, "s2")).toBeNull();
    await auth.close();
  });
});

describe("the condition for the cache", () => {
  const memoryStore = (): session.Store => new session.MemoryStore();
  const cases: Record<string, () => Promise<() => LogoutMiddleware>> = {
    "a client without invalidations": () => {
      const store = new RedisStore({ client: admin });
      return Promise.resolve(() => logout(optionsWith(admin, store)));
    },
    "a store with another client": async () => {
      const client = await trackingClient();
      return () => logout(optionsWith(client, new RedisStore({ client: admin })));
    },
    "a store without a client": async () => {
      const client = await trackingClient();
      return () => logout(optionsWith(client, memoryStore()));
    },
    "a store that keeps what it has read for a while": async () => {
      const client = await trackingClient();
      class CachedStore extends RedisStore {
        override get = (_sid: string, callback?: (error: unknown, data?: unknown) => void) =>
          Promise.resolve(callback?.(null));
      }
      return () => logout(optionsWith(client, new CachedStore({ client }) as session.Store));
    },
    "a second application part whose store has another client": async () => {
      const client = await trackingClient();
      const first = optionsWith(client, new RedisStore({ client }));
      logout(first);
      return () => logout({ ...first, store: new RedisStore({ client: admin, prefix: "other:" }) });
    },
    "a pool": () => {
      const pool = createClientPool({ url: server.url });
      return Promise.resolve(() => logout(optionsWith(pool, new RedisStore({ client: pool as never }))));
    },
  };
  it.each(Object.keys(cases))("is refused at set-up for %s", async (name) => {
    const setUp = await cases[name]?.();
    expect(setUp).toThrow(expect.objectContaining({ code: "ERR_OPTION_INVALID" }));
  });

  it("is checked after the store's use by another logout()", async () => {
    const client = await trackingClient();
    const options = optionsWith(client, new RedisStore({ client }));
    logout(options);
    expect(() => logout(options)).toThrow(expect.objectContaining({ code: "ERR_STORE_IN_USE" }));
  });
});
