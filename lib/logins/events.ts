import { EventEmitter } from "node:events";
import type { DeviceInfo, LoginEnd } from "../types/login.js";

/** The events of `auth.on(…)` and their payloads. No payload contains a session id or a token. */
export interface LogoutEvents {
  /** A user has logged in, or a request has resumed a login that it had ended itself. */
  login: DeviceInfo & { readonly userId: string; readonly loginId: string };
  /** The user or the app has ended a login. */
  logout: { readonly userId: string; readonly loginId: string };
  /**
   * A kick, or a rule of the app (`cause`), has ended logins of a user, on this node or another. One event per user: on the node of
   * the kick once the kick is finished; on other nodes once the notification arrives (one event per 1,000 logins).
   */
  kick: {
    readonly userId: string;
    readonly loginIds: readonly string[];
    readonly cause: "kick" | "limit" | "lifetime";
    readonly at: Date;
    readonly reason?: string | undefined;
    readonly by?: string | undefined;
  };
  /**
   * A request of an ended login came in. `userId` is absent if the session no longer names a user. If no kick is known, the cause
   * is `"logout"`, and `at` the time of the request.
   */
  rejected: LoginEnd & { readonly userId?: string | undefined };
}

type Publish = <Name extends keyof LogoutEvents>(name: Name, event: LogoutEvents[Name]) => void;
type LogoutListener<Name extends keyof LogoutEvents> = (event: LogoutEvents[Name]) => void;

/**
 * Calls each listener in its own tick after the event. An error in a listener is an uncaught exception of the process and does
 * not prevent the other listeners from being called.
 */
export class Events {
  readonly #emitter = new EventEmitter();
  readonly #publish: Publish;

  /** @param publish - Publishes what happens in this process on channels. Default: nothing. */
  constructor(publish: Publish = () => undefined) {
    this.#publish = publish;
  }

  /** Returns a function that removes the listener. A second call of it does nothing. */
  on<Name extends keyof LogoutEvents>(name: Name, listener: LogoutListener<Name>): () => void {
    // Of its own, so that one function may be added twice, and removed once.
    const added: LogoutListener<Name> = (event) => {
      listener(event);
    };
    this.#emitter.on(name, added);
    return () => {
      this.#emitter.off(name, added);
    };
  }

  /** @param isRemote - Whether it happened on another node, where its channel has published it. */
  emit<Name extends keyof LogoutEvents>(name: Name, event: LogoutEvents[Name], isRemote = false): void {
    if (!isRemote) this.#publish(name, event);
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
