import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore, type SessionData } from "express-session";
import { logout, MemoryLoginRegistry, type LoginKey, type LogoutError } from "../../lib/index.js";
import type { Route } from "../../lib/http/route.js";
import type { LoginProvider } from "../../lib/types/login-provider.js";
import type { LoginRegistry } from "../../lib/types/registry.js";
import { PROVIDER } from "../../lib/util/provider.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { regenerate, save } from "../support/race-app.js";
import { signedCookie, useSites, type SiteOptions } from "../support/site.js";
import { BACKENDS, unhookedViewOf } from "../support/stores.js";

interface Claims {
  readonly sid: string;
  readonly iat?: number;
}

declare module "express-session" {
  interface SessionData {
    tenant?: string;
    actsAs?: string;
    claims?: Claims;
  }
}

const ACME: LoginKey = { tenant: "acme" };
const keys = ({ tenant, userId, actsAs }: SessionData): LoginKey[] => [
  ...(tenant === undefined ? [] : [{ tenant }]),
  ...(actsAs === undefined ? [] : [{ user: String(userId) }]),
];
const userId = (session: SessionData) => session.actsAs ?? session.userId;
/** An identity provider whose claims the app keeps. */
const provider: LoginProvider = {
  [PROVIDER]: {
    keysOf: ({ claims }) => (claims === undefined ? [] : [{ key: { sid: claims.sid }, since: claims.iat }]),
    routes: [],
  },
};
const codeOf = (call: Promise<unknown>) => call.then(String, (error: unknown) => (error as LogoutError).code);

function routes(app: Express): void {
  const route = (path: string, act: (req: Request) => Promise<void> | void): void => {
    app.post(path, (req, res, next) => {
      Promise.resolve(act(req)).then(() => res.json({}), next);
    });
  };
  route("/log-in/:user/:tenant", async (req) => {
    await regenerate(req);
    Object.assign(req.session, { userId: req.params["user"], tenant: req.params["tenant"] });
    await save(req);
  });
  route("/company-login/:user/:sid/:iat", async (req) => {
    await regenerate(req);
    const { user, sid, iat } = req.params;
    Object.assign(req.session, { userId: user, claims: { sid, ...(iat === "none" ? {} : { iat: Number(iat) }) } });
    await save(req);
  });
  route("/switch/:tenant", (req) => {
    req.session.tenant = String(req.params["tenant"]);
  });
  route("/act-as/:user", (req) => {
    req.session.actsAs = String(req.params["user"]);
  });
}

const open = useSites();

