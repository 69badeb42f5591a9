import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore } from "express-session";
import { Passport } from "passport";
import { MemoryLoginRegistry, type LogoutMiddleware } from "../../lib/index.js";
import type { AddOptions, AddResult, NewLogin } from "../../lib/registry/index.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { regenerate, save } from "../support/race-app.js";
import { sessionId, useSites, type Site, type SiteOptions } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const REASON = "You have logged in elsewhere.";

const setUser = (req: Request): void => {
  req.session.userId = "alice";
};
/** The steps after valid credentials. */
const WAYS: Readonly<Record<string, (req: Request) => Promise<void>>> = {
  "the user id alone": async (req) => {
    setUser(req);
    await save(req);
  },
  "regenerate()": async (req) => {
    await regenerate(req);
    setUser(req);
    await save(req);
  },
  "regenerate() that copies everything": async (req) => {
    const before = req.session;
    await regenerate(req);
    const { cookie } = req.session;
    Object.assign(req.session, before, { cookie });
    setUser(req);
    await save(req);
  },
  "passport's req.login()": (req) =>
    new Promise((resolve, reject) => {
      req.login({ id: "alice" }, (error?: unknown) => {
        if (error === undefined || error === null) resolve();
        else reject(error instanceof Error ? error : new Error("no login"));
      });
    }),
};

function withPassport(app: Express): void {
  const passport = new Passport();
  passport.serializeUser((user, done) => {
    done(null, (user as { id: string }).id);
  });
  passport.deserializeUser((id: string, done) => {
    done(null, { id });
  });
  app.use(passport.session());
}

/** "One device at a time": the user's other logins are kicked, then this browser is logged in, in one request. */
function addRoutes(app: Express, auth: LogoutMiddleware, gate: Gate): void {
  withPassport(app);
  const route = (path: string, act: (req: Request) => Promise<void>): void => {
    app.post(path, (req, res, next) => {
      act(req).then(() => res.json({}), next);
    });
  };
  route("/login/way/:way", async (req) => {
    await auth.kick("alice", { reason: REASON });
    await auth.startLogin(req);
    await WAYS[String(req.params["way"])]?.(req);
  });
  route("/login/cart", async (req) => {
    const { visits = 0 } = req.session;
    await auth.startLogin(req);
    Object.assign(req.session, { userId: "alice", visits });
    await save(req);
  });
  route("/login/hesitating", async (req) => {
    await auth.startLogin(req);
    await gate.pass();
    setUser(req);
    await save(req);
  });
  route("/login/given-up", (req) => auth.startLogin(req));
  route("/login/again", async (req) => {
    await auth.startLogin(req);
    setUser(req);
    await save(req).catch(() => undefined);
    await save(req);
  });
  route("/login/not-awaited", async (req) => {
    const started = auth.startLogin(req);
    setUser(req);
    await save(req);
    await started;
  });
  route("/login/gone", async (req) => {
    (req as { session: unknown }).session = undefined;
    await auth.startLogin(req);
  });
  app.get("/who", (req, res) => {
    const { userId, passport } = req.session as unknown as { userId?: string; passport?: { user?: string } };
    res.json({ user: userId ?? passport?.user ?? null });
  });
}

const openSite = useSites();
const gates: Gate[] = [];
async function open(options: SiteOptions = {}): Promise<{ site: Site; gate: Gate }> {
  const gate = new Gate();
  gates.push(gate);
  const site = await openSite({
    ...options,
    after: (app, auth) => {
      addRoutes(app, auth, gate);
    },
  });
  return { site, gate };
}

const who = async (browser: Browser): Promise<unknown> => {
  const { status, body } = await browser.get("/who");
  return status === 200 ? (body as { user: unknown }).user : status;
};
const idsOf = async (site: Site): Promise<string[]> => (await site.auth.listLogins("alice")).items.map(({ id }) => id);

/** A store that fails to write once. */
class FailingStore extends MemoryStore {
  failures = 0;

  override set(sid: string, data: object, callback?: (error?: unknown) => void): void {
    this.failures -= 1;
    if (this.failures >= 0) setImmediate(() => callback?.(new Error("the disk is full")));
    else super.set(sid, data as never, callback);
  }
}

class CountingRegistry extends MemoryLoginRegistry {
  readonly added: string[] = [];

  override async add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    if (options?.since === undefined) this.added.push(login.id);
    return super.add(login, options);
  }
}

