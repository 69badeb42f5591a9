import type { ProviderParts } from "../types/login-provider.js";
import { debug } from "../util/debug.js";
import type { ResolvedOidc } from "./resolve-options.js";

/**
 * Returns what makes the address of a logout at the provider; `undefined` if a logout does not reach it.
 *
 * Source: OpenID Connect RP-Initiated Logout 1.0 section 2.
 */
export function endSessionOf(options: ResolvedOidc): ProviderParts["endSession"] {
  const { provider, postLogoutRedirectUri, idToken } = options;
  const { endSessionEndpoint, clientIds, issuer } = provider;
  if (endSessionEndpoint === undefined || postLogoutRedirectUri === undefined) {
    const missing = endSessionEndpoint === undefined ? "end_session_endpoint" : "postLogoutRedirectUri";
    debug?.("oidc(): a logout does not reach the provider: there is no %s", missing);
    return undefined;
  }
  return (session, { state, uiLocales }) => {
    if (options.claims(session)?.iss !== issuer) return undefined;
    const hint = idToken?.(session);
    if (idToken !== undefined && (typeof hint !== "string" || hint === "")) return undefined;
    const url = new URL(endSessionEndpoint);
    const parameters = {
      id_token_hint: hint,
      // Which of several clients the ID token is for, only the token says.
      client_id: clientIds.length > 1 && idToken !== undefined ? undefined : clientIds[0],
      post_logout_redirect_uri: postLogoutRedirectUri,
      state,
      ui_locales: uiLocales.join(" "),
    };
    for (const [name, value] of Object.entries(parameters)) {
      if (typeof value === "string" && value !== "") url.searchParams.set(name, value);
    }
    return url.href;
  };
}
