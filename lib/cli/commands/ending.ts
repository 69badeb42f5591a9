import { LogoutError } from "../../errors.js";
import { exceptArgument } from "../../logins/arguments.js";
import type { KickOptions, KickResult, LongKick } from "../../logins/kick-options.js";
import { EXIT, messageOf, usageError } from "../errors.js";
import { openRegistry, type OpenRegistry, type Place } from "../registry.js";
import { counted, printable, survivesALine, terminal } from "../terminal.js";

/** Options of the commands that kick. */
export interface KickFlags extends Place {
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** An end of logins. */
export interface Ending {
  /** Which logins, for the question. */
  readonly what: string;
  readonly act: (opened: OpenRegistry, options: KickOptions) => Promise<KickResult>;
  /** The users of the call, if it names them: they are left if the registry fails at once. */
  readonly userIds?: readonly string[];
  /** Whether it counts, and ends nothing. */
  readonly isDry?: boolean;
  /** Whether `kick -` finishes it. Default: yes. */
  readonly isFinishedByKick?: boolean;
}

const STAYS =
  "Session data stays in the store until the next request of its session, which is rejected. A --config with a store overwrites it.";

/** Asks, ends logins, and prints what has ended, or who is left. */
export async function endLogins(
  ending: Ending,
  { reason, by = "command line", yes = false, json = false, ...place }: KickFlags,
): Promise<number> {
  const { what, act, isDry = false } = ending;
  const isAsked = !yes && !isDry;
  if (isAsked && !terminal.canAsk)
    throw usageError("This ends logins, and there is no terminal to ask on: pass --yes.");
  const opened = await openRegistry(place);
  try {
    if (isAsked && !(await terminal.confirm(`End ${what} in ${printable(opened.appId)}?`))) {
      terminal.note("Nothing was ended.");
      return EXIT.notDone;
    }
    const result = await act(opened, { reason, by });
    if (json) terminal.json({ ...result, left: [], ...(isDry ? { dryRun: true } : {}) });
    const ended = `${counted(result.logins, "login")} of ${counted(result.users, "user")}`;
    terminal.note(isDry ? `Would end ${ended}. Nothing was ended.` : `Ended ${ended}.`);
    if (!isDry && result.logins > 0 && !opened.hasStore) terminal.note(STAYS);
    return EXIT.done;
  } catch (error) {
    return printLeft(error, ending, json);
  } finally {
    await opened.close();
  }
}

/** Runs a kick that walks all users, with a bar on a terminal. */
export async function withProgress(kick: (options: LongKick) => Promise<KickResult>): Promise<KickResult> {
  try {
    return await kick({
      onProgress: ({ done, total }) => {
        terminal.progress(done, total);
      },
    });
  } finally {
    terminal.endProgress();
  }
}

/** Prints the users whose kick is not finished: on stdout if the next call can read them. */
function printLeft(error: unknown, { userIds = [], isFinishedByKick = true }: Ending, json: boolean): number {
  if (!LogoutError.is(error)) throw error;
  if (LogoutError.is(error, "ERR_ARGUMENT_INVALID")) throw usageError(error.message);
  const left = LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED")
    ? (error.details?.userIds ?? userIds)
    : userIds;
  terminal.note(printable(messageOf(error)));
  if (json) terminal.json({ left, code: error.code });
  // Not on stdout: kick would end the logins of these users that do not match.
  else if (!isFinishedByKick) for (const userId of left) terminal.note(`Left: ${printable(userId)}`);
  else printUsers(left);
  return EXIT.notDone;
}

/** Prints one user id a line: as it is, for the next call, and without control characters on a terminal. */
function printUsers(userIds: readonly string[]): void {
  const isShown = terminal.showsData;
  for (const userId of userIds) {
    if (isShown) terminal.data(printable(userId));
    // Two lines would be two other users.
    else if (survivesALine(userId)) terminal.data(userId);
  }
  const omitted = isShown ? 0 : userIds.filter((userId) => !survivesALine(userId)).length;
  if (omitted > 0) terminal.note(`${counted(omitted, "user")} left out, whose ids are more than a line: use --json.`);
}

/** @throws CliError for what is no id of a login. `command`: its name, for the message. */
export function checkExcept(command: string, ids: readonly string[]): void {
  if (!isValid(() => exceptArgument(ids))) throw usageError(`${command}: --except must be the id of a login.`);
}

/** Returns whether a check throws no `ERR_ARGUMENT_INVALID`. */
export function isValid(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (LogoutError.is(error, "ERR_ARGUMENT_INVALID")) return false;
    throw error;
  }
}