describe.each(BACKENDS.map((backend) => backend()))("external keys on $name", (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = async (options: SiteOptions = {}) => {
    const site = await open({
      backend,
      after: routes,
      ...options,
      auth: { userId, logins: { keys, providers: [provider] }, ...options.auth },
    });
    const logIn = async (path: string) => {
      const browser = await site.login("a guest");
      await browser.post(path);
      return browser;
    };
    return { ...site, logIn };
  };

  it("a kick by key ends every login that carries the key, and no other", async () => {
    const site = await openSite();
    const alice = [await site.logIn("/log-in/alice/acme"), await site.logIn("/log-in/alice/acme")];
    const [bob, carol] = [await site.logIn("/log-in/bob/acme"), await site.logIn("/log-in/carol/other")];
    const kick = await site.auth.kickByKey(ACME, { reason: "The contract has ended.", by: "billing" });
    expect(kick).toEqual({ users: 2, logins: 3 });
    const answer = await bob.get("/me", { Accept: "application/json" });
    expect(JSON.stringify(answer.body)).toContain("The contract has ended.");
    expect(await Promise.all([...alice, bob, carol].map((each) => site.user(each)))).toEqual([
      null,
      null,
      null,
      "carol",
    ]);
    expect(site.events.filter(({ name }) => name === "kick")).toEqual(
      expect.arrayContaining([expect.objectContaining({ userId: "bob", by: "billing" })]),
    );
    expect(await site.auth.kickByKey(ACME)).toEqual({ users: 0, logins: 0 });
    expect(await site.user(await site.logIn("/log-in/bob/acme"))).toBe("bob");
  });

  it("the members of a key may come in any order, and another key is another one", async () => {
    const two: LoginKey = { tenant: "acme", part: "sales" };
    const site = await openSite({ auth: { logins: { keys: ({ tenant }) => (tenant === undefined ? [] : [two]) } } });
    const browser = await site.logIn("/log-in/alice/acme");
    for (const other of [{ tenant: "acme" }, { ...two, more: "" }, { tenant: "acme", part: "Sales" }]) {
      expect(await site.auth.kickByKey(other)).toEqual({ users: 0, logins: 0 });
    }
    expect(await site.user(browser)).toBe("alice");
    expect(await site.auth.kickByKey({ part: "sales", tenant: "acme" })).toEqual({ users: 1, logins: 1 });
    expect(await site.user(browser)).toBeNull();
  });

  it("a session that changes its keys carries the new ones from the next answer on, and the old ones still", async () => {
    const site = await openSite();
    const browser = await site.logIn("/log-in/alice/acme");
    const other = await site.logIn("/log-in/bob/acme");
    for (const each of [browser, other]) await each.post("/switch/globex");
    await site.auth.kickByKey({ tenant: "globex" });
    expect(await site.user(browser)).toBeNull();
    const again = await site.logIn("/log-in/alice/acme");
    await again.post("/switch/globex");
    await site.auth.kickByKey(ACME);
    expect(await site.user(again)).toBeNull();
  });

  it("a kick of a user ends the sessions in which they act as someone else", async () => {
    const site = await openSite();
    const admin = await site.logIn("/log-in/root/acme");
    await admin.post("/act-as/alice");
    const alice = await site.logIn("/log-in/alice/other");
    expect(await site.user(admin)).toBe("root");
    expect((await site.auth.listLogins("alice")).items).toHaveLength(2);
    expect(await site.auth.kick("root")).toEqual({ users: 1, logins: 1 });
    expect([await site.user(admin), await site.user(alice)]).toEqual([null, "alice"]);
  });

  it("a kick that spares a login spares it under its keys too", async () => {
    const site = await openSite();
    const browser = await site.logIn("/log-in/root/acme");
    await browser.post("/act-as/alice");
    const id = (await site.auth.listLogins("alice")).items[0]?.id ?? "";
    await site.auth.kick("root", { except: id });
    expect(await site.user(browser)).toBe("root");
  });

  it.each([
    ["earlier, by the issuer's clock, ends", 1_000, 1_001, null],
    ["in the same second ends", 1_000, 1_000, null],
    ["later stays", 1_001, 1_000, "alice"],
    ["at an unknown time ends", "none", 1_000, null],
  ])("a login that authenticated %s", async (_when, iat, authenticatedBefore, user) => {
    const site = await openSite();
    const browser = await site.logIn(`/company-login/alice/s1/${String(iat)}`);
    const kick = await site.auth.kickByKey({ sid: "s1" }, { authenticatedBefore });
    expect(kick.logins).toBe(user === null ? 1 : 0);
    expect(await site.user(browser)).toBe(user);
  });

  it("a login that authenticated before the kick, but is saved after it, is never served", async () => {
    const site = await openSite();
    await site.auth.kickByKey({ sid: "s2" }, { authenticatedBefore: 1_000, reason: "Logged out elsewhere.", by: "op" });
    const late = await site.logIn("/company-login/alice/s2/999");
    const answer = await late.get("/me", { Accept: "application/json" });
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([
      401,
      expect.stringContaining("Logged out elsewhere."),
    ]);
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect(site.events.filter(({ name }) => name === "kick")).toEqual([
      expect.objectContaining({ userId: "alice", reason: "Logged out elsewhere.", by: "op" }),
    ]);
    const replayed = await site.logIn("/company-login/alice/s2/1001");
    await site.auth.kickByKey({ sid: "s2" }, { authenticatedBefore: 1_000 });
    expect(await site.user(replayed)).toBe("alice");
  });

  it.each([
    ["that was kicked is not adopted", true, null],
    ["is adopted with it, and a kick ends it", false, "alice"],
  ])("an old session with a key %s", async (_what, kicksFirst, user) => {
    const { store, registry } = backend.open();
    const unhooked = unhookedViewOf(store);
    const site = await open({ auth: { store, registry, userId, logins: { keys } } });
    const sid = `an old session, ${String(kicksFirst)}`;
    const cookie = { originalMaxAge: null, expires: null, path: "/", httpOnly: true };
    const planted = { cookie, userId: "alice", tenant: "acme" } as unknown as SessionData;
    await new Promise((resolve) => unhooked.set(sid, planted, resolve));
    const [name = "", value = ""] = signedCookie(sid).split("=");
    const browser = new Browser(site.url).withCookie(name, value);
    if (kicksFirst) await site.auth.kickByKey(ACME);
    expect(await site.user(browser)).toBe(user);
    await site.auth.kickByKey(ACME);
    expect(await site.user(browser)).toBeNull();
  });
});

