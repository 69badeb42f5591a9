import type { HandlerContext } from "../http/context.js";

/** How receivers end logins. */
export type Kicks = Pick<HandlerContext["logins"], "kick" | "kickByKey">;

/** Who has ended a login, for events and audit; and why, for the user. */
export const AT_PROVIDER = { by: "oidc", reason: "Logged out at the identity provider" } as const;
export const BY_EVENT = { by: "oidc", reason: "Ended by the identity provider" } as const;
