import { once } from "node:events";
import okta, { type ExpressOIDC } from "@okta/oidc-middleware"; // from ESM, it has no other names at run time
import type { Express } from "express";
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
) {
  const { issuer, client_id, appBaseUrl } = options;
  const provider = oidc({
    issuer, // of an authorization server, such as https://acme.okta.com/oauth2/default
    clientId: client_id,
    jwksUri: `${issuer}/v1/keys`,
    endSessionEndpoint: `${issuer}/v1/logout`,
    claims: oktaClaims,
    idToken: (kept) => (kept as Kept).passport?.user?.tokens?.id_token,
    postLogoutRedirectUri: `${appBaseUrl}/login/profile/logout/return`,
    routes: { tokenRevocation: "/oidc/token-revocation" }, // Okta's Universal Logout
  });
  const userId = (kept: SessionData) => oktaClaims(kept)?.sub;
  const auth = logout({ store, appId: "shop", userId, logins: { providers: [provider] } });
  const middleware = new okta.ExpressOIDC(options);

  app.use(auth.sessionlessRoutes, session({ store, secret, resave: false, saveUninitialized: false }));
  app.use(auth); // before the router, which takes every path below /login for a login: also the logout URL
  app.use(middleware.router);
  await once(middleware, "ready");
  return auth;
}
