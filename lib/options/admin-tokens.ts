import { createHash } from "node:crypto";
import { check, invalid, isDate, isListOf, isObject, isText, type Checks } from "./checks.js";

/** What a token may do. */
export type AdminAction = "list" | "kick";

/** A token by its digest, so that no configuration holds the token itself. */
export interface AdminToken {
  /** The name, at most 100 characters: `by` in events and the audit log is `token` and the name. */
  readonly name: string;
  /** The SHA-256 digest of the token, in hexadecimal. The token is random: 16 bytes or more. */
  readonly sha256: string;
  /** What the token may do. Default: everything. */
  readonly may?: readonly AdminAction[] | undefined;
  /** When the token expires: a date, or in ISO 8601. Default: never. */
  readonly until?: Date | string | undefined;
}

export interface ResolvedToken {
  /** `undefined` for a token that is given itself. */
  readonly name: string | undefined;
  readonly digest: Buffer;
  readonly may: readonly AdminAction[];
  /** In milliseconds since 1970. */
  readonly until: number;
}

export const ALL_ACTIONS: readonly AdminAction[] = ["list", "kick"];
/** The description and check of what a credential may do. */
export const MAY: Checks<{ may: unknown }>["may"] = [
  'an array of "list" and "kick", not empty',
  (value) =>
    isListOf((each) => (ALL_ACTIONS as readonly unknown[]).includes(each))(value) && (value as unknown[]).length > 0,
];
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;
const EMPTY = digestOf("");

const CHECKS: Checks<AdminToken> = {
  name: ["a text of 1 to 100 characters", (value) => isText(value) && String(value).length <= 100],
  sha256: [
    "the SHA-256 digest of a token, 64 hexadecimal digits, and not that of an empty one",
    (value) => typeof value === "string" && /^[\da-f]{64}$/i.test(value) && !EMPTY.equals(Buffer.from(value, "hex")),
  ],
  may: MAY,
  until: [
    "a valid Date, or a date in ISO 8601 such as 2027-01-31 or 2027-01-31T12:00:00Z",
    (value) => isDate(value) || (typeof value === "string" && ISO_DATE.test(value) && isDate(new Date(value))),
  ],
};

/**
 * @param option - the name of the option, for messages
 * @param call - the function that takes the option
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`
 */
export function resolveTokens(
  tokens: readonly (string | AdminToken)[],
  option = "admin.tokens",
  call?: string,
): readonly ResolvedToken[] {
  const resolved = tokens.map((token, position) => resolveToken(token, `${option}[${String(position)}].`, call));
  const isTwice = (token: ResolvedToken): boolean =>
    token.name !== undefined && resolved.some((other) => other !== token && other.digest.equals(token.digest));
  const twice = resolved.find(isTwice);
  // It would be open which of two rights apply.
  if (twice !== undefined) throw invalid(option, `different tokens: that of ${twice.name ?? ""} is there twice`, call);
  return resolved;
}

function resolveToken(token: string | AdminToken, path: string, call: string | undefined): ResolvedToken {
  if (typeof token === "string") return { name: undefined, digest: digestOf(token), may: ALL_ACTIONS, until: Infinity };
  check(path, token, CHECKS, ["name", "sha256"], call);
  const { name, sha256, may = ALL_ACTIONS, until } = token;
  const digest = Buffer.from(sha256, "hex");
  return { name, digest, may: [...may], until: until === undefined ? Infinity : +new Date(until) };
}

/** Returns the SHA-256 digest of a token. */
export function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Checks the shape of one entry in `admin.tokens`. */
export function isToken(value: unknown): boolean {
  return isText(value) || isObject(value);
}
