import type { OnlineUser } from "../../../pages/login-management.js";
import { toUserView } from "../../../pages/user-view.js";
import { LOGINS_PER_USER } from "../../../util/limits.js";
import type { HandlerContext } from "../../context.js";
import { debugError } from "../../../util/debug.js";

const MAX_FOUND = 50;
/** Of how many whom the app finds it is looked up whether they are online, and how many at once. */
const MAX_CANDIDATES = 1_000;
const CANDIDATES_AT_ONCE = 50;

/** What the table shows. */
export interface OnlineUsers {
  readonly totalCount: number;
  readonly users: readonly OnlineUser[];
  readonly page: number;
  /** Whether there are more than are shown. */
  readonly isCut: boolean;
}

/** Returns a page of the users who are online; the last one if there are fewer pages. */
export async function onlinePage(
  { options, logins }: HandlerContext,
  page: number,
  limit: number,
): Promise<OnlineUsers> {
  const asked = Math.max(1, page);
  const pageOf = (number: number) => logins.activeUsers({ offset: (number - 1) * limit, limit });
  const first = await pageOf(asked);
  const last = Math.max(1, Math.ceil(first.total / limit));
  const { total: totalCount, items: users } = asked <= last ? first : await pageOf(last);
  const people = users.map(async ({ userId, ...live }) => ({
    person: toUserView(userId, await options.pages.describeUser(userId)),
    ...live,
  }));
  return { totalCount, users: await Promise.all(people), page: Math.min(asked, last), isCut: false };
}

/** Returns the users who are online among those that the app finds. */
export async function foundUsers(context: HandlerContext, search: string): Promise<OnlineUsers> {
  // Apps in JavaScript have numbers for ids as well.
  const byName = ((await context.options.console?.searchUsers(search)) ?? []).map(String);
  const candidates = [...new Set([search, ...byName])];
  const online: OnlineUser[] = [];
  for (let next = 0; next < Math.min(candidates.length, MAX_CANDIDATES); next += CANDIDATES_AT_ONCE) {
    if (online.length > MAX_FOUND) break;
    online.push(...(await onlineUsers(context, candidates.slice(next, next + CANDIDATES_AT_ONCE))));
  }
  const users = online.slice(0, MAX_FOUND);
  const isCut = online.length > MAX_FOUND || candidates.length > MAX_CANDIDATES;
  return { totalCount: users.length, users, page: 1, isCut };
}

/** Adds the users that an open page shows, as far as they are online: it keeps its rows while others come before them. */
export async function withShown(
  context: HandlerContext,
  users: readonly OnlineUser[],
  shownIds: readonly string[],
): Promise<readonly OnlineUser[]> {
  const ids = new Set(users.map(({ person }) => person.id));
  const missing = shownIds.filter((userId) => userId !== "" && !ids.has(userId)).slice(0, MAX_FOUND);
  return missing.length === 0 ? users : [...users, ...(await onlineUsers(context, missing))];
}

/** Of these users, those who are online. */
async function onlineUsers({ options, logins }: HandlerContext, userIds: readonly string[]): Promise<OnlineUser[]> {
  const live = await readable([...new Set(userIds)], async (userId) => {
    const { items, total } = await logins.list(userId, { limit: LOGINS_PER_USER });
    return { userId, logins: items, loginsCount: total };
  });
  const online = live.filter((user) => user.logins.length > 0);
  return Promise.all(
    online.map(async ({ userId, ...user }) => ({
      person: toUserView(userId, await options.pages.describeUser(userId)),
      ...user,
    })),
  );
}

/** What is read of these users: one that cannot be read is left out, unless none can. */
export async function readable<Read>(
  userIds: readonly string[],
  read: (userId: string) => Promise<Read>,
): Promise<Read[]> {
  const results = await Promise.allSettled(userIds.map(read));
  const found = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) debugError("the logins of a user could not be read", failed.reason, userIds);
  if (found.length === 0 && failed !== undefined) throw failed.reason;
  return found;
}
