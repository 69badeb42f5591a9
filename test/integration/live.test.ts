import { EventEmitter, once } from "node:events";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Request } from "express";
import { MemoryStore } from "express-session";
import { LogoutError, logout, MemoryLoginRegistry, type LoginSignal } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { LiveThings, WAYS, type Live } from "../support/live.js";
import { LOGOUTS, regenerate, save } from "../support/race-app.js";
import { sessionId, useSites, type Site, type SiteOptions } from "../support/site.js";
import { BACKENDS, memoryBackend } from "../support/stores.js";

jest.setTimeout(30_000);

const REASON = "The password was changed.";

/** Every way in which a login ends at once, on this node or on another. */
const ENDS: Readonly<Record<string, (nodes: Nodes, tab: Browser) => Promise<unknown>>> = {
  "kick()": ({ other }) => other.auth.kick("alice", { reason: REASON }),
  "kickLogin()": async ({ other }) => {
    const [login] = (await other.auth.listLogins("alice")).items;
    return other.auth.kickLogin("alice", login?.id ?? "", { reason: REASON });
  },
  "kickAll()": ({ other }) => other.auth.kickAll({ reason: REASON }),
  "a logout by the route, in another tab": (_nodes, tab) => tab.post("/login/profile/logout"),
  ...Object.fromEntries(
    Object.keys(LOGOUTS).map((way) => [
      `a logout by ${way}`,
      (_nodes: Nodes, tab: Browser) => tab.post(`/out/${encodeURIComponent(way)}`),
    ]),
  ),
};

const aborted = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, "abort"));

const openSiteHere = useSites();

interface Nodes {
  /** The site of the live connections. */
  readonly site: Site;
  /** Another node, if possible. */
  readonly other: Site;
  readonly things: LiveThings;
  /** Another tab of a browser, on the other node. */
  readonly tab: (browser: Browser) => Browser;
}

describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  const isShared = makeBackend !== memoryBackend;

  async function open(options: SiteOptions = {}): Promise<Nodes> {
    const things = new LiveThings();
    const after: SiteOptions["after"] = (app, auth) => {
      options.after?.(app, auth);
      things.addRoutes(app, auth);
      app.post("/out/:way", (req, res, next) => {
        Promise.resolve(LOGOUTS[req.params.way]?.(req)).then(() => res.json({}), next);
      });
      app.post("/clear", (req, res) => {
        req.sessionStore.clear?.(() => res.json({}));
      });
      app.post("/rotate", (req, res, next) => {
        const { userId } = req.session;
        regenerate(req).then(() => {
          req.session.userId = userId;
          res.json({});
        }, next);
      });
    };
    const all: SiteOptions = {
      backend,
      ...options,
      session: { unset: "destroy", ...options.session },
      after,
      attach: (server, sessions, auth) => things.addUpgrades(server, sessions, auth),
    };
    const site = await openSite(all);
    const other = isShared ? await openSite({ ...all, auth: { ...all.auth, appId: site.appId } }) : site;
    return { site, other, things, tab: (browser) => browser.clone(other.url) };
  }

  /** One live connection of each kind. */
  async function openEach(nodes: Nodes, browser: Browser): Promise<Live[]> {
    const lives: Live[] = [];
    for (const way of Object.values(WAYS)) lives.push(await way(nodes.site, browser, nodes.things));
    return lives;
  }

  const endsOf = (lives: readonly Live[]) => Promise.all(lives.map(({ ended }) => ended));

  describe.each(Object.entries(ENDS))("%s", (words, act) => {
    it("ends every live connection of the login, with the reason", async () => {
      const nodes = await open();
      const browser = await nodes.site.login("alice");
      const [login] = (await nodes.site.auth.listLogins("alice")).items;
      const lives = await openEach(nodes, browser);
      await act(nodes, nodes.tab(browser));
      const why = words.startsWith("kick") ? { cause: "kick", reason: REASON } : { cause: "logout" };
      expect(await endsOf(lives)).toEqual(lives.map(() => ({ ...why, loginId: login?.id })));
    });
  });

  describe("a login that expires", () => {
    /** A login that has not expired when all live connections are open. A busy machine may need a longer lifetime. */
    async function openExpiring(rolling: boolean, maxAge = 500): Promise<[Nodes, Browser, Live[]]> {
      const nodes = await open({ session: { cookie: { maxAge }, rolling } });
      const browser = await nodes.site.login("alice");
      const lives = await openEach(nodes, browser);
      return (await nodes.site.user(browser)) === "alice" ? [nodes, browser, lives] : openExpiring(rolling, 2 * maxAge);
    }

    it.each(["nothing else happens", "the user has another login that lives on"])(
      "ends all its live connections, also if %s",
      async (others) => {
        const [nodes, , lives] = await openExpiring(false);
        if (others !== "nothing else happens" && isShared) {
          const longer = await openSite({ backend, auth: { appId: nodes.site.appId } });
          await longer.login("alice");
        }
        expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "expiry" })));
      },
    );

    it("continues for as long as its user is active", async () => {
      const [nodes, browser, lives] = await openExpiring(true);
      const tab = nodes.tab(browser);
      const [before] = (await nodes.site.auth.listLogins("alice")).items;
      let activeAt = 0;
      const ended = endsOf(lives).then(() => Date.now());
      while (activeAt < Number(before?.expires) + 200 && (await nodes.other.user(tab)) === "alice")
        activeAt = Date.now();
      expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "expiry" })));
      expect(await ended).toBeGreaterThan(activeAt);
    });
  });

  describe("a cleared store", () => {
    it("ends all live connections", async () => {
      const nodes = await open();
      const lives = await openEach(nodes, await nodes.site.login("alice"));
      await new Browser(nodes.other.url).post("/clear");
      expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "kick" })));
    });
  });

  describe("an event that does not end the login", () => {
    it("ends no connection: another user's kick", async () => {
      const nodes = await open();
      const lives = await openEach(nodes, await nodes.site.login("alice"));
      const others = await openEach(nodes, await nodes.site.login("bob"));
      await nodes.other.auth.kick("bob");
      await endsOf(others);
      await nodes.other.auth.kick("alice", { reason: "only now" });
      expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ reason: "only now" })));
    });

    it("ends no connection: the kick, or the logout, of another login of the same user", async () => {
      const nodes = await open();
      const lives = await openEach(nodes, await nodes.site.login("alice"));
      const [first] = (await nodes.site.auth.listLogins("alice")).items;
      const [desk, phone] = [await nodes.site.login("alice"), await nodes.site.login("alice")];
      const others = [...(await openEach(nodes, desk)), ...(await openEach(nodes, phone))];
      await nodes.tab(desk).post("/login/profile/logout");
      for (const login of (await nodes.other.auth.listLogins("alice")).items) {
        if (login.id !== first?.id) await nodes.other.auth.kickLogin("alice", login.id);
      }
      await endsOf(others);
      await nodes.other.auth.kick("alice", { reason: "only now" });
      expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ reason: "only now" })));
    });

    it("ends no connection: a new session id for the same user", async () => {
      const nodes = await open();
      const browser = await nodes.site.login("alice");
      const lives = await openEach(nodes, browser);
      const tab = nodes.tab(browser);
      for (let times = 0; times < 3; times += 1) await tab.post("/rotate");
      expect(await nodes.other.user(tab)).toBe("alice");
      await nodes.other.auth.kick("alice", { reason: "only now" });
      expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ reason: "only now" })));
    });
  });

  describe("a request without a login", () => {
    it("has a signal that never aborts", async () => {
      const nodes = await open();
      const visitor = new Browser(nodes.site.url);
      await openEach(nodes, visitor);
      const anonymous = [...nodes.things.signals];
      const lives = await openEach(nodes, await nodes.site.login("alice"));
      await nodes.other.auth.kickAll();
      await endsOf(lives);
      expect(anonymous.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    });
  });

  describe("a rejected request", () => {
    it("has a signal that is already aborted, with the reason", async () => {
      const nodes = await open({ at: "/account" });
      const browser = await nodes.site.login("alice");
      await nodes.other.auth.kick("alice", { reason: REASON });
      void browser.get("/poll").catch(() => undefined);
      await nodes.things.begun(1);
      const [signal] = nodes.things.signals;
      expect(signal?.aborted).toBe(true);
      expect(signal?.reason).toBeInstanceOf(LogoutError);
      expect(signal?.reason).toMatchObject({
        code: "ERR_LOGIN_ENDED",
        status: 401,
        details: { cause: "kick", reason: REASON },
      });
    });
  });

  describe("a kick between the reading of the session and the call of signal()", () => {
    it.each(["nothing else is live", "something else of the login is live"])("is not missed: %s", async (others) => {
      const gate = new Gate();
      const nodes = await open({
        after: (app) => {
          app.use((req, _res, next) => {
            if (req.query["wait"] === undefined) next();
            else void gate.pass().then(() => next());
          });
        },
      });
      const browser = await nodes.site.login("alice");
      if (others !== "nothing else is live") await openEach(nodes, browser);
      const polled = browser.get("/poll?wait");
      await gate.reached;
      await nodes.other.auth.kick("alice", { reason: REASON });
      gate.open();
      expect(JSON.parse((await polled).text)).toMatchObject({ cause: "kick", reason: REASON });
    });
  });

  describe("a request that calls signal() again", () => {
    /** The signals that a handler is given at each of its steps. */
    async function asking(steps: readonly ((nodes: Nodes, req: Request) => unknown)[]) {
      const given: LoginSignal[] = [];
      const listeners: number[] = [];
      const nodes: Nodes = await open({
        after: (app, auth) => {
          app.get("/ask", (req, res, next) => {
            const walk = async (): Promise<void> => {
              for (const step of [() => undefined, ...steps]) {
                await step(nodes, req);
                given.push(auth.signal(req), auth.signal(req));
                listeners.push(res.listenerCount("close"));
              }
              res.json({});
            };
            walk().catch(next);
          });
        },
      });
      const browser = await nodes.site.login("alice");
      expect((await browser.get("/ask")).status).toBe(200);
      return { given, listeners, nodes };
    }

    it.each(Object.entries(ENDS).filter(([words]) => words.startsWith("kick")))(
      "gets the same signal after %s, aborted with the reason, and leaves no listener",
      async (_words, act) => {
        const { given, listeners } = await asking([
          async (nodes, req) => {
            await act(nodes, new Browser(nodes.other.url));
            await aborted(nodes.site.auth.signal(req));
          },
          () => undefined,
        ]);
        expect(new Set(given).size).toBe(1);
        expect(given[0]?.reason).toMatchObject({ code: "ERR_LOGIN_ENDED", details: { cause: "kick", reason: REASON } });
        const [before = 0, ...after] = listeners;
        expect(after).toEqual([before - 1, before - 1]);
      },
    );

    it("gets the same signal after its own logout, and a new signal for the next login", async () => {
      const { given, nodes } = await asking([
        async ({ site }, req) => {
          const first = site.auth.signal(req);
          delete req.session.userId;
          await save(req);
          await aborted(first);
        },
        async (_nodes, req) => {
          await regenerate(req);
          req.session.userId = "bob";
          await save(req);
        },
        async ({ other, site }, req) => {
          await other.auth.kick("bob", { reason: REASON });
          await aborted(site.auth.signal(req));
        },
      ]);
      const [first, , out, , next, , ended] = given;
      expect([out, first?.aborted, first?.reason?.details.cause]).toEqual([first, true, "logout"]);
      expect([next === first, ended]).toEqual([false, next]);
      expect(next?.reason).toMatchObject({ details: { cause: "kick", reason: REASON } });
      expect(nodes.site.errors).toEqual([]);
    });

    it("gets the same signal without a login, and after a rejection", async () => {
      const given: LoginSignal[] = [];
      const nodes = await open({
        at: "/account",
        after: (app, auth) => {
          app.get("/ask", (req, res) => {
            given.push(auth.signal(req), auth.signal(req));
            res.json({});
          });
        },
      });
      await new Browser(nodes.site.url).get("/ask");
      const browser = await nodes.site.login("alice");
      await nodes.other.auth.kick("alice");
      await browser.get("/ask");
      expect(given.map((signal) => signal.aborted)).toEqual([false, false, true, true]);
      expect([given[1], given[3]]).toEqual([given[0], given[2]]);
      expect(given[1] === given[0] && given[3] === given[2]).toBe(true);
    });
  });

  describe("many waiting requests", () => {
    const MANY = 1_000;

    it("all end: for one login", async () => {
      const waiting = Array.from({ length: MANY }, () => new EventEmitter());
      const signals: AbortSignal[] = [];
      const nodes = await open({
        after: (app, auth) => {
          app.get("/many", (req, res) => {
            signals.push(...waiting.map((each) => auth.signal(req, each)));
            res.json({});
          });
        },
      });
      await (await nodes.site.login("alice")).get("/many");
      expect(waiting.filter((each) => each.listenerCount("close") !== 1)).toEqual([]);
      await nodes.other.auth.kick("alice");
      await Promise.all(signals.map(aborted));
      expect(signals).toHaveLength(MANY);
      expect(waiting.filter((each) => each.listenerCount("close") !== 0)).toEqual([]);
    });

    it("get one signal each, however often a request calls signal()", async () => {
      const asked: AbortSignal[] = [];
      const nodes = await open({
        after: (app, auth) => {
          app.get("/again", (req, res) => {
            asked.push(...Array.from({ length: 50 }, () => auth.signal(req)));
            expect(res.listenerCount("close")).toBeLessThan(10);
            res.json({});
          });
        },
      });
      expect((await (await nodes.site.login("alice")).get("/again")).status).toBe(200);
      expect(new Set(asked).size).toBe(1);
    });
  });

  describe("a finished request", () => {
    it("causes no further lookup, and its signal does not abort", async () => {
      const nodes = await open({ auth: { sessions: { liveCheckIntervalMs: 50 } } });
      const lives = await openEach(nodes, await nodes.site.login("alice"));
      const before = [...nodes.things.signals];
      const closed = nodes.things.closed(before.length);
      for (const live of lives) live.close();
      await closed;
      const bob = await openEach(nodes, await nodes.site.login("bob"));
      await nodes.other.auth.kick("alice");
      await nodes.other.auth.kick("bob");
      await endsOf(bob);
      expect(before.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    });

    it("causes no lookup if it was finished before", async () => {
      const signals: AbortSignal[] = [];
      const nodes = await open({
        after: (app, auth) => {
          app.get("/late", (req, res) => {
            res.once("close", () => {
              signals.push(auth.signal(req), auth.signal(req, { once: () => undefined, readyState: 3 } as never));
              nodes.things.signals.push(...signals);
            });
            res.json({});
          });
        },
      });
      await (await nodes.site.login("alice")).get("/late");
      const bob = await openEach(nodes, await nodes.site.login("bob"));
      await nodes.other.auth.kick(["alice", "bob"]);
      await endsOf(bob);
      expect(signals.map(({ aborted: isAborted }) => isAborted)).toEqual([false, false]);
    });
  });

  describe("auth.on('kick')", () => {
    it("fires on every node, once for each kick and user, with reason and by, and no session id", async () => {
      const { site, other } = await open();
      const nodes = isShared ? [site, other, await openSite({ backend, auth: { appId: site.appId } })] : [site];
      const kicksOf = (node: Site, user: string) =>
        node.events.filter((event) => event.name === "kick" && (event as { userId?: string }).userId === user);
      const kickUntilHeard = async (user: string): Promise<void> => {
        while (nodes.some((node) => kicksOf(node, user).length === 0)) {
          await site.login(user);
          await other.auth.kick(user);
        }
      };
      // A listener that was just added may miss the first event.
      await kickUntilHeard("the first");
      const browsers = [await site.login("alice"), await site.login("alice"), await other.login("bob")];
      await other.auth.kick(["alice", "nobody"], { reason: REASON, by: "ops" });
      await site.auth.kick("bob", { by: "ops" });
      await kickUntilHeard("the last");
      const event = { name: "kick", cause: "kick", at: expect.any(Date), by: "ops" };
      for (const node of nodes) {
        const ids = [expect.any(String), expect.any(String)];
        expect(kicksOf(node, "alice")).toEqual([{ ...event, userId: "alice", loginIds: ids, reason: REASON }]);
        expect(kicksOf(node, "bob")).toEqual([{ ...event, userId: "bob", loginIds: [expect.any(String)] }]);
        expect(kicksOf(node, "nobody")).toEqual([]);
        for (const browser of browsers) expect(JSON.stringify(node.events)).not.toContain(sessionId(browser));
      }
    });
  });
});