/** Ends the next login before it is listed, as the end does that follows a command whose answer was lost. */
class EndingRegistry extends CountingRegistry {
  endsNext = false;

  override async add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    if (this.endsNext) await this.end(login.userId, { loginId: login.id, remember: "for a day" });
    this.endsNext = false;
    return super.add(login, options);
  }
}

describe.each(BACKENDS.map((make) => [make().name, make] as const))("a login that is started, on %s", (_name, make) => {
  const backend = make();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  it.each(Object.keys(WAYS))("outlives the kick in its own request, also from a logged-in browser: %s", async (way) => {
    const { site } = await open({ backend });
    const path = `/login/way/${encodeURIComponent(way)}`;
    const [one, two] = [new Browser(site.url), new Browser(site.url)];
    await one.post(path);
    expect(await who(one)).toBe("alice");
    await two.post(path);
    expect([await who(two), (await one.get("/who")).status]).toEqual(["alice", 401]);
    const [before] = await idsOf(site);
    await two.post(path);
    const [after, ...others] = await idsOf(site);
    expect([await who(two), others]).toEqual(["alice", []]);
    expect(after).not.toBe(before);
  });
});

describe("a login that is started", () => {
  it("has a new session id, and ends the login that the request came with", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const kept = browser.clone();
    const [before] = await idsOf(site);
    await browser.post("/login/cart");
    expect(sessionId(browser)).not.toBe(sessionId(kept));
    expect([await site.user(browser), await site.user(kept)]).toEqual(["alice", null]);
    expect(await idsOf(site)).toEqual([expect.not.stringMatching(before ?? "")]);
    expect(site.events.map(({ name }) => name)).toEqual(["login", "logout", "login"]);
  });

  it("is a login like any other for a kick that comes later", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    await browser.post("/login/cart");
    await site.auth.kick("alice", { reason: "why" });
    expect((await browser.get("/me")).status).toBe(401);
  });

  it("stays if a kick comes between its start and its save", async () => {
    const { site, gate } = await open();
    const browser = await site.login("alice");
    const login = browser.post("/login/hesitating");
    await gate.reached;
    await site.auth.kick("alice");
    gate.open();
    await login;
    expect(await site.user(browser)).toBe("alice");
  });

  it("is not overwritten by a request in flight that came with the old login", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const slow = browser.clone().post("/slow/save");
    await site.gate.reached;
    await browser.post("/login/cart");
    site.gate.open();
    await slow;
    expect([await site.user(browser), (await idsOf(site)).length]).toEqual(["alice", 1]);
  });

  it("leaves no user logged in if no save follows", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const kept = browser.clone();
    await browser.post("/login/given-up");
    expect([await site.user(browser), await site.user(kept), await idsOf(site)]).toEqual([null, null, []]);
  });

  it("has a new id at each attempt to write it", async () => {
    const store = new FailingStore();
    const registry = new CountingRegistry();
    const { site } = await open({ auth: { store, registry } });
    const browser = await site.login("alice");
    store.failures = 1;
    await browser.post("/login/again");
    expect(new Set(registry.added).size).toBe(3);
    expect([await site.user(browser), await idsOf(site)]).toEqual(["alice", [registry.added.at(-1)]]);
  });

  it.each(["/login/again", "/login"])("has another id if its first one has been ended: %s", async (path) => {
    const registry = new EndingRegistry();
    const { site } = await open({ auth: { store: new MemoryStore(), registry } });
    registry.endsNext = true;
    const browser = await site.login("alice", {}, path);
    expect(new Set(registry.added).size).toBe(2);
    expect([await site.user(browser), await idsOf(site)]).toEqual(["alice", [registry.added.at(-1)]]);
  });

  it("is rejected in the session id that it has left if the app does not wait for it", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const kept = browser.clone();
    expect((await browser.post("/login/not-awaited")).body).toEqual({ error: "ERR_SESSION_MISSING" });
    expect([await site.user(browser), await site.user(kept), await idsOf(site)]).toEqual([null, null, []]);
  });

  it("needs a session", async () => {
    const { site } = await open();
    expect((await new Browser(site.url).post("/login/gone")).body).toEqual({ error: "ERR_SESSION_MISSING" });
    await expect(site.auth.startLogin({} as never)).rejects.toMatchObject({ code: "ERR_SESSION_MISSING" });
  });
});
