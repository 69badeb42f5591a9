/** Exit codes: of a call that is done, not or only partly done, wrong, and without an answer. */
export const EXIT = { done: 0, notDone: 1, usage: 2, outOfReach: 3 } as const;

/** Ends the program with a message on stderr. */
export class CliError extends Error {
  readonly exitCode: number;
  /** Whether the usage follows the message. */
  readonly isUnknown: boolean;

  constructor(message: string, exitCode: number, isUnknown = false) {
    super(message);
    this.exitCode = exitCode;
    this.isUnknown = isUnknown;
  }
}

/** Wrong arguments, or no registry. */
export function usageError(message: string): CliError {
  return new CliError(message, EXIT.usage);
}

/** An unknown command or option. */
export function unknownError(message: string): CliError {
  return new CliError(message, EXIT.usage, true);
}
