import type { HandlerContext } from "../http/context.js";
import type { KickOptions, KickResult } from "../logins/kick-options.js";
import type { LoginKey } from "../types/login-keys.js";
import type { UserId } from "../types/login.js";

/** How receivers end logins. */
export interface Kicks {
  kickByKey(key: LoginKey, options: KickByKey): Promise<KickResult>;
  kick(userIds: readonly UserId[], options: KickOptions): Promise<KickResult>;
}

interface KickByKey extends KickOptions {
  /** By the provider's clock, in seconds since 1970. */
  readonly authenticatedBefore?: number | undefined;
  /** Whether logins that are bound later have ended too. An unsigned request must not decide about those. Default: `true`. */
  readonly mark?: boolean | undefined;
}

/** Who has ended the login, for events and audit; and why, for the user. */
export const AT_PROVIDER = { by: "oidc", reason: "Logged out at the identity provider" } as const;
export const BY_EVENT = { by: "oidc", reason: "Ended by the identity provider" } as const;

export function kicksOf({ logins }: HandlerContext): Kicks {
  return logins as unknown as Kicks;
}
