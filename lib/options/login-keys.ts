import type { SessionData } from "express-session";
import { LogoutError } from "../errors.js";
import type { KeysOf, SessionKey } from "../session/rules/key-bindings.js";
import type { LoginKey } from "../types/login-keys.js";
import type { LoginProvider, ProviderParts } from "../types/login-provider.js";
import { isLoginKey, keyDigest, KEY_WORDS } from "../util/login-key.js";
import { PROVIDER } from "../util/provider.js";
import type { ResolvedOptions } from "../options.js";
import { invalid, isObject, type Check } from "./checks.js";

const MOST_KEYS = 16;

/** Options in `logins` that give logins external keys. */
export interface LoginKeyOptions {
  /**
   * Returns the external keys of a session's login, for `auth.kickByKey`. At most 16 keys. A login that changes its keys keeps the
   * earlier ones for at least the lifetime of its session. Default: none. [Keys](docs/guides/keys.md)
   *
   * @example `keys: (session) => (session.adminId ? [{ user: session.adminId }] : [])` for administrators who act as customers
   */
  readonly keys?: ((session: SessionData) => readonly LoginKey[]) | undefined;
  /** Identity providers, such as `oidc({ … })` from `express-logout/oidc`. They add keys and routes. Default: none. */
  readonly providers?: readonly LoginProvider[] | undefined;
}

export const isProvider: Check = (value) => isObject(value) && PROVIDER in (value as object);

export function partsOf({ providers = [] }: LoginKeyOptions = {}): readonly ProviderParts[] {
  return providers.map((provider) => provider[PROVIDER]);
}

/** @throws LogoutError `ERR_OPTION_INVALID` if two providers have one path: the first would answer for both */
export function checkProviderPaths(options: ResolvedOptions): void {
  const taken = new Set<string>();
  for (const { method, paths } of options.providers.flatMap(({ routes }) => routes)) {
    for (const path of paths(options)) {
      // As Express compares them.
      const name = `${method} ${path.toLowerCase().replace(/\/$/, "")}`;
      if (taken.has(name)) {
        throw invalid(
          "logins.providers",
          `providers with paths of their own: two have ${path}. Pass routes to one of them`,
        );
      }
      taken.add(name);
    }
  }
}

/**
 * Returns the keys of a session by these options; `undefined` if no login has any. The function throws `ERR_OPTION_INVALID` 503 if one
 * of the app fails: no login is listed without its keys.
 */
export function resolveKeys({ keys, ...options }: LoginKeyOptions): KeysOf | undefined {
  const providers = partsOf(options);
  if (keys === undefined && providers.length === 0) return undefined;
  return (session) => {
    const data = session as never;
    const own = answerOf("logins.keys", () =>
      listOf("logins.keys", keys?.(data)).map((key) => sessionKey("logins.keys", key)),
    );
    const provided = answerOf("a provider of logins.providers", () =>
      providers.flatMap(({ keysOf }) =>
        keysOf(data).map(({ key, since }) => sessionKey("a provider of logins.providers", key, since)),
      ),
    );
    const all = [...own, ...provided];
    if (all.length > MOST_KEYS) throw failed("logins.keys", `a login has at most ${String(MOST_KEYS)} keys`);
    return all;
  };
}

/** Nothing, `false` and `""` are what `isAdmin && [key]` returns. */
function listOf(name: string, answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  if (answer === undefined || answer === null || answer === false || answer === "") return [];
  throw failed(name, "it must return an array of keys, and no promise");
}

function sessionKey(name: string, key: unknown, since?: number): SessionKey {
  if (!isLoginKey(key)) throw failed(name, `each key must be ${KEY_WORDS}`);
  return { digest: keyDigest(key), since };
}

function answerOf<Answer>(name: string, ask: () => Answer): Answer {
  try {
    return ask();
  } catch (cause) {
    if (LogoutError.is(cause, "ERR_OPTION_INVALID")) throw cause;
    throw failed(name, "see cause", cause);
  }
}

function failed(name: string, why: string, cause?: unknown): LogoutError {
  return new LogoutError("ERR_OPTION_INVALID", `${name} failed, so no login was listed: ${why}.`, {
    status: 503,
    cause,
  });
}
