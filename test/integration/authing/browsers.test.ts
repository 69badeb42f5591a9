import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { authing, type AuthingOptions } from "../../../lib/authing/index.js";
import type { LogoutMiddleware } from "../../../lib/index.js";
import { exchange, KEY } from "../../support/authing-calls.js";
import { CROSS_ORIGIN } from "../../support/pages.js";
import { POOL_ID, TOKEN, useSites, type Site, type SiteOptions } from "../../support/site.js";

const openSite = useSites();
const WWW = "https://www.shop.example";
const BYE = "https://shop.example/bye?next=%2Fa%20b&flag";

const openPool = (options: Partial<AuthingOptions> = {}, site: SiteOptions = {}): Promise<Site> =>
  openSite({
    ...site,
    auth: { redirects: { allow: [BYE] }, ...site.auth },
    before: (app, auth) => app.use(authing({ applications: [auth], userPoolId: POOL_ID, ...options })),
  });

const PATHS = ["/api/v2/logout", "/api/v2/logout?app_id=APP", "/logout", "/logout?appId=APP&deviceId=current"];

describe.each(PATHS)("GET %s", (path) => {
  const at = ({ appId }: Site): string => path.replace("APP", appId);

  it("logs this browser out, and no other", async () => {
    const site = await openPool();
    const [laptop, phone] = [await site.login("alice"), await site.login("alice")];
    const response = await laptop.get(at(site), { Authorization: "Bearer of the client itself" });
    expect([response.status, response.body]).toEqual([200, { code: 200, message: "You are logged out" }]);
    expect([await site.user(laptop), await site.user(phone)]).toEqual([null, "alice"]);
    expect((await laptop.get(at(site))).status).toBe(200);
  });

  it("ends the rejection of a kicked one", async () => {
    const site = await openPool();
    const laptop = await site.login("alice");
    await site.auth.kick("alice");
    expect((await laptop.get(at(site))).status).toBe(200);
    expect((await laptop.get("/me")).body).toEqual({ user: null });
  });

  it("is for pages of its own origin, and of the listed ones", async () => {
    const site = await openPool({ origins: [WWW] });
    const laptop = await site.login("alice");
    const refused = [
      ...CROSS_ORIGIN,
      { "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image" },
      { "Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch" },
      { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" },
      { Origin: `${WWW}.evil.example` },
      { Referer: "https://evil.example/page" },
    ];
    for (const headers of refused) {
      const response = await laptop.get(at(site), { ...headers });
      expect([headers, response.status]).toEqual([headers, 403]);
      expect(response.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(await site.user(laptop)).toBe("alice");
    for (const page of [`${WWW}/page`, `${site.url}/page`]) {
      const visitor = await site.login("bob");
      expect((await visitor.get(at(site), { Referer: page })).status).toBe(200);
    }
    const response = await laptop.get(at(site), { Origin: WWW, "Sec-Fetch-Site": "cross-site" });
    expect(response.headers).toMatchObject({
      "access-control-allow-origin": WWW,
      "access-control-allow-credentials": "true",
      vary: expect.stringContaining("Origin"),
    });
    expect(await site.user(laptop)).toBeNull();
  });

  it("answers the preflight of a listed origin, and leaves others to the app", async () => {
    const site = await openPool(
      { origins: [WWW] },
      { after: (app) => app.options(/.*/, (_req, res) => res.sendStatus(418)) },
    );
    const preflight = (origin: string) =>
      site.ask("OPTIONS", at(site), {
        headers: {
          Origin: origin,
          "Access-Control-Request-Method": "GET",
          "Access-Control-Request-Headers": "x-authing-lang",
        },
      });
    expect(await preflight(WWW)).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": WWW,
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "x-authing-lang",
      },
    });
    const other = await preflight("https://evil.example");
    expect([other.status, other.headers["access-control-allow-origin"]]).toEqual([418, undefined]);
  });

  it("logs no one out by HEAD", async () => {
    const site = await openPool();
    const laptop = await site.login("alice");
    expect((await site.ask("HEAD", at(site), { headers: { Cookie: laptop.cookies } })).status).toBe(404);
    expect(await site.user(laptop)).toBe("alice");
  });
});

it("an unknown application is no other one", async () => {
  const site = await openPool();
  const laptop = await site.login("alice");
  expect((await laptop.get("/logout?appId=other")).body).toEqual({ code: 404, message: "Unknown application." });
  expect(await site.user(laptop)).toBe("alice");
});

it("another application of the pool has its own session", async () => {
  const forum = await openSite();
  const shop = await openSite({
    before: (app, auth) => app.use(authing({ applications: [forum.auth, auth], userPoolId: POOL_ID })),
  });
  const laptop = await shop.login("alice");
  expect((await laptop.get(`/logout?appId=${forum.appId}`)).status).toBe(400);
  expect(await shop.user(laptop)).toBe("alice");
  expect((await laptop.get("/logout")).status).toBe(200);
  expect(await shop.user(laptop)).toBeNull();
});

describe("without a session", () => {
  const beforeSessions = (app: Express, auth: LogoutMiddleware): void => {
    app.use(authing({ applications: [auth], userPoolId: POOL_ID, accessKeys: [KEY], tokens: [TOKEN] }));
  };

  it("back ends are served, and a browser's logout is an error of the app", async () => {
    const site = await openSite({ beforeSessions });
    expect((await exchange(site)).status).toBe(200);
    const headers = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
    expect((await site.ask("GET", "/logout?userId=alice", { headers })).status).toBe(200);
    const laptop = await site.login("alice");
    for (const path of ["/api/v2/logout", "/logout", "/cas-idp/logout", "/oidc/session/end"]) {
      expect((await laptop.get(path)).body).toEqual({ error: "ERR_SESSION_MISSING" });
    }
    expect(await site.user(laptop)).toBe("alice");
  });

  it("outside of the cookie's path no answer says that the user is logged out", async () => {
    const site = await openPool({}, { session: { cookie: { path: "/shop" } } });
    const laptop = await site.login("alice", {}, "/shop/login");
    expect((await laptop.get("/api/v2/logout")).status).toBe(500);
    expect((await laptop.get("/shop/me")).body).toEqual({ user: "alice" });
  });
});

