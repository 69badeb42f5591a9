import type { Login } from "../types/login.js";
import { readDevice } from "../util/device.js";

/** A login as pages show it. */
export interface LoginView extends Login {
  /** Where its address is, if the app knows. */
  readonly place?: string | undefined;
  /** How it was made, if the app says. */
  readonly method?: string | undefined;
  /** Whether its device was new to the user, less than a day ago. */
  readonly isNew?: boolean | undefined;
}

const NEW_MS = 86_400_000;

/** Marks the logins of one user from a device that no older login of theirs has. The first login of all is not new. */
export function withNews(logins: readonly LoginView[]): readonly LoginView[] {
  const first = Math.min(...logins.map(({ began }) => +began));
  return logins.map((login) => {
    const isFresh = Date.now() - +login.began < NEW_MS && +login.began > first;
    const isKnown = logins.some((other) => +other.began < +login.began && deviceOf(other) === deviceOf(login));
    return { ...login, isNew: isFresh && !isKnown };
  });
}

/** Without versions: a browser that was updated is the same device. */
function deviceOf({ userAgent }: Login): string {
  const { kind, browser, system, model } = readDevice(userAgent);
  return [kind, browser?.replace(/ \d+$/, ""), system, model].join();
}
