import { EventEmitter } from "node:events";
import { afterEach, describe, expect, it } from "@jest/globals";
import session, { MemoryStore, type Store } from "express-session";
import { logout, MemoryLoginRegistry, type LogoutOptions, type LogoutMiddleware } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve, type TestServer } from "../support/http.js";
import { destroy, HANDLERS, raceApp, save, SETTINGS } from "../support/race-app.js";
import { sessionId } from "../support/site.js";

const servers: TestServer[] = [];
const auths: LogoutMiddleware[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await Promise.all(auths.splice(0).map((auth) => auth.close()));
});

interface App {
  readonly auth: LogoutMiddleware;
  readonly gate: Gate;
  readonly browser: Browser;
  /** A browser of another app, as this one sees it. */
  readonly from: (browser: Browser) => Browser;
}

/** The whole app, as it is made at a start, and again by a hot reload or in each test. */
async function createApp(store: Store, options: Partial<LogoutOptions> = {}): Promise<App> {
  const auth = logout({ store, appId: "shop", ...options });
  auths.push(auth);
  const gate = new Gate();
  const app = raceApp({ store, settings: SETTINGS["lazy"] ?? {}, gate, auth });
  app.post("/by-hand", (req, res, next) => {
    const rotate = async (): Promise<void> => {
      await destroy(req);
      await gate.pass();
      (store as Store & { generate: (req: object) => void }).generate(req);
      req.session.userId = "alice";
      await save(req);
    };
    rotate().then(() => res.json({}), next);
  });
  const server = await serve(app);
  servers.push(server);
  return { auth, gate, browser: new Browser(server.url), from: (browser) => browser.clone(server.url) };
}

const userIn = async (browser: Browser): Promise<unknown> => {
  const { status, body } = await browser.get("/me");
  return status === 200 ? (body as { user: unknown }).user : status;
};

async function loggedIn(app: App, user = "alice"): Promise<Browser> {
  const browser = app.from(app.browser);
  expect((await browser.post("/login", { user })).status).toBe(200);
  return browser;
}

describe("logout() again on a store", () => {
  it("needs a close(), which the error names", async () => {
    const store = new MemoryStore();
    const { auth } = await createApp(store);
    const again = (): unknown => logout({ store, appId: "shop" });
    expect(again).toThrow(
      expect.objectContaining({ code: "ERR_STORE_IN_USE", message: expect.stringContaining("auth.close()") }),
    );
    await auth.close();
    expect(again).not.toThrow();
    expect(again).toThrow(expect.objectContaining({ code: "ERR_STORE_IN_USE" }));
  });

  it("keeps users logged in, and kicked users logged out, repeatedly", async () => {
    const store = new MemoryStore();
    let app = await createApp(store);
    const [alice, bob] = [await loggedIn(app), await loggedIn(app, "bob")];
    await app.auth.kick("bob", { reason: "why" });
    for (let times = 0; times < 3; times += 1) {
      await app.auth.close();
      app = await createApp(store);
      expect(await userIn(app.from(alice))).toBe("alice");
      expect((await app.auth.listLogins("alice")).total).toBe(1);
    }
    const refused = await app.from(bob).get("/me");
    expect([refused.status, refused.text]).toEqual([401, expect.stringContaining("why")]);
    await app.auth.kick("alice");
    expect(await userIn(app.from(alice))).toBe(401);
  });

  it("keeps a kick of sessions that were never adopted", async () => {
    const store = new MemoryStore();
    const bare = await serve(raceApp({ store, settings: SETTINGS["lazy"] ?? {}, gate: new Gate() }));
    servers.push(bare);
    const old = new Browser(bare.url);
    await old.post("/login", { user: "alice" });
    const first = await createApp(store);
    await first.auth.kick("alice");
    await first.auth.close();
    const next = await createApp(store);
    expect(await userIn(next.from(old))).toBe(401);
  });

  it("rejects kicked users from the close() until it is called", async () => {
    const store = new MemoryStore();
    const app = await createApp(store);
    const [alice, bob] = [await loggedIn(app), await loggedIn(app, "bob")];
    await app.auth.close();
    await app.auth.kick("alice");
    expect(await userIn(alice)).toBe(401);
    expect(await userIn(bob)).toBe("bob");
  });

  it("logs users out with another registry, or another application, and keeps kicked users logged out", async () => {
    for (const options of [{ registry: new MemoryLoginRegistry() }, { appId: "blog" }]) {
      const store = new MemoryStore();
      const first = await createApp(store);
      const [alice, bob] = [await loggedIn(first), await loggedIn(first, "bob")];
      await first.auth.kick("bob");
      await first.auth.close();
      const next = await createApp(store, options);
      expect(await userIn(next.from(alice))).toBeNull();
      expect(await userIn(next.from(bob))).toBe(401);
    }
  });

  it("accepts the same registry again", async () => {
    const store = new MemoryStore();
    const registry = new MemoryLoginRegistry();
    const first = await createApp(store, { registry });
    const alice = await loggedIn(first);
    await first.auth.close();
    const next = await createApp(store, { registry });
    expect(await userIn(next.from(alice))).toBe("alice");
  });

  it("leaves the store unchanged if it fails", async () => {
    const store = new MemoryStore();
    const first = await createApp(store);
    const alice = await loggedIn(first);
    await first.auth.close();
    const wrong = (): unknown => logout({ store, appId: "" });
    expect(wrong).toThrow(expect.objectContaining({ code: "ERR_OPTION_INVALID" }));
    await first.auth.kick("alice");
    expect(await userIn(alice)).toBe(401);
    expect(await userIn((await createApp(store)).from(alice))).toBeNull();
  });

  it("continues if other code has wrapped a method of the store since", async () => {
    const store = new MemoryStore();
    const first = await createApp(store);
    const alice = await loggedIn(first);
    const get = store.get.bind(store);
    let reads = 0;
    store.get = (...args) => {
      reads += 1;
      get(...args);
    };
    await first.auth.close();
    const next = await createApp(store);
    expect(await userIn(next.from(alice))).toBe("alice");
    expect(reads).toBe(1);
  });
});

