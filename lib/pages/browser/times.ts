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
const numbers = new Intl.NumberFormat(language);

/** Rewrites times in the reader's time zone. The server does not know the zone and writes UTC. */
export function localizeTimes(within: ParentNode): void {
  for (const time of within.querySelectorAll<HTMLTimeElement>("time[data-time]")) {
    const at = new Date(time.dateTime);
    time.title = exactTime.format(at);
    if (time.dataset["time"] === "short") time.textContent = shortTime.format(at);
  }
}

export function formatNumber(count: number): string {
  return numbers.format(count);
}
