import type { SessionData } from "express-session";
import type { Route } from "../http/route.js";
import type { PROVIDER } from "../util/provider.js";
import type { LoginKey } from "./login-keys.js";

/** An identity provider. Opaque: create one with `oidc()`. */
export interface LoginProvider {
  readonly [PROVIDER]: ProviderParts;
}

/** A key, and when the user of the login has authenticated. */
export interface KeySince {
  readonly key: LoginKey;
  /** By the provider's clock, in seconds since 1970. Absent: unknown. */
  readonly since?: number | undefined;
}

/** What a provider adds to `logout()`. */
export interface ProviderParts {
  /** Returns the keys of a session's login. An exception fails the save: no login is listed without its keys. */
  readonly keysOf: (session: SessionData) => readonly KeySince[];
  /** Routes that use no session. */
  readonly routes: readonly Route[];
  /** Returns where the browser must go so that the provider ends its session too. Absent: a logout does not reach the provider. */
  readonly endSession?: ((session: SessionData, request: EndSessionRequest) => string | undefined) | undefined;
  /** The address that {@link endSession} leads to, without parameters: forms of the pages must be allowed to lead there. */
  readonly endSessionUrl?: string | undefined;
}

export interface EndSessionRequest {
  /** Comes back from the provider unchanged. */
  readonly state: string;
  /** The user's languages, most preferred first (RFC 5646). */
  readonly uiLocales: readonly string[];
}
