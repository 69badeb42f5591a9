/** Single logout with an OpenID Connect provider: its logout ends logins here, and a logout here reaches it. Needs `jose` 6. */
import type { Route } from "../http/route.js";
import type { LoginProvider } from "../types/login-provider.js";
import { PROVIDER } from "../util/provider.js";
import { receiveLogoutToken, refuseGet } from "./backchannel.js";
import { endSessionOf } from "./end-session.js";
import { receiveFrontchannelLogout } from "./frontchannel.js";
import { keysOf } from "./keys.js";
import { requireJose } from "../jose/load-jose.js";
import type { OidcOptions } from "./options.js";
import { ProviderKeys } from "./provider-keys.js";
import { resolveOidc } from "./resolve-options.js";
import { receiveSecurityEvent } from "./security-events.js";
import type { Receiver } from "./signed-token.js";
import { receiveRevocation } from "./token-revocation.js";

export { keycloakClaims, oktaClaims, type IdTokenClaims } from "./claims.js";
export type {
  OidcCommonOptions,
  OidcConfiguration,
  OidcConfigured,
  OidcMetadata,
  OidcOptions,
  OidcRelaxations,
  OidcRoutes,
  SecurityEventOptions,
} from "./options.js";

/**
 * Creates an identity provider for `logins.providers`.
 *
 * The receivers verify tokens by OpenID Connect Back-Channel Logout 1.0 section 2.6 and OWASP ASVS 5.0 10.5.5. They respond within 1.5
 * seconds: 204, or 400 with one fixed sentence. No URL that is requested ever comes from a token.
 *
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, also if `jose` is not installed
 *
 * @example
 * ```ts
 * import { oidc } from "express-logout/oidc";
 *
 * export const idp = oidc({
 *   issuer: "https://idp.example",
 *   clientId: "shop",
 *   jwksUri: "https://idp.example/jwks",
 *   claims: (session) => (session as { claims?: { iss: string; sub: string; sid?: string; iat: number } }).claims,
 * });
 * ```
 */
export function oidc(options: OidcOptions): LoginProvider {
  const resolved = resolveOidc(options);
  requireJose("oidc()");
  const receiver: Receiver = { options: resolved, keys: new ProviderKeys(resolved.provider.jwksUri) };
  return Object.freeze({
    [PROVIDER]: {
      keysOf: (session) => {
        const keys = keysOf(resolved, session);
        if (keys.length > 0) receiver.keys.prefetch();
        return keys;
      },
      routes: routesOf(receiver),
      endSession: endSessionOf(resolved),
      endSessionUrl: resolved.provider.endSessionEndpoint,
    },
  } satisfies LoginProvider);
}

function routesOf(receiver: Receiver): readonly Route[] {
  const { backchannel, frontchannel, securityEvents, tokenRevocation } = receiver.options.routes;
  const route = (paths: readonly string[], method: Route["method"], handler: Route["handler"]): Route => ({
    paths: () => paths,
    method,
    caller: "provider",
    guarded: false,
    handler,
  });
  return [
    route(backchannel, "post", receiveLogoutToken(receiver)),
    route(backchannel, "get", refuseGet),
    route(frontchannel, "get", receiveFrontchannelLogout(receiver)),
    route(securityEvents, "post", receiveSecurityEvent(receiver)),
    route(tokenRevocation, "post", receiveRevocation(receiver)),
  ];
}
