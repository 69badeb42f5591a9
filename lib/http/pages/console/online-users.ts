import { predicateOf } from "../../../logins/filter.js";
import type { FoundUser } from "../../../logins/find-users.js";
import type { ActiveUser } from "../../../logins/login-lists.js";
import type { OnlineUser } from "../../../pages/user-row.js";
import { PAGE_SIZES } from "../../../pages/pager.js";
import { isReversed, keyOf, type Sort, type SortKey } from "../../../pages/sorts.js";
import { debugError } from "../../../util/debug.js";
import { lastActiveOf } from "../../../util/last-active.js";
import { LOGINS_PER_USER } from "../../../util/limits.js";
import type { HandlerContext } from "../../context.js";
import { askApp, describeLogins, describeUser } from "../ask-app.js";
import { isPlainList, type ListQuery } from "./list-query.js";

/** How long a page looks at the logins of everyone. The script gives up a page after 4 seconds. */
const LOOK_MS = 2_500;
/** Of how many whom the app finds it is looked up whether they are online. */
const MAX_CANDIDATES = 1_000;
/** How many users a page describes to sort them by name. */
const MAX_NAMED = 1_000;
/** How many users of an open page, who are not on it by now, are read for a refresh: a whole page. */
const MAX_SHOWN = Math.max(...PAGE_SIZES);

/** What the table shows. */
export interface OnlineUsers {
  /** How many users are online. */
  readonly online: number;
  /** How many of them match; `undefined` where everyone is listed. */
  readonly found: number | undefined;
  readonly users: readonly OnlineUser[];
  readonly page: number;
  /** Whether more may match than were found. */
  readonly isCut: boolean;
  /** Whether the app has failed to search: only ids were looked for. */
  readonly isSearchFailed: boolean;
  /** How many users were looked at; `undefined` where that was not needed. */
  readonly lookedAt: number | undefined;
  readonly sort: Sort;
}

/** Returns a page of the list; the last one if there are fewer pages. */
export async function onlineUsers(context: HandlerContext, query: ListQuery): Promise<OnlineUsers> {
  return isPlainList(query) ? everyone(context, query) : matching(context, query);
}

const ALL = { isCut: false, isSearchFailed: false, lookedAt: undefined } as const;

async function everyone(context: HandlerContext, { page, limit, sort }: ListQuery): Promise<OnlineUsers> {
  const pageOf = (number: number) => context.logins.activeUsers({ offset: (number - 1) * limit, limit });
  const first = await pageOf(page);
  const last = Math.max(1, Math.ceil(first.total / limit));
  const { total: online, items } = page <= last ? first : await pageOf(last);
  const users = await Promise.all(items.map((user) => described(context, user)));
  return { online, found: undefined, users, page: Math.min(page, last), ...ALL, sort };
}

async function matching(context: HandlerContext, query: ListQuery): Promise<OnlineUsers> {
  const { page, limit, search, filter } = query;
  const [{ total }, { users: all, isCut, lookedAt, isSearchFailed }] = await Promise.all([
    context.logins.activeUsers({ offset: 0, limit: 0 }),
    foundUsers(context, query),
  ]);
  // Sorting by name describes everyone who was found.
  const sort = keyOf(query.sort) === "name" && all.length > MAX_NAMED ? "active" : query.sort;
  const sorted = await sortUsers(context, all, sort);
  const last = Math.max(1, Math.ceil(sorted.length / limit));
  const shown = Math.min(page, last);
  const users = sorted.slice((shown - 1) * limit, shown * limit);
  return {
    online: total,
    found: search === "" && filter.where === undefined ? undefined : all.length,
    users: await Promise.all(users.map((user) => described(context, user))),
    page: shown,
    isCut,
    isSearchFailed,
    lookedAt: search === "" ? lookedAt : undefined,
    sort,
  };
}

/** The users who are online and match a search and a filter. */
export interface Found {
  readonly users: readonly FoundUser[];
  readonly lookedAt: number;
  /** Whether more may match. */
  readonly isCut: boolean;
  /** Whether the app has failed to search. */
  readonly isSearchFailed: boolean;
}

