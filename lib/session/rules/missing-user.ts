import { warn } from "../../util/warning.js";
import { ownKeysOf, type SessionRecord } from "../stamp.js";

/** The number of sessions without a user id after which even keys that do not look like a user's cause the warning. */
const MOST_SESSIONS = 100;
const MOST_NAMED = 10;

/** Keys under which apps keep the user, in lower case and without `-`, `_`, `.` and digits. */
const PEOPLE = "user|account|(?<!re)member|customer|admin|employee|student|person|principal|identity";
const OTHERS = "uid|email|login|loginid|profile|claims|sub|auth|passport|keycloaktoken|idtoken|tokenset|oidc";
const USER_KEY = new RegExp(`^(?:[a-z]*(?:${PEOPLE})(?:id|name|info|data|email)?|${OTHERS})$`);

/**
 * Warns once if no saved session has a user id: no login would be listed, and kicks would silently end nothing. Keeps no data
 * after the first user id or the warning.
 */
export class MissingUser {
  #isDone = false;
  #keys: Map<string, Set<string>> | undefined;

  /** Stops watching: a session has a user id. */
  found(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#keys = undefined;
  }

  /** Counts a saved session without a user id. */
  saved(sid: string, session: SessionRecord): void {
    if (this.#isDone) return;
    const likely = likelyUserKeys(session);
    if (likely.length > 0) {
      this.#warn(likely);
      return;
    }
    const keys = ownKeysOf(session).filter(isName);
    if (keys.length === 0) return;
    const sessions = (this.#keys ??= new Map<string, Set<string>>());
    sessions.set(sid, new Set(keys));
    if (sessions.size >= MOST_SESSIONS) this.#warn(commonKeys([...sessions.values()]));
  }

  #warn(keys: readonly string[]): void {
    this.found();
    warn(
      "EXPRESS_LOGOUT_NO_USER_ID",
      `No session has a user id yet, so no login is listed and kicks end nothing. Sessions have: ${keys.join(", ")}. If one of them is the user, pass logout({ userId: (session) => … }).`,
    );
  }
}

/** Returns the keys of a session that look like a user's and are not empty. Only names, because values are private. */
export function likelyUserKeys(session: SessionRecord): readonly string[] {
  const isLikely = (key: string): boolean => USER_KEY.test(key.replace(/[-_.\d]/g, "").toLowerCase());
  const keys = ownKeysOf(session).filter((key) => isName(key) && isLikely(key) && !isEmpty(session[key]));
  return keys.slice(0, MOST_NAMED);
}

/** Returns the keys of at least a tenth of these sessions: a rare name may be made of data. */
function commonKeys(sessions: readonly ReadonlySet<string>[]): readonly string[] {
  const names = [...new Set(sessions.flatMap((keys) => [...keys]))];
  const count = (name: string): number => sessions.filter((keys) => keys.has(name)).length;
  const counted = names.map((name) => ({ name, count: count(name) })).sort((one, other) => other.count - one.count);
  const common = counted.filter((each) => each.count * 10 >= sessions.length).map(({ name }) => name);
  return common.length === 0 ? ["no key in common"] : common.slice(0, MOST_NAMED);
}

/** Returns whether a key is a name, rather than made of data. */
function isName(key: string): boolean {
  return /^[\w$.-]{1,40}$/.test(key) && !/\d{4}/.test(key);
}

/** Returns whether a value holds no user. Booleans count as empty: they are no id. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || typeof value === "boolean" || value === "") return true;
  return typeof value === "object" && Object.values(value).every((each) => each === undefined);
}
