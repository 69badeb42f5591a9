import type { IncomingMessage } from "node:http";
import { LoginEndedError, LogoutError } from "../errors.js";
import type { StoreHook } from "../session/store-hook.js";
import type { LiveLogins } from "./live-logins.js";
import { closingOf, type Closing } from "./over.js";

/** The signals of requests: which login each is about, and for how long. */
export class LiveRequests {
  readonly #hook: StoreHook;
  readonly #logins: LiveLogins;

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
    const refusal = this.#hook.refusalOf(req);
    const login = this.#hook.loginOf(req);
    if (login !== undefined) return this.#logins.signal(login, until ?? closingOf(req));
    if (refusal === undefined) return new AbortController().signal;
    const { loginId, at, reason } = refusal;
    return AbortSignal.abort(new LoginEndedError({ loginId, end: "kick", at: new Date(at), reason }));
  }
}
