import type { Generation, KickRecord } from "../types/login.js";

/** The only property that this package adds to session data. */
const KEY = "expressLogout";
const MINUTE_MS = 60_000;
const TIME_DIGITS = 15;
/** Those of the time, of the checksum of the keys, and of the minute. */
const KEYED_DIGITS = TIME_DIGITS + 10 + 8;
/** Of 8 digits, in the year 2160: an app may set a cookie that never expires. */
const LAST_MINUTE = 99_999_999;

/** What names a login. */
export type LoginName = Pick<Stamp, "userId" | "loginId">;

/** Names the login that a session belongs to. A session with a user but without a stamp is a new login. */
export interface Stamp {
  readonly userId: string;
  readonly loginId: string;
  readonly generation: Generation;
  /**
   * When the app last checked the user's credentials: at the login, or by `confirmLogin()`. In epoch milliseconds, by the clock of the
   * process. Absent if that is not known.
   */
  readonly authenticatedAt?: number | undefined;
  /** The external keys that the login is bound to. Absent: none. */
  readonly bound?: BoundKeys | undefined;
}

/** Which keys a login is bound to. */
export interface BoundKeys {
  /** Of the keys: 10 digits. A session with others has to be bound again. */
  readonly checksum: string;
  /** How long the rows live at least: epoch milliseconds, stored to the minute. */
  readonly until: number;
}

/** What replaces the data of a kicked session. */
export interface Tombstone {
  readonly loginId: string;
  readonly cause: KickRecord["cause"];
  /** Epoch milliseconds. */
  readonly at: number;
  readonly reason?: string | undefined;
}

export type SessionRecord = Record<string, unknown>;

export function stampOf(session: SessionRecord): Stamp | undefined {
  const text = session[KEY];
  return typeof text === "string" ? readStamp(text) : undefined;
}

/** Returns whether both name one login. Compares users too: the id of an adopted login derives from the session id, which users may share. */
export function isSameLogin(one: LoginName | undefined, other: LoginName | undefined): boolean {
  return one?.loginId === other?.loginId && one?.userId === other?.userId;
}

/** Returns the keys of the app's data in a session. */
export function ownKeysOf(session: SessionRecord): readonly string[] {
  return Object.keys(session).filter((key) => key !== "cookie" && key !== KEY);
}

/** Returns whether a session holds a stamp or a tombstone. */
export function hasOwnKey(session: SessionRecord): boolean {
  return session[KEY] !== undefined;
}

/**
 * Returns a session with this stamp, or without one: the session itself if nothing changes, else a copy.
 *
 * A copy, because express-session compares a session at the end of the request with its state at the last save: a property added in
 * between would cause a second save.
 */
export function withStamp(session: SessionRecord, stamp: Stamp | undefined): SessionRecord {
  if (stamp === undefined ? session[KEY] === undefined : isSameStamp(stamp, stampOf(session))) return session;
  const copy = Object.create(Object.getPrototypeOf(session) as object | null) as SessionRecord;
  Object.defineProperties(copy, Object.getOwnPropertyDescriptors(session));
  // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant key, and express-session keeps data as properties
  delete copy[KEY];
  if (stamp === undefined) return copy;
  copy[KEY] = writeStamp(stamp);
  return copy;
}

/**
 * Returns whether both are written alike, but for the generation, which a login never changes. A request may have written another time
 * into its session.
 */
function isSameStamp(one: Stamp, other: Stamp | undefined): boolean {
  if (other === undefined || !isSameLogin(one, other)) return false;
  return one.authenticatedAt === other.authenticatedAt && isSameBinding(one.bound, other.bound);
}

function isSameBinding(one: BoundKeys | undefined, other: BoundKeys | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.checksum === other.checksum && minuteOf(one) === minuteOf(other);
}

/**
 * A string, not an object, because express-session serializes the whole session twice per request. Format: login id, length of the
 * generation, generation, each followed by a space except the generation, then the user id. The last two may be any text. The time of
 * the authentication follows the length as its decimals, so that 0.1 and earlier releases read the same length: they ignore decimals.
 * If the login is bound to keys, the time has 15 digits, and is followed by the 10 of the checksum and the 8 of the minute.
 */
