import { LogoutError } from "../errors.js";
import { redactError } from "../util/redact-error.js";
import { hiddenTexts } from "./addresses.js";

/** Exit codes: of a call that is done, not or only partly done, wrong, and without an answer. */
export const EXIT = { done: 0, notDone: 1, usage: 2, outOfReach: 3 } as const;

/** Ends the program with a message on stderr. */
export class CliError extends Error {
  readonly exitCode: number;
  /** Whether the usage follows the message. */
  readonly showsUsage: boolean;

  constructor(message: string, exitCode: number, showsUsage = false) {
    super(message);
    this.exitCode = exitCode;
    this.showsUsage = showsUsage;
  }
}

/** An invalid value, or no registry. */
export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}

/** An unknown command or option, a missing argument or one too many. */
export function argumentsError(message: string): CliError {
  return new CliError(message, EXIT.usage, true);
}

/** Returns the message of an error, with its causes, and without the addresses of servers, which may hold passwords. */
export function messageOf(error: unknown): string {
  const { message } = redactError(new Error(chain(error)), hiddenTexts());
  return message;
}

/** Errors of this package name causes that are safe to show. The error of a registry of another author may quote data. */
function chain(error: unknown): string {
  if (!LogoutError.is(error)) return redactError(error, []).message;
  const { cause, message } = error;
  if (LogoutError.is(cause)) return `${message} Cause: ${chain(cause)}`;
  if (cause === undefined) return message;
  const isRedacted = LogoutError.is(error, "ERR_REGISTRY_UNAVAILABLE", "ERR_STORE_UNAVAILABLE");
  const redacted = redactError(cause, []);
  const why = (isRedacted ? redacted.message : redacted.name).replace(/\.$/, "");
  return message.includes("see the cause") ? message.replace("see the cause", why) : `${message} Cause: ${why}.`;
}
