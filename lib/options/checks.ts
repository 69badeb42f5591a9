import { LogoutError } from "../errors.js";
import { decodeUnreserved, encodePath, plainPath } from "../util/paths.js";

export type Check = (value: unknown) => boolean;
/** The description of an option's values, and their check. The compiler keeps each table complete. */
export type Checks<Options> = { readonly [Name in keyof Required<Options>]: readonly [words: string, check: Check] };

export const isText: Check = (value) => typeof value === "string" && value !== "";
export const isBoolean: Check = (value) => typeof value === "boolean";
export const isFunction: Check = (value) => typeof value === "function";
/** An async function always returns a promise. */
export const isSyncFunction: Check = (value) =>
  isFunction(value) && !Object.prototype.toString.call(value).includes(" Async");
export const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isDate: Check = (value) => value instanceof Date && !Number.isNaN(+value);
export const isDuration: Check = (value) => typeof value === "number" && Number.isFinite(value) && value > 0;
/** setTimeout treats a longer delay as 1 ms. */
export const isTimer: Check = (value) => isDuration(value) && Number(value) <= 2_147_483_647;
export const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

export const isPath: Check = (value) =>
  typeof value === "string" && value.startsWith("/") && !/^\/[/\\]|\p{Cc}/u.test(value);
export const isPlainPath: Check = (value) =>
  typeof value === "string" && plainPath(decodeUnreserved(encodePath(value))) !== undefined;
/** A path to compare with: what looks like a pattern would silently match nothing. */
export const isLiteralPath: Check = (value) => isPlainPath(value) && !/[:*+()]/.test(String(value));
/** Checks a path, several paths, or `false`. */
export const isRoute: Check = (value) => value === false || isPath(value) || isListOf(isPath)(value);
/** Checks an outer path, or one relative to the mount path. */
export const isOwnAddress: Check = (value) =>
  isPath(value) || (typeof value === "string" && value.startsWith("./") && isPath(value.slice(1)));
export const isHttpUrl: Check = (value) => {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === "https:" || protocol === "http:") && username === "" && password === "";
};

/**
 * Checks a group of options.
 *
 * @param path - the name of the group, with a dot at the end; `""` for the options themselves
 * @param call - the function that takes the options, for the message
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`
 */
export function check<Options extends object>(
  path: string,
  options: Options,
  checks: Checks<Options>,
  required: readonly (keyof Options & string)[] = [],
  call = "logout()",
): void {
  const known = Object.keys(checks);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new LogoutError("ERR_OPTION_UNKNOWN", `${call}: unknown option ${path}${name}. Known: ${known.join(", ")}.`);
  }
  for (const name of known as (keyof Options & string)[]) {
    const [words, isRight] = checks[name];
    const isMissing = options[name] === undefined;
    if (isMissing ? required.includes(name) : !isRight(options[name])) throw invalid(path + name, words, call);
  }
}

export function invalid(name: string, words: string, call = "logout()"): LogoutError {
  return new LogoutError("ERR_OPTION_INVALID", `${call}: ${name === "" ? "the options" : name} must be ${words}.`);
}
