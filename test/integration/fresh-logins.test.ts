import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import express, { type ErrorRequestHandler, type Express, type Request } from "express";
import { MemoryStore } from "express-session";
import type { Pool } from "pg";
import { Passport } from "passport";
import {
  logout,
  LogoutError,
  MemoryLoginRegistry,
  type AuditEntry,
  type LogoutMiddleware,
  type LogoutOptions,
} from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { Interrupted } from "../support/interrupted.js";
import { PostgresSite } from "../support/postgres-site.js";
import { destroy, HANDLERS, regenerate, save } from "../support/race-app.js";
import { sessionId, signedCookie, useSites, type Site, type SiteOptions } from "../support/site.js";
import { SqliteSite } from "../support/sqlite-site.js";
import { sqliteDatabase } from "../support/sqlite-engine.js";
import { BACKENDS, localBackend, memoryBackend, type Backend } from "../support/stores.js";
import { HOUR, MINUTE, useClockOfTheTest } from "../support/visits.js";

const openSite = useSites();
const NAVIGATION = { Accept: "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
const PROGRAM = { Accept: "application/json" };
const FRESH = { maxAgeMs: 5 * MINUTE, confirmUrl: "/confirm" };

/** Routes of an app with step-up: `/confirm` has checked the password. */
function addRoutes(app: Express, auth: LogoutMiddleware, gate?: Gate): void {
  const route = (path: string, act: (req: Request) => Promise<unknown> | undefined): void => {
    app.post(path, (req, res, next) => {
      Promise.resolve(act(req)).then((body) => res.json(body ?? {}), next);
    });
  };
  route("/confirm", (req) => auth.confirmLogin(req));
  route("/confirm/slowly", async (req) => {
    await gate?.pass();
    await auth.confirmLogin(req);
  });
  route("/confirm/changed", async (req) => {
    req.session.visits = 7;
    await auth.confirmLogin(req);
    return { visits: req.session.visits, fresh: auth.isFresh(req, MINUTE) };
  });
  route("/confirm/twice", async (req) => {
    await Promise.all([auth.confirmLogin(req), auth.confirmLogin(req)]);
  });
  route("/confirm/rotating", async (req) => {
    const { userId } = req.session;
    await regenerate(req);
    req.session.userId = userId;
    await auth.confirmLogin(req);
  });
  route("/confirm/without-session", async (req) => {
    (req as { session: unknown }).session = null;
    await auth.confirmLogin(req);
  });
  route("/confirm/another", async (req) => {
    req.session.userId = "bob";
    await auth.confirmLogin(req).finally(() => {
      req.session.userId = "alice";
    });
  });
  route("/confirm/ended", async (req) => {
    await destroy(req);
    await auth.confirmLogin(req);
  });
  app.post("/confirm/late", (req, res) => {
    res.write("{");
    auth.confirmLogin(req).then(
      () => res.end("}"),
      (error: unknown) => res.end(`"code":"${LogoutError.is(error) ? error.code : ""}"}`),
    );
  });
  route("/assign", async (req) => {
    Object.assign(req.session, JSON.parse(req.query["data"] as string));
    await save(req);
  });
  route("/start", async (req) => {
    await auth.startLogin(req);
    req.session.userId = "alice";
    await save(req);
  });
  route("/visit", async (req) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    await save(req);
  });
  app.get("/fresh", (req, res) => {
    res.json({ fresh: auth.isFresh(req, 5 * MINUTE), visits: req.session.visits });
  });
}

function open(options: SiteOptions = {}, gate?: Gate): Promise<Site> {
  return openSite({
    ...options,
    after: (app, auth) => {
      options.after?.(app, auth);
      addRoutes(app, auth, gate);
    },
  });
}

/** Logins are not fresh when they begin: what makes them fresh is a confirmation. */
const stale = (options: Partial<LogoutOptions> = {}): Partial<LogoutOptions> => ({
  ...options,
  logins: { startsFresh: () => false, ...options.logins },
});

const isFresh = async (browser: Browser): Promise<unknown> =>
  ((await browser.get("/fresh")).body as { fresh: unknown }).fresh;
const errorOf = ({ status, body }: { status: number; body: unknown }): unknown => [
  status,
  (body as { error?: unknown }).error,
];
const listOf = async (site: Site, user = "alice") => (await site.auth.listLogins(user)).items;

