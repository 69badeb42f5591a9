import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import type { Express, Request, RequestHandler } from "express";
import { MemoryStore } from "express-session";
import type { LoginEnd, LogoutMiddleware } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { regenerate, save } from "../support/race-app.js";
import { sessionId, useSites, type Site, type SiteOptions } from "../support/site.js";

const openSite = useSites();

const SETTINGS: Readonly<Record<string, NonNullable<SiteOptions["session"]>>> = {
  lazy: { resave: false, saveUninitialized: false },
  eager: { resave: true, saveUninitialized: true, rolling: true, cookie: { maxAge: 60_000 } },
  "unset: destroy": { resave: false, saveUninitialized: false, unset: "destroy" },
};

/** Changes of `req.session` by code of the app before the logout. */
const TAKEN: Readonly<Record<string, (req: Request) => void>> = {
  null: (req) => {
    (req as { session: unknown }).session = null;
  },
  undefined: (req) => {
    (req as { session: unknown }).session = undefined;
  },
  "removed from the request": (req) => {
    delete (req as { session?: unknown }).session;
  },
  "an object of the app": (req) => {
    (req as { session: unknown }).session = { userId: "bob" };
  },
};

/** Acts of the app's own route after `auth.logout()`. */
const WRITES: Readonly<Record<string, (req: Request) => void | Promise<void>>> = {
  "a message": (req) => {
    req.session.visits = 7;
  },
  "a message, saved": async (req) => {
    req.session.visits = 7;
    await save(req);
  },
  "a message, saved and changed": async (req) => {
    req.session.visits = 1;
    await save(req);
    req.session.visits = 7;
  },
  "a message, after regenerate()": async (req) => {
    await regenerate(req);
    req.session.visits = 7;
  },
  "another user": (req) => {
    req.session.userId = "bob";
  },
  "another user, saved": async (req) => {
    req.session.userId = "bob";
    await save(req);
  },
  "the same user, saved": async (req) => {
    req.session.userId = "alice";
    await save(req);
  },
  "the old data, saved": async (req) => {
    const { old } = req as Request & { old: object };
    Object.assign(req.session, old, { cookie: req.session.cookie });
    await save(req);
  },
};
const USERS: Readonly<Record<string, string>> = {
  "another user": "bob",
  "another user, saved": "bob",
  "the same user, saved": "alice",
  "the old data, saved": "alice",
};

function addRoutes(app: Express, auth: LogoutMiddleware, gate?: Gate): void {
  const route = (path: string, act: (req: Request, res: Parameters<RequestHandler>[1]) => Promise<void>): void => {
    app.post(path, (req, res, next) => {
      act(req, res).then(() => res.json({}), next);
    });
  };
  route("/taken/:how", async (req, res) => {
    const signal = auth.signal(req);
    const aborted = once(signal, "abort");
    TAKEN[String(req.params["how"])]?.(req);
    await auth.logout(req, res);
    await aborted;
  });
  route("/then/:what", async (req, res) => {
    const old = Object.assign({}, req.session);
    await gate?.pass();
    await auth.logout(req, res);
    Object.assign(req, { old });
    await WRITES[String(req.params["what"])]?.(req);
  });
  route("/then-an-old-object", async (req, res) => {
    const before = req.session;
    await auth.logout(req, res);
    await new Promise((resolve) => before.save(resolve));
  });
  route("/then-null", async (req, res) => {
    await auth.logout(req, res);
    TAKEN["null"]?.(req);
  });
  route("/login/afresh", async (req, res) => {
    await auth.logout(req, res);
    req.session.userId = "bob";
    await save(req);
  });
  route("/login/afresh-with-start", async (req, res) => {
    await gate?.pass();
    await auth.logout(req, res);
    await auth.startLogin(req);
    req.session.userId = "alice";
    await save(req);
  });
  app.get("/visits", (req, res) => {
    res.json({ visits: req.session.visits ?? null });
  });
}

const idsOf = async (site: Site, user: string): Promise<string[]> =>
  (await site.auth.listLogins(user)).items.map(({ id }) => id);

