import { LogoutError } from "../../../errors.js";
import { valueOf, type Fields } from "../../fields.js";

export const MAX_SELECTED = 1_000;

/** The logins that a confirmed form ends: all of some users, or one. */
export interface Selection {
  readonly userIds: readonly string[];
  readonly loginId?: string | undefined;
}

export interface Chosen extends Selection {
  /** What was typed in the field for everyone: the application's id confirms it. */
  readonly everyone: readonly string[];
  /** Whether a kick of everyone ends the logins of who kicks as well. */
  readonly includesAdmin: boolean;
}

/** Whom a form names: everyone, one login or some users. A confirmed form has them in one field, scripts name each `user`. */
export function chosenIn(form: Fields): Chosen {
  const everyone = form("everyone");
  const includesAdmin = form("me").length > 0;
  const confirmed = valueOf(form, "selection");
  if (confirmed !== undefined) return { everyone, includesAdmin, ...decodeSelection(confirmed) };
  const userIds = form("user").filter((userId) => userId !== "");
  return { everyone, includesAdmin, userIds: userIds.slice(0, MAX_SELECTED), loginId: valueOf(form, "login") };
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
