import { LogoutError } from "../../errors.js";
import type { KickOptions, KickResult } from "../../logins/kick-options.js";
import { EXIT, usageError } from "../errors.js";
import { openRegistry, type Opened, type Place } from "../registry.js";
import { count, counted, printable, terminal } from "../terminal.js";

/** Options of the commands that kick. */
export interface KickFlags extends Place {
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export interface KickUserFlags extends KickFlags {
  readonly login?: string | undefined;
  readonly except?: string | undefined;
}

const STAYS =
  "Session data stays in the store until the next request of its session, which is rejected. A --config with a store overwrites it.";

/** `kick <user>…` */
export async function kick(args: readonly string[], flags: KickUserFlags): Promise<number> {
  const { login, except } = flags;
  const userIds = await usersIn(args);
  const [first] = userIds;
  if (first === undefined) throw usageError("kick: name the users, or - to read their ids from stdin.");
  if (login !== undefined && (userIds.length > 1 || except !== undefined)) {
    throw usageError("kick --login: name one user, and no --except.");
  }
  const whose = userIds.length === 1 ? printable(first) : `${count(userIds.length)} users`;
  const what = login === undefined ? `all logins of ${whose}` : `the login ${printable(login)} of ${whose}`;
  return ending(what, flags, userIds, ({ logins }, options) =>
    login === undefined ? logins.kick(userIds, { ...options, except }) : logins.kickLogin(first, login, options),
  );
}

/** `kick-all` */
export async function kickAll(args: readonly string[], flags: KickFlags): Promise<number> {
  if (args.length > 0) throw usageError("kick-all takes no users. To end the logins of some, use kick.");
  return ending("all logins of everyone", flags, [], async ({ logins }, options) => {
    try {
      return await logins.kickAll({
        ...options,
        onProgress: ({ done, total }) => {
          terminal.progress(done, total);
        },
      });
    } finally {
      terminal.endProgress();
    }
  });
}

/** Asks, ends logins, and prints what has ended, or who is left. */
async function ending(
  what: string,
  { reason, by = "command line", yes = false, json = false, ...place }: KickFlags,
  userIds: readonly string[],
  act: (opened: Opened, options: KickOptions) => Promise<KickResult>,
): Promise<number> {
  if (!yes && !terminal.canAsk) throw usageError("This ends logins, and there is no terminal to ask on: pass --yes.");
  const opened = await openRegistry(place);
  try {
    if (!yes && !(await terminal.confirm(`End ${what} in ${printable(opened.appId)}?`))) {
      terminal.note("Nothing was ended.");
      return EXIT.notDone;
    }
    const result = await act(opened, { reason, by });
    if (json) terminal.json({ ...result, left: [] });
    terminal.note(`Ended ${counted(result.logins, "login")} of ${counted(result.users, "user")}.`);
    if (result.logins > 0 && !opened.hasStore) terminal.note(STAYS);
    return EXIT.done;
  } catch (error) {
    return printLeft(error, userIds, json);
  } finally {
    await opened.close();
  }
}

/** Prints the users whose kick is not finished: on stdout, so that the next call can read them. */
function printLeft(error: unknown, userIds: readonly string[], json: boolean): number {
  if (!LogoutError.is(error)) throw error;
  if (LogoutError.is(error, "ERR_ARGUMENT_INVALID")) throw usageError(error.message);
  const left = LogoutError.is(error, "ERR_KICK_INCOMPLETE", "ERR_WRITE_NOT_REPLICATED")
    ? (error.details?.userIds ?? userIds)
    : userIds;
  if (json) terminal.json({ left, code: error.code });
  else for (const userId of left) terminal.data(printable(userId));
  terminal.note(error.message);
  return EXIT.notDone;
}

/** The users of the arguments; those of stdin for `-`. */
async function usersIn(args: readonly string[]): Promise<readonly string[]> {
  const isRead = args.includes("-");
  const lines = isRead ? (await terminal.input()).split("\n").map((line) => line.replace(/\r$/, "")) : [];
  return [...args.filter((each) => each !== "-"), ...lines.filter((line) => line !== "")];
}
