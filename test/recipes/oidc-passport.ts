import type { Express, RequestHandler } from "express";
import session, { type SessionData, type Store } from "express-session";
import { logout } from "express-logout";
import { oidc, type IdTokenClaims } from "express-logout/oidc";
import { decodeJwt } from "jose";
import passport from "passport";
import OpenIDConnectStrategy, { type Profile, type StrategyOptions, type VerifyCallback } from "passport-openidconnect";

interface User {
  readonly claims: IdTokenClaims;
  readonly idToken: string;
}

/** @param idp - addresses of the provider that the strategy does not need */
export function passportOpenIdConnect(
  app: Express,
  store: Store,
  secret: string,
  options: StrategyOptions,
  idp: { readonly jwksUri: string; readonly endSessionEndpoint: string },
) {
  const userIn = (kept: SessionData) => (kept as { passport?: { user?: User } }).passport?.user;
  const provider = oidc({
    ...idp,
    issuer: options.issuer,
    clientId: options.clientID,
    claims: (kept) => userIn(kept)?.claims,
    idToken: (kept) => userIn(kept)?.idToken,
    postLogoutRedirectUri: new URL("/login/profile/logout/return", options.callbackURL).href,
  });
  const userId = (kept: SessionData) => userIn(kept)?.claims.sub;
  const auth = logout({ store, appId: "shop", userId, logins: { providers: [provider] } });

  // With five parameters, the strategy passes the ID token, whose claims it has checked.
  function verify(_iss: string, _profile: Profile, _context: object, token: string | object, done: VerifyCallback) {
    const idToken = token as string;
    const { iss, sub, sid, iat } = decodeJwt<IdTokenClaims>(idToken);
    done(null, { claims: { iss, sub, sid, iat }, idToken });
  }
  passport.use(new OpenIDConnectStrategy({ nonce: "on", ...options }, verify)); // a new nonce each time
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user: User, done) => done(null, user));

  app.use(auth.sessionlessRoutes, session({ store, secret, resave: false, saveUninitialized: false }));
  app.use(passport.session() as RequestHandler, auth);
  app.get("/login", passport.authenticate("openidconnect") as RequestHandler);
  app.get("/login/callback", passport.authenticate("openidconnect", { successRedirect: "/" }) as RequestHandler);
  return auth;
}
