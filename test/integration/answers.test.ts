import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import express, { type Express, type Request, type RequestHandler } from "express";
import session, { MemoryStore } from "express-session";
import { logout, LogoutError, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { serve } from "../support/http.js";
import { HTML, textOf } from "../support/pages.js";
import { POOL_ID, TOKEN, useSites, type Site } from "../support/site.js";

const open = useSites();
const GOOD = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
const JSON_ONLY = { Accept: "application/json" };
const PROBLEM = { Accept: "application/problem+json" };
const load = createRequire(__filename) as (name: string) => unknown;

class OfflineRegistry extends MemoryLoginRegistry {
  override activeUsers() {
    return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The registry did not answer."));
  }
}

const apiOf = (site: Site, name = "active-users", api = "/api"): string =>
  `${site.at}${api}/applications/${site.appId}/${name}`;

describe("a 401", () => {
  it("names a scheme that makes no browser ask for a password, and the realm of the application", async () => {
    const site = await open({ auth: { appId: 'shop "é\ud83d\ude00\\"' } });
    for (const headers of [JSON_ONLY, HTML, PROBLEM]) {
      const alice = await site.login("alice");
      await site.auth.kick("alice");
      const answer = await site.ask("GET", "/me", { headers: { Cookie: alice.cookies, ...headers } });
      const challenge = 'Cookie realm="shop \\"%C3%A9%F0%9F%98%80\\\\\\""';
      expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, challenge]);
    }
    const anonymous = await site.ask("POST", "/u/end-others", { headers: JSON_ONLY });
    expect([anonymous.status, anonymous.headers["www-authenticate"]]).toEqual([
      401,
      expect.stringMatching(/^Cookie realm="/),
    ]);
  });

  it.each([
    ["no token", {}, 'Bearer realm="admin API"'],
    ["a scheme alone", { Authorization: "Bearer" }, 'Bearer realm="admin API"'],
    ["a wrong token", { Authorization: "Bearer wrong" }, 'Bearer realm="admin API", error="invalid_token"'],
  ])(
    "of the admin API asks for a token, and reveals nothing about the application: %s",
    async (_case, headers, challenge) => {
      const site = await open();
      const answer = await site.ask("GET", apiOf(site), { headers });
      expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, challenge]);
    },
  );
});

describe("a client that accepts another type", () => {
  it.each([
    ["JSON:API", "application/vnd.api+json"],
    ["GraphQL", "application/graphql-response+json"],
    ["a stream of events", "text/event-stream"],
    ["anything", "*/*"],
  ])("gets JSON: %s", async (_client, Accept) => {
    const site = await open();
    const answer = await site.ask("POST", "/u/end-others", { headers: { Accept } });
    expect([answer.status, answer.headers["content-type"]]).toEqual([401, "application/json; charset=utf-8"]);
    expect(answer.body).toEqual({ code: 401, message: expect.any(String) });
  });

  it("gets a problem document if it asks for that type, also from the admin API", async () => {
    const site = await open();
    const page = await site.ask("POST", "/u/end-others", { headers: PROBLEM });
    const api = await site.ask("GET", `${apiOf(site)}?page=0`, { headers: { ...GOOD, ...PROBLEM } });
    for (const [{ status, headers, text }, expected, title] of [
      [page, 401, "Unauthorized"],
      [api, 400, "Bad Request"],
    ] as const) {
      expect([status, headers["content-type"]]).toEqual([expected, "application/problem+json; charset=utf-8"]);
      const body = JSON.parse(text) as { detail: string };
      expect(body).toMatchObject({ type: "about:blank", title, status, code: status, message: body.detail });
    }
  });
});