let sqlite: SqliteSite | undefined;
let postgres: PostgresSite | undefined;
/** One for every site: the connections of a pool of each would be more than the server takes. */
let pool: Pool | undefined;
const SQL_BACKENDS: readonly (() => Backend)[] = [
  () =>
    localBackend({
      name: "SQLite",
      openStore: () => new MemoryStore(),
      start: () => Promise.resolve(void (sqlite = new SqliteSite())),
      open: () => ({
        store: new MemoryStore(),
        registry: new SqliteLoginRegistry({ database: sqliteDatabase(sqlite?.file ?? "") }),
      }),
      stop: async () => sqlite?.stop(),
    }),
  () =>
    localBackend({
      name: "PostgreSQL",
      openStore: () => new MemoryStore(),
      start: async () => {
        postgres = await PostgresSite.start();
        pool = postgres.pool();
      },
      open: () => {
        if (pool === undefined) throw new Error("not started");
        return { store: new MemoryStore(), registry: new PostgresLoginRegistry({ pool }) };
      },
      stop: async () => postgres?.stop(),
    }),
];

describe.each([...BACKENDS, ...SQL_BACKENDS].map((make) => [make().name, make] as const))("on %s", (_name, make) => {
  const backend = make();
  beforeAll(() => backend.start(), 60_000);
  afterAll(() => backend.stop(), 60_000);

  describe("a confirmed login", () => {
    it("is fresh, under a new session id, with its id, its beginning and the data of its session", async () => {
      const site = await open({ backend, auth: stale() });
      const browser = await site.login("alice");
      const old = browser.clone();
      await browser.post("/visit");
      const before = await listOf(site);
      expect(await isFresh(browser)).toBe(false);
      expect((await browser.post("/confirm")).status).toBe(200);
      expect((await browser.get("/fresh")).body).toEqual({ fresh: true, visits: 1 });
      expect(sessionId(browser)).not.toBe(sessionId(old));
      expect([await site.user(browser), await site.user(old), await isFresh(old)]).toEqual(["alice", null, false]);
      const after = await listOf(site);
      expect(after.map(({ id, began }) => [id, began])).toEqual(before.map(({ id, began }) => [id, began]));
      expect(site.events.map(({ name }) => name)).toEqual(["login"]);
      expect(site.errors).toEqual([]);
    });

    it("leaves the user's other devices logged in, and as they are", async () => {
      const site = await open({ backend, auth: stale() });
      const [here, there] = [await site.login("alice"), await site.login("alice")];
      await here.post("/confirm");
      expect([await site.user(there), await isFresh(there)]).toEqual(["alice", false]);
      expect(await listOf(site)).toHaveLength(2);
    });

    it("stays fresh under a further session id, and has the changes of the request", async () => {
      const site = await open({ backend, auth: stale() });
      const browser = await site.login("alice");
      expect((await browser.post("/confirm/changed")).body).toEqual({ visits: 7, fresh: true });
      site.gate.open();
      for (const handler of ["regenerate and copy the user id", "regenerate and copy everything", "reload and save"]) {
        await browser.post(`/slow/${encodeURIComponent(handler)}`);
        expect([handler, await isFresh(browser), await site.user(browser)]).toEqual([handler, true, "alice"]);
      }
    });

    it("can be confirmed again, also twice at once, and while its request is rotating", async () => {
      const site = await open({ backend, auth: stale() });
      const browser = await site.login("alice");
      const [{ id } = { id: "" }] = await listOf(site);
      for (const path of ["/confirm", "/confirm/twice", "/confirm/rotating"]) {
        const before = sessionId(browser);
        expect((await browser.post(path)).status).toBe(200);
        expect([path, await isFresh(browser), await site.user(browser)]).toEqual([path, true, "alice"]);
        expect(sessionId(browser)).not.toBe(before);
      }
      expect((await listOf(site)).map((login) => login.id)).toEqual([id]);
    });

    it("by two requests at once keeps both new session ids valid, as one login", async () => {
      const gate = new Gate();
      const site = await open({ backend, auth: stale() }, gate);
      const [one, two, old] = [await site.login("alice")].flatMap((each) => [each, each.clone(), each.clone()]);
      if (one === undefined || two === undefined || old === undefined) throw new Error("no browsers");
      const confirming = [one.post("/confirm/slowly"), two.post("/confirm/slowly")];
      await gate.reachedBy(2);
      gate.open();
      expect((await Promise.all(confirming)).map(({ status }) => status)).toEqual([200, 200]);
      expect([await isFresh(one), await isFresh(two), await site.user(old)]).toEqual([true, true, null]);
      expect(await listOf(site)).toHaveLength(1);
    });

    it.each(Object.keys(HANDLERS))(
      "is not undone by a request in flight with the old session id: %s",
      async (handler) => {
        const site = await open({ backend, auth: stale() });
        const browser = await site.login("alice");
        const old = browser.clone();
        const before = browser.clone();
        const slow = old.post(`/slow/${encodeURIComponent(handler)}`);
        await site.gate.reached;
        await browser.post("/confirm");
        site.gate.open();
        await slow;
        expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", true]);
        expect([await site.user(before), await isFresh(old)]).toEqual([null, false]);
        expect(await listOf(site)).toHaveLength(1);
      },
    );

    it("is served by another process, as fresh", async () => {
      const node = backend.open();
      const site = await open({ backend: { ...backend, open: () => node }, auth: stale({ appId: "shared" }) });
      const browser = await site.login("alice");
      await browser.post("/confirm");
      // In memory, the sessions are those of one process.
      if (node.store instanceof MemoryStore) return;
      const other = await open({ backend, auth: stale({ appId: "shared" }) });
      const there = browser.clone(other.url);
      expect([await other.user(there), await isFresh(there)]).toEqual(["alice", true]);
      await there.post("/confirm");
      expect([await site.user(browser), await site.user(there.clone(site.url))]).toEqual([null, "alice"]);
    });
  });

  const ENDS: Readonly<Record<string, (site: Site, loginId: string, there: Browser) => Promise<unknown>>> = {
    "a kick": ({ auth }) => auth.kick("alice"),
    "a kick of one login": ({ auth }, loginId) => auth.kickLogin("alice", loginId),
    "a kick of everyone": ({ auth }) => auth.kickAll(),
    "a logout everywhere else": (_site, _id, there) => there.post("/u/end-others"),
  };
  // One is enough where each step goes to a server.
  const ends = Object.keys(ENDS).slice(0, backend.name === "MemoryStore" ? undefined : 1);

  it.each(ends)(
    "%s at any step of a confirmation is final",
    async (how) => {
      let hasCome = true;
      for (let position = 0; hasCome; position += 1) {
        const interrupted = new Interrupted(backend.open());
        const site = await open({ backend: { ...backend, open: () => interrupted.node }, auth: stale() });
        const browser = await site.login("alice");
        const [{ id } = { id: "" }] = await listOf(site);
        const there = await site.login("alice");
        const old = browser.clone();
        const steps: string[] = [];
        // The first step reads the session.
        interrupted.at(position, async (step) => {
          steps.push(step);
          await ENDS[how]?.(site, id, there);
        });
        const { status } = await browser.post("/confirm");
        hasCome = interrupted.stop();
        if (!hasCome) await ENDS[how]?.(site, id, there);
        const seen = [await site.user(browser), await site.user(old), await isFresh(browser)];
        expect([steps, status, seen]).toEqual([steps, expect.any(Number), [null, null, false]]);
        expect((await listOf(site)).map((login) => login.id)).not.toContain(id);
        await site.close();
      }
    },
    120_000,
  );

  it.each(["before", "after"])(
    "a failure %s any step loses nothing, and confirms nothing",
    async (when) => {
      const failed: string[] = [];
      let hasCome = true;
      for (let position = when === "before" ? 0 : 1; hasCome; position += 2) {
        const interrupted = new Interrupted(backend.open());
        const site = await open({ backend: { ...backend, open: () => interrupted.node }, auth: stale() });
        const browser = await site.login("alice");
        await browser.post("/visit");
        const isOfStore = (step: string): boolean => step.includes("store");
        interrupted.at(position, (step) => {
          failed.push(step);
          return Promise.reject(
            isOfStore(step) ? new Error("the disk is full") : new LogoutError("ERR_REGISTRY_UNAVAILABLE", "lost"),
          );
        });
        const answer = await browser.post("/confirm");
        hasCome = interrupted.stop();
        const step = failed.at(-1) ?? "";
        const isConfirmed = answer.status === 200;
        const code = isOfStore(step) ? "ERR_STORE_UNAVAILABLE" : "ERR_REGISTRY_UNAVAILABLE";
        expect([step, errorOf(answer)]).toEqual([step, isConfirmed ? [200, undefined] : [503, code]]);
        const { body } = await browser.get("/fresh");
        expect([step, await site.user(browser), body]).toEqual([step, "alice", { fresh: isConfirmed, visits: 1 }]);
        expect(await listOf(site)).toHaveLength(1);
        await site.close();
      }
      expect(new Set(failed).size).toBeGreaterThan(3);
    },
    120_000,
  );

  it("a login that has ended is not confirmed", async () => {
    const gate = new Gate();
    const site = await open({ backend, auth: stale() }, gate);
    const browser = await site.login("alice");
    const confirming = browser.post("/confirm/slowly");
    await gate.reached;
    await site.auth.kick("alice", { reason: "why" });
    gate.open();
    expect(errorOf(await confirming)).toEqual([401, "ERR_LOGIN_REQUIRED"]);
    expect((await browser.get("/me")).body).toEqual({ code: 401, message: "You have been logged out: why" });
    expect(await listOf(site)).toEqual([]);
  });
});