export async function foundUsers(
  context: HandlerContext,
  { search, filter }: Pick<ListQuery, "search" | "filter">,
): Promise<Found> {
  const searched = search === "" ? undefined : await candidates(context, search);
  const userIds = searched?.userIds;
  const matches = filter.where === undefined ? undefined : predicateOf(filter.where);
  const found = await context.logins.findUsers(matches, {
    userIds: userIds?.slice(0, MAX_CANDIDATES),
    withinMs: LOOK_MS,
  });
  const isCut = !found.isComplete || (userIds !== undefined && userIds.length > MAX_CANDIDATES);
  return { users: found.users, lookedAt: found.lookedAt, isCut, isSearchFailed: searched?.isFailed === true };
}

/** The users whom the app finds, and the one who has the text as their id. */
async function candidates(
  { options }: HandlerContext,
  search: string,
): Promise<{ readonly userIds: readonly string[]; readonly isFailed: boolean }> {
  const byName = await askApp("console.searchUsers", () => options.console?.searchUsers(search), [search]);
  // Apps in JavaScript have numbers for ids as well.
  return { userIds: [...new Set([search, ...(byName ?? []).map(String)])], isFailed: byName === undefined };
}

/** Sorts users by a key; those who are equal by it, by their last activity. */
async function sortUsers(
  context: HandlerContext,
  users: readonly FoundUser[],
  sort: Sort,
): Promise<readonly FoundUser[]> {
  const names = new Map<string, string>();
  if (keyOf(sort) === "name") {
    const views = await Promise.all(users.map(({ userId }) => describeUser(context, userId)));
    for (const { id, name } of views) names.set(id, name);
  }
  const nameOf = ({ userId }: FoundUser): string => names.get(userId) ?? userId;
  const byKey: Readonly<Record<SortKey, (one: FoundUser, other: FoundUser) => number>> = {
    active: (one, other) => +lastActiveOf(other.logins) - +lastActiveOf(one.logins),
    login: (one, other) => lastLogin(other) - lastLogin(one),
    logins: (one, other) => other.loginsCount - one.loginsCount,
    name: (one, other) => collator.compare(nameOf(one), nameOf(other)),
  };
  const compare = byKey[keyOf(sort)];
  const sorted = [...users].sort((one, other) => compare(one, other) || byKey.active(one, other));
  return isReversed(sort) ? sorted.reverse() : sorted;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function lastLogin({ logins }: ActiveUser): number {
  return Math.max(...logins.map((login) => +login.began));
}

/** The users of a list, and of those that an open page shows: it keeps its rows while others come before them. */
export interface ShownUsers {
  readonly users: readonly OnlineUser[];
  /** Ids of users whose logins could not be read: whether they are online is not known. */
  readonly unread: readonly string[];
}

/** Adds the users that an open page shows, as far as they are online. */
export async function withShown(
  context: HandlerContext,
  users: readonly OnlineUser[],
  shownIds: readonly string[],
): Promise<ShownUsers> {
  const ids = new Set(users.map(({ person }) => person.id));
  const missing = new Set(shownIds.filter((userId) => userId !== "" && !ids.has(userId)).slice(0, MAX_SHOWN));
  if (missing.size === 0) return { users, unread: [] };
  const live = await readable([...missing], async (userId) => {
    const { items, total } = await context.logins.list(userId, { limit: LOGINS_PER_USER });
    return { userId, logins: items, loginsCount: total };
  });
  for (const { userId } of live) missing.delete(userId);
  const online = live.filter((user) => user.logins.length > 0);
  const more = await Promise.all(online.map((user) => described(context, user)));
  return { users: [...users, ...more], unread: [...missing] };
}

async function described(context: HandlerContext, { userId, logins, loginsCount }: ActiveUser): Promise<OnlineUser> {
  const [person, views] = await Promise.all([describeUser(context, userId), describeLogins(context, logins)]);
  return { person, logins: views, loginsCount };
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
