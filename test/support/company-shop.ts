import { expect } from "@jest/globals";
import express, { type Request } from "express";
import type { SessionData } from "express-session";
import { oidc, type IdTokenClaims, type OidcOptions } from "../../lib/oidc/index.js";
import { Browser } from "./http.js";
import { CLIENT_ID, type Claims, type IdentityProvider } from "./identity-provider.js";
import { regenerate, save } from "./race-app.js";
import type { Site, SiteOptions } from "./site.js";

declare module "express-session" {
  interface SessionData {
    oidc?: IdTokenClaims;
    idToken?: string;
  }
}

export const BACKCHANNEL = "/oidc/backchannel-logout";

export interface CompanyShopOptions {
  /** Options of `oidc()`. */
  readonly provider?: Partial<OidcOptions>;
  readonly site?: SiteOptions;
  /** What happens in the app between the code exchange and the save of the session. */
  readonly beforeSave?: (req: Request) => unknown;
}

/** Opens an app whose users come from an identity provider: `POST /callback` has the claims of the ID token as JSON. */
export function openCompanyShop(
  open: (options: SiteOptions) => Promise<Site>,
  { issuer, jwksUri }: IdentityProvider,
  { provider, site = {}, beforeSave }: CompanyShopOptions = {},
): Promise<Site> {
  const company = oidc({
    ...{ issuer, jwksUri, clientId: CLIENT_ID },
    claims: (session: SessionData) => session.oidc,
    ...provider,
  });
  return open({
    ...site,
    auth: { ...site.auth, logins: { providers: [company], ...site.auth?.logins } },
    after: (app, auth) => {
      app.post("/callback", express.json(), (req, res, next) => {
        const logIn = async (): Promise<void> => {
          const claims = req.body as IdTokenClaims;
          await regenerate(req);
          Object.assign(req.session, { userId: claims.sub, oidc: claims });
          await beforeSave?.(req);
          await save(req);
          res.json({});
        };
        logIn().catch(next);
      });
      site.after?.(app, auth);
    },
  });
}

/** The claims of an ID token that was issued ten seconds ago: alice's, in `session-1`. */
export function claimsOf({ issuer }: IdentityProvider, changes: Claims = {}): IdTokenClaims & { readonly iat: number } {
  return { iss: issuer, sub: "alice", sid: "session-1", iat: Math.floor(Date.now() / 1_000) - 10, ...changes };
}

/** A browser that has logged in with these claims. */
export async function logInAtCompany(site: Site, idp: IdentityProvider, changes: Claims = {}): Promise<Browser> {
  const browser = new Browser(site.url);
  const { status } = await browser.post("/callback", claimsOf(idp, changes));
  expect(status).toBe(200);
  return browser;
}

/** The provider posts a logout token. @returns the status of the answer */
export async function postLogoutToken(site: Site, token: string): Promise<number> {
  const body = new URLSearchParams({ logout_token: token });
  return (await fetch(site.url + site.at + BACKCHANNEL, { method: "POST", body })).status;
}

/** The user whom the app serves in each browser. */
export async function usersIn(site: Site, browsers: readonly Browser[]): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const browser of browsers) found.push(await site.user(browser));
  return found;
}