describe("confirmLogin()", () => {
  it.each(["/confirm/without-session", "/confirm/another", "/confirm/ended"])(
    "needs the login of the request's session: %s",
    async (path) => {
      const site = await open();
      const browser = await site.login("alice");
      expect(errorOf(await browser.post(path))).toEqual([401, "ERR_LOGIN_REQUIRED"]);
    },
  );

  it("needs a login", async () => {
    const site = await open();
    expect(errorOf(await new Browser(site.url).post("/confirm"))).toEqual([401, "ERR_LOGIN_REQUIRED"]);
    await expect(site.auth.confirmLogin({} as never)).rejects.toMatchObject({ code: "ERR_LOGIN_REQUIRED" });
  });

  it("must come before the response", async () => {
    const site = await open({ auth: stale() });
    const browser = await site.login("alice");
    expect((await browser.post("/confirm/late")).text).toBe('{"code":"ERR_ARGUMENT_INVALID"}');
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
  });

  it("needs session ids that differ", async () => {
    const site = await open({ session: { genid: () => "the only one" }, auth: stale() });
    const browser = await site.login("alice");
    expect(errorOf(await browser.post("/confirm"))).toEqual([500, "ERR_OPTION_INVALID"]);
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
  });

  it("keeps the cookie that the app has given the session", async () => {
    const site = await open({
      session: { cookie: { maxAge: HOUR, path: "/", sameSite: "lax" } },
      after: (app) => {
        app.post("/remember", (req, res) => {
          req.session.cookie.maxAge = 720 * HOUR;
          res.json({});
        });
      },
    });
    const browser = await site.login("alice");
    await browser.post("/remember");
    const { headers } = await browser.post("/confirm");
    const [cookie = ""] = headers["set-cookie"] as unknown as string[];
    expect(cookie).toContain("SameSite=Lax");
    expect(Date.parse(/Expires=([^;]+)/.exec(cookie)?.[1] ?? "")).toBeGreaterThan(Date.now() + 719 * HOUR);
    const [{ expires } = { expires: new Date(0) }] = await listOf(site);
    expect(+expires).toBeGreaterThan(Date.now() + 719 * HOUR);
  });

  it("keeps a login within the limit of logins", async () => {
    const site = await open({ auth: { logins: { max: 1 } } });
    const browser = await site.login("alice");
    await browser.post("/confirm");
    expect([await site.user(browser), (await listOf(site)).length]).toEqual(["alice", 1]);
  });

  it("keeps passport's user", async () => {
    const passport = new Passport();
    passport.serializeUser((user, done) => {
      done(null, (user as { id: string }).id);
    });
    passport.deserializeUser((id: string, done) => {
      done(null, { id });
    });
    const site = await open({
      before: (app) => app.use(passport.session()),
      after: (app) => {
        app.post("/passport", (req, res, next) => {
          req.login({ id: "alice" }, (error?: unknown) => (error ? next(error) : res.json({})));
        });
        app.get("/passport", (req, res) => res.json(req.user ?? null));
      },
    });
    const browser = new Browser(site.url);
    await browser.post("/passport");
    await browser.post("/confirm");
    expect((await browser.get("/passport")).body).toEqual({ id: "alice" });
    expect(await isFresh(browser)).toBe(true);
  });

  it("keeps the signal of a live connection, which a kick aborts", async () => {
    const signals: AbortSignal[] = [];
    const site = await open({
      after: (app, auth) => {
        app.post("/signals", (req, res, next) => {
          signals.push(auth.signal(req));
          auth.confirmLogin(req).then(() => {
            signals.push(auth.signal(req));
            setTimeout(() => res.json({}), 50);
          }, next);
        });
      },
    });
    const browser = await site.login("alice");
    const waiting = browser.post("/signals");
    while (signals.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(signals[1]).toBe(signals[0]);
    expect(signals[0]?.aborted).toBe(false);
    await site.auth.kick("alice");
    await waiting;
    expect(signals[0]?.aborted).toBe(true);
  });

  it("is in the audit log, without a secret; a failing log fails nothing", async () => {
    const entries: AuditEntry[] = [];
    const log = (entry: AuditEntry): void => {
      entries.push(entry);
      if (entry.action === "confirmed") throw new Error("the log fails");
    };
    jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const site = await open({ auth: { audit: { log } } });
    const browser = await site.login("alice");
    const old = sessionId(browser);
    expect((await browser.post("/confirm", {}, { "User-Agent": "Phone/1.0" })).status).toBe(200);
    const [{ id } = { id: "" }] = await listOf(site);
    expect(entries.filter(({ action }) => action === "confirmed")).toEqual([
      expect.objectContaining({ outcome: "success", userId: "alice", loginIds: [id], userAgent: "Phone/1.0" }),
    ]);
    expect(JSON.stringify(entries)).not.toContain(old);
    expect(JSON.stringify(entries)).not.toContain(sessionId(browser));
    expect(await isFresh(browser)).toBe(true);
    jest.restoreAllMocks();
  });
});

describe("the lifetime of a login", () => {
  useClockOfTheTest();

  it("restarts at a confirmation, which changes nothing in when the login began", async () => {
    const site = await open({
      auth: { logins: { lifetime: { absoluteMs: 2 * HOUR } } },
      session: { cookie: { maxAge: 30 * HOUR } },
    });
    const later = (ms: number): void => {
      jest.setSystemTime(Date.now() + ms);
    };
    const [confirmed, other] = [await site.login("alice"), await site.login("alice")];
    const began = new Date();
    later(1.5 * HOUR);
    await confirmed.post("/confirm");
    expect((await listOf(site)).map((login) => login.began)).toEqual([began, began]);
    later(1.5 * HOUR);
    expect([await site.user(confirmed), await site.user(other)]).toEqual(["alice", null]);
    expect((await listOf(site)).map(({ expires }) => +expires - Date.now())).toEqual([HOUR / 2]);
    later(HOUR / 2);
    expect(await site.user(confirmed)).toBeNull();
  });
});

describe("isFresh()", () => {
  describe("by the clock", () => {
    useClockOfTheTest();

    it("is true up to the age, for a login and for a confirmation", async () => {
      const site = await open();
      const browser = await site.login("alice");
      const later = (ms: number): void => {
        jest.setSystemTime(Date.now() + ms);
      };
      expect(await isFresh(browser)).toBe(true);
      later(5 * MINUTE);
      expect(await isFresh(browser)).toBe(true);
      later(1);
      expect(await isFresh(browser)).toBe(false);
      await browser.post("/confirm");
      later(5 * MINUTE);
      expect(await isFresh(browser)).toBe(true);
      later(1);
      expect(await isFresh(browser)).toBe(false);
    });

    it("allows a minute between two clocks, and no more after a clock was set back", async () => {
      const site = await open();
      const browser = await site.login("alice");
      jest.setSystemTime(Date.now() - MINUTE);
      expect(await isFresh(browser)).toBe(true);
      jest.setSystemTime(Date.now() - 1);
      expect(await isFresh(browser)).toBe(false);
    });
  });

  it("is false without a login, and after a logout", async () => {
    const site = await open({
      after: (app, auth) => {
        app.post("/out", (req, res, next) => {
          auth.logout(req, res).then(() => res.json({ fresh: auth.isFresh(req, MINUTE) }), next);
        });
      },
    });
    expect(await isFresh(new Browser(site.url))).toBe(false);
    expect(site.auth.isFresh({} as never, 1)).toBe(false);
    const browser = await site.login("alice");
    expect((await browser.post("/out")).body).toEqual({ fresh: false });
  });

  it.each([0, -1, NaN, Infinity, "5m", undefined, null])("rejects %p as an age", async (maxAgeMs) => {
    const { auth } = await open();
    expect(() => auth.isFresh({} as never, maxAgeMs as never)).toThrow(
      expect.objectContaining({ code: "ERR_ARGUMENT_INVALID" }),
    );
  });

  it("is false for an adopted session, until it is confirmed", async () => {
    const store = new MemoryStore();
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    const sid = "a session from before the installation";
    sessions[sid] = JSON.stringify({ cookie: { originalMaxAge: null }, userId: "alice" });
    const site = await open({ auth: { store } });
    const browser = new Browser(site.url).withCookie(...(signedCookie(sid).split("=") as [string, string]));
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
    const before = await listOf(site);
    await browser.post("/confirm");
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", true]);
    expect((await listOf(site)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  });

  it("is false for a stamp of an earlier release", async () => {
    const store = new MemoryStore();
    const site = await open({ auth: { store } });
    const browser = await site.login("alice");
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    const sid = sessionId(browser);
    const text = sessions[sid] ?? "";
    expect(text).toMatch(/"expressLogout":"[\w-]{22} \d+\.\d{13} /);
    sessions[sid] = text.replace(/("expressLogout":"[\w-]{22} \d+)\.\d{13} /, "$1 ");
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
    await browser.post("/visit");
    expect(await isFresh(browser)).toBe(false);
  });

  it.each(["its own session", "another session"])(
    "is false for a time that a request has written into %s",
    async (which) => {
      const site = await open({ auth: stale() });
      const browser = await site.login("alice");
      const [{ id } = { id: "" }] = await listOf(site);
      const forger = which === "its own session" ? browser : new Browser(site.url);
      const data = { expressLogout: `${id} 0.${String(Date.now())} alice`, userId: "alice" };
      await forger.post(`/assign?data=${encodeURIComponent(JSON.stringify(data))}`);
      await forger.post("/visit");
      expect(await isFresh(forger)).toBe(false);
      expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
    },
  );

  it("is false for a time that a job has written without a request", async () => {
    const store = new MemoryStore();
    const site = await open({ auth: stale({ store }) });
    const browser = await site.login("alice");
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    const sid = sessionId(browser);
    const data = JSON.parse(sessions[sid] ?? "") as { expressLogout: string };
    const expressLogout = data.expressLogout.replace(/^(\S+ \d+)/, `$1.${String(Date.now())}`);
    await new Promise((resolve) => {
      store.set(sid, { ...data, expressLogout } as never, resolve);
    });
    expect([await site.user(browser), await isFresh(browser)]).toEqual(["alice", false]);
  });

  it("follows logins.startsFresh: a remember-me cookie does not make a login fresh", async () => {
    const site = await open({ auth: { logins: { startsFresh: (req) => req.originalUrl === "/login" } } });
    const browser = await site.login("alice");
    const remembered = await site.login("alice", {}, "/shop/login");
    expect([await isFresh(browser), await isFresh(remembered)]).toEqual([true, false]);
    await remembered.post("/start");
    expect(await isFresh(remembered)).toBe(true);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("its own"))],
    [
      "fails",
      () => {
        throw new Error("its own");
      },
    ],
  ])("startsFresh %s: the login gets an error, and is not listed", async (_what, startsFresh) => {
    const site = await open({ auth: { logins: { startsFresh } } });
    await expect(site.login("alice")).rejects.toThrow("503");
    expect(await listOf(site)).toEqual([]);
  });
});

describe("requireFresh()", () => {
  const protectedSite = (options: SiteOptions = {}) =>
    open({
      ...options,
      auth: stale(options.auth),
      after: (app, auth) => {
        options.after?.(app, auth);
        app.use("/account", auth.requireFresh(FRESH));
        app.all(/^\/account/, (_req, res) => res.json({ done: true }));
        app.get("/asks", auth.requireFresh({ ...FRESH, confirmUrl: "/confirm?why=money" }));
      },
    });

  it("lets a fresh login pass, and asks the registry for nothing", async () => {
    const { store, registry } = new Interrupted(memoryBackend().open()).node;
    const find = jest.spyOn(MemoryLoginRegistry.prototype, "find");
    const site = await protectedSite({ auth: { store, registry } });
    const browser = await site.login("alice");
    await browser.post("/confirm");
    const callsOf = async (path: string, body: unknown): Promise<number> => {
      find.mockClear();
      expect((await browser.get(path, NAVIGATION)).body).toEqual(body);
      return find.mock.calls.length;
    };
    expect(await callsOf("/account", { done: true })).toBe(await callsOf("/me", { user: "alice" }));
    find.mockRestore();
    expect((await browser.post("/account/delete", {}, PROGRAM)).body).toEqual({ done: true });
  });

  it("redirects a page, with the way back", async () => {
    const site = await protectedSite();
    const browser = await site.login("alice");
    const page = await browser.get("/account/cards?sort=a&b=%2F", NAVIGATION);
    const back = encodeURIComponent("/account/cards?sort=a&b=%2F");
    expect([page.status, page.headers["location"]]).toEqual([303, `/confirm?returnTo=${back}`]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect((await browser.get("/asks", NAVIGATION)).headers["location"]).toBe("/confirm?why=money&returnTo=%2Fasks");
  });

  it.each([
    ["of its page", (url: string) => `${url}/settings?tab=2`, "/confirm?returnTo=%2Fsettings%3Ftab%3D2"],
    ["that would name a host", (url: string) => `${url}//evil.example/x`, "/confirm?returnTo=%2Fevil.example%2Fx"],
    ["of another site", () => "https://evil.example/x", "/confirm"],
    ["that is no address", () => "settings", "/confirm"],
    ["that is missing", () => "", "/confirm"],
  ])("redirects a form to come back to the page with the form, by a referrer %s", async (_what, referrer, location) => {
    const site = await protectedSite();
    const browser = await site.login("alice");
    const Referer = referrer(site.url);
    const headers = Referer === "" ? NAVIGATION : { ...NAVIGATION, Referer };
    const answer = await browser.post("/account/delete", {}, headers);
    expect([answer.status, answer.headers["location"]]).toEqual([303, location]);
  });

  it("answers a program with 403, a stable code and the page", async () => {
    const site = await protectedSite();
    const browser = await site.login("alice");
    const expected = { code: 403, error: "insufficient_user_authentication", confirmUrl: "/confirm" };
    for (const method of ["get", "post"] as const) {
      const { status, body, headers } = await (method === "get"
        ? browser.get("/account", PROGRAM)
        : browser.post("/account", {}, PROGRAM));
      expect([status, body]).toEqual([403, { ...expected, message: "Confirm your identity to continue" }]);
      expect([headers["cache-control"], headers["vary"]]).toEqual(["no-store", expect.stringContaining("Accept")]);
    }
    const problem = await browser.get("/account", { Accept: "application/problem+json" });
    expect([problem.headers["content-type"], JSON.parse(problem.text)]).toEqual([
      expect.stringContaining("application/problem+json"),
      expect.objectContaining({ ...expected, title: "Forbidden", status: 403 }),
    ]);
  });

  it("answers everything with JSON where the app draws its own screens", async () => {
    const site = await protectedSite({ auth: { pages: { html: false } } });
    const browser = await site.login("alice");
    expect((await browser.get("/account", NAVIGATION)).status).toBe(403);
  });

  it("asks visitors to log in first, as pages do", async () => {
    const site = await protectedSite();
    const browser = new Browser(site.url);
    const page = await browser.get("/account?a=1", NAVIGATION);
    expect([page.status, page.headers["location"]]).toEqual([303, "/login?returnTo=%2Faccount%3Fa%3D1"]);
    expect((await browser.get("/account", PROGRAM)).status).toBe(401);
    expect((await browser.post("/account", {}, NAVIGATION)).status).toBe(401);
  });

  it("rejects a kicked login", async () => {
    const site = await protectedSite({ at: "/sub" });
    const browser = await site.login("alice");
    await browser.post("/confirm");
    await site.auth.kick("alice");
    expect((await browser.get("/account", PROGRAM)).status).toBe(401);
  });

  it("needs a session()", async () => {
    const auth = logout({ store: new MemoryStore(), appId: "shop" });
    const app = express();
    app.use(auth.requireFresh(FRESH));
    const handleError: ErrorRequestHandler = (error: { code: string }, _req, res, _next) => {
      res.status(500).json({ error: error.code });
    };
    app.use(handleError);
    const server = await serve(app);
    expect(errorOf(await new Browser(server.url).get("/"))).toEqual([500, "ERR_SESSION_MISSING"]);
    await server.close();
    await auth.close();
  });

  it("passes an outage of the registry on to the app", async () => {
    class Failing extends MemoryLoginRegistry {
      isDown = false;

      override find(...[userId, loginId]: Parameters<MemoryLoginRegistry["find"]>) {
        if (!this.isDown) return super.find(userId, loginId);
        return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "as the test wants it"));
      }
    }
    const registry = new Failing();
    const site = await protectedSite({
      auth: { store: new MemoryStore(), registry },
      after: (app) => {
        app.use("/account", (_req, _res, next) => {
          registry.isDown = true;
          next();
        });
      },
    });
    const browser = await site.login("alice");
    expect(errorOf(await browser.get("/account", PROGRAM))).toEqual([503, "ERR_REGISTRY_UNAVAILABLE"]);
  });

  it.each([
    [{ maxAgeMs: 0 }, "maxAgeMs"],
    [{ maxAgeMs: -1 }, "maxAgeMs"],
    [{ maxAgeMs: NaN }, "maxAgeMs"],
    [{ maxAgeMs: Infinity }, "maxAgeMs"],
    [{ maxAgeMs: "5m" }, "maxAgeMs"],
    [{ maxAgeMs: undefined }, "maxAgeMs"],
    [{ confirmUrl: "https://evil.example/" }, "confirmUrl"],
    [{ confirmUrl: "//evil.example/" }, "confirmUrl"],
    [{ confirmUrl: "/\\evil.example/" }, "confirmUrl"],
    [{ confirmUrl: "/con\nfirm" }, "confirmUrl"],
    [{ confirmUrl: "/confirm#form" }, "confirmUrl"],
    [{ confirmUrl: "confirm" }, "confirmUrl"],
    [{ confirmUrl: undefined }, "confirmUrl"],
  ])("rejects %p at set-up, and so does pages.confirmIdentity", async (wrong, name) => {
    const { auth } = await open();
    const options = { ...FRESH, ...wrong } as never;
    const invalid = { code: "ERR_OPTION_INVALID", message: expect.stringContaining(name) };
    expect(() => auth.requireFresh(options)).toThrow(expect.objectContaining(invalid));
    await expect(open({ auth: { pages: { confirmIdentity: options } } })).rejects.toMatchObject(invalid);
  });

  it("rejects an unknown option", async () => {
    const { auth } = await open();
    expect(() => auth.requireFresh({ ...FRESH, maxAge: 1 } as never)).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_UNKNOWN" }),
    );
    expect(() => auth.requireFresh(undefined as never)).toThrow();
  });
});

describe("pages.confirmIdentity with an age", () => {
  const CONSOLE = "/console/applications/shop/login-management";
  const SAME_ORIGIN = { "Sec-Fetch-Site": "same-origin" };
  const FORM = { ...NAVIGATION, ...SAME_ORIGIN, "Content-Type": "application/x-www-form-urlencoded" };
  const openPages = (pages: LogoutOptions["pages"] = {}) =>
    open({
      auth: stale({
        appId: "shop",
        pages: { confirmIdentity: FRESH, ...pages },
        console: { authorize: () => true },
      }),
    });
  const asForm = (browser: Browser, path: string, fields: Record<string, string> = {}, headers: object = {}) =>
    browser.post(path, new URLSearchParams(fields).toString() as never, { ...FORM, ...headers });

  it.each(["/u/end-login", "/u/end-others"])("has a fresh login end other logins: %s", async (path) => {
    const site = await openPages();
    const there = await site.login("alice");
    const [{ id } = { id: "" }] = await listOf(site);
    const here = await site.login("alice");
    expect((await here.get("/u", NAVIGATION)).status).toBe(200);
    const refused = await asForm(here, path, { loginId: id });
    expect([refused.status, refused.headers["location"]]).toEqual([303, "/confirm?returnTo=%2Fu"]);
    const program = await asForm(here, path, { loginId: id }, PROGRAM);
    expect([program.status, program.body]).toEqual([403, expect.objectContaining({ confirmUrl: "/confirm" })]);
    expect(await site.user(there)).toBe("alice");
    await here.post("/confirm");
    const { headers } = await asForm(here, path, { loginId: id });
    expect(headers["location"]).toBe("/u?ended=1");
    expect([await site.user(here), await site.user(there)]).toEqual(["alice", null]);
  });

  it("has a fresh login force users offline", async () => {
    const site = await openPages();
    const [admin, alice] = [await site.login("root"), await site.login("alice")];
    expect((await admin.get(CONSOLE, NAVIGATION)).status).toBe(200);
    const page = await admin.get(`${CONSOLE}/force-offline?user=alice`, NAVIGATION);
    const back = encodeURIComponent(`${CONSOLE}/force-offline?user=alice`);
    expect([page.status, page.headers["location"]]).toEqual([303, `/confirm?returnTo=${back}`]);
    const form = await asForm(admin, `${CONSOLE}/force-offline`, { user: "alice" });
    expect(form.headers["location"]).toBe(`/confirm?returnTo=${encodeURIComponent(CONSOLE)}`);
    const script = await asForm(
      admin,
      `${CONSOLE}/force-offline`,
      { user: "alice" },
      {
        Accept: "application/x-ndjson, text/html;q=0.9",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
      },
    );
    expect([script.status, script.text]).toEqual([403, expect.stringContaining('href="/confirm?returnTo=')]);
    expect(await site.user(alice)).toBe("alice");
    await admin.post("/confirm");
    expect((await admin.get(`${CONSOLE}/force-offline?user=alice`, NAVIGATION)).status).toBe(200);
    expect((await asForm(admin, `${CONSOLE}/force-offline`, { user: "alice" })).status).toBe(303);
    expect(await site.user(alice)).toBeNull();
  });

  it("asks only those for a confirmation who may see the console", async () => {
    const site = await open({
      auth: stale({ appId: "shop", pages: { confirmIdentity: FRESH }, console: { authorize: () => false } }),
    });
    const browser = await site.login("alice");
    expect((await browser.get(`${CONSOLE}/force-offline?user=bob`, NAVIGATION)).status).toBe(403);
  });

  it("is a function for the personal center alone, as before", async () => {
    const site = await openPages({ confirmIdentity: () => "/confirm" });
    const [admin, alice] = [await site.login("root"), await site.login("alice")];
    expect((await asForm(admin, "/u/end-others")).headers["location"]).toBe("/confirm");
    await asForm(admin, `${CONSOLE}/force-offline`, { user: "alice" });
    expect(await site.user(alice)).toBeNull();
  });
});
