import { LogoutError } from "../../errors.js";
import type { CountedPage, PageRequest } from "../../logins/paging.js";
import type { Page } from "../../types/history.js";
import type { Login } from "../../types/login.js";
import { argumentsError, EXIT, usageError } from "../errors.js";
import { openRegistry, type OpenRegistry, type Place } from "../registry.js";
import { counted, printable, table, terminal } from "../terminal.js";
import { writeTime } from "../times.js";

/** Options of the commands that list. */
export interface ListFlags extends Place {
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
  readonly json?: boolean | undefined;
}

const device = ({ ip = "-", userAgent = "-" }: Login): readonly string[] => [ip, userAgent];

/** `logins <user>` */
export async function logins(args: readonly string[], flags: ListFlags): Promise<number> {
  const [userId] = args;
  if (userId === undefined || args.length > 1) throw argumentsError("logins: name one user.");
  const read = (opened: OpenRegistry, query: object): Promise<CountedPage<Login>> => opened.logins.list(userId, query);
  return list(flags, read, (page) => {
    const rows = page.items.map((login) => [
      login.id,
      writeTime(login.began),
      writeTime(login.lastActive),
      ...device(login),
    ]);
    table(["LOGIN", "BEGAN (UTC)", "LAST ACTIVE (UTC)", "IP", "USER AGENT"], rows);
    terminal.note(`${counted(page.total, "login")} of ${printable(userId)}.`);
  });
}

/** `active` */
export async function active(args: readonly string[], flags: ListFlags): Promise<number> {
  if (args.length > 0) throw argumentsError("active takes no arguments.");
  return list(
    flags,
    (opened, query) => opened.logins.listActiveUsers(query),
    (page) => {
      const rows = page.items.map(({ userId, loginsCount, logins: [newest, ...older] }) => {
        const last = [newest, ...older].reduce((latest, login) => Math.max(latest, +(login?.lastActive ?? 0)), 0);
        return [
          userId,
          String(loginsCount),
          writeTime(new Date(last)),
          ...(newest === undefined ? [] : device(newest)),
        ];
      });
      table(["USER", "LOGINS", "LAST ACTIVE (UTC)", "IP", "USER AGENT"], rows);
      terminal.note(`${counted(page.total, "user")} online.`);
    },
  );
}

/** Reads one page, and prints it. */
export async function list<Found extends Page<unknown>>(
  { limit, cursor, json = false, ...place }: ListFlags,
  read: (opened: OpenRegistry, query: PageRequest) => Promise<Found>,
  print: (page: Found) => void,
): Promise<number> {
  if (limit !== undefined && !/^\d+$/.test(limit)) throw usageError("--limit must be a whole number from 1 to 1000.");
  const opened = await openRegistry(place);
  try {
    const page = await read(opened, { limit: limit === undefined ? undefined : Number(limit), cursor });
    if (json) terminal.json(page);
    else print(page);
    if (!json && page.cursor !== undefined) terminal.note(`More: --cursor ${page.cursor}`);
    return EXIT.done;
  } catch (error) {
    throw LogoutError.is(error, "ERR_ARGUMENT_INVALID") ? usageError(error.message) : error;
  } finally {
    await opened.close();
  }
}
