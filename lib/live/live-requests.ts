import type { IncomingMessage } from "node:http";
import { LoginEndedError, LogoutError } from "../errors.js";
import type { StoreHook } from "../session/store-hook.js";
import { keyOf, type LiveLogin, type LiveLogins } from "./live-logins.js";
import { closingOf, type Closing } from "./over.js";

/** The signal that a request, or what it opened, was last given. */
interface Given {
  /** The login it is about, if there was one. */
  readonly login: LiveLogin | undefined;
  readonly signal: AbortSignal;
}

/** The signals of requests: which login each is about, and for how long. */
export class LiveRequests {
  readonly #hook: StoreHook;
  readonly #logins: LiveLogins;
  /** A handler that asks in a loop gets the same signal each time, also after the end. */
  readonly #given = new WeakMap<object, Given>();

  constructor(hook: StoreHook, logins: LiveLogins) {
    this.#hook = hook;
    this.#logins = logins;
  }

  signal(req: IncomingMessage, until: Closing | undefined): AbortSignal {
    if (!this.#hook.knows(req)) {
      throw new LogoutError(
        "ERR_SESSION_MISSING",
        "signal(req): this request has not been through session(). Call the session middleware with it first, also for an upgrade.",
      );
    }
    const asked = until ?? req;
    const login = this.#hook.loginOf(req);
    const given = this.#given.get(asked);
    if (given !== undefined && isFor(given, login)) return given.signal;
    const signal = login === undefined ? this.#withoutLogin(req) : this.#logins.signal(login, until ?? closingOf(req));
    this.#given.set(asked, { login, signal });
    return signal;
  }

  #withoutLogin(req: IncomingMessage): AbortSignal {
    const refusal = this.#hook.refusalOf(req);
    if (refusal === undefined) return new AbortController().signal;
    const { loginId, at, reason } = refusal;
    return AbortSignal.abort(new LoginEndedError({ loginId, end: "kick", at: new Date(at), reason }));
  }
}

/**
 * Whether a signal is that of this login. A request that has logged out has none any more, and keeps its aborted signal; one
 * that has brought its own login back afterwards has it as another object, and gets another signal.
 */
function isFor({ login: before, signal }: Given, login: LiveLogin | undefined): boolean {
  if (login === undefined || login === before) return true;
  return !signal.aborted && before !== undefined && keyOf(before) === keyOf(login);
}
