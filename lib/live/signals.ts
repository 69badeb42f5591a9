import type { IncomingMessage } from "node:http";
import { LogoutError } from "../errors.js";
import type { Rejection } from "../session/request-state.js";
import type { SessionLogin, StoreHook } from "../session/hook.js";
import { loginEndError, type LoginSignal } from "./login-end-error.js";
import { keyOf, type LiveLogin } from "./login-watcher.js";
import { closableOf, type Closable } from "./closable.js";

/** The signal that a request, or what it opened, was last given. */
interface Given {
  /** The login it is about, if there was one. */
  readonly login: LiveLogin | undefined;
  readonly signal: AbortSignal;
}

/** The same for a session id. */
interface GivenBySession extends Given {
  readonly sessionId: string;
}

const NO_SESSION: SessionLogin = { isServed: false, login: undefined, rejection: undefined };

/** The signals of requests and sessions: which login each is about, and for how long. */
export class LoginSignals {
  readonly #hook: StoreHook;
  /** A handler that asks in a loop gets the same signal each time, also after the end. */
  readonly #given = new WeakMap<object, Given>();
  readonly #givenBySession = new WeakMap<object, GivenBySession>();

  constructor(hook: StoreHook) {
    this.#hook = hook;
  }

  signal(req: IncomingMessage, until: Closable | undefined): LoginSignal {
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
    const signal =
      login === undefined ? this.#withoutLogin(req) : this.#hook.live.signal(login, until ?? closableOf(req));
    this.#given.set(asked, { login, signal });
    return signal;
  }

  /** @throws LogoutError `ERR_STORE_UNAVAILABLE`, `ERR_REGISTRY_UNAVAILABLE`, `ERR_ARGUMENT_INVALID` */
  async signalOfSession(sessionId: string, until: Closable): Promise<LoginSignal> {
    if (typeof (until as Partial<Closable> | undefined)?.once !== "function") {
      throw new LogoutError(
        "ERR_ARGUMENT_INVALID",
        'signalOfSession(sessionId, until): until must emit "close", as a socket does.',
      );
    }
    const { isServed, login, rejection } = await this.#lookUp(sessionId);
    const given = this.#givenBySession.get(until);
    const before = given?.sessionId === sessionId ? given : undefined;
    if (before !== undefined && isStill(before, isServed, login)) return before.signal;
    const signal = login !== undefined ? this.#hook.live.signal(login, until) : isServed ? never() : ended(rejection);
    this.#givenBySession.set(until, { sessionId, login, signal });
    return signal;
  }

  /** Clients send anything as a session id, or nothing: then there is no session. */
  async #lookUp(sessionId: unknown): Promise<SessionLogin> {
    if (typeof sessionId !== "string" || sessionId === "") return NO_SESSION;
    return this.#hook.loginOfSession(sessionId);
  }

  #withoutLogin(req: IncomingMessage): AbortSignal {
    const refusal = this.#hook.rejectionOf(req);
    return refusal === undefined ? never() : ended(refusal);
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}

/** @param refusal - absent if it is not known which login it was, and how it ended */
function ended(refusal: Rejection | undefined): AbortSignal {
  const { loginId, cause, at, reason } = refusal ?? { loginId: "", cause: "logout", at: Date.now() };
  return AbortSignal.abort(loginEndError({ loginId, cause, at: new Date(at), reason }));
}

/** Whether a signal is right for what the session is now. */
function isStill({ login: before, signal }: Given, isServed: boolean, login: LiveLogin | undefined): boolean {
  if (!isServed) return signal.aborted;
  if (signal.aborted) return false;
  return login === undefined ? before === undefined : before !== undefined && keyOf(before) === keyOf(login);
}

/**
 * Whether a signal is that of this login. A request that has logged out has none any more, and keeps its aborted signal; one
 * that has brought its own login back afterwards has it as another object, and gets another signal.
 */
function isFor({ login: before, signal }: Given, login: LiveLogin | undefined): boolean {
  if (login === undefined || login === before) return true;
  return !signal.aborted && before !== undefined && keyOf(before) === keyOf(login);
}
