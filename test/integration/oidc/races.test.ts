import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Express, Request, RequestHandler } from "express";
import type { SessionData, Store } from "express-session";
import { Passport } from "passport";
import { LogoutError, type LoginRegistry, type LogoutMiddleware } from "../../../lib/index.js";
import type { OidcOptions } from "../../../lib/oidc/index.js";
import { userKey } from "../../../lib/oidc/keys.js";
import type { KeyIndex } from "../../../lib/types/login-keys.js";
import { keyDigest } from "../../../lib/util/login-key.js";
import { mapLimit } from "../../../lib/util/map-limit.js";
import {
  BACKCHANNEL,
  claimsOf,
  logInAtCompany,
  openCompanyShop,
  postLogoutToken,
  usersIn,
} from "../../support/company-shop.js";
import { Gate } from "../../support/gate.js";
import { Holdable } from "../../support/holdable.js";
import { Browser } from "../../support/http.js";
import { IdentityProvider, type Claims } from "../../support/identity-provider.js";
import { LiveThings, WAYS } from "../../support/live.js";
import { destroy, regenerate } from "../../support/race-app.js";
import { signedCookie, useSites, type Site, type SiteOptions } from "../../support/site.js";
import { BACKENDS, memoryBackend, unhookedViewOf, type Node } from "../../support/stores.js";

type Anything = (...args: unknown[]) => unknown;
type Act = () => unknown;

let idp: IdentityProvider;

beforeAll(async () => {
  idp = await IdentityProvider.start();
});
afterAll(() => idp.close());

/** Acts once: before or after the call of the method that comes at this place from now on. */
function interpose(of: object, method: string, when: "before" | "after", act: Act, place = 1): void {
  const methods = of as Record<string, Anything>;
  const original = methods[method]?.bind(of);
  let calls = 0;
  methods[method] = async (...args: unknown[]) => {
    calls += 1;
    const isTheOne = calls === place;
    if (isTheOne && when === "before") await act();
    const answer = await original?.(...args);
    if (isTheOne && when === "after") await act();
    return answer;
  };
}

const keysOf = ({ keys }: LoginRegistry): KeyIndex => {
  if (keys === undefined) throw new Error("the registry keeps no keys");
  return keys;
};

/** What a request in flight does with its session once the logout token has been answered. */
const IN_FLIGHT: Readonly<Record<string, (req: Request, auth: LogoutMiddleware) => Promise<unknown> | undefined>> = {
  "writes its session": (req) => {
    req.session.visits = 1;
    return undefined;
  },
  "changes its session id, with all data": (req) => carryOver(req, () => regenerate(req)),
  "destroys its session and makes another one by hand": (req) =>
    carryOver(req, async () => {
      await destroy(req);
      req.sessionStore.generate(req);
    }),
  "confirms its login": (req, auth) => auth.confirmLogin(req),
  "has another session at the provider by now": (req) => {
    if (req.session.oidc !== undefined) req.session.oidc = { ...req.session.oidc, sid: "session-9" };
    return undefined;
  },
};

async function carryOver(req: Request, change: () => Promise<void>): Promise<void> {
  const { cookie: _cookie, ...data } = req.session;
  await change();
  const { cookie } = req.session;
  Object.assign(req.session, data, { cookie });
}

