import { deny } from "../http/authing-api/authenticate.js";
import type { JsonReply } from "../http/reply.js";
import type { PoolHandler } from "./route.js";

/** The one operation that is served, as clients write it. There is no GraphQL engine. */
const ACCESS_TOKEN = /^\s*query\s+accessToken\b/;

/** `POST /graphql/v2`: exchanges the secret of an access key for an access token. */
export const exchangeSecret: PoolHandler = async (pool, request) => {
  const { query, variables } = ((await request.json()) ?? {}) as { query?: unknown; variables?: unknown };
  if (typeof query !== "string" || !ACCESS_TOKEN.test(query))
    return graphqlError(400, "Only accessToken is served here.");
  const { userPoolId, secret } = (variables ?? {}) as { userPoolId?: unknown; secret?: unknown };
  const isPool = userPoolId === pool.options.userPoolId;
  const token = typeof secret === "string" && isPool ? await pool.accessTokens.issue(secret) : undefined;
  if (token === undefined) {
    deny(pool.applications[0], request, { reason: "no valid secret" });
    return graphqlError(401, "userPoolId and secret must be those of an access key.");
  }
  return { status: 200, json: { data: { accessToken: token } } };
};

/** An error as `authing-js-sdk` reads it. */
export function graphqlError(code: number, message: string): JsonReply {
  return { status: 200, json: { data: null, errors: [{ message: { code, message } }] } };
}
