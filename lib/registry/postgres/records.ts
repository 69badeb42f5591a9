import type { AuditEntry } from "../../audit/entry.js";
import { LogoutError } from "../../errors.js";
import type { KickRecord } from "../../types/login.js";
import type {
  AddResult,
  EndedLogins,
  EndOfLogin,
  ListedLogin,
  LoginChange,
  LoginLimit,
  NewLogin,
} from "../../types/registry.js";
import { endTtlMs } from "../ends.js";
import { generationAfter } from "../generation.js";
import { kickOf, storedKick, type StoredKick } from "../kick-json.js";

const UNREADABLE =
  "Cannot read a row of the login registry. See docs/guides/postgres.md for the contents of the tables.";

/** 31,000 years, in milliseconds. */
const LONGEST_MS = 1e15;

/** A row of a result. Statements cast values to text wherever the type parsers of an app could change them. */
export type Row = Readonly<Record<string, unknown>>;

/** Returns the columns for {@link readLogin}, of the table or alias `from`. */
export function loginColumns(from: string): string {
  const milliseconds = (value: string, name: string): string =>
    `(extract(epoch FROM ${value}) * 1000)::text AS ${name}`;
  const times = ["began", "last_active"].map((name) => milliseconds(`${from}.${name}`, name));
  times.push(milliseconds(`least(${from}.expires, ${overAt(from)})`, "expires"));
  return `${from}.id, ${times.join(", ")}, ${milliseconds(shownUntil(from), "shown_until")}, ${from}.ip, ${from}.user_agent, to_json(${from}.sids)::text AS sids`;
}

/** Returns the time until which lists show a login. A login that a process of 0.1 has listed has no such time of its own. */
export function shownUntil(from: string): string {
  return `coalesce(${from}.shown_until, ${from}.expires)`;
}

/** Returns when the lifetime of a login is over; null: it has none. The same as `express_logout_over_at`, without a call. */
export function overAt(from: string): string {
  return `least(${from}.lasts_until, ${from}.last_active + ${from}.idle_ms * interval '1 millisecond')`;
}

/** Returns the logins of a result, which has one row without a login if there is none. */
export function readLogins(userId: string, rows: readonly Row[]): ListedLogin[] {
  return rows.filter(({ id }) => typeof id === "string").map((row) => readLogin(userId, row));
}

export function readLogin(userId: string, row: Row): ListedLogin {
  return {
    id: readText(row["id"]),
    userId,
    began: readDate(row["began"]),
    lastActive: readDate(row["last_active"]),
    expires: readDate(row["expires"]),
    ip: row["ip"] === null ? undefined : readText(row["ip"]),
    userAgent: row["user_agent"] === null ? undefined : readText(row["user_agent"]),
    sids: readTexts(row["sids"]),
    shownUntil: readDate(row["shown_until"]),
  };
}

/**
 * Escapes a string so that PostgreSQL can store it: without NUL and lone surrogates. Different strings stay different; a string
 * that needs no escape stays as it is.
 */
export function writeText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

export function writeOptional(text: string | undefined): string | null {
  return text === undefined ? null : writeText(text);
}

/** Reads what {@link writeText} wrote. */
export function readText(written: unknown): string {
  return readJson(`"${String(written)}"`) as string;
}

/** Reads a JSON array of texts. */
export function readTexts(written: unknown): string[] {
  return (readJson(String(written)) as string[]).map(readText);
}

export function readEntry(written: unknown): AuditEntry {
  return readJson(String(written)) as AuditEntry;
}

export function readKickId(written: unknown): string | undefined {
  return typeof written === "string" ? readText(written) : undefined;
}

export function writeKick(kick: KickRecord): string {
  return JSON.stringify(storedKick(kick));
}

export function readKick(written: unknown): KickRecord | undefined {
  return typeof written === "string" ? kickOf(readJson(written) as StoredKick) : undefined;
}

/** Returns a lifetime as a value. A longer one would be no time of PostgreSQL. */
export function milliseconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.min(ms, LONGEST_MS);
}

