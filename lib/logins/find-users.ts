import type { LoginRegistry } from "../types/registry.js";
import { debugError } from "../util/debug.js";
import { LOGINS_PER_USER } from "../util/limits.js";
import { mapLimit } from "../util/map-limit.js";
import type { LoginPredicate } from "./filter.js";
import { withoutSids, type ActiveUser } from "./login-lists.js";
import { readLogins } from "./login-scanner.js";

const USERS_AT_ONCE = 50;

/** A user who is online with at least one login that matches. */
export interface FoundUser extends ActiveUser {
  /** How many of the user's logins match. */
  readonly matching: number;
}

export interface FoundUsers {
  readonly users: readonly FoundUser[];
  /** How many users were looked at. */
  readonly lookedAt: number;
  /** Whether every user was looked at. */
  readonly isComplete: boolean;
}

export interface FindOptions {
  /** Only these users. Default: everyone. */
  readonly userIds?: readonly string[] | undefined;
  readonly withinMs: number;
}

/**
 * Looks at the logins of everyone, or of these users, for at most `withinMs`. Leaves out users whose logins cannot be read, unless none
 * can.
 *
 * @param matches - which logins are looked for; `undefined` for all
 */
export async function findUsers(
  registry: LoginRegistry,
  matches: LoginPredicate | undefined,
  { userIds, withinMs }: FindOptions,
): Promise<FoundUsers> {
  const until = performance.now() + withinMs;
  const read = matches === undefined ? newest(registry) : matching(registry, matches);
  const users = new Map<string, FoundUser>();
  const errors: unknown[] = [];
  let [lookedAt, isComplete] = [0, true];
  const look = async (userId: string): Promise<void> => {
    try {
      const found = await read(userId);
      if (found.matching > 0) users.set(userId, found);
      lookedAt += 1;
    } catch (error) {
      errors.push(error);
    }
  };
  try {
    for await (const batch of userIds === undefined ? registry.scanUsers() : [userIds]) {
      isComplete = performance.now() < until;
      if (!isComplete) break;
      await mapLimit(USERS_AT_ONCE, batch, look);
    }
  } catch (error) {
    // Thrown for users that cannot be read, after all others.
    errors.push(error);
  }
  if (errors.length > 0) {
    debugError("the logins of some users could not be read", errors[0], userIds);
    if (lookedAt === 0) throw errors[0];
  }
  return { users: [...users.values()], lookedAt, isComplete: isComplete && errors.length === 0 };
}

type ReadUser = (userId: string) => Promise<FoundUser>;

/** Reads no more of a user than a list shows. */
function newest(registry: LoginRegistry): ReadUser {
  return async (userId) => {
    const { items, total } = await registry.list(userId, { offset: 0, limit: LOGINS_PER_USER });
    return { userId, logins: items.map(withoutSids), loginsCount: total, matching: items.length === 0 ? 0 : total };
  };
}

/** Reads every login of a user: any of them may match. */
function matching(registry: LoginRegistry, matches: LoginPredicate): ReadUser {
  return async (userId) => {
    const listed = await readLogins(registry, userId);
    const now = Date.now();
    const shown = listed.filter(({ sids, shownUntil }) => sids.length > 0 && +shownUntil > now).map(withoutSids);
    const found = shown.filter((login) => matches(login, listed.length)).length;
    const logins = shown.sort((one, other) => +other.began - +one.began).slice(0, LOGINS_PER_USER);
    return { userId, logins, loginsCount: shown.length, matching: found };
  };
}
