import { describe, expect, it } from "@jest/globals";
import express, { Router, type ErrorRequestHandler, type Express } from "express";
import session, { MemoryStore } from "express-session";
import { logout, LogoutError, type LogoutMiddleware, type LogoutOptions } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { addressesOf, HTML, visit } from "../support/pages.js";
import { POOL_ID, TOKEN, useSites, type Site } from "../support/site.js";

const open = useSites();
const RELATIVE: Partial<LogoutOptions> = { redirects: { login: "./in", default: "./" } };
const outage = (): LogoutError => new LogoutError("ERR_STORE_UNAVAILABLE", "The store is away.");

async function kicked(site: Site): Promise<Browser> {
  const browser = await site.login("alice");
  await site.auth.kick("alice");
  return browser;
}

describe("auth below a path, and auth.guard for the rest", () => {
  const addRoutes = (app: Express, auth: LogoutMiddleware): void => {
    app.use(auth.guard);
    app.all("/account/in", (req, res) => res.send(`user: ${String(req.session.userId)}`));
  };
  const isLogin: Partial<LogoutOptions> = { routes: { login: (req) => req.path === "/account/in" } };
  const WAYS: readonly (readonly [string, Partial<LogoutOptions>])[] = [
    ["relative", RELATIVE],
    ["a function of the whole path", isLogin],
    ["a whole path", { routes: { login: "/account/in" } }],
  ];

  it.each(WAYS)("never reject the login page: %s", async (_way, auth) => {
    const site = await open({ at: "/account", auth, after: addRoutes });
    expect((await visit(site, await kicked(site), "/account/in")).text).toBe("user: undefined");
    for (const headers of [{}, HTML]) {
      const Cookie = (await kicked(site)).cookies;
      const { status, text } = await site.ask("POST", "/account/in?a=1", { headers: { ...headers, Cookie } });
      expect([status, text]).toEqual([200, "user: undefined"]);
    }
    for (const path of ["/me", "/in", "/account/me"]) {
      expect((await visit(site, await kicked(site), path)).status).toBe(401);
    }
  });

  it("agree, even if the app changes the address in between", async () => {
    const after = (app: Express, auth: LogoutMiddleware): void => {
      app.use((req, _res, next) => {
        if (req.path === "/account/in") req.url = "/account/elsewhere";
        next();
      });
      app.use(auth.guard);
      app.get("/account/elsewhere", (_req, res) => res.send("log in"));
    };
    const site = await open({ at: "/account", auth: RELATIVE, after });
    expect((await visit(site, await kicked(site), "/account/in")).text).toBe("log in");
  });

  it("link to the same login page", async () => {
    const site = await open({ at: "/account", auth: RELATIVE, after: addRoutes });
    await visit(site, undefined, "/account/in");
    for (const path of ["/me", "/account/me"]) {
      const addresses = addressesOf((await visit(site, await kicked(site), path)).text);
      expect(addresses).toContain("/account/in");
      expect(addresses.filter((address) => !address.startsWith("/account/"))).toEqual([]);
    }
  });

  const showError: ErrorRequestHandler = (error: Error, req, res, _next) => {
    res.json({ error: error.message, baseUrl: req.baseUrl, url: req.url });
  };
  it("restore the request after a function of the app", async () => {
    const seen: string[] = [];
    const site = await open({
      at: "/account",
      auth: {
        routes: {
          login: (req) => {
            seen.push(req.path);
            throw new Error("of the app");
          },
        },
      },
      after: (app) => {
        app.use("/account", showError);
      },
    });
    const { body } = await visit(site, await kicked(site), "/account/a?b");
    expect(body).toEqual({ error: "of the app", baseUrl: "/account", url: "/a?b" });
    expect(seen).toEqual(["/account/a"]);
  });
});

describe("routes.login that returns a promise", () => {
  it.each([
    ["fulfilled", () => Promise.resolve(true)],
    ["rejected", () => Promise.reject(new Error("of the app"))],
  ])("causes an error that names the fix: %s", async (_case, login) => {
    const site = await open({ auth: { routes: { login: login as unknown as () => boolean } } });
    const { body } = await site.ask("GET", "/login", { headers: { Cookie: (await kicked(site)).cookies } });
    expect(body).toEqual({ error: "ERR_OPTION_INVALID" });
    expect(site.errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/routes\.login.*promise.*returns true or false/) }),
    ]);
  });
});

