import { BlockList, isIP } from "node:net";
import { LogoutError } from "../errors.js";
import type { Login } from "../types/login.js";
import { invalidArgument, isDate } from "./arguments.js";
import { readDevice } from "../util/device.js";

/** Selects logins. Every member that is present must match. */
export interface LoginFilter {
  /** An IP address, or a range in CIDR notation such as `203.0.113.0/24`. */
  readonly ip?: string | undefined;
  /** A part of the name of the browser, the system or the device, in any case: `firefox`, `ios`, `iphone`. */
  readonly device?: string | undefined;
  /** No request for at least this long, in milliseconds. The last request is known to the minute. */
  readonly idleForMs?: number | undefined;
  readonly loggedInBefore?: Date | undefined;
  readonly loggedInAfter?: Date | undefined;
  /** The user has at least this many logins. */
  readonly minLogins?: number | undefined;
}

/** Returns whether a login matches. `count`: how many logins the user has. */
export type LoginPredicate = (login: Login, count: number) => boolean;

type Matchers = { readonly [Name in keyof LoginFilter]-?: (wanted: unknown) => LoginPredicate | undefined };

/** For each member its predicate, or `undefined` for a wrong value. */
const MATCHERS: Matchers = {
  ip: (wanted) => {
    const has = typeof wanted === "string" ? addressMatcher(wanted) : undefined;
    return has && (({ ip }) => ip !== undefined && has(ip));
  },
  device: (wanted) => {
    if (typeof wanted !== "string" || wanted === "") return undefined;
    const part = wanted.toLowerCase();
    return ({ userAgent }) => deviceNames(userAgent).toLowerCase().includes(part);
  },
  idleForMs: (wanted) =>
    isNumber(wanted) && wanted > 0 ? ({ lastActive }) => Date.now() - +lastActive >= wanted : undefined,
  loggedInBefore: (wanted) => (isDate(wanted) ? ({ began }) => +began < +wanted : undefined),
  loggedInAfter: (wanted) => (isDate(wanted) ? ({ began }) => +began > +wanted : undefined),
  minLogins: (wanted) =>
    isNumber(wanted) && Number.isInteger(wanted) && wanted > 0 ? (_login, count) => count >= wanted : undefined,
};

/**
 * Returns the predicate of a filter, or of a function of the app.
 *
 * @throws LogoutError `ERR_ARGUMENT_INVALID`
 */
export function predicateOf(where: unknown): LoginPredicate {
  if (typeof where === "function") return (login) => ask(where as (login: Login) => unknown, login);
  if (typeof where !== "object" || where === null) {
    throw invalidArgument("kickWhere takes a filter, or a function: (login) => boolean.");
  }
  const given = Object.entries(where).filter(([, wanted]) => wanted !== undefined);
  if (given.length === 0) throw invalidArgument("An empty filter matches everyone: use kickAll.");
  const predicates = given.map(([name, wanted]) => {
    if (!Object.hasOwn(MATCHERS, name)) {
      throw invalidArgument(`Unknown member ${name} of the filter. Known: ${Object.keys(MATCHERS).join(", ")}.`);
    }
    const predicate = MATCHERS[name as keyof LoginFilter](wanted);
    if (predicate === undefined) throw invalidArgument(`The member ${name} of the filter is invalid.`);
    return predicate;
  });
  return (login, count) => predicates.every((matches) => matches(login, count));
}

function ask(matches: (login: Login) => unknown, login: Login): boolean {
  let answer: unknown;
  try {
    answer = matches(login);
  } catch (cause) {
    throw new LogoutError("ERR_ARGUMENT_INVALID", "The function given to kickWhere failed: see the cause.", { cause });
  }
  // A promise would count as true for every login.
  if (typeof answer === "boolean") return answer;
  throw invalidArgument("The function given to kickWhere must return true or false, and not a promise.");
}

function addressMatcher(wanted: string): ((ip: string) => boolean) | undefined {
  const [address = "", prefix, ...more] = wanted.split("/");
  const family = isIP(address);
  // A login has the IPv4 address that is mapped.
  if (family === 0 || more.length > 0 || address.includes("%") || /^::ffff:/i.test(address)) return undefined;
  const bits = family === 4 ? 32 : 128;
  if (prefix !== undefined && !(/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)) return undefined;
  const range = new BlockList();
  range.addSubnet(address, Number(prefix ?? bits), family === 4 ? "ipv4" : "ipv6");
  return (ip) => isIP(ip) === family && range.check(ip.split("%", 1)[0] ?? "", family === 4 ? "ipv4" : "ipv6");
}

/** Returns what is known of a device, else the `User-Agent` header: it names every browser that this one is like. */
function deviceNames(userAgent: string | undefined): string {
  const { browser, system, model } = readDevice(userAgent);
  const names = [browser, system, model].filter((name) => name !== undefined);
  return names.length === 0 ? (userAgent ?? "") : names.join("\n");
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