function writeStamp(stamp: Stamp): string {
  const { userId, loginId, generation } = stamp;
  return `${loginId} ${String(generation.length)}${decimalsOf(stamp)} ${generation}${userId}`;
}

function decimalsOf({ authenticatedAt, bound }: Stamp): string {
  if (bound === undefined) return authenticatedAt === undefined ? "" : `.${String(authenticatedAt)}`;
  return `.${digits(authenticatedAt ?? 0, TIME_DIGITS)}${bound.checksum}${digits(minuteOf(bound), 8)}`;
}

/** The minute until which the rows live at least, as it is stored. */
function minuteOf({ until }: BoundKeys): number {
  return Math.min(Math.floor(until / MINUTE_MS), LAST_MINUTE);
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}

function readStamp(text: string): Stamp | undefined {
  const loginEnds = text.indexOf(" ");
  const start = text.indexOf(" ", loginEnds + 1) + 1;
  if (loginEnds <= 0 || start === 0) return undefined;
  const length = text.slice(loginEnds + 1, start - 1);
  const point = length.indexOf(".");
  const end = start + Number(point === -1 ? length : length.slice(0, point));
  const isComplete = end >= start && end < text.length;
  if (!isComplete) return undefined;
  return {
    userId: text.slice(end),
    loginId: text.slice(0, loginEnds),
    generation: text.slice(start, end),
    ...(point === -1 ? undefined : readDecimals(length.slice(point + 1))),
  };
}

function readDecimals(text: string): Pick<Stamp, "authenticatedAt" | "bound"> {
  const withKeys = text.length < KEYED_DIGITS ? null : /^(\d{15})(\d{10})(\d{8})$/.exec(text);
  if (withKeys === null) return { authenticatedAt: readTime(text) };
  const [, time = "", checksum = "", minute] = withKeys;
  return {
    authenticatedAt: readTime(time.replace(/^0+/, "")),
    bound: { checksum, until: Number(minute) * MINUTE_MS },
  };
}

function readTime(text: string): number | undefined {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

export function tombstoneOf(session: SessionRecord): Tombstone | undefined {
  const value = session[KEY];
  const kicked = isObject(value) ? value["kicked"] : undefined;
  if (!isObject(kicked)) return undefined;
  const { loginId, at, cause, reason } = kicked;
  if (typeof loginId !== "string" || typeof at !== "number") return undefined;
  return {
    loginId,
    at,
    cause: cause === "limit" || cause === "lifetime" ? cause : "kick",
    reason: typeof reason === "string" ? reason : undefined,
  };
}

/** Returns the tombstone of a login that a kick has ended. */
export function tombstoneBy({ at, cause, reason }: KickRecord, loginId: string): Tombstone {
  return { loginId, at: +at, cause, reason };
}

/** Returns a tombstone as a session. Without a user, so that a process without the hook sees an anonymous session. */
export function tombstoneSession(note: Tombstone, expires: Date): SessionRecord {
  const session = tombstoneData(note, expires);
  withMaxAge(session["cookie"] as object, expires);
  return session;
}

/**
 * Returns a session that was read from a store in a form that can be written again. Stores return the cookie's expiry as a string;
 * some then take the cookie for one without an age, and keep the session for another time.
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

/** Adds `maxAge`, from which some stores take the lifetime: an accessor that is not stored, as in express-session's own cookie. */
function withMaxAge(cookie: object, expires: Date): object {
  return Object.defineProperty(cookie, "maxAge", { get: () => +expires - Date.now(), enumerable: false });
}

/** Returns a tombstone as a store that serializes sessions as JSON keeps it. */
export function tombstoneText(note: Tombstone, expires: Date): string {
  return JSON.stringify(tombstoneData(note, expires));
}

function tombstoneData({ cause, ...note }: Tombstone, expires: Date): SessionRecord {
  const cookie = { originalMaxAge: +expires - Date.now(), expires, httpOnly: true, path: "/" };
  // The usual cause is not written.
  return { cookie, [KEY]: { kicked: cause === "kick" ? note : { ...note, cause } } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
