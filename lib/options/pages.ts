import type { Request } from "express";
import { LOCALES, type Locale, type Texts } from "../pages/texts/index.js";
import type { Login, UserProfile } from "../types/login.js";
import { check, isBoolean, isFunction, isObject, isText, type Check, type Checks } from "./checks.js";
import { resolveFreshLogin, type FreshLoginOptions } from "./fresh-logins.js";
import { resolveTexts, type PageTexts } from "./page-texts.js";

/** Options in `pages`: the look and content of the pages. */
export interface PageOptions {
  /**
   * Whether pages are HTML. With `false` no response of this package is: messages are JSON, the routes of the pages respond with JSON,
   * and a browser that prefers HTML gets what the app has at their addresses. [Your own screens](docs/guides/own-screens.md)
   * Default: `true`.
   */
  readonly html?: boolean | undefined;
  /** The product name. Default: the `appId`. */
  readonly brandName?: string | undefined;
  /** The URL of a logo before the product name: a path of this site. Default: none. */
  readonly logo?: string | undefined;
  /** The URL of a style sheet that is loaded after that of the pages: a path of this site. [Theming](docs/guides/theming.md) Default: none. */
  readonly stylesheet?: string | undefined;
  /** The page where users secure their account, beside a login from a new device: a path of this site, or a URL. Default: no link. */
  readonly securityUrl?: string | undefined;
  /** The page that the brand leads to: a path of this site, or a URL. Default: where users land who have logged out. */
  readonly homeUrl?: string | undefined;
  /** The colour of buttons and links: a CSS colour on which white text is readable. Default: `#1a5ecc`. */
  readonly accentColor?: string | undefined;
  /** The language. Default: the one that the browser prefers, else English. */
  readonly locale?: Locale | undefined;
  /**
   * Texts that replace those of the pages, by language and [name](docs/reference/texts.md). Default: none.
   *
   * @example `texts: { en: { logOut: "Sign out", andMore: (count) => `+ ${count}` } }`
   */
  readonly texts?: Readonly<Partial<Record<Locale, PageTexts>>> | undefined;
  /** Returns what pages and lists show of a user. Default: the user id only. */
  readonly describeUser?: ((userId: string) => UserProfile | undefined | Promise<UserProfile | undefined>) | undefined;
  /** Returns the place of an IP address, such as "Leipzig, DE". Not waited for longer than 500 ms. Default: none. */
  readonly describeIp?: ((ip: string) => string | undefined | Promise<string | undefined>) | undefined;
  /** Returns how a login was made, such as "Passkey". Not waited for longer than 500 ms. Default: none. */
  readonly describeLogin?: ((login: Login) => string | undefined | Promise<string | undefined>) | undefined;
  /**
   * What is required before users end other logins: a fresh login, in the personal center and to force users offline in the console;
   * or a function for the personal center, which returns `true` to continue, a path of this site to redirect to, or anything else to
   * refuse. Default: the session suffices. Source: OWASP ASVS 5.0 7.5.2. [Step-up](docs/guides/step-up.md)
   */
  readonly confirmIdentity?:
    FreshLoginOptions | ((req: Request) => boolean | string | Promise<boolean | string>) | undefined;
}

export interface ResolvedPages {
  readonly html: boolean;
  readonly brandName: string;
  readonly logo: string | undefined;
  readonly stylesheet: string | undefined;
  readonly securityUrl: string | undefined;
  readonly homeUrl: string | undefined;
  readonly accentColor: string;
  readonly locale: Locale | undefined;
  /** The texts of each language, with those of the app. */
  readonly texts: Readonly<Record<Locale, Texts>>;
  readonly describeUser: NonNullable<PageOptions["describeUser"]>;
  readonly describeIp: PageOptions["describeIp"];
  readonly describeLogin: PageOptions["describeLogin"];
  readonly confirmIdentity: NonNullable<PageOptions["confirmIdentity"]>;
}

const isColor: Check = (value) =>
  typeof value === "string" && /^(#[\da-f]{3,8}|[a-z]+|[a-z]+\([\d\s.,%/a-z-]+\))$/i.test(value);

/** Nothing that a browser reads as another host: the policy of the pages loads from this site alone. */
const isPath: Check = (value) => typeof value === "string" && /^\/(?![/\\])/.test(value);
/** No `javascript:`. */
const isPageUrl: Check = (value) => isPath(value) || (typeof value === "string" && /^https?:\/\/[^/]/i.test(value));

const CHECKS: Checks<PageOptions> = {
  html: ["true or false", isBoolean],
  brandName: ["a non-empty string", isText],
  logo: ["a path of this site that begins with /", isPath],
  stylesheet: ["a path of this site that begins with /", isPath],
  securityUrl: ["a path that begins with /, or an http or https URL", isPageUrl],
  homeUrl: ["a path that begins with /, or an http or https URL", isPageUrl],
  accentColor: ["a CSS colour", isColor],
  locale: [`one of ${Object.keys(LOCALES).join(", ")}`, (value) => Object.keys(LOCALES).includes(String(value))],
  texts: ['an object of texts by language: { en: { logOut: "Sign out" } }', isObject],
  describeUser: ["a function: (userId) => profile", isFunction],
  describeIp: ["a function: (ip) => place", isFunction],
  describeLogin: ["a function: (login) => text", isFunction],
  confirmIdentity: [
    "an object: { maxAgeMs, confirmUrl }, or a function: (req) => true, or the address that confirms",
    (value) => isObject(value) || isFunction(value),
  ],
};

export function resolvePages(options: PageOptions = {}, appId: string): ResolvedPages {
  check("pages.", options, CHECKS);
  const { confirmIdentity = () => true } = options;
  return {
    html: options.html ?? true,
    brandName: options.brandName ?? appId,
    logo: options.logo,
    stylesheet: options.stylesheet,
    securityUrl: options.securityUrl,
    homeUrl: options.homeUrl,
    accentColor: options.accentColor ?? "#1a5ecc",
    locale: options.locale,
    texts: resolveTexts(options.texts),
    describeUser: options.describeUser ?? (() => undefined),
    describeIp: options.describeIp,
    describeLogin: options.describeLogin,
    confirmIdentity:
      typeof confirmIdentity === "object"
        ? resolveFreshLogin("pages.confirmIdentity.", confirmIdentity)
        : confirmIdentity,
  };
}
