import type { Express } from "express";
import session, { type SessionData, type Store } from "express-session";
import { logout } from "express-logout";
import { keycloakClaims, oidc } from "express-logout/oidc";
import Keycloak, { type KeycloakConfig } from "keycloak-connect";

declare module "express-session" {
  interface SessionData {
    isNewLogin?: boolean;
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
  app.use(keycloak.middleware());
  keycloak.authenticated = (req) => Object.assign(req.session, { isNewLogin: true });
  app.get("/login", keycloak.protect(), async (req, res) => {
    if (req.session.isNewLogin === true) {
      delete req.session.isNewLogin;
      await auth.confirmLogin(req); // a new session id: keycloak-connect keeps the one from before the login
    }
    res.redirect("/");
  });
  return auth;
}

/** The package keeps the answer of the provider as a text. */
function idTokenIn(kept: SessionData): string | undefined {
  const { "keycloak-token": grant } = kept as { "keycloak-token"?: string };
  return grant === undefined ? undefined : (JSON.parse(grant) as { id_token?: string }).id_token;
}
