// An identity provider for the tests of the client packages: oidc-provider, with the addresses that each package expects.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import Provider, { type Configuration, type Grant, type KoaContextWithOIDC } from "oidc-provider";
import { Hold } from "./hold.js";

export const CLIENT = { id: "shop", secret: "a-secret-of-the-tests" };
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

export interface ProviderOptions {
  readonly origin: string;
  readonly dialect: Dialect;
  readonly shop: string;
  /** The path of the shop, with its query, where a login comes back. */
  readonly callback: string;
}

/** The provider, and what holds its answers at the token endpoint. */
export function createProvider({ origin, dialect, shop, callback }: ProviderOptions) {
  const { path, routes } = DIALECTS[dialect];
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const provider = new Provider(origin + path, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [shop + callback],
        post_logout_redirect_uris: [`${shop}/login/profile/logout/return`, `${shop}/`],
        backchannel_logout_uri: `${shop}/oidc/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    routes,
    jwks: { keys: [privateKey.export({ format: "jwk" })] },
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    ttl: { AccessToken: HOUR_S, IdToken: HOUR_S, Interaction: HOUR_S, Session: HOUR_S, Grant: HOUR_S },
    loadExistingGrant: consent,
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, typ: "ID" }) }),
    // This machine is where the shop is, and oidc-provider's own dispatcher refuses its addresses.
    fetch: (url, init) => {
      const { dispatcher: _refusing, ...rest } = { dispatcher: undefined, ...init };
      return fetch(url, rest);
    },
    ...(dialect === "keycloak" ? KEYCLOAK_TOKENS : { features: FEATURES }),
  });
  const tokens = new Hold();
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.method === "POST" && ctx.path.endsWith("/token")) await tokens.pass();
  });
  return { provider, tokens };
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

/** Users need not consent: the shop belongs to the provider's company. */
async function consent({ oidc: { provider, client, session } }: KoaContextWithOIDC): Promise<Grant | undefined> {
  if (client === undefined || session?.accountId === undefined) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid");
  await grant.save();
  return grant;
}
