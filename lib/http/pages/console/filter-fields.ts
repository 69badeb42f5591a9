import { predicateOf, type LoginFilter } from "../../../logins/filter.js";
import { LogoutError } from "../../../errors.js";
import type { FilterName } from "../../../pages/filters.js";
import { millisecondsOf } from "../../../util/duration.js";
import { valueOf, type Fields } from "../../fields.js";

interface FilterField {
  readonly member: keyof LoginFilter;
  /** Reads a value; `undefined` for a wrong one. `zone`: the time zone of the reader. */
  readonly read: (text: string, zone: string) => unknown;
}

const FIELDS: Readonly<Record<FilterName, FilterField>> = {
  ip: { member: "ip", read: (text) => text },
  device: { member: "device", read: (text) => text },
  idle: { member: "idleForMs", read: millisecondsOf },
  after: { member: "loggedInAfter", read: timeIn },
  before: { member: "loggedInBefore", read: timeIn },
  more: { member: "minLogins", read: (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) + 1 : undefined) },
};
const NAMES = Object.keys(FIELDS) as FilterName[];
const MAX_VALUE = 256;

/** A filter of the console, as a form or an address has it. */
export interface ReadFilter {
  /** The values, as they were typed. */
  readonly values: Readonly<Partial<Record<FilterName, string>>>;
  /** The time zone of times in them: `"Z"` or an offset such as `+01:00`. */
  readonly zone: string;
  /** The filter; `undefined` for none. */
  readonly where: LoginFilter | undefined;
  /** The fields with a value that is none. There is no filter then. */
  readonly wrong: readonly FilterName[];
}

/**
 * Reads the fields of a filter: `ip`, `device`, `idle`, `after`, `before`, `more`, and the `zone` of its times. Those that `without` names
 * do not count: a button of the form removes them.
 */
export function readFilter(fields: Fields): ReadFilter {
  const without = new Set(fields("without").flatMap((names) => names.split(",")));
  const [, offset] = /^([+-]\d\d:\d\d)$/.exec(valueOf(fields, "zone") ?? "") ?? [];
  const zone = offset ?? "Z";
  const given = NAMES.filter((name) => !without.has(name)).flatMap((name) => {
    const text = (valueOf(fields, name) ?? "").trim().slice(0, MAX_VALUE);
    if (text === "") return [];
    const { member, read } = FIELDS[name];
    return [{ name, text, member, value: read(text, zone) }];
  });
  const values = Object.fromEntries(given.map(({ name, text }) => [name, text]));
  const wrong = given.filter(({ member, value }) => !isMember({ [member]: value })).map(({ name }) => name);
  const where = Object.fromEntries(given.map(({ member, value }) => [member, value])) as LoginFilter;
  return { values, zone, wrong, where: given.length === 0 || wrong.length > 0 ? undefined : where };
}

/** Returns the fields as parameters of an address, or of a form. */
export function filterParameters({ values, zone }: Pick<ReadFilter, "values" | "zone">): (readonly [string, string])[] {
  const given = NAMES.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const hasTimes = values.after !== undefined || values.before !== undefined;
  return hasTimes ? [...given, ["zone", zone]] : given;
}

function isMember(filter: LoginFilter): boolean {
  if (Object.values(filter).includes(undefined)) return false;
  try {
    predicateOf(filter);
    return true;
  } catch (error) {
    if (LogoutError.is(error, "ERR_ARGUMENT_INVALID")) return false;
    throw error;
  }
}

/** Reads a time as `<input type="datetime-local">` sends it. */
function timeIn(text: string, zone: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/.test(text)) return undefined;
  const time = new Date(text + zone);
  return Number.isNaN(+time) ? undefined : time;
}
