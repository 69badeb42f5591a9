import { errorReplyFor } from "../http/error-handler.js";
import { jsonReply } from "../http/reply.js";
import { casLogout, logout, oidcLogout, sessionLogout } from "./browser.js";
import { exchangeSecret, graphqlError } from "./graphql.js";
import type { PoolRoute } from "./route.js";
import { activeUsers, kick, kickActiveUsers, loginStatus } from "./v2.js";
import { checkSessionStatus, kickUsers, listApplicationActiveUsers, v3Reply } from "./v3.js";

const v2: Pick<PoolRoute, "toReply"> = {
  toReply: (_context, _request, { status, message, headers }) => ({ ...jsonReply(status, message), headers }),
};
const v3: Pick<PoolRoute, "method" | "needsKeys" | "toReply"> = {
  method: "post",
  needsKeys: true,
  toReply: (_context, _request, { status, message, headers }) => v3Reply(status, message, { headers }),
};
const link: Pick<PoolRoute, "method" | "toReply"> = { method: "get", toReply: errorReplyFor("browser") };

/** Every call that is served. */
export const POOL_ROUTES: readonly PoolRoute[] = [
  { name: "activeUsers", method: "get", handler: activeUsers, isOfAdmin: true, ...v2 },
  { name: "kickActiveUsers", method: "post", handler: kickActiveUsers, isOfAdmin: true, ...v2 },
  { name: "kick", method: "post", handler: kick, ...v2 },
  { name: "loginStatus", method: "get", handler: loginStatus, ...v2 },
  {
    name: "accessToken",
    method: "post",
    handler: exchangeSecret,
    needsKeys: true,
    toReply: (_context, _request, { status, message }) => graphqlError(status, message),
  },
  { name: "kickUsers", handler: kickUsers, ...v3 },
  { name: "listApplicationActiveUsers", handler: listApplicationActiveUsers, ...v3 },
  { name: "checkSessionStatus", handler: checkSessionStatus, ...v3 },
  { name: "logout", method: "get", handler: logout, isShared: true, ...v2 },
  { name: "sessionLogout", method: "get", handler: sessionLogout, isShared: true, ...v2 },
  { name: "oidcLogout", handler: oidcLogout, ...link },
  { name: "casLogout", handler: casLogout, ...link },
];
