import type { Request } from "express";
import { check, isFunction, type Checks } from "./checks.js";

/** What a user is about to do in the console. */
export interface ConsoleContext {
  readonly appId: string;
  /** `"list"` shows users, `"kick"` ends logins. */
  readonly action: "list" | "kick";
  /** The users concerned. Absent if not limited to particular users. */
  readonly userIds?: readonly string[] | undefined;
  /** Whether a kick concerns everyone, or everyone whom a filter finds. */
  readonly isMassKick: boolean;
}

/** Options in `console`: the page on which administrators see who is online and force users offline. */
export interface ConsoleOptions {
  /**
   * Decides whether the logged-in user may see the console (`action: "list"`) or kick these users (`"kick"`). Anything but `true`
   * responds with 403.
   */
  readonly authorize: (req: Request, context: ConsoleContext) => boolean | Promise<boolean>;
  /**
   * Returns the ids of all administrators: forcing everyone offline, or everyone whom a filter finds, leaves them out unless they are
   * ticked. If it fails, no one is forced offline. At most 1,000 logins are left out. Default: unknown.
   */
  readonly administrators?: (() => readonly (string | number)[] | Promise<readonly (string | number)[]>) | undefined;
  /**
   * Returns the ids of users that match a search text. Of the first 1,000, those online are shown. Default: search finds user ids
   * only.
   */
  readonly searchUsers?:
    ((text: string) => readonly (string | number)[] | Promise<readonly (string | number)[]>) | undefined;
}

export interface ResolvedConsole {
  readonly authorize: ConsoleOptions["authorize"];
  readonly administrators: ConsoleOptions["administrators"];
  readonly searchUsers: NonNullable<ConsoleOptions["searchUsers"]>;
}

const CHECKS: Checks<ConsoleOptions> = {
  authorize: ["a function: (req, context) => boolean", isFunction],
  administrators: ["a function: () => user ids", isFunction],
  searchUsers: ["a function: (text) => user ids", isFunction],
};

/** Returns `undefined` if the console is disabled. */
export function resolveConsole(options: ConsoleOptions | undefined): ResolvedConsole | undefined {
  if (options === undefined) return undefined;
  // Fail closed: a console without a check would be open to every visitor.
  check("console.", options, CHECKS, ["authorize"]);
  const { authorize, administrators, searchUsers = () => [] } = options;
  return { authorize, administrators, searchUsers };
}
