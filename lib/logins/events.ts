import { EventEmitter } from "node:events";

/** What `auth.on(…)` tells. No payload holds a session id or a token. */
export interface LogoutEvents {
  /** A user has logged in, or a request has brought back a login that it had ended itself. */
  login: {
    readonly userId: string;
    readonly loginId: string;
    readonly ip?: string | undefined;
    readonly userAgent?: string | undefined;
  };
  /** A login was ended by its user, or by the app. */
  logout: { readonly userId: string; readonly loginId: string };
  /**
   * A user's logins were ended by a kick, on this node or another. One event for each user: where he was kicked when that is
   * done, elsewhere as soon as it is heard of (and in several pieces of a thousand logins).
   */
  kick: {
    readonly userId: string;
    readonly loginIds: readonly string[];
    readonly at: Date;
    readonly reason?: string | undefined;
    readonly by?: string | undefined;
  };
  /** A request came with a session whose login had ended. `userId` is absent where the session said only that it was kicked. */
  rejected: { readonly loginId: string; readonly userId?: string | undefined; readonly reason?: string | undefined };
}

export type LogoutListener<Name extends keyof LogoutEvents> = (event: LogoutEvents[Name]) => void;

/**
 * Calls listeners after the event, each in a tick of its own: an error of one is an uncaught exception of the process, and the
 * others are called all the same.
 */
export class Events {
  readonly #emitter = new EventEmitter();

  on<Name extends keyof LogoutEvents>(name: Name, listener: LogoutListener<Name>): void {
    this.#emitter.on(name, listener);
  }

  off<Name extends keyof LogoutEvents>(name: Name, listener: LogoutListener<Name>): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof LogoutEvents>(name: Name, event: LogoutEvents[Name]): void {
    for (const listener of this.#emitter.listeners(name) as LogoutListener<Name>[]) {
      process.nextTick(() => {
        if (this.#emitter.listeners(name).includes(listener)) listener(event);
      });
    }
  }

  has(name: keyof LogoutEvents): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  close(): void {
    this.#emitter.removeAllListeners();
  }
}
