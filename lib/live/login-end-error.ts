import { LogoutError } from "../errors.js";
import type { LoginEnd } from "../types/login.js";

/** An `AbortSignal` that aborts when a login ends: for `fetch`, streams, timers and `events.once`. */
export interface LoginSignal extends AbortSignal {
  /** The end of the login, in `reason.details`. `undefined` until the signal aborts. */
  readonly reason: LogoutError<"ERR_LOGIN_ENDED"> | undefined;
}

/** Returns the reason that a signal aborts with. */
export function loginEndError(details: LoginEnd): LogoutError<"ERR_LOGIN_ENDED"> {
  const { cause, reason } = details;
  if (cause === "close") {
    const message = "Connection ended: auth.close() was called, so a kick would not be seen. Connect again.";
    return new LogoutError("ERR_LOGIN_ENDED", message, { details, status: 503 });
  }
  const message = `The login has ended by ${cause}${reason === undefined ? "" : `: ${reason}`}`;
  return new LogoutError("ERR_LOGIN_ENDED", message, { details });
}
