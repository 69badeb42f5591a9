import type { AuditEntry } from "../../audit/entry.js";
import { LogoutError } from "../../errors.js";
import type { KickRecord } from "../../types/login.js";
import { kickOf, storedKick, type StoredKick } from "../kick-json.js";
import { overAt, type KeptLogin } from "../lifetime.js";
import type { SparedLogins } from "../spared.js";

/** The longest time that is written, in milliseconds: a `Date` cannot be later. */
export const LONGEST_MS = 8.64e15;

/** A row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Escapes a string as JSON, because SQLite stores neither NUL nor lone surrogates faithfully. Different strings stay different, and
 * none is empty.
 */
export function writeText(text: string): string {
  return JSON.stringify(text);
}

export function writeOptional(text: string | undefined): string | null {
  return text === undefined ? null : writeText(text);
}

/** Reads what {@link writeText} wrote. */
export function readText(written: unknown): string {
  return readJson(written) as string;
}

export function writeTexts(texts: readonly string[]): string {
  return JSON.stringify(texts);
}

export function readTexts(written: unknown): string[] {
  return readJson(written) as string[];
}

export function readEntry(written: unknown): AuditEntry {
  return readJson(written) as AuditEntry;
}

export function writeKick(kick: KickRecord): string {
  return JSON.stringify(storedKick(kick));
}

export function readKick(written: unknown): KickRecord | undefined {
  return typeof written === "string" ? kickOf(readJson(written) as StoredKick) : undefined;
}

/** Returns the `last` of a row; `undefined`: none. */
export function lastOf(row: Row | undefined): number | undefined {
  const last = row?.["last"];
  return last === null || last === undefined ? undefined : Number(last);
}

/** Returns the id of the kick in a row of a user or an application. */
export function readKickId(row: Row | undefined): string | undefined {
  const written = row?.["kick_id"];
  return typeof written === "string" ? readText(written) : undefined;
}

/** What a kick has spared, as it is stored. */
interface StoredSpared {
  /** The id of the kick. */
  readonly of: string;
  readonly logins: readonly (readonly [loginId: string, kicks: readonly string[]])[];
}

export function writeSpared(kickId: string, spared: SparedLogins): string | null {
  return spared.size === 0 ? null : JSON.stringify({ of: kickId, logins: [...spared] } satisfies StoredSpared);
}

/** Reads what the user's kick with this id has spared. `former`: the one login of a release before. */
export function readSpared(kickId: string | undefined, written: unknown, former: unknown): SparedLogins {
  if (typeof former === "string") return new Map([[readText(former), []]]);
  const { of, logins } =
    typeof written === "string" ? (readJson(written) as StoredSpared) : { of: undefined, logins: [] };
  return new Map(of === kickId ? logins : []);
}

/** Returns the columns of a login after its id, in the order of the table. */
export function writeLogin(login: KeptLogin): (string | number | null)[] {
  const { began, lastActive, keptUntil, shownUntil, ip, userAgent, sids, lastsUntil, idleMs } = login;
  const times = [began, lastActive, keptUntil, shownUntil].map((time) => Math.trunc(Number(time)));
  const lifetime = [lastsUntil, idleMs].map((ms) => (ms === undefined ? null : Math.ceil(Math.min(ms, LONGEST_MS))));
  return [...times, writeOptional(ip), writeOptional(userAgent), writeTexts(sids), ...lifetime];
}

export function readLogin(userId: string, row: Row): KeptLogin {
  const lastActive = readDate(row["last_active"]);
  const keptUntil = Number(row["expires"]);
  const lifetime = { lastsUntil: readNumber(row["lasts_until"]), idleMs: readNumber(row["idle_ms"]) };
  return {
    keptUntil,
    id: readText(row["id"]),
    userId,
    began: readDate(row["began"]),
    lastActive,
    expires: new Date(Math.min(keptUntil, overAt(lifetime, +lastActive))),
    ip: row["ip"] === null ? undefined : readText(row["ip"]),
    userAgent: row["user_agent"] === null ? undefined : readText(row["user_agent"]),
    sids: readTexts(row["sids"]),
    shownUntil: readDate(row["shown_until"]),
    // Last: in Node 20 each member after a spread costs a microsecond and a half, and every request reads a login.
    ...lifetime,
  };
}

function readNumber(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

function readDate(milliseconds: unknown): Date {
  return new Date(Number(milliseconds));
}

/** Parses JSON. The error quotes no value, because a value may be a session id. */
function readJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    // The error of the parser would quote the value.
    throw new LogoutError(
      "ERR_REGISTRY_UNAVAILABLE",
      "Cannot read a row of the login registry. See docs/guides/sqlite.md for the contents of the tables.",
    );
  }
}
