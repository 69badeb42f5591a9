import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import session, { MemoryStore, type SessionData, type Store } from "express-session";
import memorystore from "memorystore";
import RedisStore7 from "connect-redis7";
import { RedisStore as RedisStore8 } from "connect-redis8";
import { logout, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { touchesAside } from "../../lib/session/touching.js";
import { Browser } from "../support/http.js";
import { MinimalStore, TouchedStore } from "../support/odd-stores.js";
import { connectTo, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { sessionId, useSites } from "../support/site.js";

const openSite = useSites();

describe("a touch of a session in Redis", () => {
  let redis: RedisServer;
  let client: Awaited<ReturnType<typeof connectTo>>;
  let other: typeof client;
  beforeAll(async () => {
    redis = await startRedis();
    [client, other] = await Promise.all([connectTo(redis), connectTo(redis)]);
  });
  afterAll(async () => {
    client.destroy();
    other.destroy();
    await redis.kill();
  });

  const open = (auth: Partial<LogoutOptions> = {}) =>
    openSite({
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }), ...auth },
      after: (app) => {
        app.post("/visit", (req, res) => {
          req.session.visits = (req.session.visits ?? 0) + 1;
          res.json({});
        });
      },
    });

  /** While Redis reads, but writes nothing. */
  async function withoutWrites<Result>(act: () => Promise<Result>): Promise<Result> {
    await other.sendCommand(["CLIENT", "PAUSE", "60000", "WRITE"]);
    try {
      return await act();
    } finally {
      await other.sendCommand(["CLIENT", "UNPAUSE"]);
    }
  }
  const isTouchHeld = async (): Promise<boolean> => {
    const clients: string = await other.sendCommand(["CLIENT", "LIST"]);
    return /flags=b .*cmd=expire/.test(clients);
  };

  it("is not waited for, and is done", async () => {
    const site = await open();
    const alice = await site.login("alice");
    await site.user(alice);
    const key = `sess:${sessionId(alice)}`;
    await other.expire(key, 60);
    await withoutWrites(async () => {
      expect(await site.user(alice)).toBe("alice");
      await until(isTouchHeld, "the touch");
    });
    await until(async () => (await other.ttl(key)) > 60, "the touch to be done");
  });

  it("is not waited for where nobody is logged in", async () => {
    const site = await open();
    const visitor = new Browser(site.url);
    await visitor.post("/visit");
    await withoutWrites(async () => {
      expect((await visitor.get("/me")).status).toBe(200);
      await until(isTouchHeld, "the touch");
    });
  });

  it("is waited for where the app has it so", async () => {
    const site = await open({ waitForTouch: true });
    const alice = await site.login("alice");
    await site.user(alice);
    const order: string[] = [];
    const asked = await withoutWrites(async () => {
      const answer = site.user(alice).then(() => order.push("answered"));
      await until(isTouchHeld, "the touch");
      order.push("touched");
      return { answer };
    });
    await asked.answer;
    expect(order).toEqual(["touched", "answered"]);
  });

  it("that fails is told from the second in a row on, until one succeeds", async () => {
    const site = await open();
    const alice = await site.login("alice");
    await site.user(alice);
    const told: number[] = [];
    const ask = async (): Promise<void> => {
      expect(await site.user(alice)).toBe("alice");
      // A touch that is not waited for has been sent before: Redis has answered it by then.
      await client.ping();
      told.push(site.errors.length);
    };
    await other.sendCommand(["ACL", "SETUSER", "default", "-expire"]);
    for (let request = 0; request < 3; request += 1) await ask();
    await other.sendCommand(["ACL", "SETUSER", "default", "+expire"]);
    for (let request = 0; request < 2; request += 1) await ask();
    expect(told).toEqual([0, 1, 2, 2, 2]);
    expect(site.errors[0]).toMatchObject({ message: expect.stringContaining("NOPERM") });
    expect(await withoutWrites(() => site.user(alice))).toBe("alice");
  });
});

/** Touches late. */
class LateTouchStore extends TouchedStore {
  readonly order: string[] = [];

  override touch(sid: string, data: SessionData, done?: (error?: unknown) => void): void {
    setTimeout(() => {
      super.touch(sid, data, (error) => {
        this.order.push("touched");
        done?.(error);
      });
    }, 20);
  }
}

describe("a touch of a store of which nothing is known", () => {
  it.each([
    [undefined, ["touched", "answered"]],
    [true, ["touched", "answered"]],
    [false, ["answered", "touched"]],
  ])("is waited for unless the app has it otherwise (waitForTouch: %p)", async (waitForTouch, order) => {
    const store = new LateTouchStore();
    const site = await openSite({ auth: { store, registry: new MemoryLoginRegistry(), waitForTouch } });
    const alice = await site.login("alice");
    expect(await site.user(alice)).toBe("alice");
    await until(() => Promise.resolve(store.order.length === 1), "the touch");
    store.order.length = 0;
    expect(await site.user(alice)).toBe("alice");
    store.order.push("answered");
    await until(() => Promise.resolve(store.order.length === 2), "the touch");
    expect(store.order).toEqual(order);
  });
});

describe("whoever touches a session", () => {
  /** What comes first: the return, or the answer. */
  async function orderOn(store: Store, waitForTouch?: boolean): Promise<string[]> {
    logout({ store, registry: new MemoryLoginRegistry(), appId: "shop", userPoolId: "acme", waitForTouch });
    const order: string[] = [];
    const answered = new Promise<void>((resolve) => {
      store.touch?.("sid", { cookie: new session.Cookie() }, () => {
        order.push("answered");
        resolve();
      });
      order.push("returned");
    });
    await answered;
    return order;
  }

  it("is answered at once where the store has done it, else when the others are worked on that came with him", async () => {
    expect(await orderOn(new MemoryStore())).toEqual(["answered", "returned"]);
    expect(await orderOn(new MemoryStore(), true)).toEqual(["returned", "answered"]);
    expect(await orderOn(new LateTouchStore(), false)).toEqual(["returned", "answered"]);
  });
});

describe("a store", () => {
  const { RedisStore: RedisStoreOfAnotherMake } = { RedisStore: class extends TouchedStore {} };
  class OwnRedisStore extends RedisStore {}
  const client = { scanIterator: () => [] } as never;

  it.each([
    ["express-session's MemoryStore", new MemoryStore()],
    ["memorystore", new (memorystore(session))({})],
    ["connect-redis 9", new RedisStore({ client })],
    ["connect-redis 8", new RedisStore8({ client })],
    ["connect-redis 7", new RedisStore7({ client })],
  ])("need not be waited for when it touches: %s", (_name, store) => {
    expect(touchesAside(store)).toBe(true);
  });

  it.each([
    ["of a team's own", new MinimalStore()],
    ["RedisStore of another make", new RedisStoreOfAnotherMake()],
    ["connect-redis, extended", new OwnRedisStore({ client })],
    ["MemoryStore with a touch of the app's", Object.assign(new MemoryStore(), { touch: () => undefined })],
  ])("may have to be waited for when it touches: %s", (_name, store) => {
    expect(touchesAside(store)).toBe(false);
  });
});
