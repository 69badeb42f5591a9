import type { KickRecord } from "../../types/login.js";
import type { EndOfLogin, ListedLogin, LoginChange, NewLogin } from "../../types/registry.js";
import { endTtlMs } from "../ends.js";
import { unavailable } from "./connection.js";
import { encodePart } from "./keys.js";
import { UNREADABLE } from "./user-lua.js";
import { packUserAgent, unpackUserAgent } from "./user-agent.js";

/**
 * As the scripts keep it: epoch milliseconds, and twice milliseconds since then. A number among the session ids: until when it
 * is shown, where that is not when it expires.
 */
type LoginRecord = [
  began: number,
  activeAfter: number,
  expiresAfter: number,
  ip: string,
  userAgent: string,
  ...sids: (string | number)[],
];

/** A login from what the scripts keep of it. */
export function readLogin(userId: string, loginId: string, record: unknown): ListedLogin {
  const [began, activeAfter, expiresAfter, ip, userAgent, ...rest] = parse(record);
  const shownAfter = rest.find((each) => typeof each === "number") ?? expiresAfter;
  return {
    id: loginId,
    userId,
    began: new Date(began),
    lastActive: new Date(began + activeAfter),
    expires: new Date(began + expiresAfter),
    shownUntil: new Date(began + shownAfter),
    ip: ip === "" ? undefined : ip,
    userAgent: userAgent === "" ? undefined : unpackUserAgent(userAgent),
    sids: rest.filter((each) => typeof each === "string"),
  };
}

/** @throws LogoutError that {@link isUnreadable} knows */
function parse(record: unknown): LoginRecord {
  try {
    const read: unknown = JSON.parse(String(record));
    if (Array.isArray(read) && read.length >= 5) return read as unknown as LoginRecord;
  } catch {
    // The parser would quote what it could not read.
  }
  throw unavailable(new Error(`${UNREADABLE} record of a login`), []);
}

/** Whether an error is due to what is kept of one user, and says nothing of the others. */
export function isUnreadable(error: unknown): boolean {
  const { cause } = error as { cause?: { message?: unknown } };
  return new RegExp(`WRONGTYPE|${UNREADABLE}`).test(String(cause?.message));
}

/** What ADD and ADOPT want to know of a login: id, sid, ttl, ip, user agent, began. */
export function writeLogin({ id, sid, ttlMs, ip = "", userAgent = "", began }: NewLogin): string[] {
  return [id, sid, milliseconds(ttlMs), ip, packUserAgent(userAgent), began === undefined ? "" : String(+began)];
}

/** What UPDATE wants to know: login id, new sid, old sid, ttl, ip, user agent; `""` for what stays. */
export function writeChange(
  loginId: string,
  { addSid = "", removeSid = "", ttlMs, ip = "", userAgent = "" }: LoginChange,
): string[] {
  return [loginId, addSid, removeSid, ttlMs === undefined ? "" : milliseconds(ttlMs), ip, packUserAgent(userAgent)];
}

/** What REMOVE wants to know. */
export function writeRemoval(
  loginId: string,
  end: EndOfLogin,
  maxSessionAgeMs: number,
  channel: string,
  userId: string,
): string[] {
  const { kick, ifLastSid, ifSid = ifLastSid } = end;
  const { listed, unlisted } = endTtlMs(end, maxSessionAgeMs);
  return [
    loginId,
    kick === undefined ? "" : writeKick(kick),
    String(listed ?? ""),
    String(unlisted ?? ""),
    channel,
    encodePart(userId),
    ifLastSid !== undefined ? "last" : ifSid !== undefined ? "sid" : "",
    ifSid ?? "",
  ];
}

/** A time in milliseconds, `""` for none: what is no time is none. */
export function writeTime(time: Date | undefined): string {
  return time === undefined || Number.isNaN(+time) ? "" : String(+time);
}

function milliseconds(ms: number): string {
  return String(Math.ceil(ms));
}

/** Logins from a reply of id, record, id, record, … */
export function readLogins(userId: string, fields: readonly string[]): ListedLogin[] {
  const logins: ListedLogin[] = [];
  for (let i = 0; i < fields.length; i += 2) logins.push(readLogin(userId, fields[i] ?? "", fields[i + 1]));
  return logins;
}

/** A mark as `id json`: the scripts compare the id and need not read the rest, which is anybody's text. */
export function writeKick({ id, at, reason, by }: KickRecord): string {
  return `${id} ${JSON.stringify({ at: +at, reason, by })}`;
}

export function readKick(value: unknown): KickRecord | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const space = value.indexOf(" ");
  const { at, reason, by } = JSON.parse(value.slice(space + 1)) as { at: number; reason?: string; by?: string };
  return { id: value.slice(0, space), at: new Date(at), reason, by };
}

/** The id of the mark that begins a value. */
export function readKickId(value: unknown): string {
  return typeof value === "string" ? (value.split(" ", 1)[0] ?? "") : "";
}

/** The mark of a login that was ended by itself, from `count expires mark`. */
export function readEnd(value: unknown): KickRecord | undefined {
  return typeof value === "string" ? readKick(value.replace(/^\d+ \d+ /, "")) : undefined;
}