describe("another method on a path of the admin API", () => {
  it.each([
    ["GET", "kick-active-users", "POST"],
    ["HEAD", "kick-active-users", "POST"],
    ["PUT", "kick-active-users", "POST"],
    ["POST", "active-users", "GET, HEAD"],
    ["DELETE", "active-users", "GET, HEAD"],
  ])("causes a 405 with the allowed methods if the token is valid: %s %s", async (method, name, allow) => {
    for (const [at, api] of [
      ["", "/api"],
      ["/account", "/api/v2"],
    ] as const) {
      const site = await open({ at });
      const answer = await site.ask(method, apiOf(site, name, api), { headers: { ...GOOD, ...HTML } });
      expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
      const body = { code: 405, message: expect.stringContaining(allow) };
      expect(answer.body).toEqual(method === "HEAD" ? undefined : body);
      const refused = await site.ask(method, apiOf(site, name, api), { headers: HTML });
      expect([refused.status, refused.headers.allow]).toEqual([401, undefined]);
    }
  });

  it("is allowed if another route has the same path", async () => {
    const routes = { kickActiveUsers: "/logins", activeUsers: "/logins" };
    const site = await open({ auth: { admin: { userPoolId: POOL_ID, tokens: [TOKEN], routes } } });
    const ask = (method: string) => site.ask(method, "/logins", { headers: GOOD });
    expect([(await ask("GET")).status, (await ask("POST")).status]).toEqual([200, 415]);
    expect((await ask("PATCH")).headers.allow).toMatch(/POST.*GET, HEAD|GET, HEAD.*POST/);
  });

  it("is left to the app if it is OPTIONS, on every path of the package", async () => {
    const after = (app: Express) =>
      app.use((req, res, next) => (req.method === "OPTIONS" ? res.sendStatus(204) : next()));
    const site = await open({ after });
    for (const path of [apiOf(site), "/u", "/login/profile/logout"]) {
      const { status, headers } = await site.ask("OPTIONS", path);
      expect([path, status, headers.allow]).toEqual([path, 204, undefined]);
    }
  });
});

describe("an outage", () => {
  const auth = { registry: new OfflineRegistry(), console: { authorize: () => true } };

  it("is a 503 with Retry-After: as JSON, as a page, and as an error", async () => {
    const site = await open({ auth });
    const alice = await site.login("alice");
    const console = `/console/applications/${site.appId}/login-management`;
    const answers = [
      await site.ask("GET", apiOf(site), { headers: GOOD }),
      await site.ask("GET", console, { headers: { Cookie: alice.cookies, ...HTML } }),
      await site.ask("GET", console, { headers: { Cookie: alice.cookies, ...JSON_ONLY } }),
    ];
    expect(answers.map(({ status, headers }) => [status, headers["retry-after"]])).toEqual(Array(3).fill([503, "5"]));
  });

  it("is a 503 from Express's own handler as well", async () => {
    const app = express().set("env", "test");
    app.use((_req, _res, next) => {
      next(new LogoutError("ERR_STORE_UNAVAILABLE", "The store did not answer."));
    });
    const server = await serve(app);
    try {
      const { status, headers } = await fetch(server.url);
      expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
    } finally {
      await server.close();
    }
  });

  it("is known to frameworks that read statusCode", () => {
    const { status, statusCode } = new LogoutError("ERR_REGISTRY_UNAVAILABLE", "x");
    expect([status, statusCode]).toEqual([503, 503]);
  });
});

