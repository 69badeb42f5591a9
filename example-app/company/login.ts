// The shop's side of the company account: a login by openid-client, and a logout both ways by express-logout/oidc.
import { Router, type Request, type Response } from "express";
import type { LoginProvider } from "express-logout";
import { oidc, type IdTokenClaims } from "express-logout/oidc";
import * as client from "openid-client";
import { COMPANY_CLIENT } from "../config.js";
import { logIn, saveSession, wayBack } from "../log-in.js";
import { findUser } from "../users.js";

declare module "express-session" {
  interface SessionData {
    /** A login at the company that has begun. */
    attempt?: { readonly state: string; readonly nonce: string; readonly verifier: string; readonly returnTo: string };
    /** What express-logout needs of the ID token. */
    company?: IdTokenClaims;
    idToken?: string;
  }
}

const START = "/login/company";
const CALLBACK = `${START}/callback`;

export interface Company {
  readonly provider: LoginProvider;
  readonly router: Router;
  readonly loginUrl: string;
  /** Where users log out at the company. */
  readonly logoutUrl: string | undefined;
}

/** Reads the metadata of the company's identity provider, which must be running. */
export async function connectCompany(issuer: string, origin: string): Promise<Company> {
  const configuration = await client.discovery(new URL(issuer), COMPANY_CLIENT.id, COMPANY_CLIENT.secret, undefined, {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- It is marked so as a warning: this demo has no HTTPS.
    execute: [client.allowInsecureRequests],
  });
  const router = Router();
  router.get(START, (req, res) => startLogin(configuration, origin, req, res));
  router.get(CALLBACK, (req, res) => finishLogin(configuration, origin, req, res));
  return {
    provider: oidc({
      configuration,
      claims: (session) => session.company,
      idToken: (session) => session.idToken,
      postLogoutRedirectUri: `${origin}/login/profile/logout/return`,
    }),
    router,
    loginUrl: START,
    logoutUrl: configuration.serverMetadata().end_session_endpoint,
  };
}

async function startLogin(
  configuration: client.Configuration,
  origin: string,
  req: Request,
  res: Response,
): Promise<void> {
  const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
  req.session.attempt = { state, nonce, verifier, returnTo: wayBack(req.query["returnTo"]) };
  await saveSession(req);
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: origin + CALLBACK,
    scope: "openid",
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  res.redirect(url.href);
}

async function finishLogin(
  configuration: client.Configuration,
  origin: string,
  req: Request,
  res: Response,
): Promise<void> {
  const { attempt } = req.session;
  if (attempt === undefined) {
    res.redirect("/login");
    return;
  }
  const tokens = await client.authorizationCodeGrant(configuration, new URL(req.originalUrl, origin), {
    expectedState: attempt.state,
    expectedNonce: attempt.nonce,
    pkceCodeVerifier: attempt.verifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const user = findUser(claims?.sub);
  if (claims === undefined || user === undefined) {
    res.status(403).send("The shop has no account for you.\n");
    return;
  }
  const { iss, sub, sid, iat } = claims;
  const company = { iss, sub, iat, ...(typeof sid === "string" && { sid }) };
  await logIn(req, { userId: user.id, company, ...(tokens.id_token !== undefined && { idToken: tokens.id_token }) });
  res.redirect(303, attempt.returnTo);
}