describe("a check for a login's expiry", () => {
  it("reads none of the user's other logins, and ends the live connections once the login has expired", async () => {
    class Unlisted extends MemoryLoginRegistry {
      lists = 0;
      override list(...of: Parameters<MemoryLoginRegistry["list"]>) {
        this.lists += 1;
        return super.list(...of);
      }
    }
    /** On a busy machine the first lifetimes are too short for a connection to open. */
    async function openExpiring(maxAge = 500): Promise<[Unlisted, Live]> {
      const registry = new Unlisted();
      const things = new LiveThings();
      const site = await openSiteHere({
        auth: { registry },
        session: { cookie: { maxAge }, rolling: false },
        after: (app, auth) => {
          things.addRoutes(app, auth);
        },
      });
      const browser = await site.login("alice");
      const live = await WAYS["a long poll"](site, browser, things);
      return (await site.user(browser)) === "alice" ? [registry, live] : openExpiring(2 * maxAge);
    }
    const [registry, live] = await openExpiring();
    expect(await live.ended).toMatchObject({ cause: "expiry" });
    expect(registry.lists).toBe(0);
  });
});

describe("a request that has not been through session()", () => {
  it("has no signal, and causes an error", () => {
    const auth = logout({ store: new MemoryStore(), appId: "shop" });
    const stranger = new IncomingMessage(new Socket());
    expect(() => auth.signal(stranger)).toThrow(expect.objectContaining({ code: "ERR_SESSION_MISSING" }));
  });
});
