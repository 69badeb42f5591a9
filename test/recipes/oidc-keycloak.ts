import type { Express } from "express";
import session, { type SessionData, type Store } from "express-session";
import { logout } from "express-logout";
import { keycloakClaims, oidc } from "express-logout/oidc";
import Keycloak, { type KeycloakConfig } from "keycloak-connect";

declare module "express-session" {
  interface SessionData {
    /** Of keycloak-connect. */
    auth_redirect_uri?: string;
  }
}

/** @param config - the parsed `keycloak.json` */
export function keycloakConnect(app: Express, store: Store, secret: string, origin: string, config: KeycloakConfig) {
  const realm = `${config["auth-server-url"]}/realms/${config.realm}`;
  const provider = oidc({
    issuer: realm,
    clientId: config.resource,
    jwksUri: `${realm}/protocol/openid-connect/certs`,
    endSessionEndpoint: `${realm}/protocol/openid-connect/logout`,
    claims: keycloakClaims,
    idToken: idTokenIn,
    postLogoutRedirectUri: `${origin}/login/profile/logout/return`,
  });
  const userId = (kept: SessionData) => keycloakClaims(kept)?.sub;
  const auth = logout({ store, appId: "shop", userId, logins: { providers: [provider] } });
  const keycloak = new Keycloak({ store }, config);

  app.use(auth.sessionlessRoutes, session({ store, secret, resave: false, saveUninitialized: false }));
  app.use(auth);
  // A new session id for each login: keycloak-connect would keep the visitor's.
  app.use((req, _res, next) => {
    const { auth_redirect_uri } = req.session;
    const isLogin = req.query["auth_callback"] !== undefined && keycloakClaims(req.session) === undefined;
    if (!isLogin || auth_redirect_uri === undefined) next();
    else {
      auth.startLogin(req).then(() => {
        req.session.auth_redirect_uri = auth_redirect_uri;
        next();
      }, next);
    }
  });
  app.use(keycloak.middleware());
  app.get("/login", keycloak.protect(), (_req, res) => res.redirect("/"));
  return auth;
}

/** The package keeps the answer of the provider as a text. */
function idTokenIn(kept: SessionData): string | undefined {
  const { "keycloak-token": grant } = kept as { "keycloak-token"?: string };
  return grant === undefined ? undefined : (JSON.parse(grant) as { id_token?: string }).id_token;
}
