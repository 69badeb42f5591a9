import type { Browser } from "./http.js";
import type { Answer, Site } from "./site.js";

/** An element by its start tag, with its attributes as a browser reads them. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
export const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
export const HTML = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
export const CJK = /\p{Script=Han}/u;

/** Headers that a browser on another site, or a lying client, sends with a form. */
export const CROSS_ORIGIN: readonly Readonly<Record<string, string>>[] = [
  { "Sec-Fetch-Site": "cross-site" },
  { "Sec-Fetch-Site": "same-site" },
  { Origin: "https://evil.example" },
  { Origin: "null" },
];

type Fields = readonly (readonly [name: string, value: string])[];

/** The text that a browser shows for escaped text. */
export function decode(text: string): string {
  const signs: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (_all, name: string) => signs[name] ?? "");
}

export function elementsOf(html: string, name = ""): Element[] {
  const tags = html.matchAll(/<([a-z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>/gi);
  const elements = [...tags].map(([, tag = "", given = ""]) => ({
    name: tag,
    attributes: Object.fromEntries(
      [...given.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].map(([, key = "", value = ""]) => [
        key.toLowerCase(),
        decode(value),
      ]),
    ),
  }));
  return elements.filter((element) => name === "" || element.name === name);
}

/** Everything on a page that leads or loads from somewhere. */
export function addressesOf(html: string): string[] {
  return elementsOf(html).flatMap(({ attributes: { href, src, action, formaction } }) =>
    [href, src, action, formaction].filter((address) => address !== undefined),
  );
}

/** The links of a page, but for that of the brand, which every page has. */
export function linksOf(html: string): string[] {
  return elementsOf(html, "a").flatMap(({ attributes }) =>
    attributes["class"] === "brand" ? [] : (attributes["href"] ?? []),
  );
}

/** The visible text. */
export function textOf(html: string): string {
  return decode(html.replace(/<[^>]*>/g, " ")).replace(/\s+/g, " ");
}

/** The values of the fields of this name that are sent with the form. */
export function valuesOf(html: string, name: string): string[] {
  return elementsOf(html, "input")
    .filter(({ attributes }) => attributes["name"] === name)
    .map(({ attributes }) => attributes["value"] ?? "");
}

interface Selection {
  readonly userIds?: readonly string[];
  readonly loginId?: string;
  readonly filter?: Readonly<Record<string, readonly string[]>>;
  readonly isEveryone?: boolean;
}

/** Whom a confirmation form names in its one field. */
export function selectionOf(html: string): Selection {
  const [value = ""] = valuesOf(html, "selection");
  const text = Buffer.from(value, "base64url").toString();
  return text === "" ? {} : (JSON.parse(text) as Selection);
}

/** Opens a page as a browser does. */
export function visit(
  site: Site,
  browser: Browser | undefined,
  path: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return site.ask("GET", path, { headers: { ...HTML, ...cookies(browser), ...headers } });
}

/** Sends a form as a browser does. */
export function submit(
  site: Site,
  browser: Browser | undefined,
  path: string,
  fields: Fields = [],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const type = { "Content-Type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(fields.map(([name, value]) => [name, value])).toString();
  return site.ask("POST", path, { headers: { ...HTML, ...type, ...cookies(browser), ...headers }, body });
}

function cookies(browser: Browser | undefined): { Cookie?: string } {
  return browser === undefined ? {} : { Cookie: browser.cookies };
}
