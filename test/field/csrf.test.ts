import { describe, expect, it } from "@jest/globals";
import cookieParser from "cookie-parser";
import { doubleCsrf } from "csrf-csrf";
import { csrfSync } from "csrf-sync";
import csurf from "csurf";
import type { Request } from "express";
import lusca from "lusca";
import { reportTried, useShops } from "./support/field.js";
import { expectJourney, greeted, kick } from "./support/journey.js";
import type { Parts } from "./support/shop.js";

type WithToken = Request & { csrfToken: () => string };
const tokenOf = (req: Request): string => (req as WithToken).csrfToken();
const tokenIn = (req: Request): string => String((req.body as Record<string, unknown> | undefined)?.["_csrf"]);

/** As the README of each sets it up; all are mounted after the middleware of this package. */
const PROTECTIONS: Readonly<Record<string, () => Parts>> = {
  lusca: () => ({
    afterAuth: (app) =>
      app.use(
        lusca({
          csrf: true,
          csp: { policy: { "default-src": "'self'" } },
          xframe: "SAMEORIGIN",
          hsts: { maxAge: 31_536_000, includeSubDomains: true, preload: true },
          xssProtection: true,
          nosniff: true,
          referrerPolicy: "same-origin",
        }),
      ),
    csrfToken: (_req, res) => String((res.locals as Record<string, unknown>)["_csrf"]),
  }),
  csurf: () => ({ afterAuth: (app) => app.use(csurf()), csrfToken: tokenOf }),
  "csrf-sync": () => {
    const { generateToken, csrfSynchronisedProtection } = csrfSync({ getTokenFromRequest: tokenIn });
    return { afterAuth: (app) => app.use(csrfSynchronisedProtection), csrfToken: (req) => generateToken(req) };
  },
  "csrf-csrf": () => {
    const { generateCsrfToken, doubleCsrfProtection } = doubleCsrf({
      getSecret: () => "a secret of the tests",
      getSessionIdentifier: (req) => req.session.id,
      getCsrfTokenFromRequest: tokenIn,
      cookieName: "x-csrf-token",
      cookieOptions: { secure: false },
    });
    return {
      first: (app) => app.use(cookieParser()),
      // The token is bound to the session id, so visitors have one before they log in.
      session: { saveUninitialized: true },
      afterAuth: (app) => app.use(doubleCsrfProtection),
      csrfToken: (req, res) => generateCsrfToken(req, res),
    };
  },
};

reportTried("middleware", Object.keys(PROTECTIONS));

describe.each(Object.entries(PROTECTIONS))("%s, mounted after the middleware", (_name, protect) => {
  const openShop = useShops();

  it("the journey", async () => {
    await expectJourney(await openShop(protect()));
  });

  it("still protects the app's own form, also after a kick and a new login", async () => {
    const { url, device } = await openShop(protect());
    const alice = await device("alice");
    const write = async (): Promise<readonly number[]> => {
      const forged = await alice.form("/note", { note: "forged" });
      const own = await alice.formOf("/me", "/note", { note: "mine" });
      const { text } = await alice.page("/me");
      expect(text).toContain("<p>mine</p>");
      expect(text).not.toContain("forged");
      return [forged.status, own.status];
    };
    expect(await write()).toEqual([403, 303]);
    await kick(url, ["alice"]);
    await alice.formOf("/login", "/login", { user: "alice" });
    expect(await write()).toEqual([403, 303]);
  });
});

describe("csurf, mounted before the middleware", () => {
  const openShop = useShops();

  it("is named, with the fix, in the error of the first form that it breaks", async () => {
    const shop = await openShop({
      afterSession: (app) => app.use(csurf()),
      csrfToken: tokenOf,
      last: (app, auth) => app.use(auth.errorHandler),
    });
    const alice = await shop.device("alice");
    const answer = await alice.form("/u/logout");
    expect(answer.status).toBeGreaterThanOrEqual(400);
    // On the page, or in the error that the app's own handler gets.
    const said = [answer.text, ...shop.errors.map(({ message }) => message)].join("\n");
    expect(said).toMatch(/CSRF/);
    expect(said).toMatch(/before/);
    expect(greeted(await alice.page("/me"))).toBe("alice");
  });
});