describe("external keys of a session that changes", () => {
  const openHeld = async (options: SiteOptions = {}) => {
    const gate = new Gate();
    const after = (app: Express): void => {
      app.post("/slow/become/:user", (req, res, next) => {
        const become = async (): Promise<void> => {
          await gate.pass();
          const { actsAs } = req.session;
          const root = req.session.userId;
          await regenerate(req);
          if (actsAs === undefined) Object.assign(req.session, { userId: root, actsAs: req.params.user });
          else req.session.userId = root;
          await save(req);
        };
        become().then(() => res.json({}), next);
      });
      routes(app);
    };
    return { gate, site: await open({ after, ...options, auth: { userId, logins: { keys }, ...options.auth } }) };
  };
  const acting = ({ userId: root, actsAs }: SessionData): LoginKey[] =>
    actsAs === undefined ? [] : [{ user: String(root) }];
  const customer = (session: SessionData) => session.actsAs ?? session.userId;

  it.each(["begins", "stops"])(
    "a request in flight that %s to act as someone else does not outlive a kick",
    async (what) => {
      const { gate, site } = await openHeld({ auth: { userId: customer, logins: { keys: acting } } });
      const browser = await site.login("root");
      if (what === "stops") await browser.post("/act-as/alice");
      const becoming = browser.post("/slow/become/alice");
      await gate.reached;
      expect((await site.auth.kick("root", { reason: "left the company" })).logins).toBe(1);
      gate.open();
      await becoming;
      const answer = await browser.get("/me", { Accept: "application/json" });
      expect([answer.status, JSON.stringify(answer.body)]).toEqual([401, expect.stringContaining("left the company")]);
      for (const user of ["root", "alice"]) expect((await site.auth.listLogins(user)).items).toEqual([]);
    },
  );

  it("a request in flight may act as someone else if there is no kick", async () => {
    const { gate, site } = await openHeld({ auth: { userId: customer, logins: { keys: acting } } });
    gate.open();
    const browser = await site.login("root");
    await browser.post("/slow/become/alice");
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    await browser.post("/slow/become/root");
    expect(await site.user(browser)).toBe("root");
  });

  it("a login that has ended before it is written still ends that of the user before it", async () => {
    const site = await open({ after: routes, auth: { logins: { providers: [provider] } } });
    await site.auth.kickByKey({ sid: "s1" }, { authenticatedBefore: 1_000 });
    const browser = await site.login("bob");
    await browser.post("/company-login/alice/s1/999");
    expect(await site.user(browser)).toBeNull();
    expect(await site.auth.kick(["alice", "bob"])).toEqual({ users: 0, logins: 0 });
  });

  it("a key that the app changes while its session is being saved is bound, too", async () => {
    const registry = new MemoryLoginRegistry();
    const binding = new Gate();
    const bind = registry.keys.bind.bind(registry.keys);
    registry.keys.bind = async (...args) => {
      await binding.pass();
      return bind(...args);
    };
    const { site } = await openHeld({
      auth: { registry },
      after: (app) => {
        app.post("/hasty", (req, res, next) => {
          Object.assign(req.session, { userId: "alice", tenant: "acme" });
          const saving = save(req);
          void binding.reached.then(() => {
            req.session.tenant = "globex";
            binding.open();
          });
          saving.then(() => res.json({}), next);
        });
      },
    });
    const browser = new Browser(site.url);
    expect((await browser.post("/hasty")).status).toBe(200);
    expect(await site.user(browser)).toBe("alice");
    expect(await site.auth.kickByKey({ tenant: "globex" })).toEqual({ users: 1, logins: 1 });
    expect(await site.user(browser)).toBeNull();
  });

  it("keys are written again once in each lifetime of a session that is only touched, and a kick finds them", async () => {
    const HOUR_MS = 3_600_000;
    const registry = new MemoryLoginRegistry();
    const bind = jest.spyOn(registry.keys, "bind");
    const now = jest.spyOn(Date, "now");
    const began = Date.now();
    const site = await open({
      after: routes,
      auth: { registry, logins: { keys } },
      session: { rolling: true, cookie: { maxAge: HOUR_MS } },
    });
    const browser = new Browser(site.url);
    await browser.post("/log-in/alice/acme");
    expect(bind).toHaveBeenCalledTimes(1);
    for (let minute = 2; minute <= 240; minute += 2) {
      now.mockReturnValue(began + minute * 60_000);
      expect(await site.user(browser)).toBe("alice");
    }
    expect(bind.mock.calls.length).toBeGreaterThanOrEqual(3);
    expect(bind.mock.calls.length).toBeLessThanOrEqual(5);
    expect((await site.auth.kickByKey(ACME)).logins).toBe(1);
    expect(await site.user(browser)).toBeNull();
    now.mockRestore();
  });

  it("an old session whose user logged in after the kick is adopted", async () => {
    const store = new MemoryStore();
    const unhooked = unhookedViewOf(store);
    const registry = new MemoryLoginRegistry();
    const mark = registry.keys.mark.bind(registry.keys);
    // Five minutes ago.
    registry.keys.mark = (key, record, before) => mark(key, { ...record, at: new Date(Date.now() - 300_000) }, before);
    const loggedInAt = () => new Date();
    const site = await open({ auth: { store, registry, userId, logins: { keys }, sessions: { loggedInAt } } });
    await site.auth.kickByKey(ACME);
    const cookie = { originalMaxAge: null, expires: null, path: "/", httpOnly: true };
    const planted = { cookie, userId: "alice", tenant: "acme" } as unknown as SessionData;
    await new Promise((resolve) => unhooked.set("a later session", planted, resolve));
    const [name = "", value = ""] = signedCookie("a later session").split("=");
    expect(await site.user(new Browser(site.url).withCookie(name, value))).toBe("alice");
  });
});