describe("links", () => {
  const STATE = "a state & more";
  const oidc = `/oidc/session/end?id_token_hint=any&post_logout_redirect_uri=${encodeURIComponent(BYE)}`;
  const withState = `${oidc}&state=${encodeURIComponent(STATE)}`;
  const cas = `/cas-idp/logout?url=${encodeURIComponent(BYE)}`;

  it.each([
    [oidc, BYE],
    [withState, `${BYE}&state=a%20state%20%26%20more`],
    [cas, BYE],
    ["/oidc/session/end?state=42", "/"],
    ["/oidc/session/end", "/"],
    ["/cas-idp/logout", "/"],
  ])("%s logs out, and leads to %s", async (path, to) => {
    const site = await openPool();
    const laptop = await site.login("alice");
    const { status, headers } = await laptop.get(path, { Accept: "text/html" });
    expect([status, headers["location"]]).toEqual([302, to]);
    expect(await site.user(laptop)).toBeNull();
  });

  it.each([
    ["/oidc/session/end?post_logout_redirect_uri=https%3A%2F%2Fevil.example", "post_logout_redirect_uri is not on"],
    ["/cas-idp/logout?url=https%3A%2F%2Fevil.example", "url is not on"],
    [`/cas-idp/logout?url=${encodeURIComponent(BYE)}&url=x`, "url must be given once."],
  ])("%s logs out, and leads nowhere", async (path, words) => {
    const site = await openPool();
    const laptop = await site.login("alice");
    const { status, text } = await laptop.get(path, { Accept: "application/json" });
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(await site.user(laptop)).toBeNull();
  });

  it.each([oidc, cas])("are for browsers that go there: %s", async (path) => {
    const site = await openPool();
    const laptop = await site.login("alice");
    for (const headers of [{ "Sec-Fetch-Dest": "image" }, { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors" }]) {
      expect((await laptop.get(path, headers)).status).toBe(403);
    }
    expect(await site.user(laptop)).toBe("alice");
  });
});

describe("paths", () => {
  it("can be renamed, left out, and lie below another", async () => {
    const site = await openPool({ routes: { logout: "/sdk/logout", sessionLogout: false } });
    const laptop = await site.login("alice");
    expect((await laptop.get("/logout")).status).toBe(404);
    expect((await laptop.get("/api/v2/logout")).status).toBe(404);
    expect((await laptop.get("/sdk/logout")).status).toBe(200);
    expect(await site.user(laptop)).toBeNull();
  });
});

describe("options", () => {
  const fault = async (options: object): Promise<unknown> => {
    const { auth } = await openSite();
    try {
      authing({ applications: [auth], userPoolId: "acme", ...options });
      return undefined;
    } catch (error) {
      return { ...(error as object), message: (error as Error).message };
    }
  };

  it.each([
    ["applications", { applications: [] }],
    ["applications", { applications: [{}] }],
    ["userPoolId", { userPoolId: "" }],
    ["tokens", { tokens: [""] }],
    ["tokens[0].sha256", { tokens: [{ name: "a", sha256: "x" }] }],
    ["accessKeys", { accessKeys: ["key"] }],
    ["accessKeys", { accessKeys: [KEY, KEY] }],
    ["accessKeys[0].id", { accessKeys: [{ ...KEY, id: "a:b" }] }],
    ["accessKeys[0].secret", { accessKeys: [{ id: "acme", secret: "short" }] }],
    ["accessKeys[0].may", { accessKeys: [{ ...KEY, may: ["all"] }] }],
    ["signingKey", { signingKey: "short" }],
    ["rememberNonce", { rememberNonce: true }],
    ["origins", { origins: ["https://www.shop.example/"] }],
    ["origins", { origins: ["*"] }],
    ["authorize", { authorize: true }],
    ["routes", { routes: false }],
    ["routes.logout", { routes: { logout: "logout" } }],
  ])("%s is checked: %j", async (name, options) => {
    const found = (await fault(options)) as { code: string; message: string };
    expect(found.code).toBe("ERR_OPTION_INVALID");
    expect(found.message.startsWith(`authing(): ${name} must be `)).toBe(true);
    expect(found.message).not.toContain(KEY.secret);
  });

  it.each([{ pool: "acme" }, { routes: { logon: "/x" } }, { accessKeys: [{ ...KEY, name: "a" }] }])(
    "unknown ones are refused: %j",
    async (options) => {
      expect(await fault(options)).toMatchObject({ code: "ERR_OPTION_UNKNOWN" });
    },
  );

  it("of two applications with one id, or none at all, are refused", async () => {
    const { auth } = await openSite();
    expect(await fault({ applications: [auth, auth] })).toMatchObject({ code: "ERR_OPTION_INVALID" });
    expect(() => authing(undefined as never)).toThrow("authing(): the options must be an object.");
  });

  it("do not show in what a log prints of the middleware", async () => {
    const site = await openPool({ accessKeys: [KEY] });
    expect(inspect(site.auth, { depth: 9, showHidden: false })).not.toContain("digest");
    expect(Object.getOwnPropertySymbols(site.auth).map(String)).toContain("Symbol(express-logout.http-context)");
  });
});
