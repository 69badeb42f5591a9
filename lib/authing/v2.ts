import { listUsers, readPage } from "../http/authing-api/active-users.js";
import { authorize } from "../http/authing-api/authenticate.js";
import { FORCED_OFFLINE, readUserId, readUserIds } from "../http/authing-api/kick-active-users.js";
import { onlyValueOf, valueOf } from "../http/fields.js";
import { jsonReply } from "../http/reply.js";
import { knownFacts } from "../util/profile.js";
import { authenticateToken, authorizeIn } from "./authenticate.js";
import { findLogin } from "./find-login.js";
import { kickIn } from "./kick.js";
import type { PoolHandler } from "./route.js";

/** `GET /api/v2/applications/:appId/active-users?page&limit` */
export const activeUsers: PoolHandler = async (pool, request) => {
  const caller = await authenticateToken(pool, request);
  const application = pool.application(request.params["appId"] ?? "");
  const page = readPage(request.query);
  await authorize(application, caller, request, { action: "list" });
  const { totalCount, list } = await listUsers(application, page);
  // Clients of two ages spell it differently.
  const entries = list.map((entry) => ({ ...entry, lastIP: entry.lastIp }));
  return jsonReply(200, "Active users", { data: { totalCount, list: entries } });
};

/** `POST /api/v2/applications/:appId/kick-active-users` */
export const kickActiveUsers: PoolHandler = async (pool, request) => {
  const caller = await authenticateToken(pool, request);
  const application = pool.application(request.params["appId"] ?? "");
  const userIds = readUserIds(await request.json(), application.options.appId);
  await kickIn([application], caller, request, userIds);
  return FORCED_OFFLINE;
};

/** `POST /api/v2/users/kick`: in every application. */
export const kick: PoolHandler = async (pool, request) => {
  const caller = await authenticateToken(pool, request);
  const userIds = readUserIds(await request.json());
  await kickIn(pool.applications, caller, request, userIds);
  return FORCED_OFFLINE;
};

/** `GET /logout?appId&userId`: an administrator logs a user out. A cookie proves nothing here. */
export const logoutUser: PoolHandler = async (pool, request) => {
  const caller = await authenticateToken(pool, request);
  const userId = readUserId(onlyValueOf(request.query, "userId"));
  const appId = valueOf(request.query, "appId");
  const applications = appId === undefined ? pool.applications : [pool.application(appId)];
  await kickIn(applications, caller, request, [userId]);
  return FORCED_OFFLINE;
};

/** `GET /api/v2/users/login-status?userId&appId&deviceId` */
export const loginStatus: PoolHandler = async (pool, request) => {
  const caller = await authenticateToken(pool, request);
  const userId = readUserId(onlyValueOf(request.query, "userId"));
  const [appId, loginId] = [valueOf(request.query, "appId"), valueOf(request.query, "deviceId")];
  const applications = appId === undefined ? pool.applications : [pool.application(appId)];
  await authorizeIn(applications, caller, request, { action: "list", userIds: [userId] });
  const application = await findLogin(applications, userId, loginId);
  if (application === undefined) return jsonReply(200, "Login status", { data: { isLogin: false, application: [] } });
  const profile = await application.options.pages.describeUser(userId);
  const user = { ...knownFacts(profile), id: userId };
  return jsonReply(200, "Login status", { data: { isLogin: true, user, application: [] } });
};
