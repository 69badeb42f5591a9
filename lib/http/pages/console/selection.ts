import { LogoutError } from "../../../errors.js";
import { isTicked, valueOf, type Fields } from "../../fields.js";
import { readFilter, type ReadFilter } from "./filter-fields.js";

export const MAX_SELECTED = 1_000;

/** Whom a form that names no users ends the logins of as well. */
export interface Includes {
  readonly me: boolean;
  readonly administrators: boolean;
}

/** Some users with all of their logins, or one login. */
export interface ChosenUsers {
  readonly kind: "users";
  readonly userIds: readonly string[];
  readonly loginId?: string | undefined;
}

/** Those whose logins a filter finds. */
export interface ChosenFound {
  readonly kind: "found";
  readonly filter: ReadFilter;
  /** Only these users: those whom a search has found. */
  readonly userIds?: readonly string[] | undefined;
  /** When the page was made that named the filter: no one who has logged in since then is meant. */
  readonly asOf: Date;
  /** Whether they were all who are online: the application's id must be typed. */
  readonly isEveryone: boolean;
  readonly includes: Includes;
  readonly typed: readonly string[];
}

export interface ChosenEveryone {
  readonly kind: "everyone";
  /** What was typed to confirm it: the application's id. */
  readonly typed: readonly string[];
  readonly includes: Includes;
}

/** Whom a form or an address names. */
export type Chosen = ChosenUsers | ChosenFound | ChosenEveryone;

/** Whom an address asks about. */
export function chosenIn(query: Fields): Chosen {
  const everyone = everyoneIn(query);
  if (everyone.typed.length > 0) return everyone;
  if (query("found").length > 0) {
    return { ...everyone, kind: "found", filter: readFilter(query), asOf: new Date(), isEveryone: false };
  }
  return usersIn(query);
}

/** Whom a form names: in the one field of the page that has asked, or `everyone`; scripts name each `user`. */
export function confirmedIn(form: Fields): Chosen {
  const confirmed = valueOf(form, "selection");
  const everyone = everyoneIn(form);
  if (confirmed === undefined) return everyone.typed.length > 0 ? everyone : usersIn(form);
  const selection = decodeSelection(confirmed);
  if (selection.filter === undefined)
    return { kind: "users", userIds: selection.userIds ?? [], loginId: selection.loginId };
  const { filter, userIds, asOf = 0, isEveryone = false } = selection;
  return {
    ...everyone,
    kind: "found",
    filter: readFilter((name) => filter[name] ?? []),
    userIds,
    asOf: new Date(Math.min(asOf, Date.now())),
    isEveryone,
  };
}

function everyoneIn(fields: Fields): ChosenEveryone {
  const includes = { me: isTicked(fields, "me"), administrators: isTicked(fields, "administrators") };
  return { kind: "everyone", typed: fields("everyone"), includes };
}

function usersIn(fields: Fields): ChosenUsers {
  const userIds = fields("user").filter((userId) => userId !== "");
  if (userIds.length <= MAX_SELECTED) return { kind: "users", userIds, loginId: valueOf(fields, "login") };
  throw new LogoutError("ERR_REQUEST_INVALID", `user: at most ${String(MAX_SELECTED)} users at once.`);
}

/** What the one field of a form holds. */
export interface Selection {
  readonly userIds?: readonly string[] | undefined;
  readonly loginId?: string | undefined;
  /** The fields of a filter, by name. */
  readonly filter?: Readonly<Record<string, readonly string[]>> | undefined;
  /** In milliseconds since 1970. */
  readonly asOf?: number | undefined;
  readonly isEveryone?: boolean | undefined;
}

/**
 * Writes a selection as the value of one field, in which `hpp`, sanitizers and limits of body parsers change nothing: a filter that lost
 * a part would find more logins than the page has shown.
 */
export function encodeSelection(selection: Selection): string {
  return Buffer.from(JSON.stringify(selection)).toString("base64url");
}

function decodeSelection(value: string): Selection {
  const selection = parse(value);
  if (isSelection(selection)) return selection;
  throw new LogoutError(
    "ERR_REQUEST_INVALID",
    "The field selection is not as the page has sent it. Open the page again.",
  );
}

function isSelection(value: unknown): value is Selection {
  if (typeof value !== "object" || value === null) return false;
  const { userIds, loginId, filter, asOf, isEveryone } = value as Readonly<Record<string, unknown>>;
  const areUsers = Array.isArray(userIds) && userIds.length <= MAX_SELECTED && userIds.every(isText);
  if (filter === undefined) return areUsers && (loginId === undefined || isText(loginId));
  const areFields =
    typeof filter === "object" &&
    filter !== null &&
    Object.values(filter).every((values) => Array.isArray(values) && values.every(isText));
  return areFields && (userIds === undefined || areUsers) && Number.isInteger(asOf) && typeof isEveryone === "boolean";
}

function isText(given: unknown): given is string {
  return typeof given === "string" && given !== "";
}

function parse(value: string): unknown {
  try {
    return JSON.parse(Buffer.from(value, "base64url").toString());
  } catch {
    // The caller refuses what it cannot read.
    return undefined;
  }
}
