import { LogoutError } from "../errors.js";
import { LOCALES, type Locale, type Texts } from "../pages/texts/index.js";
import { debugError } from "../util/debug.js";
import { nearest } from "../util/nearest.js";
import { invalid, isObject, isSyncFunction } from "./checks.js";

type EventTextName = `events.${keyof Texts["events"]}`;
type NamedTexts = Omit<Texts, "language" | "events"> & Record<EventTextName, string>;

/**
 * Replacements of texts, by [name](docs/reference/texts.md). Those of events are `"events.kick"` and so on. A text with values is a
 * function that returns the text, and puts each value into it as it is. `dates` is a BCP 47 tag such as `"en-US"`.
 */
export type PageTexts = { readonly [Name in keyof NamedTexts]?: NamedTexts[Name] | undefined };

type Text = string | ((...values: unknown[]) => string);

const LISTED = "All names: docs/reference/texts.md.";

/**
 * Returns the texts of each language with the replacements of the app.
 *
 * @throws LogoutError `ERR_OPTION_INVALID`
 */
export function resolveTexts(
  replaced: Readonly<Partial<Record<Locale, PageTexts>>> = {},
): Readonly<Record<Locale, Texts>> {
  const merged: Record<string, Texts> = { ...LOCALES };
  for (const [locale, texts] of Object.entries(replaced)) {
    if (!Object.hasOwn(LOCALES, locale)) throw noSuch("pages.texts", locale, Object.keys(LOCALES), "Languages: ");
    if (texts === undefined) continue;
    if (!isObject(texts)) throw invalid(`pages.texts.${locale}`, 'an object of texts: { logOut: "Sign out" }');
    merged[locale] = merge(locale as Locale, texts);
  }
  return Object.freeze(merged) as Readonly<Record<Locale, Texts>>;
}

function merge(locale: Locale, texts: object): Texts {
  const own = LOCALES[locale];
  const named = namedTexts(own);
  const top: Record<string, Text> = {};
  const events: Record<string, Text> = {};
  for (const [name, replacement] of Object.entries(texts) as [string, unknown][]) {
    const text = named.get(name);
    const option = `pages.texts.${locale}`;
    if (text === undefined) throw noSuch(option, name, [...named.keys()]);
    if (replacement === undefined) continue;
    checkText(`${option}.${name}`, replacement, text);
    const [, event] = name.split(".");
    const checked =
      typeof text === "string"
        ? (replacement as string)
        : guarded(`${option}.${name}`, replacement as typeof text, text);
    if (event === undefined) top[name] = checked;
    else events[event] = checked;
  }
  return Object.freeze({ ...own, ...top, events: Object.freeze({ ...own.events, ...events }) });
}

/** Returns the texts that an app may replace, by their names. */
function namedTexts({ language: _language, events, ...texts }: Texts): ReadonlyMap<string, Text> {
  return new Map([
    ...(Object.entries(texts) as [string, Text][]),
    ...Object.entries(events).map(([name, text]): [string, Text] => [`events.${name}`, text]),
  ]);
}

function checkText(option: string, replacement: unknown, text: Text): void {
  if (typeof text === "string") {
    if (typeof replacement !== "string") throw invalid(option, "a string: the text gets no values");
    if (option.endsWith(".dates") && !isDateTag(replacement)) throw invalid(option, 'a BCP 47 tag, such as "en-US"');
  } else if (!isSyncFunction(replacement)) {
    const values = text.length === 1 ? "1 value" : `${String(text.length)} values`;
    throw invalid(option, `a function that gets ${values} and returns the text, not a promise`);
  }
}

function isDateTag(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length === 1;
  } catch {
    // Not a tag at all.
    return false;
  }
}

/** A page is not lost for a text of the app that fails: it has ours. The values may be names and ids, which no log may show. */
function guarded(
  option: string,
  replacement: (...values: unknown[]) => unknown,
  own: (...values: unknown[]) => string,
): (...values: unknown[]) => string {
  return (...values) => {
    try {
      const text = replacement(...values);
      if (typeof text === "string") return text;
      throw new TypeError(`returned ${text === null ? "null" : typeof text} in place of a string`);
    } catch (error) {
      debugError(
        `${option} failed`,
        error,
        values.filter((value) => typeof value === "string"),
      );
      return own(...values);
    }
  };
}

function noSuch(option: string, name: string, names: readonly string[], list?: string): LogoutError {
  const near = nearest(name, names);
  const hint = near === undefined ? "" : ` Did you mean ${near}?`;
  const listed = list === undefined ? LISTED : `${list}${names.join(", ")}.`;
  return new LogoutError("ERR_OPTION_INVALID", `logout(): ${option} has no ${name}.${hint} ${listed}`);
}
