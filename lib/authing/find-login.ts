import type { HttpContext } from "../http/context.js";

/** Returns the first of these applications in which a user has a live login, or this one of them. */
export async function findLogin(
  applications: readonly HttpContext[],
  userId: string,
  loginId?: string,
): Promise<HttpContext | undefined> {
  for (const application of applications) {
    const { logins } = application;
    const isLoggedIn =
      loginId === undefined
        ? (await logins.list(userId, { limit: 1 })).total > 0
        : (await logins.find(userId, loginId)) !== undefined;
    if (isLoggedIn) return application;
  }
  return undefined;
}
