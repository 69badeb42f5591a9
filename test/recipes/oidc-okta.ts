import { once } from "node:events";
import okta, { type ExpressOIDC } from "@okta/oidc-middleware"; // from ESM, it has no other names at run time
import type { Express, RequestHandler } from "express";
import session, { type SessionData, type Store } from "express-session";
import { logout } from "express-logout";
import { oidc, oktaClaims } from "express-logout/oidc";

interface Kept {
  readonly passport?: { readonly user?: { readonly tokens?: { readonly id_token?: string } } };
}

/** Call it before the server listens: it reads the metadata of the provider. */
export async function oktaMiddleware(
  app: Express,
  store: Store,
  secret: string,
  options: ExpressOIDC.ConfigurationOptions,
  report: (error: Error) => void,
) {
  const { issuer, client_id, appBaseUrl } = options;
  // As https://acme.okta.com, or https://acme.okta.com/oauth2/default of a server with scopes of its own.
  const server = issuer.includes("/oauth2/") ? issuer : `${issuer}/oauth2`;
  const provider = oidc({
    issuer,
    clientId: client_id,
    jwksUri: `${server}/v1/keys`,
    endSessionEndpoint: `${server}/v1/logout`,
    claims: oktaClaims,
    idToken: (kept) => (kept as Kept).passport?.user?.tokens?.id_token,
    postLogoutRedirectUri: `${appBaseUrl}/login/profile/logout/return`,
    routes: { tokenRevocation: "/oidc/token-revocation" }, // Okta's Universal Logout
  });
  const userId = (kept: SessionData) => oktaClaims(kept)?.sub;
  const auth = logout({ store, appId: "shop", userId, logins: { providers: [provider] } });
  const middleware = new okta.ExpressOIDC(options);
  middleware.on("error", report); // without a listener an error ends the process

  app.use(auth.sessionlessRoutes, session({ store, secret, resave: false, saveUninitialized: false }));
  app.use(auth); // before the router, which takes every path below /login for a login: also the logout URL
  app.use(middleware.router as unknown as RequestHandler); // its types are those of Express 4
  await once(middleware, "ready");
  return auth;
}
