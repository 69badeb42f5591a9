import { argumentsError, usageError } from "../errors.js";
import { count, printable, terminal } from "../terminal.js";
import { checkExcept, endLogins, withProgress, type KickFlags } from "./ending.js";

export interface KickUserFlags extends KickFlags {
  readonly login?: string | undefined;
  readonly except?: string | undefined;
}

/** `kick <user>…` */
export async function kick(args: readonly string[], flags: KickUserFlags): Promise<number> {
  const { login, except, yes = false, ...rest } = flags;
  if (args.includes("-") && !yes)
    throw usageError("kick -: stdin has the ids, and no answer to a question: pass --yes.");
  const userIds = await usersIn(args);
  const [first] = userIds;
  if (first === undefined) throw argumentsError("kick: name the users, or - to read their ids from stdin.");
  if (login !== undefined && (userIds.length > 1 || except !== undefined)) {
    throw argumentsError("kick --login: name one user, and no --except.");
  }
  const whose = userIds.length === 1 ? printable(first) : `${count(userIds.length)} users`;
  const what = login === undefined ? `all logins of ${whose}` : `the login ${printable(login)} of ${whose}`;
  return endLogins(
    {
      what,
      userIds,
      act: ({ logins }, options) =>
        login === undefined ? logins.kick(userIds, { ...options, except }) : logins.kickLogin(first, login, options),
    },
    { ...rest, yes },
  );
}

export interface KickAllFlags extends KickFlags {
  readonly except?: readonly string[] | undefined;
}

/** `kick-all` */
export async function kickAll(args: readonly string[], { except = [], ...flags }: KickAllFlags): Promise<number> {
  if (args.length > 0) throw argumentsError("kick-all takes no users. To end the logins of some, use kick.");
  checkExcept("kick-all", except);
  const but = except.length === 0 ? "" : ` but ${except.map(printable).join(", ")}`;
  return endLogins(
    {
      what: `all logins of everyone${but}`,
      act: ({ logins }, options) => withProgress((progress) => logins.kickAll({ ...options, ...progress, except })),
      isFinishedByKick: except.length === 0,
    },
    flags,
  );
}

/** The users of the arguments; those of stdin for `-`. */
async function usersIn(args: readonly string[]): Promise<readonly string[]> {
  const isRead = args.includes("-");
  const lines = isRead ? (await terminal.input()).split("\n").map((line) => line.replace(/\r$/, "")) : [];
  return [...args.filter((each) => each !== "-"), ...lines.filter((line) => line !== "")];
}
