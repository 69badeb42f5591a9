import { LogoutError } from "../errors.js";

/** Session data as the app's functions see it. */
export type Session = Readonly<Record<string, unknown>>;

/** Whose session this is: a string or a number; `undefined`, `null` or `""` where nobody is logged in. */
export type UserIdOf = (session: Session) => unknown;

/**
 * Where apps keep the user id, in this order: `passport.user` (or its `id`), `userId`, `user.id`, `user`.
 */
export const defaultUserId: UserIdOf = (session) => {
  const { passport, userId, user } = session;
  const candidates = [idOf(property(passport, "user")), userId, idOf(user)];
  return candidates.find((candidate) => candidate !== undefined && candidate !== null && candidate !== "");
};

/**
 * The user id in the one form that registries and APIs know: a string. `0` and every other number are users.
 *
 * @throws LogoutError `ERR_USER_ID` for anything that could not be told apart from another user's id.
 */
export function toUserId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  // An id object (of MongoDB, say) is stored by its toJSON, and comes back from the store as that.
  const stored = hasToJSON(value) ? value.toJSON() : undefined;
  if (typeof stored === "string" && stored !== "") return stored;
  throw new LogoutError(
    "ERR_USER_ID",
    `The user id of a session must be a string or a number, not ${describe(value)}: pass logout({ userId: (session) => … }).`,
  );
}

/** Of a user object its id, whatever that is; anything else is an id already. */
function idOf(user: unknown): unknown {
  return typeof user === "object" && user !== null && "id" in user ? user.id : user;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function hasToJSON(value: unknown): value is { toJSON: () => unknown } {
  return typeof property(value, "toJSON") === "function";
}

function describe(value: unknown): string {
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
