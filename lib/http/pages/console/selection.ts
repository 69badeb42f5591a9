import { LogoutError } from "../../../errors.js";
import { valueOf, type Fields } from "../../fields.js";
import { readFilter, type ReadFilter } from "./filter-fields.js";

export const MAX_SELECTED = 1_000;

/** The logins that a confirmed form ends: all of some users, or one. */
export interface Selection {
  readonly userIds: readonly string[];
  readonly loginId?: string | undefined;
}

/** Whom a form that names no users ends the logins of as well. */
export interface Includes {
  readonly me: boolean;
  readonly administrators: boolean;
}

/** Whom a form or an address names: everyone, everyone whom a filter finds, some users, or one login. */
export type Chosen =
  | {
      readonly kind: "everyone";
      /** What was typed to confirm it: the application's id. */
      readonly typed: readonly string[];
      readonly includes: Includes;
    }
  | {
      readonly kind: "found";
      readonly filter: ReadFilter;
      /** When the page was made that named the filter: no one who has logged in since then is meant. */
      readonly asOf: Date;
      readonly includes: Includes;
    }
  | ({ readonly kind: "users" } & Selection);

/** A confirmed form names users in one field, scripts name each `user`. */
export function chosenIn(form: Fields): Chosen {
  const typed = form("everyone");
  const includes = { me: form("me").length > 0, administrators: form("administrators").length > 0 };
  if (typed.length > 0) return { kind: "everyone", typed, includes };
  if (form("found").length > 0) return { kind: "found", filter: readFilter(form), asOf: timeOf(form), includes };
  const confirmed = valueOf(form, "selection");
  if (confirmed !== undefined) return { kind: "users", ...decodeSelection(confirmed) };
  const userIds = form("user").filter((userId) => userId !== "");
  return { kind: "users", userIds: userIds.slice(0, MAX_SELECTED), loginId: valueOf(form, "login") };
}

function timeOf(form: Fields): Date {
  const text = valueOf(form, "asOf");
  const now = Date.now();
  return new Date(text !== undefined && /^\d{1,13}$/.test(text) ? Math.min(Number(text), now) : now);
}

/** Writes a selection as the value of one field, in which `hpp`, sanitizers and limits of body parsers change nothing. */
export function encodeSelection({ userIds, loginId }: Selection): string {
  return Buffer.from(JSON.stringify({ userIds, loginId })).toString("base64url");
}

function decodeSelection(value: string): Selection {
  const { userIds, loginId } = (parse(value) ?? {}) as Readonly<Record<string, unknown>>;
  const isText = (given: unknown): given is string => typeof given === "string" && given !== "";
  const isList = Array.isArray(userIds) && userIds.length <= MAX_SELECTED && userIds.every(isText);
  if (isList && (loginId === undefined || isText(loginId))) {
    return { userIds, loginId };
  }
  throw new LogoutError(
    "ERR_REQUEST_INVALID",
    "The field selection is not as the page has sent it. Open the page again.",
  );
}

function parse(value: string): unknown {
  try {
    return JSON.parse(Buffer.from(value, "base64url").toString());
  } catch {
    // The caller refuses what it cannot read.
    return undefined;
  }
}
