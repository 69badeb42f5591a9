import type { Express } from "express";
import session, { type Store } from "express-session";
import { logout } from "express-logout";
import { oidc, type IdTokenClaims } from "express-logout/oidc";
import * as client from "openid-client";

declare module "express-session" {
  interface SessionData {
    attempt?: { readonly state: string; readonly nonce: string; readonly verifier: string };
    oidc?: IdTokenClaims;
    idToken?: string;
  }
}

/** @param idp - what `client.discovery(…)` has returned */
export function openidClient(app: Express, store: Store, secret: string, origin: string, idp: client.Configuration) {
  const provider = oidc({
    configuration: idp,
    claims: (kept) => kept.oidc,
    idToken: (kept) => kept.idToken,
    postLogoutRedirectUri: `${origin}/login/profile/logout/return`,
  });
  const auth = logout({ store, appId: "shop", logins: { providers: [provider] } });
  app.use(auth.sessionlessRoutes, session({ store, secret, resave: false, saveUninitialized: false }), auth);

  app.get("/login", async (req, res, next) => {
    const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
    req.session.attempt = { state, nonce, verifier };
    const code_challenge = await client.calculatePKCECodeChallenge(verifier);
    const redirect_uri = `${origin}/login/callback`;
    const pkce = { code_challenge, code_challenge_method: "S256" };
    const url = client.buildAuthorizationUrl(idp, { redirect_uri, scope: "openid", state, nonce, ...pkce });
    req.session.save((error?: unknown) => (error ? next(error) : res.redirect(url.href)));
  });

  app.get("/login/callback", async (req, res, next) => {
    const { attempt } = req.session;
    delete req.session.attempt;
    if (attempt === undefined || req.query["error"] !== undefined) {
      res.status(400).send('The login did not succeed. <a href="/login">Try again</a>');
      return;
    }
    const { state: expectedState, nonce: expectedNonce, verifier: pkceCodeVerifier } = attempt;
    const checks = { expectedState, expectedNonce, pkceCodeVerifier, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(idp, new URL(req.originalUrl, origin), checks);
    const { iss, sub, sid, iat } = tokens.claims() as IdTokenClaims;
    await auth.startLogin(req); // a new session id
    Object.assign(req.session, { userId: sub, oidc: { iss, sub, sid, iat }, idToken: tokens.id_token });
    req.session.save((error?: unknown) => (error ? next(error) : res.redirect("/")));
  });
  return auth;
}
