import { LogoutError } from "../../errors.js";
import type { KickRecord } from "../../types/login.js";
import type { EndedLogins, ListedLogin } from "../../types/registry.js";

const UNREADABLE = "A row of the login registry cannot be read. See docs/postgres.md, what is in the tables.";

/** A row of a result: the statements cast whatever an app's own type parsers might read otherwise to text. */
export type Row = Readonly<Record<string, unknown>>;

/** What {@link readLogin} reads of a login, which `from` names. */
export function loginColumns(from: string): string {
  const milliseconds = (column: string): string => `(extract(epoch FROM ${from}.${column}) * 1000)::text AS ${column}`;
  return `${from}.id, ${["began", "last_active", "expires", "shown_until"].map(milliseconds).join(", ")}, ${from}.ip, ${from}.user_agent, to_json(${from}.sids)::text AS sids`;
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
    sids: (readJson(String(row["sids"])) as string[]).map(readText),
    shownUntil: readDate(row["shown_until"]),
  };
}

/**
 * Any string as PostgreSQL can hold it: with neither NUL nor lone surrogates, and different wherever the strings are. What
 * needs no escape stays as it is.
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

interface StoredKick {
  readonly id: string;
  readonly at: number;
  readonly reason?: string;
  readonly by?: string;
}

function storedKick({ id, at, reason, by }: KickRecord): object {
  return { id, at: +at, reason, by };
}

function kickOf({ id, at, reason, by }: StoredKick): KickRecord {
  return { id, at: new Date(at), reason, by };
}

export function writeKick(mark: KickRecord): string {
  return JSON.stringify(storedKick(mark));
}

export function readKick(written: unknown): KickRecord | undefined {
  return typeof written === "string" ? kickOf(readJson(written) as StoredKick) : undefined;
}

/** The first line of an announcement; each of the others is the id of a login. Neither has a line break in it. */
export function announcementHead(userId: string, mark: KickRecord | undefined): string {
  return JSON.stringify({ userId, mark: mark && storedKick(mark) });
}

/** What has been announced; `undefined`: that whoever waits for a login must look at the list. */
export function readAnnouncement(payload: string | undefined): EndedLogins | undefined {
  try {
    const [head = "", ...loginIds] = (payload ?? "").split("\n");
    const { userId, mark } = JSON.parse(head) as { userId?: string; mark?: StoredKick };
    if (typeof userId !== "string") return undefined;
    return { userId, loginIds: loginIds.map(readText), kick: mark && kickOf(mark) };
  } catch {
    // Whoever is connected to the database may announce anything.
    return undefined;
  }
}

/** The error names no value: a session id may be one. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", UNREADABLE);
  }
}

function readDate(milliseconds: unknown): Date {
  return new Date(Number(milliseconds));
}
