import { LogoutError } from "../../../errors.js";
import { MAX_EXCEPT } from "../../../util/limits.js";
import type { HandlerContext } from "../../context.js";
import type { RouteRequest } from "../../route-request.js";
import type { Admin } from "./require-admin.js";
import type { Includes } from "./selection.js";

/** The ids of the administrators whom a kick of many spares: the one who kicks first. */
export async function sparedUsers(
  { options }: HandlerContext,
  { me, administrators }: Includes,
  admin: Admin,
): Promise<string[]> {
  // A function that fails, fails the kick: administrators must not be logged out because they are unknown.
  const known = administrators ? [] : ((await options.console?.administrators?.()) ?? []);
  const others = known.map(String).filter((userId) => userId !== admin.userId);
  return [...new Set(me ? others : [admin.userId, ...others])];
}

/**
 * The ids of all their logins. One that is left out here would be ended.
 *
 * @throws LogoutError if a login cannot be read, or there are more than a kick can spare
 */
export async function sparedLogins(
  context: HandlerContext,
  { texts }: RouteRequest,
  includes: Includes,
  admin: Admin,
): Promise<string[]> {
  const userIds = await sparedUsers(context, includes, admin);
  const ids = (await Promise.all(userIds.map((userId) => context.logins.idsOf(userId)))).flat();
  const spared = [...new Set(includes.me ? ids : [admin.id, ...ids])];
  if (spared.length <= MAX_EXCEPT) return spared;
  throw new LogoutError("ERR_REQUEST_INVALID", texts.tooManySpared(MAX_EXCEPT), { status: 409 });
}
