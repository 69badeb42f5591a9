import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import express from "express";
import session, { MemoryStore } from "express-session";
import { createClient } from "redis";
import { LogoutError } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { Browser, serve } from "../support/http.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { POOL_ID, sessionId, TOKEN, useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const openSite = useSites();
/** A store that cannot write while `failing.on`. */
function failingStore() {
  const store = new MemoryStore();
  const set = store.set.bind(store);
  const failing = { on: false };
  store.set = (sid, data, done) => {
    if (failing.on) done?.(new Error("disk full"));
    else set(sid, data, done);
  };
  return { store, failing };
}

const ADMIN = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };

describe.each(BACKENDS.map((make) => [make().name, make] as const))("I4, on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  it("a login that begins after a kick is not affected, however soon", async () => {
    const site = await openSite({ backend });
    for (let round = 0; round < 20; round += 1) {
      const old = await site.login("alice");
      await site.auth.kick("alice");
      const young = await site.login("alice");
      expect([await site.user(old), await site.user(young)]).toEqual([null, "alice"]);
      await site.auth.kickAll();
      const youngest = await site.login("alice");
      expect([await site.user(young), await site.user(youngest)]).toEqual([null, "alice"]);
    }
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });

  it("a kicked user's other data and other users stay as they are", async () => {
    const site = await openSite({ backend });
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    expect(await site.auth.kick(["alice", "alice", "nobody"])).toEqual({ users: 1, logins: 1 });
    expect([await site.user(alice), await site.user(bob)]).toEqual([null, "bob"]);
  });
});

describe("I6, when Redis hangs", () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    redis = await startRedis();
    client = createClient({ url: redis.url });
    client.on("error", () => undefined);
    await client.connect();
  });
  afterEach(() => {
    redis.resume();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  const options = (store: session.Store) => ({
    auth: { store, registry: new RedisLoginRegistry({ client, timeoutMs: 300 }), sessions: { storeTimeoutMs: 300 } },
  });

  it("a logged-in request is answered 503, and served again as soon as Redis is back", async () => {
    const site = await openSite(options(new MemoryStore()));
    const browser = await site.login("alice");
    redis.pause();
    const { status, body } = await browser.get("/me");
    expect({ status, body }).toEqual({ status: 503, body: { error: "ERR_REGISTRY_UNAVAILABLE" } });
    redis.resume();
    expect(await site.user(browser)).toBe("alice");
  });

  it("an anonymous request is served", async () => {
    const site = await openSite(options(new MemoryStore()));
    redis.pause();
    expect((await new Browser(site.url).get("/me")).status).toBe(200);
  });

  it("a kick is answered 503, no event is emitted, and the repetition finishes it", async () => {
    const site = await openSite(options(new RedisStore({ client })));
    const browser = await site.login("alice");
    const api = `/api/applications/${site.appId}/kick-active-users`;
    redis.pause();
    const failed = await new Browser(site.url).post(api, { userIds: ["alice"] }, ADMIN);
    expect(failed.status).toBe(503);
    expect((failed.body as { code: unknown }).code).toBe(503);
    expect(site.events.filter(({ name }) => name === "kick")).toEqual([]);
    redis.resume();
    const repeated = await new Browser(site.url).post(api, { userIds: ["alice"] }, ADMIN);
    expect(repeated.body).toEqual({ code: 200, message: "Forced offline successful" });
    expect((await browser.get("/me")).status).toBe(401);
    expect(await client.get(`sess:${sessionId(browser)}`)).toBeNull();
  });

  it("a login that could not be listed is not listed later", async () => {
    const site = await openSite(options(new MemoryStore()));
    redis.pause();
    const { status } = await new Browser(site.url).post("/login", { user: "carol" });
    expect(status).toBe(503);
    redis.resume();
    await client.ping();
    expect((await site.auth.listLogins("carol")).items).toEqual([]);
  });
});

describe("I6, when the store fails in the middle of a kick", () => {
  it("the kick rejects with the unfinished users; no kicked user is served; the repetition removes all private data", async () => {
    const { store, failing } = failingStore();
    const site = await openSite({ auth: { store } });
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    failing.on = true;
    const kicked = site.auth.kick(["alice", "bob"], { reason: "why" });
    await expect(kicked).rejects.toMatchObject({
      code: "ERR_KICK_INCOMPLETE",
      status: 503,
      details: { userIds: ["alice"] },
    });
    await expect(kicked).rejects.toBeInstanceOf(LogoutError);
    failing.on = false;
    const data = (): string | undefined => (store as unknown as { sessions: Record<string, string> }).sessions[sid];
    expect(data()).toContain("alice");
    await site.auth.kick("alice", { reason: "why" });
    expect(data()).not.toContain("alice");
    expect((await browser.get("/me")).body).toEqual({ code: 401, message: "You have been logged out: why" });
  });
});

