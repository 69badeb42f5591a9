import type { KickMark, ListedLogin, LoginChange, NewLogin } from "../../login.js";
import { packUserAgent, unpackUserAgent } from "./user-agent.js";

/** As the scripts keep it: epoch milliseconds, and twice milliseconds since then. */
type LoginRecord = [
  began: number,
  activeAfter: number,
  expiresAfter: number,
  ip: string,
  userAgent: string,
  ...sids: string[],
];

/** A login from what the scripts keep of it. */
export function readLogin(userId: string, loginId: string, record: unknown): ListedLogin {
  const [began, activeAfter, expiresAfter, ip, userAgent, ...sids] = JSON.parse(String(record)) as LoginRecord;
  return {
    id: loginId,
    userId,
    began: new Date(began),
    lastActive: new Date(began + activeAfter),
    expires: new Date(began + expiresAfter),
    ip: ip === "" ? undefined : ip,
    userAgent: userAgent === "" ? undefined : unpackUserAgent(userAgent),
    sids,
  };
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

function milliseconds(ms: number): string {
  return String(Math.ceil(ms));
}

/** Logins from a reply of id, record, id, record, … */
export function readLogins(userId: string, reply: unknown): ListedLogin[] {
  const fields = reply as string[];
  const logins: ListedLogin[] = [];
  for (let i = 0; i < fields.length; i += 2) logins.push(readLogin(userId, fields[i] ?? "", fields[i + 1]));
  return logins;
}

/** A mark as `id json`: the scripts compare the id and need not read the rest, which is anybody's text. */
export function writeMark({ id, at, reason, by }: KickMark): string {
  return `${id} ${JSON.stringify({ at: +at, reason, by })}`;
}

export function readMark(value: unknown): KickMark | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const space = value.indexOf(" ");
  const { at, reason, by } = JSON.parse(value.slice(space + 1)) as { at: number; reason?: string; by?: string };
  return { id: value.slice(0, space), at: new Date(at), reason, by };
}

/** The mark of a login that was ended by itself, from `count expires mark`. */
export function readEnd(value: unknown): KickMark | undefined {
  return typeof value === "string" ? readMark(value.replace(/^\d+ \d+ /, "")) : undefined;
}
