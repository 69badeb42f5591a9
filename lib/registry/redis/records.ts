import type { KickRecord } from "../../types/login.js";
import type { EndOfLogin, LoginChange, LoginLimit, NewLogin } from "../../types/registry.js";
import { endTtlMs } from "../ends.js";
import { overAt, type KeptLogin, type Lifetime } from "../lifetime.js";
import type { SparedLogins } from "../spared.js";
import { unavailable } from "./connection.js";
import { encodePart } from "./keys.js";
import { packUserAgent, unpackUserAgent } from "./user-agent.js";

/** Marks an error that is caused by the data of a single user, here and in the scripts. */
export const UNREADABLE = "UNREADABLE";

/**
 * A record as the scripts store it: `began` in epoch milliseconds, the next two in milliseconds after `began`. A number among the
 * session ids is the time until which the login is shown, if that is not its expiry. An array among them is its lifetime: from its
 * beginning, and from its last activity.
 */
type LoginRecord = [
  began: number,
  activeAfter: number,
  expiresAfter: number,
  ip: string,
  userAgent: string,
  ...sids: (string | number | readonly (number | false)[])[],
];

/** The JSON of a kick record. */
interface StoredKick extends Partial<Pick<KickRecord, "cause" | "reason" | "by">> {
  readonly at: number;
}

/** Reads a login from its record. */
export function readLogin(userId: string, loginId: string, record: unknown): KeptLogin {
  const [began, activeAfter, expiresAfter, ip, userAgent, ...rest] = parse(record);
  const lifetime = readLifetime(began, rest.find((each) => typeof each === "object") ?? []);
  const keptUntil = began + expiresAfter;
  const shownAfter = rest.find((each) => typeof each === "number") ?? expiresAfter;
  return {
    keptUntil,
    id: loginId,
    userId,
    began: new Date(began),
    lastActive: new Date(began + activeAfter),
    expires: new Date(Math.min(keptUntil, overAt(lifetime, began + activeAfter))),
    shownUntil: new Date(began + shownAfter),
    ip: ip === "" ? undefined : ip,
    userAgent: userAgent === "" ? undefined : unpackUserAgent(userAgent),
    sids: rest.filter((each) => typeof each === "string"),
    // Last: in Node 20 each member after a spread costs a microsecond and a half, and every request reads a login.
    ...lifetime,
  };
}

function readLifetime(began: number, [lasts = false, idle = false]: readonly (number | false)[]): Lifetime {
  return { lastsUntil: lasts === false ? undefined : began + lasts, idleMs: idle === false ? undefined : idle };
}

/** @throws LogoutError for which {@link isUnreadable} returns `true`. */
function parse(record: unknown): LoginRecord {
  try {
    const read: unknown = JSON.parse(String(record));
    if (Array.isArray(read) && read.length >= 5) return read as unknown as LoginRecord;
  } catch {
    // The error of the parser would quote the record.
  }
  throw unavailable(new Error(`${UNREADABLE} record of a login`), []);
}

/** Returns whether an error is caused by the data of a single user. */
export function isUnreadable(error: unknown): boolean {
  const { cause } = error as { cause?: { message?: unknown } };
  return new RegExp(`WRONGTYPE|${UNREADABLE}`).test(String(cause?.message));
}

/** Returns the arguments of ADD and ADOPT for a login: id, sid, ttl, ip, user agent, began, both lifetimes. */
export function writeLogin({ id, sid, ttlMs, ip = "", userAgent = "", began, lastsMs, idleMs }: NewLogin): string[] {
  const device = [ip, packUserAgent(userAgent)];
  const times = [began === undefined ? "" : String(+began), milliseconds(lastsMs), milliseconds(idleMs)];
  return [id, sid, milliseconds(ttlMs), ...device, ...times];
}

/** Returns how long a new login is shown, in milliseconds: a hint, because its beginning may come from another clock. */
export function shownMs({ ttlMs, began, lastsMs = Infinity, idleMs = Infinity }: NewLogin): number {
  const beganMs = began === undefined ? 0 : Date.now() - +began;
  return Math.max(0, Math.min(ttlMs, idleMs, lastsMs - beganMs));
}

