import type { Generation } from "../types/login.js";

/** The one property that this package adds to session data. */
const KEY = "expressLogout";

/** What names a login. */
export type LoginName = Pick<Stamp, "userId" | "loginId">;

/** Which login a session belongs to. It tells a new login (no stamp) from the save of an old one. */
export interface Stamp {
  readonly userId: string;
  readonly loginId: string;
  readonly generation: Generation;
}

/** What a kick leaves of a session. */
export interface Tombstone {
  readonly loginId: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason?: string | undefined;
}

export type SessionRecord = Record<string, unknown>;

export function stampOf(session: SessionRecord): Stamp | undefined {
  const text = session[KEY];
  return typeof text === "string" ? readStamp(text) : undefined;
}

/** Whether both are of one login. An adopted one's id comes from the session id, so two users of one session may share it. */
export function isSameLogin(one: LoginName | undefined, other: LoginName | undefined): boolean {
  return one?.loginId === other?.loginId && one?.userId === other?.userId;
}

/** The keys of what the app has put into a session. */
export function ownKeysOf(session: SessionRecord): readonly string[] {
  return Object.keys(session).filter((key) => key !== "cookie" && key !== KEY);
}

/** Whether this package has left anything in the session. */
export function hasOwnKey(session: SessionRecord): boolean {
  return session[KEY] !== undefined;
}

/**
 * The session with this stamp, or with none: itself if it has that already, else a copy.
 *
 * express-session compares what a session was at its last save with what it is at the end of the request; a property that
 * appears in between would make it save everything twice.
 */
export function withStamp(session: SessionRecord, stamp: Stamp | undefined): SessionRecord {
  const isStamped = stamp === undefined ? session[KEY] === undefined : isSameLogin(stamp, stampOf(session));
  if (isStamped) return session;
  const copy = Object.create(Object.getPrototypeOf(session) as object | null) as SessionRecord;
  Object.defineProperties(copy, Object.getOwnPropertyDescriptors(session));
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant key, and express-session keeps data as properties
  delete copy[KEY];
  if (stamp === undefined) return copy;
  copy[KEY] = writeStamp(stamp);
  return copy;
}

/**
 * One text, and no object: express-session turns the whole session into text twice in every request, and goes through an
 * object property by property. `login length-of-era era` and, without a space, the user id: the last two may be any text.
 */
function writeStamp({ userId, loginId, generation }: Stamp): string {
  return `${loginId} ${String(generation.length)} ${generation}${userId}`;
}

function readStamp(text: string): Stamp | undefined {
  const loginEnds = text.indexOf(" ");
  const eraBegins = text.indexOf(" ", loginEnds + 1) + 1;
  if (loginEnds <= 0 || eraBegins === 0) return undefined;
  const eraEnds = eraBegins + Number(text.slice(loginEnds + 1, eraBegins - 1));
  const isWhole = eraEnds >= eraBegins && eraEnds < text.length;
  if (!isWhole) return undefined;
  return { userId: text.slice(eraEnds), loginId: text.slice(0, loginEnds), generation: text.slice(eraBegins, eraEnds) };
}

export function tombstoneOf(session: SessionRecord): Tombstone | undefined {
  const value = session[KEY];
  const kicked = isObject(value) ? value["kicked"] : undefined;
  if (!isObject(kicked)) return undefined;
  const { loginId, at, reason } = kicked;
  if (typeof loginId !== "string" || typeof at !== "number") return undefined;
  return { loginId, at, reason: typeof reason === "string" ? reason : undefined };
}

/** Session data that is nobody's and says only why: also a process without the hook sees an anonymous session. */
export function tombstoneSession(note: Tombstone, expires: Date): SessionRecord {
  const session = tombstoneData(note, expires);
  withMaxAge(session["cookie"] as object, expires);
  return session;
}

/**
 * Returns a session that was read from a store as it can be written there again. Stores read as text what express-session has
 * written as a date; some then take the cookie for one without an age, and keep the session for as long as these.
 */
export function withCookie(session: SessionRecord): SessionRecord {
  const { cookie } = session as { cookie?: Record<string, unknown> };
  if (typeof cookie?.["expires"] !== "string") return session;
  const expires = new Date(cookie["expires"]);
  if (Number.isNaN(+expires)) return session;
  const copy = Object.create(Object.getPrototypeOf(session) as object | null) as SessionRecord;
  Object.defineProperties(copy, Object.getOwnPropertyDescriptors(session));
  copy["cookie"] = withMaxAge({ ...cookie, expires }, expires);
  return copy;
}

/** Some stores take the lifetime from `maxAge`, which express-session's own cookie has as an accessor that is not stored. */
function withMaxAge(cookie: object, expires: Date): object {
  return Object.defineProperty(cookie, "maxAge", { get: () => +expires - Date.now(), enumerable: false });
}

/** Session data with a note, as a store keeps it that turns sessions into JSON. */
export function tombstoneText(note: Tombstone, expires: Date): string {
  return JSON.stringify(tombstoneData(note, expires));
}

function tombstoneData(note: Tombstone, expires: Date): SessionRecord {
  const cookie = { originalMaxAge: +expires - Date.now(), expires, httpOnly: true, path: "/" };
  return { cookie, [KEY]: { kicked: note } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
