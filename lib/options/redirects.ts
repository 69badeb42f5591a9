import { check, isHttpUrl, isListOf, isOwnAddress, type Checks } from "./checks.js";

/** Options in `redirects`: addresses as browsers see them. One with `./` at its beginning is relative to the mount path. */
export interface RedirectOptions {
  /** The absolute http(s) URLs that `redirect_uri` may name, compared exactly. Default: none. Source: RFC 9700 section 4.11. */
  readonly allow?: readonly string[] | undefined;
  /** The address after a logout without `redirect_uri`. Default: `/` of the app. */
  readonly default?: string | undefined;
  /**
   * The login page, a path or an absolute URL. Pages that need a login redirect there, with the way back in `returnTo`; with `false`
   * they respond with 401. Default: `/login` of the app.
   */
  readonly login?: string | false | undefined;
}

export interface ResolvedRedirects {
  readonly allow: readonly string[];
  /** `undefined` if the app does not define where users land after a logout. */
  readonly default: string | undefined;
  /** `undefined` if the app does not define where users log in. */
  readonly login: string | false | undefined;
}

const CHECKS: Checks<RedirectOptions> = {
  allow: [
    "an array of absolute http(s) addresses, without a user name or a wildcard (*): each is compared exactly",
    isListOf((value) => isHttpUrl(value) && !String(value).includes("*")),
  ],
  default: [
    "a path that begins with one slash or with ./, or an absolute http(s) address",
    (value) => isOwnAddress(value) || isHttpUrl(value),
  ],
  login: [
    "a path that begins with one slash or with ./, an absolute http(s) address, or false",
    (value) => value === false || isOwnAddress(value) || isHttpUrl(value),
  ],
};

export function resolveRedirects(options: RedirectOptions = {}): ResolvedRedirects {
  check("redirects.", options, CHECKS);
  return {
    allow: (options.allow ?? []).map((uri) => new URL(uri).href),
    default: options.default,
    login: options.login,
  };
}
