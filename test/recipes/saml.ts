import { Strategy, type PassportSamlConfig, type Profile } from "@node-saml/passport-saml";
import type { RequestHandler } from "express";
import type { SessionData } from "express-session";
import type { LoginKey, LogoutMiddleware } from "express-logout";
import type { Strategy as PassportStrategy } from "passport";

/** The last key is the narrowest. Providers may count the sessions of each user, so a session index needs the name id. */
const keysOf = ({ issuer: saml, nameID: nameId, sessionIndex }: Profile): LoginKey[] => [
  { saml, nameId },
  ...(sessionIndex === undefined ? [] : [{ saml, nameId, sessionIndex }]),
];

/** For `logout({ logins: { keys } })`. */
export const keys = (session: SessionData): LoginKey[] => {
  const { user } = (session as { passport?: { user?: Partial<Profile> } }).passport ?? {};
  return user?.nameID === undefined ? [] : keysOf(user as Profile);
};

/** For `passport.use()`. passport-saml has the types of Express 4. */
export function samlStrategy(
  auth: LogoutMiddleware,
  config: PassportSamlConfig,
  findUserId: (profile: Profile) => Promise<string | undefined>,
): Strategy & PassportStrategy {
  const strategy = new Strategy(
    { ...config, passReqToCallback: true },
    (_req, profile, done) => {
      if (profile === null) {
        done(null);
        return;
      }
      // passport keeps them in the session: for the keys, and for a logout here.
      const { issuer, nameID, nameIDFormat, nameQualifier, spNameQualifier, sessionIndex } = profile;
      const kept = { issuer, nameID, nameIDFormat, nameQualifier, spNameQualifier, sessionIndex };
      findUserId(profile).then((id) => done(null, id === undefined ? undefined : { id, ...kept }), done);
    },
    (req, profile, done) => {
      const [key] = profile === null ? [] : keysOf(profile).slice(-1);
      if (key === undefined || !isSigned(req)) {
        done(Object.assign(new Error("The logout request is not signed."), { status: 400 }));
        return;
      }
      // passport-saml goes on to log out the user of this browser, who may be another one.
      Object.assign(req, { logout: (loggedOut: () => void) => loggedOut() });
      const kicked = auth.kickByKey(key, { by: "saml", reason: "Logged out at the identity provider" });
      // Success is answered if this equals req.user.
      kicked.then(() => done(null, req.user as Record<string, unknown> | undefined), done);
    },
  );
  return strategy as Strategy & PassportStrategy;
}

/** node-saml 5 accepts a redirect without a signature. It checks that of a body itself. */
function isSigned({ url, query }: { url: string; query: Record<string, unknown> }): boolean {
  const { SAMLRequest, SigAlg, Signature } = query;
  if (SAMLRequest === undefined) return true;
  const areTexts = [SAMLRequest, SigAlg, Signature].every((value) => typeof value === "string" && value !== "");
  // Nothing else may be there, and all of it is what was signed.
  const parts = url.slice(url.indexOf("?") + 1).split("&");
  const names = parts.map((part) => part.replace(/=.*/s, "")).filter((name) => name !== "RelayState");
  return areTexts && !url.includes("#") && names.sort().join() === "SAMLRequest,SigAlg,Signature";
}

/** Ends the login here, then sends the browser to the provider, which ends its own session and those of other apps. */
export const logOut =
  (auth: LogoutMiddleware, strategy: Strategy): RequestHandler =>
  (req, res, next) => {
    const leave = (error: Error | null, to?: string | null): void => {
      auth.logout(req, res).then(() => (error === null ? res.redirect(303, to ?? "/") : next(error)), next);
    };
    const { nameID } = (req.user ?? {}) as Partial<Profile>;
    if (nameID === undefined) leave(null);
    else strategy.logout(req as never, leave);
  };
