import { LogoutError } from "../errors.js";
import { listUsers, readPage } from "../http/authing-api/active-users.js";
import { authorize } from "../http/authing-api/authenticate.js";
import { readUserId } from "../http/authing-api/kick-active-users.js";
import type { HttpContext } from "../http/context.js";
import { fieldsIn } from "../http/fields.js";
import type { JsonReply } from "../http/reply.js";
import type { RouteRequest } from "../http/route-request.js";
import { authenticateSignature, type SignedCall } from "./authenticate.js";
import { findLogin } from "./find-login.js";
import { kickIn } from "./kick.js";
import type { PoolHandler } from "./route.js";
import type { UserPool } from "./user-pool.js";

/** Statuses of the business: the client reads them in the body. Any other is one of HTTP as well, so that the client fails. */
const IN_BODY = [200, 400, 403, 404];

/** Replies as the v3 API does. */
export function v3Reply(
  statusCode: number,
  message: string,
  more: Pick<JsonReply, "headers"> & { data?: object } = {},
): JsonReply {
  const { headers, data } = more;
  const status = IN_BODY.includes(statusCode) ? 200 : statusCode;
  return { status, headers, json: { statusCode, message, data } };
}

const signed =
  (respond: (pool: UserPool, request: RouteRequest, call: SignedCall) => Promise<object>): PoolHandler =>
  async (pool, request) =>
    v3Reply(200, "Success", { data: await respond(pool, request, await authenticateSignature(pool, request)) });

/** `POST /api/v3/kick-users`: `{ appIds, userId, options }` */
export const kickUsers = signed(async (pool, request, { caller, body }) => {
  const { appIds } = body;
  if (!Array.isArray(appIds) || appIds.length === 0)
    throw bad("appIds must be an array of at least one application id.");
  mustBeUserId(body);
  const userId = readUserId(body["userId"]);
  const applications = [...new Set(appIds)].map((appId) => applicationIn(pool, appId, "Each of appIds"));
  await kickIn(applications, caller, request, [userId]);
  return { success: true };
});

/** `POST /api/v3/list-application-active-users`: `{ appId, options: { pagination: { page, limit } } }` */
export const listApplicationActiveUsers = signed(async (pool, request, { caller, body }) => {
  const application = applicationIn(pool, body["appId"], "appId");
  const page = readPage(fieldsIn(memberOf(memberOf(body, "options"), "pagination")));
  await authorize(application, caller, request, { action: "list" });
  const { totalCount, list } = await listUsers(application, page);
  return { totalCount, list: list.map(({ id, ...entry }) => ({ userId: id, ...entry })) };
});

/** `POST /api/v3/check-session-status`: `{ appId, userId }` */
export const checkSessionStatus = signed(async (pool, request, { caller, body }) => {
  const application = applicationIn(pool, body["appId"], "appId");
  mustBeUserId(body);
  const userId = readUserId(body["userId"]);
  await authorize(application, caller, request, { action: "list", userIds: [userId] });
  return { active: (await findLogin([application], userId)) !== undefined };
});

function applicationIn(pool: UserPool, appId: unknown, name: string): HttpContext {
  if (typeof appId !== "string") throw bad(`${name} must be a string.`);
  return pool.application(appId);
}

/** Users are known by their ids alone. */
function mustBeUserId(body: object): void {
  const type = (memberOf(body, "options") as { userIdType?: unknown }).userIdType ?? "user_id";
  if (type !== "user_id") throw bad("options.userIdType must be user_id: send the id that the app gives the user.");
}

function memberOf(body: object, name: string): object {
  const member: unknown = (body as Readonly<Record<string, unknown>>)[name] ?? {};
  if (typeof member === "object" && member !== null && !Array.isArray(member)) return member;
  throw bad(`${name} must be an object.`);
}

function bad(message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message);
}
