import type { SessionData } from "express-session";

/** Claims of an ID token. `iat`, `iss` and `sub` are required by OpenID Connect Core 1.0 section 2. */
export interface IdTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly sid?: string | undefined;
  /** Seconds since 1970, by the provider's clock. Absent: a logout token ends the login if its session was saved before. */
  readonly iat?: number | undefined;
}

/** Returns the claims that `@okta/oidc-middleware` keeps in a session. */
export function oktaClaims(session: SessionData): IdTokenClaims | undefined {
  // As passport keeps its user: { userinfo, tokens }.
  return claimsOf(member(member(member(session, "passport"), "user"), "tokens"));
}

/** Returns the claims that `keycloak-connect` keeps in a session. */
export function keycloakClaims(session: SessionData): IdTokenClaims | undefined {
  // The provider's answer as it came: a text of JSON.
  const grant = member(session, "keycloak-token");
  return claimsOf(typeof grant === "string" ? parsed(grant) : grant);
}

/** The claims of the `id_token` in a set of tokens. Its signature was checked at the login. */
function claimsOf(tokens: unknown): IdTokenClaims | undefined {
  const idToken = member(tokens, "id_token");
  const [, payload] = typeof idToken === "string" ? idToken.split(".") : [];
  if (payload === undefined) return undefined;
  const claims = parsed(Buffer.from(payload, "base64url").toString());
  const [iss, sub, sid, iat] = ["iss", "sub", "sid", "iat"].map((name) => member(claims, name));
  if (typeof iss !== "string" || typeof sub !== "string") return undefined;
  return {
    iss,
    sub,
    ...(typeof sid === "string" && { sid }),
    ...(typeof iat === "number" && { iat }),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // What is no JSON holds no claims.
    return undefined;
  }
}