describe("the error handler", () => {
  const warnings: string[] = [];
  beforeEach(() => {
    warnings.length = 0;
    jest.spyOn(process, "emitWarning").mockImplementation((text) => void warnings.push(String(text)));
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const failing = (error: unknown, auth: Partial<LogoutOptions> = {}, at = "") =>
    open({
      at,
      auth,
      after: (app, controls) => {
        app.get("/fail", () => {
          throw error;
        });
        app.get("/late", (_req, res) => {
          res.write("begun");
          throw error;
        });
        app.use(controls.errorHandler);
      },
    });
  const OUTAGE = new LogoutError("ERR_STORE_UNAVAILABLE", "The store did not answer.");

  it("answers this package's errors by a page or JSON", async () => {
    const site = await failing(OUTAGE, {}, "/account");
    await site.ask("GET", "/account/u");
    const page = await site.ask("GET", "/fail", { headers: HTML });
    expect([page.status, page.headers["retry-after"]]).toEqual([503, "5"]);
    expect(textOf(page.text)).toContain("The store did not answer.");
    expect(page.text).toContain('href="/account/express-logout/');
    const json = await site.ask("GET", "/fail", { headers: JSON_ONLY });
    expect([json.status, json.headers["retry-after"]]).toEqual([503, "5"]);
    expect(json.body).toEqual({ code: 503, message: "The store did not answer." });
    expect([site.errors, warnings]).toEqual([[], []]);
  });

  it("recognizes errors of another copy of the package", async () => {
    const copy = Object.assign(new Error("Repeat it."), {
      name: "LogoutError",
      code: "ERR_KICK_INCOMPLETE",
      status: 503,
    });
    const { status, body } = await (await failing(copy)).ask("GET", "/fail", { headers: JSON_ONLY });
    expect([status, body]).toEqual([503, { code: 503, message: "Repeat it." }]);
  });

  it.each([
    ["of the app", new Error("no disk")],
    [
      "with a name and code that only look alike",
      Object.assign(new Error("x"), { name: "LogoutError", code: "EPIPE", status: 503 }),
    ],
    ["of a CSRF middleware at a route of the app", Object.assign(new Error("x"), { code: "EBADCSRFTOKEN" })],
    ["that is no error", "text"],
  ])("passes on every other error: %s", async (_case, error) => {
    const site = await failing(error);
    await site.ask("GET", "/fail");
    expect(site.errors).toEqual([error]);
  });

  it("passes on an error that comes after the answer has begun", async () => {
    const site = await failing(OUTAGE);
    await expect(site.ask("GET", "/late")).rejects.toThrow();
    expect(site.errors).toEqual([OUTAGE]);
  });

  it("shows a mistake of the app to its developers only: as one warning, and not to visitors in production", async () => {
    const site = await open({
      before: (app) => app.set("env", "production"),
      after: (app, controls) => {
        app.get("/fail", (_req, _res, next) => {
          next(new LogoutError("ERR_USER_ID_INVALID", "Pass userId."));
        });
        app.use(controls.errorHandler);
      },
    });
    for (const headers of [HTML, JSON_ONLY]) {
      const { status, text } = await site.ask("GET", "/fail", { headers });
      expect([status, text.includes("Pass userId")]).toEqual([500, false]);
    }
    expect(warnings).toEqual(["Pass userId."]);
  });

  const CSRF: readonly (readonly [string, () => RequestHandler])[] = [
    ["csurf", () => (load("csurf") as () => RequestHandler)()],
    ["lusca", () => (load("lusca") as { csrf: () => RequestHandler }).csrf()],
    [
      "csrf-sync",
      () =>
        (load("csrf-sync") as { csrfSync: () => { csrfSynchronisedProtection: RequestHandler } }).csrfSync()
          .csrfSynchronisedProtection,
    ],
    [
      "csrf-csrf",
      () => {
        const { doubleCsrf } = load("csrf-csrf") as {
          doubleCsrf: (options: object) => { doubleCsrfProtection: RequestHandler };
        };
        return doubleCsrf({ getSecret: () => "s", getSessionIdentifier: (req: Request) => req.sessionID })
          .doubleCsrfProtection;
      },
    ],
  ];

  it.each(CSRF)("names the fix if %s is mounted before the middleware", async (_name, csrf) => {
    const cookies = (load("cookie-parser") as () => RequestHandler)();
    const site = await open({
      before: (app) => app.use(cookies, csrf()),
      after: (app, controls) => app.use(controls.errorHandler),
    });
    for (const path of ["/u/end-others", apiOf(site, "kick-active-users"), "/login/profile/logout"]) {
      const { status, body } = await site.ask("POST", path, { headers: JSON_ONLY });
      expect({ path, status, body }).toEqual({
        path,
        status: 500,
        body: { code: 500, message: expect.stringMatching(/CSRF.*Mount auth before/) },
      });
    }
    expect(warnings).toHaveLength(1);
    await site.ask("POST", "/users", { headers: JSON_ONLY });
    expect(site.errors).toHaveLength(1);
  });
});

describe("the routes that use no session", () => {
  const kick = (url: string, path = "/api/applications/shop/kick-active-users"): Promise<Response> =>
    fetch(url + path, {
      method: "POST",
      headers: { ...GOOD, "Content-Type": "application/json" },
      body: '{"userIds":["alice"]}',
    });
  const refuse: RequestHandler = (_req, res) => void res.sendStatus(418);

  async function answers(build: (app: Express, auth: ReturnType<typeof logout>, store: MemoryStore) => void) {
    const store = new MemoryStore();
    const auth = logout({ store, appId: "shop", admin: { userPoolId: POOL_ID, tokens: [TOKEN] } });
    const app = express();
    build(app, auth, store);
    const server = await serve(app);
    try {
      const [kicked, other] = [await kick(server.url), await fetch(`${server.url}/u`)];
      return [kicked.status, other.status];
    } finally {
      await server.close();
      await auth.close();
    }
  }
  const sessions = (store: MemoryStore) => session({ store, secret: "s", resave: false, saveUninitialized: false });

  it("are served before middleware that would block them, without other routes", async () => {
    expect(await answers((app, auth) => app.use(auth.sessionlessRoutes, refuse))).toEqual([200, 418]);
  });

  it.each([
    ["without a session()", () => []],
    ["after the session() of another site", () => [sessions(new MemoryStore())]],
  ])("are served by the main middleware as well: %s", async (_case, others) => {
    const [kicked] = await answers((app, auth) => {
      for (const handler of others()) app.use(handler);
      app.set("env", "test").use(auth);
    });
    expect(kicked).toBe(200);
  });

  it("do not exist without tokens", async () => {
    const auth = logout({ store: new MemoryStore(), appId: "shop" });
    const server = await serve(express().use(auth.sessionlessRoutes, refuse));
    expect((await kick(server.url)).status).toBe(418);
    await server.close();
  });
});