describe.each(BACKENDS.map((make) => [make().name, make] as const))("a logout token on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  const isShared = makeBackend !== memoryBackend;
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  let site: Site;
  /** The node that the provider reaches: another one where that is possible. */
  let other: Site;
  let node: Node;
  let gate: Gate;

  async function open(
    provider: Partial<OidcOptions> = {},
    { after, ...more }: SiteOptions = {},
    { own = backend.open(), beforeSave }: { own?: Node; beforeSave?: (req: Request) => unknown } = {},
  ): Promise<void> {
    gate = new Gate();
    node = own;
    const addRoutes = (app: Express, auth: LogoutMiddleware): void => {
      app.post("/held/:act", (req, res, next) => {
        const wait = async (): Promise<void> => {
          await gate.pass();
          await IN_FLIGHT[req.params.act]?.(req, auth);
          res.json({});
        };
        wait().catch(next);
      });
      after?.(app, auth);
    };
    const options = { ...more, backend, after: addRoutes };
    const openWith = (auth: SiteOptions["auth"]): Promise<Site> =>
      openCompanyShop(openSite, idp, {
        provider,
        site: { ...options, auth: { ...more.auth, ...auth } },
        ...(beforeSave === undefined ? {} : { beforeSave }),
      });
    site = await openWith(node);
    other = isShared ? await openWith({ ...backend.open(), appId: site.appId }) : site;
  }

  beforeEach(() => open());

  const logIn = (claims: Claims = {}): Promise<Browser> => logInAtCompany(site, idp, claims);
  const send = async (claims: Claims = {}, at = other): Promise<number> =>
    postLogoutToken(at, await idp.logoutToken(claims));
  const listed = async (): Promise<number> => (await site.auth.listLogins("alice")).items.length;
  const expectOut = async (...browsers: Browser[]): Promise<void> => {
    expect(await usersIn(site, browsers)).toEqual(browsers.map(() => null));
    expect(await listed()).toBe(0);
  };
  const sends = async (): Promise<void> => {
    expect(await send()).toBe(204);
  };

  describe("that arrives while its login is being saved", () => {
    const MOMENTS: Readonly<Record<string, (act: Act) => void>> = {
      "before it is listed": (act) => interpose(node.registry, "add", "before", act),
      "when it is listed, before its first key": (act) => interpose(keysOf(node.registry), "bind", "before", act),
      "between two keys": (act) => interpose(keysOf(node.registry), "bind", "before", act, 2),
      "after its keys": (act) => interpose(keysOf(node.registry), "bind", "after", act, 2),
    };

    it.each(Object.entries(MOMENTS))("ends it: %s", async (_when, at) => {
      at(sends);
      await expectOut(await logIn());
    });

    it.each(Object.entries(MOMENTS))("of all the user's sessions ends it, too: %s", async (_when, at) => {
      at(async () => expect(await send({ sid: undefined })).toBe(204));
      await expectOut(await logIn());
    });

    it.each(Object.entries(MOMENTS))("from before it spares it: %s", async (_when, at) => {
      const { iat } = claimsOf(idp);
      at(async () => expect(await send({ iat: iat - 1 })).toBe(204));
      expect(await usersIn(site, [await logIn()])).toEqual(["alice"]);
    });

    it("ends it: after the code exchange", async () => {
      await open({}, {}, { beforeSave: sends });
      await expectOut(await logIn());
    });

    it.each(["before", "after"] as const)("ends it: just %s its session is written", async (when) => {
      const own = backend.open();
      const sessions = new Holdable(own.store);
      await open({}, {}, { own });
      const saving = sessions.hold("set", when);
      const loggingIn = logIn();
      await saving.reached;
      await sends();
      saving.open();
      await expectOut(await loggingIn);
    });
  });

  describe("during which a user logs in", () => {
    const MOMENTS: Readonly<Record<string, (act: Act) => void>> = {
      "before its mark": (act) => interpose(keysOf(node.registry), "mark", "before", act),
      "after its mark": (act) => interpose(keysOf(node.registry), "mark", "after", act),
      "before a login ends": (act) => interpose(node.registry, "end", "before", act),
      "before its rows are dropped": (act) => interpose(keysOf(node.registry), "drop", "before", act),
    };

    it.each(Object.entries(MOMENTS))("ends that login as well, if it authenticated before: %s", async (_when, at) => {
      const first = await logIn();
      let second: Browser | undefined;
      at(async () => void (second = await logIn()));
      expect(await send({}, site)).toBe(204);
      if (second === undefined) throw new Error("no second login");
      await expectOut(first, second);
    });

    it.each(Object.entries(MOMENTS))("spares that login, if it authenticated later: %s", async (_when, at) => {
      const first = await logIn();
      let second: Browser | undefined;
      at(async () => void (second = await logIn({ iat: Math.floor(Date.now() / 1_000) })));
      expect(await send({ iat: claimsOf(idp).iat }, site)).toBe(204);
      if (second === undefined) throw new Error("no second login");
      expect(await usersIn(site, [first, second])).toEqual([null, "alice"]);
    });
  });

  describe("that arrives while a request is in flight", () => {
    it.each(Object.keys(IN_FLIGHT))("ends its login, if the request %s", async (act) => {
      const browser = await logIn();
      const held = browser.clone();
      const answered = held.post(`/held/${encodeURIComponent(act)}`);
      await gate.reached;
      await sends();
      gate.open();
      await answered;
      await expectOut(browser, held);
    });

    it("ends its login, if two requests make a session of it by hand", async () => {
      const browser = await logIn();
      const tabs = [browser.clone(), browser.clone()];
      const path = `/held/${encodeURIComponent("destroys its session and makes another one by hand")}`;
      const answered = tabs.map((tab) => tab.post(path));
      await gate.reachedBy(2);
      await sends();
      gate.open();
      await Promise.all(answered);
      await expectOut(browser, ...tabs);
    });

    it("ends its login while its session id changes", async () => {
      const browser = await logIn();
      interpose(node.registry, "update", "before", sends);
      gate.open();
      await browser.post(`/held/${encodeURIComponent("changes its session id, with all data")}`);
      await expectOut(browser);
    });
  });

  describe("and sessions from before the installation", () => {
    let bare: Store;
    beforeEach(async () => {
      const own = backend.open();
      bare = isShared ? backend.openBare() : unhookedViewOf(own.store);
      await open({}, {}, { own });
    });
    const plant = async (sid: string): Promise<Browser> => {
      const cookie = { originalMaxAge: null, expires: null, path: "/", httpOnly: true };
      const data = { cookie, userId: "alice", oidc: claimsOf(idp) } as unknown as SessionData;
      await new Promise((resolve) => bare.set(sid, data, resolve));
      const [name = "", value = ""] = signedCookie(sid).split("=");
      return new Browser(site.url).withCookie(name, value);
    };
    it.each<[string, (act: Act) => unknown]>([
      ["before their first request", (act) => act()],
      ["while they are adopted, before they are listed", (act) => interpose(node.registry, "add", "before", act)],
      ["while they are adopted, before their keys", (act) => interpose(keysOf(node.registry), "bind", "before", act)],
      ["while they are adopted, after their keys", (act) => interpose(keysOf(node.registry), "bind", "after", act, 4)],
    ])("ends them: %s", async (when, at) => {
      const browser = await plant(`an old session, ${when}`);
      await at(sends);
      await browser.get("/me");
      await expectOut(browser);
    });

    it("ends them when they have been adopted", async () => {
      const browser = await plant("an adopted session");
      expect(await usersIn(site, [browser])).toEqual(["alice"]);
      await sends();
      await expectOut(browser);
    });
  });

  describe("beside others", () => {
    it("ends its logins, if two nodes receive it at the same time", async () => {
      const browsers = [await logIn(), await logIn(), await logIn({ sid: "session-2" })];
      const token = await idp.logoutToken();
      expect(await Promise.all([site, other].map((each) => postLogoutToken(each, token)))).toEqual([204, 204]);
      expect(await usersIn(site, browsers)).toEqual([null, null, "alice"]);
      const kicks = [...site.events, ...other.events].filter(({ name }) => name === "kick");
      const ended = kicks.flatMap((kick) => (kick as unknown as { loginIds: string[] }).loginIds);
      expect(new Set(ended).size).toBe(2);
    });

    it("ends all logins, if one for a session and one for its user arrive at the same time", async () => {
      const browsers = [await logIn(), await logIn({ sid: "session-2" }), await logIn({ sid: undefined })];
      expect(await Promise.all([send(), send({ sid: undefined }, site)])).toEqual([204, 204]);
      await expectOut(...browsers);
    });

    it("that is sent again after a new login spares it", async () => {
      const token = await idp.logoutToken({ iat: claimsOf(idp).iat + 5 });
      const first = await logIn();
      expect(await postLogoutToken(other, token)).toBe(204);
      const second = await logIn({ iat: Math.floor(Date.now() / 1_000) });
      for (const each of [site, other]) expect(await postLogoutToken(each, token)).toBe(204);
      expect(await usersIn(site, [first, second])).toEqual([null, "alice"]);
    });

    it("that is older than one before it opens nothing again", async () => {
      await sends();
      expect(await send({ iat: Math.floor(Date.now() / 1_000) - 60 })).toBe(204);
      await expectOut(await logIn());
    });

    it("ends its login beside a kick of its user, and each is answered", async () => {
      const browsers = [await logIn(), await logIn({ sid: "session-2" })];
      const [, status] = await Promise.all([site.auth.kick("alice"), send()]);
      expect(status).toBe(204);
      await expectOut(...browsers);
    });

    it("ends the login that a kick of the user's other logins spares", async () => {
      const spared = await logIn();
      const [login] = (await site.auth.listLogins("alice")).items;
      const kicked = await logIn({ sid: "session-2" });
      interpose(node.registry, "end", "before", sends);
      await site.auth.kick("alice", { except: String(login?.id) });
      await expectOut(spared, kicked);
    });
  });

  it("that crosses the logout which has caused it is answered, and nothing is left", async () => {
    const endSessionEndpoint = idp.endSessionEndpoint;
    const postLogoutRedirectUri = "https://shop.example/login/profile/logout/return";
    await open({ endSessionEndpoint, postLogoutRedirectUri, idToken: () => "e30.e30.c2ln" });
    const browser = await logIn();
    interpose(node.registry, "end", "before", sends);
    const headers = { Cookie: browser.cookies, Accept: "text/html" };
    const left = await site.ask("GET", "/login/profile/logout", { headers });
    expect([left.status, left.headers.location]).toEqual([302, expect.stringContaining("/session/end?")]);
    await sends();
    await expectOut(browser);
  });

  it("ends a login by passport that is being saved", async () => {
    const passport = new Passport();
    passport.serializeUser((user, done) => done(null, user));
    passport.deserializeUser((user, done) => done(null, user as object));
    await open(
      {},
      {
        auth: { userId: (kept) => (kept as { passport?: { user?: string } }).passport?.user },
        after: (app) => {
          app.use("/passport", passport.initialize() as RequestHandler, passport.session() as RequestHandler);
          app.post("/passport", (req, res, next) => {
            req.session.oidc = claimsOf(idp);
            req.logIn("alice", { keepSessionInfo: true } as never, (error: unknown) => {
              if (error !== undefined && error !== null) next(error);
              else res.json({});
            });
          });
          app.get("/passport", (req, res) => {
            res.json({ user: req.user ?? null });
          });
        },
      },
    );
    interpose(keysOf(node.registry), "bind", "before", sends);
    const browser = new Browser(site.url);
    await browser.post("/passport");
    expect((await browser.get("/passport", { Accept: "application/json" })).status).toBe(401);
    expect(await listed()).toBe(0);
  });

  describe("whose work fails", () => {
    const isAway = (): Promise<never> => Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "away"));
    const steps: Readonly<Record<string, (act: Act) => void>> = {
      "the mark": (act) => interpose(keysOf(node.registry), "mark", "before", act),
      "the end of a login": (act) => interpose(node.registry, "end", "before", act),
      "the end of a login, whose answer is lost": (act) => interpose(node.registry, "end", "after", act),
      "the confirmation of the kick": (act) => interpose(node.registry, "finishKick", "before", act),
      "the removal of the rows": (act) => interpose(keysOf(node.registry), "drop", "before", act),
    };
    it.each(Object.entries(steps))("at %s is refused, and ends its logins when it is sent again", async (_what, at) => {
      const browser = await logIn();
      at(isAway);
      const body = new URLSearchParams({ logout_token: await idp.logoutToken() }).toString();
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await site.ask("POST", BACKCHANNEL, { headers, body });
      expect([answer.status, answer.body]).toEqual([
        400,
        expect.objectContaining({ error: "temporarily_unavailable" }),
      ]);
      expect(await postLogoutToken(site, new URLSearchParams(body).get("logout_token") ?? "")).toBe(204);
      await expectOut(browser);
    });

    it.each(["add", "bind"])("ends a login whose first %s failed, and that was saved again", async (step) => {
      interpose(step === "add" ? node.registry : keysOf(node.registry), step, "before", isAway);
      const browser = new Browser(site.url);
      // The handler's save fails; express-session saves at the end of the request, too.
      expect((await browser.post("/callback", claimsOf(idp))).status).toBe(503);
      expect(await usersIn(site, [browser])).toEqual(["alice"]);
      await sends();
      await expectOut(browser);
    });
  });

  it("cuts the live connections of its logins, on every node", async () => {
    const things = new LiveThings();
    await open({}, { after: (app, auth) => things.addRoutes(app, auth) });
    const [browser, stays] = [await logIn(), await logIn({ sid: "session-2" })];
    const ending = await WAYS["server-sent events"](site, browser, things);
    const staying = await WAYS["server-sent events"](site, stays, things);
    await sends();
    expect((await ending.ended).cause).toBe("kick");
    expect(things.signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    staying.close();
  });

  it("ends ten thousand logins of one user, if it is sent again until it is done", async () => {
    const { registry } = node;
    const bindTo = keyDigest(userKey(idp.issuer, "alice"));
    const ids = Array.from({ length: 10_000 }, (_value, index) => `login-${String(index)}`);
    // Few enough at a time that none waits for longer than the registry allows, on a busy machine too.
    await mapLimit(50, ids, async (id) => {
      await registry.add({ id, userId: "alice", sid: `session of ${id}`, ttlMs: 3_600_000 });
      await keysOf(registry).bind(bindTo, { userId: "alice", loginId: id, since: 1 }, 7_200_000);
    });
    const bob = await logIn({ sub: "bob", sid: "session-2" });
    const token = await idp.logoutToken({ sid: undefined });
    // Its work goes on after an answer that comes in time.
    let status = await postLogoutToken(other, token);
    for (let again = 0; status !== 204 && again < 30; again += 1) {
      await sleep(2_000);
      status = await postLogoutToken(other, token);
    }
    expect(status).toBe(204);
    expect(await listed()).toBe(0);
    expect(await usersIn(site, [bob])).toEqual(["bob"]);
  }, 120_000);
});