/** Returns the arguments of UPDATE but the limit: login id, new sid, old sid, ttl, ip, user agent, lifetime; `""`: unchanged. */
export function writeChange(
  loginId: string,
  { addSid = "", removeSid = "", ttlMs, ip = "", userAgent = "", lastsMs }: LoginChange,
): string[] {
  const device = [ip, packUserAgent(userAgent)];
  return [loginId, addSid, removeSid, milliseconds(ttlMs), ...device, milliseconds(lastsMs)];
}

/** Returns the arguments of a limit: count, what happens, kick, channel, user. */
export function writeLimit(limit: LoginLimit | undefined, channel: string, userId: string): string[] {
  if (limit === undefined) return ["", "", "", "", ""];
  return [String(limit.count), limit.whenFull, writeKick(limit.record), channel, encodePart(userId)];
}

/** Returns the arguments of REMOVE. */
export function writeEnd(
  end: EndOfLogin,
  maxSessionAgeMs: number,
  channel: string,
  userId: string,
  unlessSparedBy: string,
): string[] {
  const { loginId, kick, ifLastSid, ifSid = ifLastSid } = end;
  const { listed, unlisted } = endTtlMs(end, maxSessionAgeMs);
  const condition =
    ifLastSid !== undefined ? "last" : ifSid !== undefined ? "sid" : unlessSparedBy === "" ? "" : "kick";
  return [
    loginId,
    kick === undefined ? "" : writeKick(kick),
    String(listed ?? ""),
    String(unlisted ?? ""),
    channel,
    encodePart(userId),
    condition,
    ifSid ?? unlessSparedBy,
  ];
}

/** Returns a time in milliseconds; `""` for no time or an invalid date. */
export function writeTime(time: Date | undefined): string {
  return time === undefined || Number.isNaN(+time) ? "" : String(+time);
}

function milliseconds(ms: number | undefined): string {
  return ms === undefined ? "" : String(Math.ceil(ms));
}

/** Reads logins from a reply of id, record, id, record, … */
export function readLogins(userId: string, fields: readonly string[]): KeptLogin[] {
  const logins: KeptLogin[] = [];
  for (let i = 0; i < fields.length; i += 2) logins.push(readLogin(userId, fields[i] ?? "", fields[i + 1]));
  return logins;
}

/**
 * Returns a kick record as `id json`. The scripts compare the id and need not parse the rest, which contains any text. The usual
 * cause is not written.
 */
export function writeKick({ id, at, cause, reason, by }: KickRecord): string {
  return `${id} ${JSON.stringify({ at: +at, reason, by, cause: cause === "kick" ? undefined : cause })}`;
}

export function readKick(value: unknown): KickRecord | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const space = value.indexOf(" ");
  const { at, cause = "kick", reason, by } = JSON.parse(value.slice(space + 1)) as StoredKick;
  return { id: value.slice(0, space), at: new Date(at), cause, reason, by };
}

/** Reads the id of a kick record; `""` if there is none. */
export function readKickId(value: unknown): string {
  return typeof value === "string" ? (value.split(" ", 1)[0] ?? "") : "";
}

/** The fields of {@link readSpared}. */
export const SPARED_FIELDS = ["*", "*kept", "*spared"];

/** Reads what the user's last kick has spared: see spared.lua. */
export function readSpared([kick, kept, former]: readonly unknown[]): SparedLogins {
  if (typeof former === "string") return new Map([[former, []]]);
  const kickId = readKickId(kick);
  if (typeof kept !== "string" || kickId === "" || readKickId(kept) !== kickId) return new Map();
  const logins = JSON.parse(kept.slice(kickId.length)) as Record<string, string>;
  return new Map(Object.entries(logins).map(([loginId, kicks]) => [loginId, kicks.split(" ")]));
}

/** Reads the kick record of a single login from `count expires kick`. */
export function readEnd(value: unknown): KickRecord | undefined {
  return typeof value === "string" ? readKick(value.replace(/^\d+ \d+ /, "")) : undefined;
}
