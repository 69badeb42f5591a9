import { LOCALES, type Locale } from "../pages/texts/index.js";

/** Source: RFC 5646 section 2.1, without what no browser sends. */
const LANGUAGE = /^[a-z]{2,8}(?:-[a-z\d]{1,8}){0,3}$/i;
/** Browsers send a handful; what a header of 16 kB names is not looked at. */
const MAX_LOOKED_AT = 20;

const locales = new Map((Object.keys(LOCALES) as Locale[]).map((locale) => [writtenLanguage(locale), locale]));

/** Returns whether a value of `Accept-Language` is a tag of a language, and not `*` or nonsense. */
export function isLanguageTag(tag: string): boolean {
  return LANGUAGE.test(tag);
}

/**
 * Returns the language of the pages for a browser.
 *
 * Compares language and script, and no region: `pt-PT` gets Portuguese, `zh-HK` Chinese in traditional characters.
 *
 * @param tags - the languages that the browser accepts, best first, as `req.acceptsLanguages()` returns them
 */
export function localeFor(tags: readonly string[]): Locale {
  for (const tag of tags.slice(0, MAX_LOOKED_AT)) {
    if (tag === "*") break;
    const locale = isLanguageTag(tag) ? locales.get(writtenLanguage(tag)) : undefined;
    if (locale !== undefined) return locale;
  }
  return "en";
}

/** Returns for example `zh-Hant` for `zh-HK`, by the likely subtags of CLDR; `""` for a tag that is none. */
function writtenLanguage(tag: string): string {
  try {
    const { language, script } = new Intl.Locale(tag).maximize();
    return `${language}-${script ?? ""}`;
  } catch {
    // A tag that looks right and is none, such as `en-a`.
    return "";
  }
}