describe("I6, when the store fails in the middle of a kick of everyone", () => {
  it("the kick rejects with the unfinished users; no kicked user is served; the repetition finishes it", async () => {
    const { store, failing } = failingStore();
    const site = await openSite({ auth: { store } });
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    failing.on = true;
    const kicked = site.auth.kickAll({ reason: "why" });
    await expect(kicked).rejects.toMatchObject({ code: "ERR_KICK_INCOMPLETE", status: 503 });
    await expect(kicked).rejects.toMatchObject({ details: { userIds: expect.arrayContaining(["alice", "bob"]) } });
    expect([(await site.auth.listLogins("alice")).items, (await site.auth.listLogins("bob")).items]).toEqual([[], []]);
    failing.on = false;
    expect(await site.auth.kickAll({ reason: "why" })).toEqual({ users: 2, logins: 2 });
    for (const browser of [alice, bob]) expect((await browser.get("/me")).status).toBe(401);
  });
});

describe("I7, the commands that Redis gets", () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    redis = await startRedis();
    client = createClient({ url: redis.url });
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });

  /** The commands that a function costs, by Redis's own count. */
  async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await client.sendCommand(["CONFIG", "RESETSTAT"]);
    await work();
    const stats = await client.info("commandstats");
    const counts = [...stats.matchAll(/cmdstat_(\S+?):calls=(\d+)/g)].map(([, name, calls]) => [name, Number(calls)]);
    const counted = Object.fromEntries(counts) as Record<string, number>;
    delete counted["config|resetstat"];
    delete counted["info"];
    return counted;
  }

  /** The same app without this package. */
  async function bare() {
    const app = express();
    const store = new RedisStore({ client });
    app.use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
    app.post("/login", (req, res) => {
      req.session.userId = "alice";
      res.json({});
    });
    app.post("/visit", (req, res) => {
      req.session.visits = (req.session.visits ?? 0) + 1;
      res.json({});
    });
    app.get("/me", (_req, res) => {
      res.json({});
    });
    return serve(app);
  }

  it("are those of the bare app for an anonymous request, with and without a session", async () => {
    const site = await openSite({
      listensTo: [],
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
      after: (app) => {
        app.post("/visit", (req, res) => {
          req.session.visits = (req.session.visits ?? 0) + 1;
          res.json({});
        });
      },
    });
    const without = await bare();
    const commandsOfVisits = async (url: string): Promise<Record<string, number>[]> => {
      const browser = new Browser(url);
      return [
        await commandsOf(() => browser.get("/me")),
        await commandsOf(() => browser.post("/visit")),
        await commandsOf(() => browser.get("/me")),
        await commandsOf(() => browser.post("/visit")),
      ];
    };
    const expected = await commandsOfVisits(without.url);
    expect(await commandsOfVisits(site.url)).toEqual(expected);
    expect(expected[2]).toEqual({ get: 1, expire: 1 });
    await without.close();
  });

  it("are those of the bare app once a user has left their session", async () => {
    const site = await openSite({
      listensTo: [],
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
      after: (app) => {
        app.post("/leave", (req, res) => {
          delete req.session.userId;
          req.session.visits = 1;
          res.json({});
        });
      },
    });
    const browser = await site.login("alice");
    await browser.get("/me");
    await browser.post("/leave");
    expect(await commandsOf(() => browser.get("/me"))).toEqual({ get: 1, expire: 1 });
  });

  it("are one more for a logged-in request", async () => {
    const site = await openSite({
      listensTo: [],
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
    });
    const browser = await site.login("alice");
    expect(await commandsOf(() => browser.get("/me"))).toEqual({ get: 1, expire: 1, hget: 1 });
  });

  it("are the same where a login must be fresh, and is: when it began, and when it was confirmed", async () => {
    const site = await openSite({
      listensTo: [],
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
      after: (app, auth) => {
        app.get("/account", auth.requireFresh({ maxAgeMs: 60_000, confirmUrl: "/confirm" }), (_req, res) => {
          res.json({ fresh: true });
        });
        app.post("/confirm", (req, res, next) => {
          auth.confirmLogin(req).then(() => res.json({}), next);
        });
      },
    });
    const browser = await site.login("alice");
    const visited = async (): Promise<unknown> => {
      let body: unknown;
      const commands = await commandsOf(async () => {
        ({ body } = await browser.get("/account"));
      });
      return { body, commands };
    };
    const expected = { body: { fresh: true }, commands: { get: 1, expire: 1, hget: 1 } };
    expect(await visited()).toEqual(expected);
    expect((await browser.post("/confirm")).status).toBe(200);
    expect(await visited()).toEqual(expected);
  });

  it("are two more for a logged-in request that writes: the lookup, and the lookup after the write", async () => {
    const site = await openSite({
      listensTo: [],
      auth: { store: new RedisStore({ client }), registry: new RedisLoginRegistry({ client }) },
    });
    const browser = await site.login("alice");
    site.gate.open();
    expect(await commandsOf(() => browser.post("/slow/write"))).toEqual({ get: 1, set: 1, hget: 2 });
  });

  it("are the session's and the lookup's if sessions are touched more rarely", async () => {
    const site = await openSite({
      listensTo: [],
      auth: {
        store: new RedisStore({ client }),
        registry: new RedisLoginRegistry({ client }),
        sessions: { touchIntervalMs: 60_000 },
      },
    });
    const browser = await site.login("alice");
    await browser.get("/me");
    expect(await commandsOf(() => browser.get("/me"))).toEqual({ get: 1, hget: 1 });
  });

  it("are the session's alone if Redis notifies of every change", async () => {
    const tracking = createClient({
      url: redis.url,
      RESP: 3,
      emitInvalidate: true,
      maintNotifications: "disabled",
    });
    await tracking.connect();
    const site = await openSite({
      listensTo: [],
      auth: {
        store: new RedisStore({ client: tracking }),
        registry: new RedisLoginRegistry({ client: tracking, coherentCache: true }),
        sessions: { touchIntervalMs: 60_000 },
      },
    });
    const browser = await site.login("alice");
    await browser.get("/me");
    await browser.get("/me");
    expect(await commandsOf(() => browser.get("/me"))).toEqual({ get: 1 });
    site.gate.open();
    expect(await commandsOf(() => browser.post("/slow/write"))).toEqual({ get: 1, set: 1 });
    await site.auth.close();
    tracking.destroy();
  });
});

