import { CLOCK_MARGIN_MS } from "../../util/clock-margin.js";
import { warn } from "../../util/warning.js";
import type { SessionRecord } from "../stamp.js";

/** Options that decide which sessions that this package has not written may become logins. */
export interface AdoptionOptions {
  /** `true`, `false`, or until a date. */
  readonly adopt: boolean | Date;
  /** Returns when the user of such a session logged in: a date, milliseconds since 1970, or `undefined` if unknown. */
  readonly loggedInAt: ((session: never) => unknown) | undefined;
}

/** What is known about the beginning of a session's login. */
export interface Adoptable {
  readonly authenticatedAt: Date | undefined;
}

/** Decides which sessions that this package has not written may become logins. */
export class Adoption {
  readonly #options: AdoptionOptions;
  #hasWarned = false;

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** Whether any such session may become a login now. */
  get isOpen(): boolean {
    const { adopt } = this.#options;
    return adopt instanceof Date ? Date.now() < +adopt : adopt;
  }

  /** Checks a session. `"failed"`: `loggedInAt` threw, or returned no date. */
  of(session: SessionRecord): Adoptable | "rejected" | "failed" {
    const { loggedInAt } = this.#options;
    if (!this.isOpen) return "rejected";
    if (loggedInAt === undefined) return { authenticatedAt: undefined };
    try {
      return { authenticatedAt: toDate(loggedInAt(session as never)) };
    } catch (error) {
      this.#warn(error);
      return "failed";
    }
  }

  /** Warns once, because the function is likely to fail at every request. */
  #warn(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    // Only the name: a message may quote the session.
    const { name = "an error" } = error as Partial<Error>;
    warn(
      "EXPRESS_LOGOUT_LOGGED_IN_AT",
      `sessions.loggedInAt failed (${name}), so the session was rejected. Return a Date, milliseconds since 1970, or undefined.`,
    );
  }
}

/** Returns `undefined` for a date in the future, which would outlive later kicks. */
function toDate(value: unknown): Date | undefined {
  if (value === undefined || value === null) return undefined;
  // In a session stored as JSON, a date has become a string.
  const isDate = value instanceof Date || typeof value === "number" || isIsoDate(value);
  const at = new Date(isDate ? value : NaN);
  if (Number.isNaN(+at)) throw new TypeError("no date");
  return +at > Date.now() + CLOCK_MARGIN_MS ? undefined : at;
}

function isIsoDate(value: unknown): value is string {
  return typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value);
}
