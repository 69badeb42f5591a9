import { predicateOf, type LoginFilter } from "../../logins/filter.js";
import { millisecondsOf } from "../../util/duration.js";
import { argumentsError, usageError } from "../errors.js";
import { printable } from "../terminal.js";
import { readTime, TIME } from "../times.js";
import { checkExcept, endLogins, isValid, withProgress, type KickFlags } from "./ending.js";

/** The options that select logins. */
interface FilterFlags {
  readonly ip?: string | undefined;
  readonly device?: string | undefined;
  readonly "idle-for"?: string | undefined;
  readonly "logged-in-before"?: string | undefined;
  readonly "logged-in-after"?: string | undefined;
  readonly "min-logins"?: string | undefined;
}

export interface KickWhereFlags extends KickFlags, FilterFlags {
  readonly except?: readonly string[] | undefined;
  readonly "dry-run"?: boolean | undefined;
}

interface Selector {
  readonly member: keyof LoginFilter;
  /** Reads a value; `undefined` for a wrong one. */
  readonly read: (text: string) => unknown;
  readonly expects: string;
}

const DURATION = "a duration such as 30m, 12h or 7d";

const asItIs = (text: string): string => text;

const SELECTORS: Readonly<Record<keyof FilterFlags, Selector>> = {
  ip: { member: "ip", read: asItIs, expects: "an IP address, or a range such as 203.0.113.0/24" },
  device: { member: "device", read: asItIs, expects: "a part of the name of a browser, system or device" },
  "idle-for": { member: "idleForMs", read: millisecondsOf, expects: DURATION },
  "logged-in-before": { member: "loggedInBefore", read: readTime, expects: TIME },
  "logged-in-after": { member: "loggedInAfter", read: readTime, expects: TIME },
  "min-logins": { member: "minLogins", read: wholeNumber, expects: "a whole number above 0" },
};

/** `kick-where` */
export async function kickWhere(args: readonly string[], flags: KickWhereFlags): Promise<number> {
  const { except = [], "dry-run": dryRun = false } = flags;
  if (args.length > 0) throw argumentsError("kick-where takes options alone. To end the logins of users, use kick.");
  const given = (Object.keys(SELECTORS) as (keyof FilterFlags)[]).flatMap((name) => {
    const value = flags[name];
    return value === undefined ? [] : [{ name, value }];
  });
  if (given.length === 0) {
    const names = Object.keys(SELECTORS).map((name) => `--${name}`);
    throw argumentsError(`kick-where: pass at least one of ${names.join(", ")}. To end all logins, use kick-all.`);
  }
  const filter = Object.assign({}, ...given.map(({ name, value }) => memberOf(name, value))) as LoginFilter;
  checkExcept("kick-where", except);
  const options = given.map(({ name, value }) => `--${name} ${printable(value)}`);
  return endLogins(
    {
      what: `all logins that match ${options.join(" ")}`,
      isDry: dryRun,
      isFinishedByKick: false,
      act: ({ logins }, why) =>
        withProgress((progress) => logins.kickWhere(filter, { ...why, ...progress, dryRun, except })),
    },
    flags,
  );
}

/** Returns the member of the filter that an option is. */
function memberOf(name: keyof FilterFlags, text: string): LoginFilter {
  const { member, read, expects } = SELECTORS[name];
  const filter = { [member]: read(text) };
  if (filter[member] === undefined || !isValid(() => predicateOf(filter))) {
    throw usageError(`kick-where: --${name} must be ${expects}.`);
  }
  return filter;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
