import { LogoutError } from "../../errors.js";
import { deviceInfoOf } from "../../util/device-info.js";
import { authenticate, authorize, type Caller } from "./authenticate.js";
import type { Handler, HandlerContext } from "../context.js";
import { LOCALES } from "../../pages/texts/index.js";
import { jsonReply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";

const MAX_USERS = 1_000;
const MAX_USER_ID = 256;

/** The contract has no field for a reason. A page says it in its own language. */
const REASON = LOCALES.en.forcedByAdministrator;

/** `POST /api/applications/:appId/kick-active-users`: a back end forces users offline. */
export const kickActiveUsers: Handler = async (context, request) => {
  const caller = authenticate(context, request);
  const userIds = readUserIds(await request.json(), context.options.appId);
  await authorize(context, caller, request, { action: "kick", userIds });
  await kickUsers(context, caller, request, userIds);
  return FORCED_OFFLINE;
};

export const FORCED_OFFLINE = jsonReply(200, "Forced offline successful");

/** Forces users offline, once the caller is known to be allowed to. */
export async function kickUsers(
  { logins }: HandlerContext,
  { by }: Caller,
  request: RouteRequest,
  userIds: readonly string[],
): Promise<void> {
  await logins.kick(userIds, { reason: REASON, by, from: deviceInfoOf(request.original) });
}

/**
 * Reads the users of a kick.
 *
 * @param appId - the application that the path names, if it names one
 * @throws LogoutError `ERR_REQUEST_INVALID` 400
 */
export function readUserIds(body: unknown, appId?: string): readonly string[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw bad('The body must be a JSON object: { "userIds": ["…"] }.');
  }
  const { userIds, appId: bodyAppId } = body as Record<string, unknown>;
  if (appId !== undefined && bodyAppId !== undefined && bodyAppId !== appId) {
    throw bad("appId must be that of the path.");
  }
  if (!Array.isArray(userIds) || userIds.length === 0) throw bad("userIds must be an array of at least one user id.");
  if (userIds.length > MAX_USERS) throw bad(`userIds must hold at most ${String(MAX_USERS)} user ids a call.`);
  for (const userId of userIds as unknown[]) {
    if (typeof userId !== "string" || userId === "") throw bad("userIds must hold non-empty strings alone.");
    if (userId.length > MAX_USER_ID)
      throw bad(`A user id in userIds must have at most ${String(MAX_USER_ID)} characters.`);
  }
  return userIds as string[];
}

/** Reads the one user of a request. @throws LogoutError `ERR_REQUEST_INVALID` 400 */
export function readUserId(given: unknown): string {
  if (typeof given !== "string" || given === "") throw bad("userId must be one non-empty string.");
  if (given.length > MAX_USER_ID) throw bad(`userId must have at most ${String(MAX_USER_ID)} characters.`);
  return given;
}

function bad(message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message);
}
