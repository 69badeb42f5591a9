import type { Caller } from "../http/authing-api/authenticate.js";
import { kickUsers } from "../http/authing-api/kick-active-users.js";
import type { HttpContext } from "../http/context.js";
import type { RouteRequest } from "../http/route-request.js";
import { allInTurn } from "../util/all-in-turn.js";
import { authorizeIn } from "./authenticate.js";

/**
 * Forces users offline in several applications: in none, unless the caller may in each. If one fails, the others are still done.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 403; others as `auth.kick`
 */
export async function kickIn(
  applications: readonly HttpContext[],
  caller: Caller,
  request: RouteRequest,
  userIds: readonly string[],
): Promise<void> {
  await authorizeIn(applications, caller, request, { action: "kick", userIds });
  await allInTurn(...applications.map((application) => () => kickUsers(application, caller, request, userIds)));
}
