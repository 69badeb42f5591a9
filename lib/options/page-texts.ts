import { LogoutError } from "../errors.js";
import { LOCALES, type Locale, type Texts } from "../pages/texts/index.js";
import { debugError } from "../util/debug.js";
import { nearest } from "../util/nearest.js";
import { invalid, isObject, isSyncFunction } from "./checks.js";

/** The texts that stand together in a table of their own. */
const GROUPS = ["events", "cannedReasons"] as const;
type Group = (typeof GROUPS)[number];
type GroupedName = { [Name in Group]: `${Name}.${keyof Texts[Name] & string}` }[Group];
type NamedTexts = Omit<Texts, "language" | Group> & Record<GroupedName, string>;

/**
 * Replacements of texts, by [name](docs/reference/texts.md). Names in a group have a dot: `"events.kick"`. A text with values is a
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
  const merged: Record<Locale, Texts> = { ...LOCALES };
  for (const [locale, texts] of Object.entries(replaced) as [Locale, object | undefined][]) {
    if (!Object.hasOwn(LOCALES, locale)) throw noSuch("pages.texts", locale, Object.keys(LOCALES), "Languages: ");
    if (texts === undefined) continue;
    if (!isObject(texts)) throw invalid(`pages.texts.${locale}`, 'an object of texts: { logOut: "Sign out" }');
    merged[locale] = merge(locale, texts);
  }
  return Object.freeze(merged);
}

function merge(locale: Locale, texts: object): Texts {
  const option = `pages.texts.${locale}`;
  const merged: Record<string, unknown> = { ...LOCALES[locale] };
  for (const group of GROUPS) merged[group] = { ...LOCALES[locale][group] };
  const own = namedTexts(LOCALES[locale]);
  for (const [name, replacement] of Object.entries(texts) as [string, unknown][]) {
    const text = own.get(name);
    if (text === undefined) throw noSuch(option, name, [...own.keys()]);
    if (replacement === undefined) continue;
    checkText(`${option}.${name}`, replacement, text);
    const [group = "", member] = name.split(".");
    const table = member === undefined ? merged : (merged[group] as Record<string, unknown>);
    table[member ?? name] =
      typeof text === "string" ? replacement : guarded(`${option}.${name}`, replacement as typeof text, text);
  }
  return Object.freeze(merged) as unknown as Texts;
}

/** Returns the texts that an app may replace, by their names. */
function namedTexts(texts: Texts): ReadonlyMap<string, Text> {
  return new Map(
    Object.entries(texts).flatMap(([name, text]: [string, Text | Readonly<Record<string, string>>]) => {
      if (name === "language") return [];
      if (typeof text !== "object") return [[name, text] as const];
      return Object.entries(text).map(([member, each]) => [`${name}.${member}`, each] as const);
    }),
  );
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
