import type { LogoutMiddleware } from "express-logout";
import { authing } from "express-logout/authing";

/** A client of node-redis, as far as it is used here. */
interface Redis {
  set(key: string, value: string, options: { NX: true; PX: number }): Promise<unknown>;
}

/** For several processes. @param env - `USER_POOL_ID`, `USER_POOL_SECRET`, and a `SIGNING_KEY` of 32 bytes or more */
export function sharedClients(
  auth: LogoutMiddleware,
  client: Redis,
  { USER_POOL_ID = "", USER_POOL_SECRET = "", SIGNING_KEY = "" }: NodeJS.ProcessEnv,
) {
  return authing({
    applications: [auth],
    userPoolId: USER_POOL_ID,
    accessKeys: [{ id: USER_POOL_ID, secret: USER_POOL_SECRET }],
    signingKey: SIGNING_KEY,
    rememberNonce: async (nonce, ttlMs) => {
      const answer = await client.set(`shop:nonce:${nonce}`, "1", { NX: true, PX: ttlMs });
      return answer === "OK";
    },
  });
}
