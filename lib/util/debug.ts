import { env, stderr } from "node:process";
import { debuglog, format } from "node:util";
import { escapeRegExp } from "./paths.js";
import { redactError } from "./redact-error.js";

const NAME = "express-logout";
const MAX_CAUSES = 3;
const log = debuglog(NAME);

/**
 * Writes a line to stderr under `NODE_DEBUG=express-logout` or `DEBUG=express-logout*`. `undefined` otherwise, so that `debug?.(…)` does
 * not evaluate its arguments. Never pass a session id, a token or session data.
 */
export const debug: ((format: string, ...values: unknown[]) => void) | undefined = log.enabled
  ? log
  : isNamedBy(env["DEBUG"])
    ? writeLine
    : undefined;

/** Shows an error that changes nothing else, without any of the texts in `hidden`. */
export function debugError(what: string, error: unknown, hidden: readonly string[] = []): void {
  debug?.("%s: %s", what, describe(error, hidden));
}

/** Returns a handler for an error that changes nothing else, as {@link debugError} shows it. */
export function ignored(what: string, hidden?: readonly string[]): (error?: unknown) => undefined {
  return (error) => {
    debugError(what, error, hidden);
    return undefined;
  };
}

/** Returns whether names such as `express:*,-express-logout`, in the syntax of the package `debug`, include this one. */
export function isNamedBy(names = ""): boolean {
  const patterns = names.split(/[\s,]+/).filter((each) => each !== "");
  const isMatch = (pattern: string): boolean => {
    const parts = pattern.split("*").map(escapeRegExp);
    return new RegExp(`^${parts.join(".*")}$`).test(NAME);
  };
  const isExcluded = patterns.some((pattern) => pattern.startsWith("-") && isMatch(pattern.slice(1)));
  return !isExcluded && patterns.some(isMatch);
}

function writeLine(text: string, ...values: unknown[]): void {
  stderr.write(`${new Date().toISOString()} ${NAME} ${format(text, ...values)}\n`);
}

/** The error and its causes, in one line. */
function describe(error: unknown, hidden: readonly string[], depth = 0): string {
  const { name, code, message } = redactError(error, hidden) as NodeJS.ErrnoException;
  const { cause } = (error ?? {}) as { cause?: unknown };
  const text = `${code ?? name}: ${message.replace(/\p{Cc}+/gu, " ")}`;
  return cause === undefined || depth === MAX_CAUSES ? text : `${text} (${describe(cause, hidden, depth + 1)})`;
}
