import type { Texts } from "./texts.js";

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;
/** The last activity is known to a minute: whoever was active in the last two is here. */
const NOW_MS = 120_000;
const MAX_TEXT = 200;

const numbers = perLanguage((language) => new Intl.NumberFormat(language));
const ages = perLanguage((language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
const shortTimes = perLanguage(
  (dates) =>
    new Intl.DateTimeFormat(dates, {
      day: "numeric",
      month: "short",
      hour: "2-digit",
      minute: "2-digit",
      timeZone: "UTC",
    }),
);
const exactTimes = perLanguage(
  (dates) => new Intl.DateTimeFormat(dates, { dateStyle: "full", timeStyle: "long", timeZone: "UTC" }),
);

export function formatNumber(count: number, { language }: Texts): string {
  return numbers(language).format(count);
}

/** Anybody's text as it may stand on a page: of a length that fits, and of characters that exist. */
export function plainText(text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length > MAX_TEXT ? `${wellFormed.slice(0, MAX_TEXT).toWellFormed()}…` : wellFormed;
}

interface TimeProps {
  readonly at: Date;
  readonly texts: Texts;
}

/** `3 hours ago`, with the exact time as its title. The script shows both in the reader's own time zone. */
export function RelativeTime({ at, texts }: TimeProps) {
  return (
    <time dateTime={at.toISOString()} title={exact(at, texts)} data-time="relative">
      {relative(at, texts)}
    </time>
  );
}

/** `22 Nov, 18:50`, with the exact time as its title. */
export function ShortTime({ at, texts }: TimeProps) {
  return (
    <time dateTime={at.toISOString()} title={exact(at, texts)} data-time="short">
      {shortTimes(texts.dates).format(at)}
    </time>
  );
}

function relative(at: Date, texts: Texts): string {
  const agoMs = Date.now() - +at;
  if (agoMs < NOW_MS) return texts.now;
  const [unit, unitMs] = UNITS.find(([, length]) => agoMs >= length) ?? UNITS[2];
  return ages(texts.language).format(-Math.floor(agoMs / unitMs), unit);
}

function exact(at: Date, { dates }: Texts): string {
  return exactTimes(dates).format(at);
}

/** One formatter for each language of the texts: to make one takes far longer than to use it. */
function perLanguage<Format>(make: (language: string) => Format): (language: string) => Format {
  const made = new Map<string, Format>();
  return (language) => {
    const format = made.get(language) ?? make(language);
    made.set(language, format);
    return format;
  };
}
