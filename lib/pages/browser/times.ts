/** The date format of the page, unless the reader prefers another variant of the same language. */
const pageFormat = document.body.dataset["dates"] ?? "en-GB";
const language = navigator.languages.find((own) => own.split("-")[0] === pageFormat.split("-")[0]) ?? pageFormat;

const exactTime = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
const shortTime = new Intl.DateTimeFormat(language, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const ages = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const DAY_MS = 86_400_000;
const numbers = new Intl.NumberFormat(language);

/** Rewrites times in the reader's time zone. The server does not know the zone and writes UTC. */
export function localizeTimes(within: ParentNode): void {
  for (const time of within.querySelectorAll<HTMLTimeElement>("time[data-time]")) {
    const at = new Date(time.dateTime);
    time.title = exactTime.format(at);
    if (time.dataset["time"] === "short") time.textContent = shortTime.format(at);
    else if (Date.now() - +at >= DAY_MS) time.textContent = ages.format(dayOf(at) - dayOf(new Date()), "day");
  }
}

/** Returns the number of a day of the calendar. */
function dayOf(at: Date): number {
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / DAY_MS;
}

export function formatNumber(count: number): string {
  return numbers.format(count);
}

/** Times that the reader types are in their zone: the server does not know it, and would take them for UTC. */
export function ownZone(form: HTMLFormElement): void {
  const field = form.querySelector<HTMLInputElement>("[data-zone]");
  const hint = form.querySelector<HTMLElement>("[data-zone-hint]");
  if (field === null || hint === null) return;
  const times = [...form.querySelectorAll<HTMLInputElement>("[name=after], [name=before]")];
  const show = (): void => {
    // Of the day that was typed: in summer it may be another one than now.
    const typed = times.find(({ value }) => value !== "")?.value;
    field.value = zoneOf(typed === undefined ? new Date() : new Date(typed));
    hint.textContent = `${hint.dataset["zoneHint"] ?? ""}${field.value}`;
  };
  for (const time of times) time.addEventListener("input", show);
  // With a filter by time the zone is that of its times.
  if (times.every(({ value }) => value === "")) show();
}

/** Returns the offset of the reader's time zone, such as `+02:00`. */
function zoneOf(day: Date): string {
  const east = -day.getTimezoneOffset();
  const digits = (part: number): string => String(Math.trunc(Math.abs(part))).padStart(2, "0");
  return `${east < 0 ? "-" : "+"}${digits(east / 60)}:${digits(east % 60)}`;
}
