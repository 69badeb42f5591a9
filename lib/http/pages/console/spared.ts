import { MAX_EXCEPT } from "../../../util/limits.js";
import type { HandlerContext } from "../../context.js";
import { readable } from "./online-users.js";
import type { Admin } from "./require-admin.js";
import type { Includes } from "./selection.js";

/** The ids of the administrators whom a kick of everyone spares: the one who kicks first. */
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

/** The ids of their logins, as many as a kick can spare. */
export async function sparedLogins(context: HandlerContext, includes: Includes, admin: Admin): Promise<string[]> {
  const userIds = await sparedUsers(context, includes, admin);
  const lists = await readable(userIds, (userId) => context.logins.list(userId, { limit: MAX_EXCEPT }));
  const ids = lists.flatMap(({ items }) => items.map(({ id }) => id));
  return [...new Set(includes.me ? ids : [admin.id, ...ids])].slice(0, MAX_EXCEPT);
}