describe("external keys that are wrong", () => {
  const memory = () => ({ store: new MemoryStore(), registry: new MemoryLoginRegistry(), appId: "shop" });
  const withoutKeys = (): LoginRegistry => Object.assign(new MemoryLoginRegistry(), { keys: undefined });

  it.each<[what: string, answer: unknown]>([
    ["no array", { tenant: "acme" }],
    ["an array of strings", ["acme"]],
    ["an empty key", [{}]],
    ["a key with a number", [{ tenant: 7 }]],
    ["a key that is nested", [{ tenant: { id: "acme" } }]],
    ["a key with nine members", [Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`m${String(i)}`, ""]))]],
    ["a key over 1 kB", [{ tenant: "x".repeat(1_025) }]],
    ["seventeen keys", Array.from({ length: 17 }, (_, i) => ({ tenant: String(i) }))],
  ])("fail the login, which is not listed: %s", async (_what, answer) => {
    const site = await open({ auth: { logins: { keys: () => answer as never } } });
    const browser = new Browser(site.url);
    expect((await browser.post("/login", { user: "alice" })).status).toBe(503);
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it("a function that throws fails the login, and its error is the cause", async () => {
    const fault = new Error("the tenant is unknown");
    const throws = (): never => {
      throw fault;
    };
    const site = await open({ auth: { logins: { keys: throws } } });
    expect((await new Browser(site.url).post("/login", { user: "alice" })).status).toBe(503);
    expect(site.errors[0]).toMatchObject({ code: "ERR_OPTION_INVALID", cause: fault });
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it.each<[what: string, key: unknown, options: object]>([
    ["no key", undefined, {}],
    ["a text", "acme", {}],
    ["an empty key", {}, {}],
    ["a number in it", { tenant: 1 }, {}],
    ["a time in milliseconds", ACME, { authenticatedBefore: Date.now() }],
    ["a time before 1970", ACME, { authenticatedBefore: -1 }],
    ["a time that is none", ACME, { authenticatedBefore: new Date(NaN) }],
    ["a text as time", ACME, { authenticatedBefore: "1000" }],
    ["a reason that is too long", ACME, { reason: "x".repeat(501) }],
  ])("are refused by kickByKey: %s", async (_what, key, options) => {
    const site = await open({ auth: { logins: { keys } } });
    expect(await codeOf(site.auth.kickByKey(key as LoginKey, options))).toBe("ERR_ARGUMENT_INVALID");
  });

  it("a registry that keeps no keys is named at set-up, and by kickByKey", async () => {
    expect(() => logout({ ...memory(), registry: withoutKeys(), logins: { keys } })).toThrow(
      expect.objectContaining({ code: "ERR_REGISTRY_UNSUPPORTED", message: expect.stringContaining("logins.keys") }),
    );
    expect(() => logout({ ...memory(), registry: withoutKeys(), logins: { providers: [provider] } })).toThrow(
      expect.objectContaining({ message: expect.stringContaining("logins.providers") }),
    );
    const site = await open({ auth: { registry: withoutKeys() } });
    expect(await codeOf(site.auth.kickByKey(ACME))).toBe("ERR_REGISTRY_UNSUPPORTED");
    await site.login("alice");
    expect(await site.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
  });

  it.each([
    ["a function declared async", { keys: async () => Promise.resolve([]) }],
    ["a provider that is none", { providers: [{}] }],
    ["a provider outside of an array", { providers: provider }],
  ])("are refused at set-up where that can be seen: %s", (_what, logins) => {
    expect(() => logout({ ...memory(), logins: logins as never })).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_INVALID" }),
    );
  });

  it("a promise of keys fails the login", async () => {
    const site = await open({ auth: { logins: { keys: () => Promise.resolve([]) as never } } });
    expect((await new Browser(site.url).post("/login", { user: "alice" })).status).toBe(503);
  });

  it("two providers with one path are refused at set-up", () => {
    const route: Route = {
      paths: () => ["/oidc/backchannel-logout"],
      method: "post",
      caller: "provider",
      guarded: false,
      handler: () => Promise.resolve({ status: 204, empty: true }),
    };
    const withRoute = (path?: string): LoginProvider => ({
      [PROVIDER]: { keysOf: () => [], routes: [path === undefined ? route : { ...route, paths: () => [path] }] },
    });
    const create = (...providers: LoginProvider[]) => logout({ ...memory(), logins: { providers } });
    expect(() => create(withRoute(), withRoute())).toThrow(
      expect.objectContaining({
        code: "ERR_OPTION_INVALID",
        message: expect.stringContaining("/oidc/backchannel-logout"),
      }),
    );
    expect(() => create(withRoute(), withRoute("/oidc/staff/backchannel-logout"))).not.toThrow();
  });
});