describe.each(Object.entries(SETTINGS))("after auth.logout() by a route of the app, %s", (_words, session) => {
  const open = (more: SiteOptions = {}): Promise<Site> => openSite({ session, after: addRoutes, ...more });

  /** A request of alice's that waits at the gate while something else happens, and is done when it may pass. */
  async function during(path: string, act: (site: Site) => Promise<unknown>) {
    const gate = new Gate();
    const site = await open({
      after: (app, auth) => {
        addRoutes(app, auth, gate);
      },
    });
    const browser = await site.login("alice");
    const slow = browser.post(path);
    await gate.reached;
    await act(site);
    gate.open();
    return { site, browser, response: await slow };
  }

  it.each(Object.keys(TAKEN))("with req.session %s: the login has ended, the cookie is cleared", async (how) => {
    const site = await open();
    const browser = await site.login("alice");
    const old = browser.clone();
    const { status, headers } = await browser.post(`/taken/${how}`);
    expect(status).toBe(200);
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/)]);
    expect(await idsOf(site, "alice")).toEqual([]);
    expect([await site.user(browser), await site.user(old)]).toEqual([null, null]);
    expect(site.events).toMatchObject([{ name: "login" }, { name: "logout", userId: "alice" }]);
  });

  it.each(Object.keys(TAKEN))("by the logout route, after req.session was %s", async (how) => {
    const options = session as { readonly cookie?: object };
    const cookie = { ...options.cookie, domain: "127.0.0.1", sameSite: "lax" as const };
    const site = await openSite({
      session: { ...session, cookie },
      before: (app) => {
        app.use("/login/profile/logout", (req, _res, next) => {
          TAKEN[how]?.(req);
          next();
        });
      },
    });
    const browser = await site.login("alice");
    const headers = { Cookie: browser.cookies };
    const { status, setCookies } = await site.ask("GET", "/login/profile/logout", { headers });
    expect(status).toBe(302);
    expect(setCookies).toEqual([
      "connect.sid=; Domain=127.0.0.1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax",
    ]);
    expect(await idsOf(site, "alice")).toEqual([]);
    expect(await site.user(browser)).toBeNull();
  });

  it.each(Object.keys(WRITES))("the app writes %s: the new session has it, the old login has ended", async (what) => {
    const site = await open();
    const browser = await site.login("alice");
    const old = browser.clone();
    const [ended] = await idsOf(site, "alice");
    const { status, headers } = await browser.post(`/then/${what}`);
    expect(status).toBe(200);
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=s%3A/)]);
    expect(sessionId(browser)).not.toBe(sessionId(old));
    const user = USERS[what] ?? null;
    expect(await site.user(browser)).toBe(user);
    expect((await browser.get("/visits")).body).toEqual({ visits: user === null ? 7 : null });
    expect(await idsOf(site, "alice")).not.toContain(ended);
    expect(user === null ? [] : await idsOf(site, user)).toHaveLength(user === null ? 0 : 1);
    expect(await site.user(old)).toBeNull();
  });

  it("saved data of the old session is lost, and begins no login", async () => {
    const site = await open();
    const browser = await site.login("alice");
    const old = browser.clone();
    await browser.post("/then-an-old-object");
    expect([await site.user(browser), await site.user(old)]).toEqual([null, null]);
    expect(await idsOf(site, "alice")).toEqual([]);
  });

  it("req.session = null leaves the cookie cleared", async () => {
    const site = await open();
    const browser = await site.login("alice");
    const { headers } = await browser.post("/then-null");
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=; /)]);
  });

  it.each(["the same user, saved", "the old data, saved"])(
    "a user who is kicked meanwhile stays out: %s",
    async (what) => {
      const { site, browser } = await during(`/then/${what}`, ({ auth }) => auth.kick("alice", { reason: "Stolen." }));
      expect(await site.user(browser)).toBeNull();
      expect(await idsOf(site, "alice")).toEqual([]);
    },
  );

  it.each(["the same user, saved", "the old data, saved"])(
    "a login that is kicked alone meanwhile stays out: %s",
    async (what) => {
      const { site, browser } = await during(`/then/${what}`, async (open) => {
        const [loginId = ""] = await idsOf(open, "alice");
        expect(await open.auth.kickLogin("alice", loginId)).toEqual({ users: 1, logins: 1 });
      });
      expect(await site.user(browser)).toBeNull();
      expect(await idsOf(site, "alice")).toEqual([]);
    },
  );

  it("a user who is kicked meanwhile is logged in again by auth.startLogin()", async () => {
    const { site, browser, response } = await during("/login/afresh-with-start", ({ auth }) => auth.kick("alice"));
    expect(response.headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=s%3A/)]);
    expect(await site.user(browser)).toBe("alice");
  });
});

describe("a request without a login", () => {
  it("keeps its anonymous session", async () => {
    const site = await openSite({ after: addRoutes });
    const browser = new Browser(site.url);
    expect((await browser.post("/then/a message")).headers["set-cookie"]).toHaveLength(1);
    expect((await browser.get("/visits")).body).toEqual({ visits: 7 });
  });
});

describe("a rejected request", () => {
  it("on a login route: the app logs out, then logs another user in", async () => {
    const site = await openSite({ auth: { routes: { login: "/login/afresh" } }, after: addRoutes });
    const browser = await site.login("alice");
    await site.auth.kick("alice");
    const { headers } = await browser.post("/login/afresh");
    expect(headers["set-cookie"]).toEqual([expect.stringMatching(/^connect\.sid=s%3A/)]);
    expect(await site.user(browser)).toBe("bob");
  });

  it("for a file: nothing is saved, also after a logout by the app", async () => {
    const store = new MemoryStore();
    let seen: LoginEnd | undefined;
    const site = await openSite({
      auth: { store },
      after: (app, auth) => {
        app.get("/logo.png", (req, res, next) => {
          seen = auth.rejection(req);
          const write = async (): Promise<void> => {
            await auth.logout(req, res);
            req.session.userId = "bob";
            await save(req);
            res.json({});
          };
          write().catch(next);
        });
      },
    });
    const browser = await site.login("alice");
    await site.auth.kick("alice", { reason: "Stolen." });
    const { status, headers } = await browser.get("/logo.png", { "Sec-Fetch-Dest": "image" });
    expect([status, seen?.reason]).toEqual([200, "Stolen."]);
    expect(headers["set-cookie"]?.toString() ?? "").not.toContain("=s%3A");
    expect(await idsOf(site, "bob")).toEqual([]);
    expect(JSON.stringify((store as unknown as { sessions: object }).sessions)).not.toContain("bob");
  });
});
