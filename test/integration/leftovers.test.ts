import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import type { Express, Request } from "express";
import { type SessionData, type Store } from "express-session";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { Gate } from "../support/gate.js";
import { destroy, regenerate, save } from "../support/race-app.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";
import { sessionId, useSites } from "../support/site.js";
import { BACKENDS, unhookedViewOf } from "../support/stores.js";

declare module "express-session" {
  interface SessionData {
    card?: string | undefined;
  }
}

const CARD = "4111-private";

interface Generates {
  generate(req: Request): void;
}

/** The acts of a request in flight with data of its user, after its wait. */
const REQUESTS: Readonly<Record<string, (req: Request) => Promise<void>>> = {
  "saves its session": async (req) => {
    req.session.card = CARD;
    await save(req);
  },
  "rotates its session id": async (req) => {
    const { userId } = req.session;
    await regenerate(req);
    Object.assign(req.session, { userId, card: CARD });
    await save(req);
  },
  "rotates its session id by hand": async (req) => {
    const { userId } = req.session;
    await destroy(req);
    (req.sessionStore as unknown as Generates).generate(req);
    Object.assign(req.session, { userId, card: CARD });
    await save(req);
  },
};

/** As another reader sees the session: one without the hook. */
async function readBare(store: Store, sid: string): Promise<SessionData | null | undefined> {
  const read = promisify((done: (error: unknown, session?: SessionData | null) => void) => {
    store.get(sid, done);
  });
  return read();
}

describe.each(BACKENDS.map((make) => [make().name, make] as const))("the remaining data in %s", (name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  async function open() {
    const { store, registry } = backend.open();
    // A second instance reads the writes of the first.
    const bare = name === "MemoryStore" ? unhookedViewOf(store) : backend.openBare();
    const gate = new Gate();
    const sids: string[] = [];
    const after = (app: Express): void => {
      for (const [path, act] of Object.entries(REQUESTS)) {
        app.post(`/${path.replaceAll(" ", "-")}`, (req, res, next) => {
          const go = async (): Promise<void> => {
            await gate.pass();
            await act(req);
            sids.push(req.sessionID);
            res.json({});
          };
          go().catch(next);
        });
      }
    };
    const site = await openSite({ auth: { store, registry }, after });
    return { site, bare, gate, sids };
  }

  it.each(Object.keys(REQUESTS))("after a kick, of a request in flight that %s, is the reason alone", async (path) => {
    const { site, bare, gate, sids } = await open();
    const browser = await site.login("alice");
    sids.push(sessionId(browser));
    const slow = browser.post(`/${path.replaceAll(" ", "-")}`);
    await gate.reached;
    await site.auth.kick("alice", { reason: "why" });
    gate.open();
    await slow;
    const left = await Promise.all(sids.map((sid) => readBare(bare, sid)));
    expect(JSON.stringify(left)).not.toMatch(new RegExp(`${CARD}|alice`));
    expect(JSON.stringify(left)).toContain('"reason":"why"');
    const { status, body } = await browser.get("/me");
    expect([status, body]).toEqual([401, expect.objectContaining({ message: "You have been logged out: why" })]);
  });

  it("after a logout, of a request in flight that saves its session, is nothing", async () => {
    const { site, bare, gate } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const slow = browser.clone().post("/saves-its-session");
    await gate.reached;
    await browser.get("/login/profile/logout");
    gate.open();
    await slow;
    expect((await readBare(bare, sid)) ?? null).toBeNull();
  });

  it("of a session id that its login has left, is nothing, and the login continues", async () => {
    const { site, bare, gate } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const slow = browser.clone().post("/saves-its-session");
    await gate.reached;
    site.gate.open();
    await browser.post("/slow/regenerate%20and%20copy%20the%20user%20id");
    gate.open();
    await slow;
    expect(sid).not.toBe("");
    expect(await site.user(browser)).toBe("alice");
    expect((await readBare(bare, sid)) ?? null).toBeNull();
  });
});

describe("the lookup after a write", () => {
  let redis: RedisServer;
  let client: Awaited<ReturnType<typeof connectTo>>;
  beforeAll(async () => {
    redis = await startRedis();
    client = await connectTo(redis);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });
  const openSite = useSites();

  /** How often the registry asks before the write is answered, and after that. */
  async function asksOf(store: Store, registryClient: typeof client): Promise<{ before: number; after: number }> {
    const site = await openSite({ auth: { store, registry: new RedisLoginRegistry({ client: registryClient }) } });
    const browser = await site.login("alice");
    const slow = browser.post("/slow/save");
    await site.gate.reached;
    const asks = jest.spyOn(registryClient, "sendCommand");
    const looks = (): number => asks.mock.calls.filter(([args]) => String(args[0]).startsWith("HGET")).length;
    redis.pause();
    const written = jest.spyOn(client, "set");
    site.gate.open();
    while (written.mock.calls.length === 0) await new Promise(setImmediate);
    const before = looks();
    redis.resume();
    expect((await slow).status).toBe(200);
    return { before, after: looks() - before };
  }

  it("is sent right behind the write if both use one connection", async () => {
    expect(await asksOf(new RedisStore({ client }), client)).toEqual({ before: 1, after: 0 });
  });

  it("is sent after the answer if the registry has another connection", async () => {
    const other = await connectTo(redis);
    expect(await asksOf(new RedisStore({ client }), other)).toEqual({ before: 0, after: 1 });
    other.destroy();
  });

  it("is sent after the answer if an app has modified the store", async () => {
    class SlowStore extends RedisStore {
      override async set(...args: Parameters<RedisStore["set"]>): Promise<void> {
        await Promise.resolve();
        return super.set(...args) as Promise<void>;
      }
    }
    expect(await asksOf(new SlowStore({ client }), client)).toEqual({ before: 0, after: 1 });
  });
});