describe("auth below a path with parameters", () => {
  const gates: Gate[] = [];
  const addErrors = (app: Express, auth: LogoutMiddleware): void => {
    app.get("/:tenant/slow", (_req, _res, next) => {
      const gate = new Gate();
      gates.push(gate);
      gate.pass().then(() => {
        next(outage());
      }, next);
    });
    app.use(auth.errorHandler);
  };
  const failEarly = (app: Express): unknown => app.get("/early", (_req, _res, next) => next(outage()));

  it.each(["/secret-tenant", "/\\evil.example"])(
    "an error page contains nothing of another request: %s",
    async (other) => {
      const site = await open({ at: "/:tenant", auth: RELATIVE, before: failEarly, after: addErrors });
      const slow = visit(site, undefined, "/acme/slow");
      while (gates.length === 0) await new Promise(setImmediate);
      await visit(site, undefined, `${other}/x`);
      for (const gate of gates.splice(0)) gate.open();
      const { status, text } = await slow;
      expect(status).toBe(503);
      expect(addressesOf(text).filter((address) => !address.startsWith("/acme/"))).toEqual([]);
      // This one has not been at the mount path.
      const early = addressesOf((await visit(site, undefined, "/early")).text);
      expect(early.filter((address) => !/^\/(?:express-logout\/|$)/.test(address))).toEqual([]);
    },
  );

  it.each<[string, (app: Express, auth: LogoutMiddleware) => unknown]>([
    ["in a router", (app, auth) => app.use("/:tenant", Router().use(auth))],
    ["in an app of its own", (app, auth) => app.use("/:tenant", express().use(auth))],
    ["in a wrapper", (app, auth) => app.use("/:tenant", (req, res, next) => auth(req, res, next))],
  ])("nor is one learnt %s", async (_where, use) => {
    const store = new MemoryStore();
    const auth = logout({ store, appId: "shop", ...RELATIVE });
    const app = express().use(session({ store, secret: "s", resave: false, saveUninitialized: false }));
    failEarly(app);
    use(app, auth);
    app.use(auth.errorHandler);
    const server = await serve(app);
    try {
      const browser = new Browser(server.url);
      await browser.get("/secret-tenant/x");
      const { status, text } = await browser.get("/early", HTML);
      expect([status, text.includes("secret-tenant")]).toEqual([503, false]);
    } finally {
      await server.close();
    }
  });

  it.each(["/\\evil.example", "/\\", "/\\\\evil.example", "/%5Cevil.example", "/.", "/..", "/.\\"])(
    "no address leads to another host: %s",
    async (at) => {
      const site = await open({ at: "/:tenant", auth: RELATIVE });
      const own = (address: string): boolean => new URL(address, site.url).origin === site.url;
      const forged = { "X-Forwarded-Prefix": "//evil.example" };
      for (const route of ["/login/profile/logout", "/u"]) {
        const { headers } = await visit(site, undefined, at + route, forged);
        expect(headers.location).toBeDefined();
        expect([headers.location, own(headers.location ?? "")]).toEqual([headers.location, true]);
      }
      for (const [browser, path] of [[await kicked(site), "/x"] as const, [undefined, "/u/logged-out"] as const]) {
        const addresses = addressesOf((await visit(site, browser, at + path, forged)).text);
        expect(addresses.length).toBeGreaterThan(1);
        expect(addresses.filter((address) => !own(address))).toEqual([]);
      }
    },
  );
});

describe("an error page for a request without the middleware", () => {
  it.each([
    ["the app", "/account", undefined],
    ["an app", "/nowhere", (app: Express, auth: LogoutMiddleware) => app.use("/account", express().use(auth))],
  ])("uses the files of the only mount path, in %s", async (_where, at, use) => {
    const site = await open({
      at,
      auth: RELATIVE,
      before: (app) => app.get("/early", (_req, _res, next) => next(outage())),
      after: (app, auth) => {
        use?.(app, auth);
        app.use(auth.errorHandler);
      },
    });
    await visit(site, undefined, "/account/me");
    const addresses = addressesOf((await visit(site, undefined, "/early")).text);
    expect(addresses.filter((address) => !address.startsWith("/account/"))).toEqual([]);
    for (const file of addresses.filter((address) => address.endsWith(".css"))) {
      expect((await visit(site, undefined, file)).status).toBe(200);
    }
  });
});

describe("routes with non-ASCII letters", () => {
  const ADMIN_ROUTES = { kickActiveUsers: "/\u00fc/:appId/kick" };
  const routes = {
    personalCenter: "/konto/\u00e4",
    logout: ["/d\u00e9connexion", "/raus%20hier"],
    assets: "/m\u00e9dias files",
    login: "/einloggen \u00e4",
  };

  it("are matched as browsers send them", async () => {
    const site = await open({
      auth: { routes, admin: { userPoolId: POOL_ID, tokens: [TOKEN], routes: ADMIN_ROUTES } },
    });
    for (const path of ["/konto/%C3%A4", "/konto/%c3%a4", "/KONTO/%C3%A4/"]) {
      const { status, text } = await visit(site, await site.login("alice"), path);
      expect({ path, status }).toEqual({ path, status: 200 });
      for (const file of addressesOf(text).filter((address) => /\.(?:css|js)$/.test(address))) {
        expect(file).toMatch(/^\/m%C3%A9dias%20files\//);
        expect((await visit(site, undefined, file)).status).toBe(200);
        expect((await visit(site, undefined, file.replace("%C3%A9", "%c3%a9"))).status).toBe(200);
      }
    }
    for (const path of ["/d%C3%A9connexion", "/raus%20hier"]) {
      expect((await visit(site, undefined, path)).status).toBe(302);
    }
    expect((await site.ask("POST", `/%C3%BC/${site.appId}/kick`)).status).toBe(401);
    expect((await visit(site, await kicked(site), "/einloggen%20%C3%A4")).status).toBe(404);
  });

  it("are encoded once: another address is another route", async () => {
    const site = await open({
      auth: { routes, admin: { userPoolId: POOL_ID, tokens: [TOKEN], routes: ADMIN_ROUTES } },
    });
    for (const path of ["/konto/%25C3%25A4", "/d%25C3%25A9connexion", "/raus%2520hier", "/konto/%C3%84"]) {
      expect((await visit(site, undefined, path)).status).toBe(404);
    }
  });
});