/** Reads the rows of `add` and `adopt`. */
export function readAdded(userId: string, rows: readonly Row[]): AddResult {
  const [row] = rows;
  if (row?.["full"] === "true") return { outcome: "full" };
  if (row?.["listed"] !== "true") return { outcome: row?.["listed"] === null ? "moved" : "ended" };
  const generation = generationAfter(readKickId(row["its_user_mark"]), readKickId(row["its_app_mark"]));
  return { outcome: "listed", generation, ended: readLogins(userId, rows) };
}

/** Returns the record of a login whose lifetime is over; `undefined` if it is not. */
export function readEndOfLifetime(loginId: string, overAtMs: unknown): KickRecord | undefined {
  return typeof overAtMs === "string" ? { id: loginId, at: readDate(overAtMs), cause: "lifetime" } : undefined;
}

/** Returns the first line of a notification. The other lines are the ids of logins. No line contains a line break. */
export function notificationHead(userId: string, kick: KickRecord | undefined): string {
  return JSON.stringify({ userId, mark: kick && storedKick(kick) });
}

/** Reads a notification. `undefined`: logins may have ended unnoticed, so watched logins must be looked up. */
export function readNotification(payload: string | undefined): EndedLogins | undefined {
  try {
    const [head = "", ...loginIds] = (payload ?? "").split("\n");
    const { userId, mark: kick } = JSON.parse(head) as { userId?: string; mark?: StoredKick };
    if (typeof userId !== "string") return undefined;
    return { userId, loginIds: loginIds.map(readText), kick: kick && kickOf(kick) };
  } catch {
    // Any client of the database can publish any text.
    return undefined;
  }
}

/** Parses JSON. The error quotes no value, because a value may be a session id. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The error of the parser would quote the value.
    throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", UNREADABLE);
  }
}

function readDate(milliseconds: unknown): Date {
  return new Date(Number(milliseconds));
}

/** Returns the values of a new login after its key, in the order of the parameters. */
export function writeNewLogin({ id, sid, ttlMs, ip, userAgent, began, lastsMs, idleMs }: NewLogin): unknown[] {
  const times = [began?.getTime() ?? null, milliseconds(lastsMs), milliseconds(idleMs)];
  return [writeText(id), writeText(sid), ttlMs, writeOptional(ip), writeOptional(userAgent), ...times];
}

/** Returns the values of a change after the key of its login. */
export function writeChange(
  { addSid, removeSid, ttlMs, ip, userAgent, lastsMs, limit }: LoginChange,
  userId: string,
  channel: string,
): unknown[] {
  const [count, , ...limited] = writeLimit(limit, userId, channel);
  const device = [ip, userAgent].map(writeOptional);
  return [
    writeOptional(addSid),
    writeOptional(removeSid),
    ttlMs ?? null,
    ...device,
    milliseconds(lastsMs),
    count,
    ...limited,
  ];
}

/** Returns the values of the end of a login after its key. */
export function writeEnd(
  end: EndOfLogin,
  userId: string,
  app: { maxSessionAgeMs: number; channel: string },
): unknown[] {
  const { kick, ifLastSid, ifSid = ifLastSid } = end;
  const { listed, unlisted } = endTtlMs(end, app.maxSessionAgeMs);
  const head = notificationHead(userId, kick);
  const condition = [writeOptional(ifSid), ifLastSid !== undefined];
  return [
    kick === undefined ? null : writeKick(kick),
    listed ?? null,
    unlisted ?? null,
    app.channel,
    head,
    ...condition,
  ];
}

/** Returns the values of a limit: count, whether it refuses, kick, channel, head of notifications. */
export function writeLimit(limit: LoginLimit | undefined, userId: string, channel: string): unknown[] {
  if (limit === undefined) return [null, false, null, null, null];
  const { count, whenFull, record } = limit;
  return [count, whenFull === "refuse", writeKick(record), channel, notificationHead(userId, record)];
}
