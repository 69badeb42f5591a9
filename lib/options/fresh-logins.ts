import { check, isDuration, isPath, type Check, type Checks } from "./checks.js";

/** How recent a login must be. */
export interface FreshLoginOptions {
  /** The longest time since the login or its last confirmation, in milliseconds. */
  readonly maxAgeMs: number;
  /**
   * The page where users confirm who they are: a path of this site, as browsers see it, without `#`. It gets the way back in the query
   * parameter `returnTo`.
   */
  readonly confirmUrl: string;
}

/** A fragment would be behind the query that is added. */
const isPage: Check = (value) => isPath(value) && !String(value).includes("#");

const CHECKS: Checks<FreshLoginOptions> = {
  maxAgeMs: ["a number of milliseconds above 0", isDuration],
  confirmUrl: ["a path of this site that begins with one slash, without #", isPage],
};

/**
 * Checks how recent a login must be.
 *
 * @param path - the name of the options, with a dot at the end
 * @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`
 */
export function resolveFreshLogin(path: string, options: FreshLoginOptions): FreshLoginOptions {
  check(path, options, CHECKS, ["maxAgeMs", "confirmUrl"]);
  return { maxAgeMs: options.maxAgeMs, confirmUrl: options.confirmUrl };
}
