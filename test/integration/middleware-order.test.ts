import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { doubleCsrf } from "csrf-csrf";
import { csrfSync } from "csrf-sync";
import type { Express, Request, RequestHandler } from "express";
import passport from "passport";
import { save } from "../support/race-app.js";
import { HTML } from "../support/pages.js";
import { Browser } from "../support/http.js";
import { useSites, type Site, type SiteOptions } from "../support/site.js";

const openSite = useSites();
const cookieParser = jest.requireActual<() => RequestHandler>("cookie-parser");
const CSURF = jest.requireActual<() => RequestHandler>("csurf");
const LUSCA = jest.requireActual<{ csrf: () => RequestHandler }>("lusca");

const warnings: { text: string; code: unknown }[] = [];
beforeEach(() => {
  warnings.length = 0;
  jest.spyOn(process, "emitWarning").mockImplementation((text, options) => {
    warnings.push({ text: String(text), code: (options as { code?: unknown } | undefined)?.code });
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The findings of `auth.diagnose(req)` in a request of this browser. */
async function orderIn(browser: Browser): Promise<readonly { what: string; level: string; how?: string }[]> {
  const { body } = await browser.get("/diagnose");
  return (body as { what: string; level: string; how?: string }[]).filter(({ what }) => what.startsWith("order"));
}

const addDiagnose =
  (more: (app: Express) => void = () => undefined): NonNullable<SiteOptions["after"]> =>
  (app, auth) => {
    more(app);
    app.get("/diagnose", (req, res, next) => {
      auth.diagnose(req).then((findings) => res.json(findings), next);
    });
  };

function addLogin(app: Express, dataOf: (user: string) => object): void {
  app.post("/in/:user", (req, res, next) => {
    Object.assign(req.session, dataOf(req.params.user));
    save(req).then(() => res.json({}), next);
  });
}

describe("passport.session()", () => {
  type Authorize = (req: Request) => boolean;
  const CONSOLE = "/console/applications/shop/login-management";

  async function open(order: "before" | "after", authorize: Authorize): Promise<{ site: Site; browser: Browser }> {
    const authenticator = new passport.Passport();
    authenticator.serializeUser((user, done) => done(null, (user as { id: string }).id));
    authenticator.deserializeUser((id: string, done) => done(null, { id, isAdmin: id === "root" }));
    const use = (app: Express): void => {
      app.use(authenticator.session());
      addLogin(app, (user) => ({ passport: { user } }));
    };
    const site = await openSite({
      auth: { appId: "shop", console: { authorize } },
      ...(order === "before" ? { before: use } : {}),
      after: addDiagnose(order === "after" ? use : undefined),
    });
    return { site, browser: new Browser(site.url) };
  }

  const AUTHORIZE: Readonly<Record<string, Authorize>> = {
    "looks at req.user and says no": (req) => (req.user as { isAdmin?: boolean } | undefined)?.isAdmin === true,
    "fails at req.user": (req) => (req.user as unknown as { isAdmin: boolean }).isAdmin,
  };

  it.each(Object.keys(AUTHORIZE))("after the middleware is detected if authorize %s", async (name) => {
    const { site, browser } = await open("after", AUTHORIZE[name] ?? (() => false));
    await browser.post("/in/root");
    expect((await browser.get(CONSOLE)).body).toEqual({ error: "ERR_SESSION_ORDER" });
    expect(site.errors).toEqual([
      expect.objectContaining({ message: expect.stringContaining("app.use(passport.session()) before app.use(auth)") }),
    ]);
    expect(await orderIn(browser)).toEqual([
      expect.objectContaining({ level: "error", what: "order: passport.session()" }),
    ]);
  });

  it.each(Object.keys(AUTHORIZE))("before the middleware lets administrators in if authorize %s", async (name) => {
    const { browser } = await open("before", AUTHORIZE[name] ?? (() => false));
    await browser.post("/in/root");
    expect((await browser.get(CONSOLE)).status).toBe(200);
    expect(await orderIn(browser)).toEqual([
      expect.objectContaining({ level: "ok", what: "order: passport.session()" }),
    ]);
    await browser.post("/in/alice");
    expect((await browser.get(CONSOLE)).status).toBe(403);
  });

  it("after the middleware is correct if authorize does not need it", async () => {
    const { browser } = await open("after", (req) => {
      return (req.session as { passport?: { user?: string } }).passport?.user === "root";
    });
    await browser.post("/in/alice");
    expect((await browser.get(CONSOLE)).status).toBe(403);
    await browser.post("/in/root");
    expect((await browser.get(CONSOLE)).status).toBe(200);
  });

  it("after the middleware gets an unchanged request", async () => {
    const users: unknown[] = [];
    const { browser } = await open("after", (req) => {
      expect(req.user).toBeUndefined();
      req.user = { id: "set by authorize" };
      users.push(req.user);
      return true;
    });
    await browser.post("/in/root");
    expect((await browser.get(CONSOLE)).status).toBe(200);
    expect(users).toEqual([{ id: "set by authorize" }]);
  });

  it("that fails for another reason has its error passed on", async () => {
    const { site, browser } = await open("after", () => {
      throw new TypeError("of the app");
    });
    await browser.post("/in/root");
    await browser.get(CONSOLE);
    expect(site.errors).toEqual([expect.objectContaining({ message: "of the app" })]);
  });
});

describe("CSRF protection", () => {
  const PROTECTIONS: Readonly<Record<string, () => readonly RequestHandler[]>> = {
    csurf: () => [CSURF()],
    lusca: () => [LUSCA.csrf()],
    "csrf-sync": () => [csrfSync().csrfSynchronisedProtection],
    "csrf-csrf": () => [
      cookieParser(),
      doubleCsrf({ getSecret: () => "s", getSessionIdentifier: (req) => req.session.id }).doubleCsrfProtection,
    ],
  };
  const protect =
    (name: string) =>
    (app: Express): void => {
      // In front of it, for the test has no token.
      addLogin(app, (userId) => ({ userId }));
      app.use(...(PROTECTIONS[name]?.() ?? []));
    };
  const logIn = async ({ url }: Site): Promise<Browser> => {
    const browser = new Browser(url);
    await browser.post("/in/alice");
    return browser;
  };

  it.each(Object.keys(PROTECTIONS))("before the middleware causes one warning: %s", async (name) => {
    const site = await openSite({ before: protect(name), after: addDiagnose() });
    const browser = await logIn(site);
    expect(warnings).toEqual([]);
    expect((await browser.get("/u", HTML)).status).toBe(200);
    await browser.get("/u", HTML);
    expect(warnings).toEqual([
      {
        code: "EXPRESS_LOGOUT_CSRF_ORDER",
        text: expect.stringContaining("Call app.use(auth) before the CSRF middleware"),
      },
    ]);
    expect(await orderIn(browser)).toMatchObject([{ level: "error", what: "order: CSRF protection" }]);
  });

  it.each(Object.keys(PROTECTIONS))("after the middleware is correct: %s", async (name) => {
    const site = await openSite({ after: addDiagnose(protect(name)) });
    const browser = await logIn(site);
    expect((await browser.get("/u", HTML)).status).toBe(200);
    expect(warnings).toEqual([]);
    expect(await orderIn(browser)).toMatchObject([{ level: "ok", what: "order: CSRF protection" }]);
  });
});
