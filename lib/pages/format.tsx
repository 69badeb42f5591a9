import type { ComponentChildren } from "preact";
import type { Texts } from "./texts/index.js";

const DAY_MS = 86_400_000;
const UNITS = [
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;
/** Last activity is recorded to the minute, so anything within two minutes counts as now. */
const NOW_MS = 120_000;
const MAX_TEXT = 200;
/** As long as a reason may be. */
const MAX_WHOLE = 500;

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

/** Returns text from outside as pages may show it: well-formed and cut to 200 characters. */
export function plainText(text: string): string {
  return cutAt(MAX_TEXT, text);
}

/** Returns a text that people have written for the reader, well-formed and cut to 500 characters. */
export function wholeText(text: string): string {
  return cutAt(MAX_WHOLE, text);
}

function cutAt(length: number, text: string): string {
  const wellFormed = text.toWellFormed();
  return wellFormed.length > length ? `${wellFormed.slice(0, length).toWellFormed()}…` : wellFormed;
}

/** Stands for the element while a text is composed. */
const SLOT = "\0";

/** Renders a text around an element, which may come first or last depending on the language. */
export function AroundSlot({ text, children }: { text: (slot: string) => string; children: ComponentChildren }) {
  const [before, after] = text(SLOT).split(SLOT);
  return (
    <>
      {before}
      {children}
      {after}
    </>
  );
}

interface TimeProps {
  readonly at: Date;
  readonly texts: Texts;
}

/**
 * Renders `3 hours ago`, with the exact time as the title. After 24 hours, days of the calendar count. The script rewrites both in the
 * reader's time zone.
 */
export function RelativeTime({ at, texts }: TimeProps) {
  return (
    <time dateTime={at.toISOString()} title={exact(at, texts)} data-time="relative">
      {relative(at, texts)}
    </time>
  );
}

/** Renders `22 Nov, 18:50`, with the exact time as the title. The script rewrites both in the reader's time zone. */
export function ShortTime({ at, texts }: TimeProps) {
  return (
    <time dateTime={at.toISOString()} title={exact(at, texts)} data-time="short">
      {shortTimes(texts.dates).format(at)}
    </time>
  );
}

/** Returns whether a time of activity counts as now. */
export function isNow(at: Date): boolean {
  return Date.now() - +at < NOW_MS;
}

function relative(at: Date, texts: Texts): string {
  if (isNow(at)) return texts.now;
  const agoMs = Date.now() - +at;
  if (agoMs >= DAY_MS)
    return ages(texts.language).format(Math.floor(+at / DAY_MS) - Math.floor(Date.now() / DAY_MS), "day");
  const [unit, unitMs] = UNITS.find(([, length]) => agoMs >= length) ?? UNITS[1];
  return ages(texts.language).format(-Math.floor(agoMs / unitMs), unit);
}

function exact(at: Date, { dates }: Texts): string {
  return exactTimes(dates).format(at);
}

/** Caches one formatter per language: creating a formatter takes far longer than using it. */
function perLanguage<Format>(make: (language: string) => Format): (language: string) => Format {
  const made = new Map<string, Format>();
  return (language) => {
    const format = made.get(language) ?? make(language);
    made.set(language, format);
    return format;
  };
}
