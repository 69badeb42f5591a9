// An identity provider for the tests of the client packages: oidc-provider, with the addresses that each package expects.
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import type { RequestListener } from "node:http";
import { SignJWT } from "jose";
import Provider, { type Configuration } from "oidc-provider";
import { consentToOwnApps } from "../../../../example-app/company/consent.js";
import { Hold } from "./hold.js";
import { sharedAdapter } from "./shared-adapter.js";

const SECRET = "a-secret-of-the-tests";
export const SHOP = { id: "shop", secret: SECRET, hasSid: true };
/** Its ID tokens and logout tokens have no `sid`. */
export const PORTAL = { id: "portal", secret: SECRET, hasSid: false };
const HOUR_S = 3_600;
const KEYCLOAK = "/protocol/openid-connect";

/** What differs between providers: the path of the issuer, and those below it. */
export const DIALECTS = {
  plain: { path: "", routes: { end_session: "/session/end" } },
  okta: {
    path: "/oauth2/default",
    routes: {
      authorization: "/v1/authorize",
      token: "/v1/token",
      jwks: "/v1/keys",
      userinfo: "/v1/userinfo",
      end_session: "/v1/logout",
      revocation: "/v1/revoke",
    },
  },
  keycloak: {
    path: "/realms/acme",
    routes: {
      authorization: `${KEYCLOAK}/auth`,
      token: `${KEYCLOAK}/token`,
      jwks: `${KEYCLOAK}/certs`,
      userinfo: `${KEYCLOAK}/userinfo`,
      end_session: `${KEYCLOAK}/logout`,
    },
  },
} as const;

export type Dialect = keyof typeof DIALECTS;

/** An app whose users log in at the provider. */
export interface ClientApp {
  readonly client: typeof SHOP;
  readonly origin: string;
  /** The path, with its query, where a login comes back. */
  readonly callback: string;
}

export interface ProviderOptions {
  readonly origin: string;
  readonly dialect: Dialect;
  readonly apps: readonly [ClientApp, ...ClientApp[]];
}

/** The provider, and what holds its answers at the token endpoint. */
export function createProvider({ origin, dialect, apps }: ProviderOptions) {
  const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
  let privateKey = newKey();
  const { path, routes } = DIALECTS[dialect];
  const issuer = origin + path;
  const [{ origin: shop }] = apps;
  const configuration: Configuration = {
    adapter: sharedAdapter(),
    clients: apps.map(({ client, origin: app, callback }) => ({
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: redirectUris(issuer, app + callback),
      post_logout_redirect_uris: [`${app}/login/profile/logout/return`, `${app}/`],
      backchannel_logout_uri: `${app}/oidc/backchannel-logout`,
      backchannel_logout_session_required: client.hasSid,
    })),
    routes,
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    ttl: { AccessToken: HOUR_S, IdToken: HOUR_S, Interaction: HOUR_S, Session: HOUR_S, Grant: HOUR_S },
    loadExistingGrant: consentToOwnApps,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, typ: "ID" }) }),
    // This machine is where the shop is, and oidc-provider's own dispatcher refuses its addresses.
    fetch: (url, init) => {
      const { dispatcher: _refusing, ...rest } = { dispatcher: undefined, ...init };
      return fetch(url, rest);
    },
    ...(dialect === "keycloak" ? KEYCLOAK_TOKENS : { features: FEATURES }),
  };
  const tokens = new Hold();
  const instance = (): Provider => {
    const provider = new Provider(issuer, { ...configuration, jwks: { keys: [privateKey.export({ format: "jwk" })] } });
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.method === "POST" && ctx.path.endsWith("/token")) await tokens.pass();
    });
    return provider;
  };
  let answer = instance().callback();
  const handle: RequestListener = (req, res) => void answer(req, res);
  /** The provider has other keys from now on. It knows its sessions. */
  const rotateKeys = (): void => {
    privateKey = newKey();
    answer = instance().callback();
  };
  /** The provider ends all logins of a user: a Global Token Revocation. @returns the status of the answer */
  const revoke = async (sub: string): Promise<number> => {
    const url = `${shop}/oidc/token-revocation`;
    const claims = { iss: issuer, aud: url, jti: randomUUID() };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: "RS256", typ: "global-token-revocation+jwt" })
      .setIssuedAt()
      .setExpirationTime("1 minute")
      .sign(privateKey);
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const body = JSON.stringify({ sub_id: { format: "iss_sub", iss: issuer, sub } });
    return (await fetch(url, { method: "POST", headers, body })).status;
  };
  return { issuer, handle, tokens, revoke, rotateKeys };
}

/**
 * The address where a login comes back. keycloak-connect asks for a login with the query that the last one has left, where
 * Keycloak admits any by a wildcard.
 */
function redirectUris(issuer: string, callback: string): string[] {
  const url = new URL(callback);
  if (url.search === "") return [callback];
  return [callback, `${url.origin}${url.pathname}?iss=${encodeURIComponent(issuer)}&${url.searchParams.toString()}`];
}

const FEATURES = {
  backchannelLogout: { enabled: true },
  rpInitiatedLogout: { enabled: true },
  revocation: { enabled: true },
} satisfies Configuration["features"];

/**
 * keycloak-connect reads access tokens, which must be JWTs of the realm, and wants the kind of a token in the claim `typ`.
 * A real Keycloak differs in what is left out here: its refresh tokens are JWTs too, by which keycloak-connect renews an
 * expired grant at the next request (an opaque one counts as expired); roles are in the access token; redirect
 * addresses may have wildcards; and its logout tokens have `typ` `JWT` up to version 24.
 */
const KEYCLOAK_TOKENS: Configuration = {
  claims: { openid: ["sub", "typ"] },
  conformIdTokenClaims: false,
  extraTokenClaims: () => ({ typ: "Bearer" }),
  features: {
    ...FEATURES,
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:acme:account",
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: "",
        audience: "account",
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
};
