import { LogoutError } from "../errors.js";
import type { ListedLogin, LoginRegistry } from "../types/registry.js";

/** Returns a function that reads all logins of a user, also those that lists do not show. @throws LogoutError `ERR_REGISTRY_UNSUPPORTED` */
export function loginScanner(registry: LoginRegistry): (userId: string) => Promise<readonly ListedLogin[]> {
  if (registry.scanLogins === undefined) {
    throw new LogoutError("ERR_REGISTRY_UNSUPPORTED", "kickWhere needs a login registry with scanLogins().");
  }
  return async (userId) => {
    const logins = new Map<string, ListedLogin>();
    for await (const batch of registry.scanLogins?.(userId) ?? []) {
      for (const login of batch) logins.set(login.id, login);
    }
    return [...logins.values()];
  };
}

/** How many logins are read of a user where a registry cannot scan them. */
const MAX_LISTED = 1_000;

/** Reads the logins of a user: all, or those that lists show where the registry cannot scan. */
export async function readLogins(registry: LoginRegistry, userId: string): Promise<readonly ListedLogin[]> {
  if (registry.scanLogins !== undefined) return loginScanner(registry)(userId);
  return (await registry.list(userId, { offset: 0, limit: MAX_LISTED })).items;
}
