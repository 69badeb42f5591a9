import { LogoutError } from "../../errors.js";
import type { KickRecord } from "../../types/login.js";
import type { ListedLogin } from "../../types/registry.js";
import { kickOf, storedKick, type StoredKick } from "../kick-json.js";

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

export function writeKick(kick: KickRecord): string {
  return JSON.stringify(storedKick(kick));
}

export function readKick(written: unknown): KickRecord | undefined {
  return typeof written === "string" ? kickOf(readJson(written) as StoredKick) : undefined;
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
