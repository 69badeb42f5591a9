import { LogoutError } from "../errors.js";

/** Session data as the app's functions see it. */
export type Session = Readonly<Record<string, unknown>>;

/** Returns a session's user id: a string or a number; `undefined`, `null`, `false` or `""` for an anonymous session. */
export type UserIdOf = (session: Session) => unknown;

/** A user id, and the path to it in the session. */
export interface FoundUserId {
  readonly key: string;
  readonly id: unknown;
}

/** Where a session may keep its user. The first that holds an id counts. */
const USERS = ["passport.user", "userId", "user"] as const;
/** Used only in sessions that have none of the above, not even empty. The first that is present counts. */
const OTHERS = ["user_id", "uid", "username"] as const;
/** Where a user object may keep its id. The first that is present counts. */
const IDS = ["id", "_id", "userId", "user_id", "uid", "username"] as const;

/**
 * Returns the user id of a session: the first of `passport.user`, `userId` and `user` that holds one; in a session without these,
 * the first of `user_id`, `uid` and `username`. In an object, the first of `id`, `_id`, `userId`, `user_id`, `uid` and `username`
 * that its JSON has. Objects without an id, and `true`, are guests.
 */
export const defaultUserId: UserIdOf = (session) => {
  const { passport, userId, user } = session;
  const id = idOf(property(passport, "user")) ?? idOf(userId) ?? idOf(user);
  if (id !== undefined || passport !== undefined || userId !== undefined || user !== undefined) return id;
  const { user_id, uid, username } = session;
  return idOf([user_id, uid, username].find((value) => value !== undefined));
};

/** Returns the default user id with its path in the session, for `diagnose()`. */
export function findDefaultUserId(session: Session): FoundUserId | undefined {
  const id = defaultUserId(session);
  const places = [...USERS, ...OTHERS].map((place) => ({ place, value: valueAt(session, place) }));
  const found = places.find(({ value }) => idOf(value) !== undefined);
  if (id === undefined || found === undefined) return undefined;
  const { place, value } = found;
  const json = asJson(value);
  const name = isObject(json) ? IDS.find((each) => own(json, each) !== undefined) : undefined;
  return { id, key: name === undefined ? place : `${place}.${name}` };
}

/**
 * Returns a user id as a string, the form that registries and APIs use. `0` and every other number are users.
 *
 * @throws LogoutError `ERR_USER_ID_INVALID` for a value that could be confused with another user's id.
 */
export function toUserId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "" || value === false) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  // An id object, such as MongoDB's, is stored and read as the result of its toJSON.
  const stored = asJson(value);
  if (stored !== value && typeof stored === "string" && stored !== "") return stored;
  throw new LogoutError(
    "ERR_USER_ID_INVALID",
    `The user id of a session must be a string or a number, not ${describe(value)}: pass logout({ userId: (session) => … }).`,
  );
}

/** Returns the id that a value is or holds: the same before and after the session has been stored as JSON. */
function idOf(value: unknown): unknown {
  if (typeof value === "string") return value === "" ? undefined : value;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (value === undefined) return undefined;
  const json = asJson(value);
  if (!isObject(json)) return scalar(json);
  for (const name of IDS) {
    const id = own(json, name);
    if (id !== undefined) return scalar(asJson(id));
  }
  return undefined;
}

/** Returns an id. A bigint cannot be stored in a session: it is returned, so that `toUserId` rejects it with a message. */
function scalar(value: unknown): unknown {
  const isId = (typeof value === "string" && value !== "") || Number.isFinite(value) || typeof value === "bigint";
  return isId ? value : undefined;
}

/** Returns what JSON.stringify serializes in place of a value. */
function asJson(value: unknown): unknown {
  if (typeof value !== "bigint" && !isObject(value)) return value;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === "function" ? (toJSON.call(value, "") as unknown) : value;
}

/** Returns an own property only: JSON has no getters of a class. */
function own(value: Record<string, unknown>, name: string): unknown {
  return Object.prototype.propertyIsEnumerable.call(value, name) ? value[name] : undefined;
}

function valueAt(session: Session, place: (typeof USERS | typeof OTHERS)[number]): unknown {
  return place === "passport.user" ? property(session["passport"], "user") : session[place];
}

function property(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function describe(value: unknown): string {
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
