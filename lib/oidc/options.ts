import type { SessionData } from "express-session";
import type { RoutePath } from "../options/routes.js";
import type { UserId } from "../types/login.js";
import type { IdTokenClaims } from "./claims.js";

/** Options of `oidc()`: a client of openid-client 6, or the provider's metadata. */
export type OidcOptions = OidcCommonOptions & (OidcConfigured | OidcMetadata);

/** The provider, as openid-client 6 has discovered it. */
export interface OidcConfigured {
  /** The configuration of an openid-client 6 client: issuer, client id, keys, logout address and algorithm. */
  readonly configuration: OidcConfiguration;
}

/** The provider, written out. */
export interface OidcMetadata {
  readonly configuration?: undefined;
  /** The issuer, compared exactly. */
  readonly issuer: string;
  /** The client id, or several that this app answers for. */
  readonly clientId: string | readonly string[];
  /** The address of the provider's keys (JWKS). */
  readonly jwksUri: string;
  /** The provider's logout address. Absent: a logout here does not reach the provider. */
  readonly endSessionEndpoint?: string | undefined;
}

/** The part of openid-client's `Configuration` that is used. */
export interface OidcConfiguration {
  serverMetadata(): {
    readonly issuer: string;
    readonly jwks_uri?: string | undefined;
    readonly end_session_endpoint?: string | undefined;
  };
  clientMetadata(): { readonly client_id: string; readonly id_token_signed_response_alg?: string | undefined };
}

/** Options that do not depend on how the provider is given. */
export interface OidcCommonOptions {
  /**
   * Returns the claims of the ID token that a session logged in with, as the app kept them; `undefined` if it logged in otherwise.
   * Claims of another issuer are left to its own provider. See `oktaClaims` and `keycloakClaims`.
   */
  readonly claims: (session: SessionData) => IdTokenClaims | null | undefined;
  /**
   * Returns the ID token, for `id_token_hint` (an expired one is fine). A session without one logs out here alone. Default: the
   * provider asks the user to confirm.
   */
  readonly idToken?: ((session: SessionData) => string | null | undefined) | undefined;
  /**
   * The return address, as registered with the provider: the logout URL and `/return`, which is `/login/profile/logout/return` by
   * default. Needed for a logout that reaches the provider. Default: none.
   */
  readonly postLogoutRedirectUri?: string | undefined;
  /** Paths, below the path that the middleware is mounted at. */
  readonly routes?: OidcRoutes | undefined;
  /** How far the clocks of the provider's own servers may differ, in milliseconds. Default: 0. */
  readonly issuerSkewMs?: number | undefined;
  /** Rules that older providers need relaxed. Default: all strict. */
  readonly relax?: OidcRelaxations | undefined;
  /**
   * The accepted signature algorithms; asymmetric. Default: `id_token_signed_response_alg` of the configuration's client, else
   * `["RS256"]`.
   */
  readonly algorithms?: readonly string[] | undefined;
  /** Decrypts encrypted logout tokens (JWE). Default: they are refused. */
  readonly decrypt?: ((jwe: string) => Promise<string>) | undefined;
  /** Security event tokens (RFC 8417), pushed by the provider (RFC 8935; CAEP, RISC). Default: off. */
  readonly securityEvents?: SecurityEventOptions | undefined;
}

/** Paths of an identity provider's calls. Each provider needs paths of its own. */
export interface OidcRoutes {
  /** The back-channel logout receiver (OpenID Connect Back-Channel Logout 1.0). Default: `/oidc/backchannel-logout`. */
  readonly backchannel?: RoutePath | undefined;
  /** The front-channel logout receiver; needed for Microsoft Entra ID. Default: `false`. */
  readonly frontchannel?: RoutePath | undefined;
  /** The security event receiver; needs `securityEvents`. Default: `/oidc/security-events`. */
  readonly securityEvents?: RoutePath | undefined;
  /** The global token revocation receiver (Okta Universal Logout); needs `postLogoutRedirectUri`. Default: `false`. */
  readonly tokenRevocation?: RoutePath | undefined;
}

/** Rules for tokens that can be relaxed. */
export interface OidcRelaxations {
  /** Accepts `typ` `JWT`, or none. Default: `false`. */
  readonly typ?: boolean | undefined;
  /** Accepts a logout token without `exp`. Default: `false`. */
  readonly exp?: boolean | undefined;
}

/** How security events and revocations are acted on. */
export interface SecurityEventOptions {
  /**
   * Returns the users that a subject names. For an issuer and subject of this provider, they are ended beside the logins that came
   * from it. A complex subject with a device, or with a session that is not opaque, is passed as a whole. Default: none; the event is
   * acknowledged.
   */
  readonly resolveSubject?:
    ((subject: Readonly<Record<string, unknown>>) => readonly UserId[] | Promise<readonly UserId[]>) | undefined;
  /** Decides whether an event ends logins. Default: `session-revoked`, `account-disabled` and `account-purged` do. */
  readonly policy?:
    ((event: string, payload: Readonly<Record<string, unknown>>) => boolean | Promise<boolean>) | undefined;
}
