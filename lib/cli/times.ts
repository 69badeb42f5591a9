/** What {@link readTime} reads, for messages. */
export const TIME =
  'a time such as 2026-11-29, "2026-11-29 16:30" or 2026-11-29T16:30:00+01:00; without a zone it is UTC';

/** Writes a time for people, in UTC. */
export function writeTime(date: Date): string {
  return date.toISOString().slice(0, 19).replace("T", " ");
}

/**
 * Reads a time as {@link writeTime} writes it, or by ISO 8601; `undefined` for anything else. For `Date`, a day that does not exist is
 * one of the next month.
 */
export function readTime(text: string): Date | undefined {
  const [, day = "", clock = "00:00", zone = "Z"] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const read = new Date(`${day}T${clock}${zone}`);
  const midnight = new Date(`${day}T00:00Z`);
  if (Number.isNaN(+read) || Number.isNaN(+midnight)) return undefined;
  return midnight.toISOString().startsWith(day) ? read : undefined;
}