describe.each(Object.keys(HANDLERS))("a request in flight while the store is taken over: %s", (handler) => {
  it.each([
    ["the registry of before", () => ({})],
    ["another registry", () => ({ registry: new MemoryLoginRegistry() })],
  ])("resumes no login that is kicked then, with %s", async (_words, options: () => Partial<LogoutOptions>) => {
    const store = new MemoryStore();
    const first = await createApp(store);
    const alice = await loggedIn(first);
    const waiting = alice.clone();
    const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
    await first.gate.reached;
    await first.auth.close();
    const next = await createApp(store, options());
    await next.auth.kick("alice");
    first.gate.open();
    await inFlight;
    for (const browser of [alice, waiting]) expect(await userIn(next.from(browser))).not.toBe("alice");
    expect((await next.auth.listLogins("alice")).items).toEqual([]);
    expect(await userIn(await loggedIn(next))).toBe("alice");
  });
});

it("a login that a request has ended itself is not brought back by a registry that does not know the kick", async () => {
  const store = new MemoryStore();
  const first = await createApp(store);
  const alice = await loggedIn(first);
  const inFlight = alice.post("/by-hand");
  await first.gate.reached;
  await first.auth.kick("alice");
  await first.auth.close();
  const next = await createApp(store, { registry: new MemoryLoginRegistry() });
  first.gate.open();
  await inFlight;
  expect(await userIn(next.from(alice))).not.toBe("alice");
});

describe("a closed logout() whose store is taken over", () => {
  it("rejects, kicks and logs out by the registry of the new one", async () => {
    const store = new MemoryStore();
    const first = await createApp(store);
    await first.auth.close();
    const next = await createApp(store, { registry: new MemoryLoginRegistry() });
    const [alice, bob] = [await loggedIn(next), await loggedIn(next, "bob")];
    expect(await first.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
    expect(await userIn(first.from(alice))).toBe(401);
    expect((await first.from(bob).post("/login/profile/logout")).status).toBe(303);
    expect((await next.auth.listLogins("bob")).items).toEqual([]);
  });

  it("closes nothing of the new logout() when it is closed again", async () => {
    const store = new MemoryStore();
    const first = await createApp(store);
    const alice = await loggedIn(first);
    await first.auth.close();
    const next = await createApp(store);
    const signal = await next.auth.signalOfSession(sessionId(alice), new EventEmitter());
    await first.auth.close();
    expect(() => logout({ store, appId: "shop" })).toThrow(expect.objectContaining({ code: "ERR_STORE_IN_USE" }));
    await next.auth.kick("alice");
    expect(signal.aborted).toBe(true);
  });
});

it("session() continues if it is called before the takeover", async () => {
  const store = new MemoryStore();
  const first = await createApp(store);
  const alice = await loggedIn(first);
  await first.auth.close();
  const sessions = session({ store, secret: "a secret of the tests", resave: false, saveUninitialized: false });
  const auth = logout({ store, appId: "shop" });
  auths.push(auth);
  const server = await serve((req, res) => {
    sessions(req as never, res as never, () => {
      auth(req as never, res as never, () =>
        res.end(String((req as never as { session: { userId: unknown } }).session.userId)),
      );
    });
  });
  servers.push(server);
  expect((await alice.clone(server.url).get("/")).text).toBe("alice");
});
