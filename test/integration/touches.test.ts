import type { Server } from "node:http";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import session, { MemoryStore, type SessionData, type Store } from "express-session";
import memorystore from "memorystore";
import { createClientPool } from "redis";
import RedisStore7 from "connect-redis7";
import { RedisStore as RedisStore8 } from "connect-redis8";
import { logout, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { supportsBackgroundTouch } from "../../lib/session/store/store-support.js";
import { Browser } from "../support/http.js";
import { MinimalStore, TouchedStore } from "../support/odd-stores.js";
import { connectTo, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { sessionId, useSites, type SiteOptions } from "../support/site.js";

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

  const open = (auth: Partial<LogoutOptions> = {}, more: SiteOptions = {}) =>
    openSite({
      // A subscriber publishes to its own connection. That write would delay the reads.
      listensTo: [],
      ...more,
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
    // Earlier commands must not be delayed.
    await client.ping();
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

  it("is not awaited, and succeeds", async () => {
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
    expect(site.errors).toEqual([]);
  });

  it("is not awaited for an anonymous session", async () => {
    const site = await open();
    const visitor = new Browser(site.url);
    await visitor.post("/visit");
    await withoutWrites(async () => {
      expect((await visitor.get("/me")).status).toBe(200);
      await until(isTouchHeld, "the touch");
    });
    expect(site.errors).toEqual([]);
  });

  it("is awaited if the app requests it", async () => {
    const site = await open({ sessions: { waitForTouch: true } });
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

  it.each([
    ["whole", false, 1],
    ["in two pieces where it waits", true, 2],
  ])("lets the answer go out %s", async (_how, waitForTouch, pieces) => {
    const written = jest.spyOn(Socket.prototype as unknown as { _write: () => void }, "_write");
    const writtenTogether = jest.spyOn(Socket.prototype as unknown as { _writev: () => void }, "_writev");
    const served = new Set<unknown>();
    const attach = (server: Server) => server.on("connection", (socket: Socket) => served.add(socket));
    const site = await open({ sessions: { waitForTouch } }, { attach });
    const alice = await site.login("alice");
    await site.user(alice);
    for (const spy of [written, writtenTogether]) spy.mockClear();
    await site.user(alice);
    const calls = [written, writtenTogether].flatMap(({ mock }) =>
      mock.contexts.filter((socket) => served.has(socket)),
    );
    expect(calls).toHaveLength(pieces);
    for (const spy of [written, writtenTogether]) spy.mockRestore();
  });

  it("that fails is reported once the failure is known, until a touch succeeds", async () => {
    const site = await open();
    const alice = await site.login("alice");
    await site.user(alice);
    const counts: number[] = [];
    const ask = async (): Promise<void> => {
      expect(await site.user(alice)).toBe("alice");
      // A touch that is not waited for has been sent before: Redis has answered it by then.
      await client.ping();
      counts.push(site.errors.length);
    };
    await other.sendCommand(["ACL", "SETUSER", "default", "-expire"]);
    for (let request = 0; request < 3; request += 1) await ask();
    await other.sendCommand(["ACL", "SETUSER", "default", "+expire"]);
    for (let request = 0; request < 2; request += 1) await ask();
    expect(counts).toEqual([0, 1, 2, 2, 2]);
    expect(site.errors[0]).toMatchObject({ status: 503, cause: { message: expect.stringContaining("NOPERM") } });
    expect(await withoutWrites(() => site.user(alice))).toBe("alice");
    expect(site.errors).toHaveLength(2);
  });
});

/** Touches late, and fails as often as `failures` says. */
class LateTouchStore extends TouchedStore {
  readonly order: string[] = [];
  failures = 0;
  /** Nothing is touched before. */
  gate = Promise.resolve();

  override touch(sid: string, data: SessionData, done?: (error?: unknown) => void): void {
    const touch = (): void => {
      this.order.push("touched");
      if (this.failures-- > 0) done?.(new Error("no touch, as the test wants it"));
      else super.touch(sid, data, done);
    };
    void this.gate.then(() => setTimeout(touch, 20));
  }
}

describe("a touch of an unknown store", () => {
  let store: LateTouchStore;
  async function open(auth: Partial<LogoutOptions>) {
    store = new LateTouchStore();
    const site = await openSite({ auth: { store, registry: new MemoryLoginRegistry(), ...auth } });
    return { site, alice: await site.login("alice") };
  }
  const touches = (count: number) =>
    until(() => Promise.resolve(store.order.filter((what) => what === "touched").length === count), "the touch");

  it.each([
    [undefined, 0, ["touched", "answered"]],
    [true, 0, ["touched", "answered"]],
    [false, 0, ["answered", "touched"]],
    // Shorter than a request: each is due.
    [true, 1, ["touched", "answered"]],
    [false, 1, ["answered", "touched"]],
  ])(
    "is awaited unless the app disables it (waitForTouch: %p, touchIntervalMs: %p)",
    async (waitForTouch, touchIntervalMs, order) => {
      const { site, alice } = await open({ sessions: { waitForTouch, touchIntervalMs } });
      expect(await site.user(alice)).toBe("alice");
      await touches(1);
      store.order.length = 0;
      let release = (): void => undefined;
      if (waitForTouch === false) store.gate = new Promise((resolve) => (release = resolve));
      expect(await site.user(alice)).toBe("alice");
      store.order.push("answered");
      release();
      await touches(1);
      expect(store.order).toEqual(order);
    },
  );

  it.each([true, false])("is repeated at the next request after a failure (waitForTouch: %p)", async (waitForTouch) => {
    const { site, alice } = await open({ sessions: { waitForTouch, touchIntervalMs: 60_000 } });
    store.failures = 1;
    for (const count of [1, 2, 2]) {
      expect(await site.user(alice)).toBe("alice");
      await touches(count);
    }
  });
});

describe("the caller of touch()", () => {
  /** The order of the return and the answer. */
  async function orderOn(store: Store, waitForTouch?: boolean): Promise<string[]> {
    logout({ store, registry: new MemoryLoginRegistry(), appId: "shop", sessions: { waitForTouch } });
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

  it("is answered at once if the store is synchronous, otherwise with the other calls of the same batch", async () => {
    expect(await orderOn(new MemoryStore())).toEqual(["answered", "returned"]);
    expect(await orderOn(new MemoryStore(), true)).toEqual(["returned", "answered"]);
    expect(await orderOn(new LateTouchStore(), false)).toEqual(["returned", "answered"]);
  });
});

describe("a touch of a session whose login has ended", () => {
  it("changes nothing: another login may have the session by now", async () => {
    const store = new TouchedStore();
    const { auth, login } = await openSite({ auth: { store, registry: new MemoryLoginRegistry() } });
    const sid = sessionId(await login("alice"));
    const before = JSON.parse(store.rows.get(sid) ?? "") as { cookie: object };
    await auth.kick("alice");
    const tombstone = store.rows.get(sid);
    // The app has given the session a longer life, so its touch is recorded.
    const cookie = { ...before.cookie, originalMaxAge: 7_200_000, expires: new Date(Date.now() + 7_200_000) };
    await promisify(store.touch.bind(store) as (sid: string, session: object, done: (error?: Error) => void) => void)(
      sid,
      { ...before, cookie },
    );
    expect(store.rows.get(sid)).toBe(tombstone);
  });
});

describe("a store", () => {
  const { RedisStore: RedisStoreOfAnotherMake } = { RedisStore: class extends TouchedStore {} };
  class OwnRedisStore extends RedisStore {}
  const { RedisStore: RedisStoreOfTheSameName } = { RedisStore: class extends RedisStore {} };
  const client = { scanIterator: () => [] } as never;

  it.each([
    ["express-session's MemoryStore", new MemoryStore()],
    ["memorystore", new (memorystore(session))({})],
    ["connect-redis 9", new RedisStore({ client })],
    ["connect-redis 8", new RedisStore8({ client })],
    ["connect-redis 7", new RedisStore7({ client })],
  ])("supports touches in the background: %s", (_name, store) => {
    expect(supportsBackgroundTouch(store)).toBe(true);
  });

  it.each([
    ["of a team's own", new MinimalStore()],
    ["of no class", Object.create(null) as Store],
    ["RedisStore of another make", new RedisStoreOfAnotherMake()],
    ["connect-redis, extended", new OwnRedisStore({ client })],
    ["connect-redis, extended under its own name", new RedisStoreOfTheSameName({ client })],
    ["connect-redis on a pool", new RedisStore({ client: createClientPool() })],
    ["MemoryStore with a touch of the app's", Object.assign(new MemoryStore(), { touch: () => undefined })],
  ])("must be awaited when it touches: %s", (_name, store) => {
    expect(supportsBackgroundTouch(store)).toBe(false);
  });
});