describe("I9, when the store cannot write", () => {
  async function failingSite() {
    const { store, failing } = failingStore();
    const after = (app: express.Express): void => {
      app.post("/rotate-by-hand", (req, res, next) => {
        const { userId } = req.session;
        req.session.destroy((error) => {
          if (error !== undefined && error !== null) {
            next(error);
            return;
          }
          (req.sessionStore as unknown as { generate(req: object): void }).generate(req);
          req.session.userId = userId;
          res.json({});
        });
      });
    };
    return { site: await openSite({ auth: { store }, after }), failing };
  }

  it("a new login is not shown as live", async () => {
    const { site, failing } = await failingSite();
    failing.on = true;
    expect((await new Browser(site.url).post("/login", { user: "alice" })).status).toBe(503);
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect(await site.auth.listActiveUsers()).toEqual({ total: 0, items: [] });
  });

  it("a rotation that was not resumed is not shown as live", async () => {
    const { site, failing } = await failingSite();
    const browser = await site.login("alice");
    failing.on = true;
    await browser.post("/login", { user: "alice" });
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it("a manual rotation is not shown as live unless it was resumed, and causes an event if it was", async () => {
    const { site, failing } = await failingSite();
    const browser = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    await browser.post("/rotate-by-hand");
    expect(site.events.map(({ name }) => name)).toEqual(["login", "logout", "login"]);
    expect(site.events.at(-1)).toMatchObject({ userId: "alice", loginId: login?.id });
    failing.on = true;
    await browser.post("/rotate-by-hand");
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });
});

describe("a session store that is cleared", () => {
  it("has no logged-in user", async () => {
    const store = new MemoryStore();
    const site = await openSite({ auth: { store } });
    await site.login("alice");
    await promisify((done: (error?: unknown) => void) => store.clear(done))();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });
});
