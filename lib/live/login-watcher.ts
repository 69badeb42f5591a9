import type { LoginEndCause } from "../types/login.js";
import { loginEndError } from "./login-end-error.js";
import type { Generation, KickRecord } from "../types/login.js";
import type { EndedLogins, LoginRegistry, RegistryListener } from "../types/registry.js";
import type { EndNotifications } from "./notifications.js";
import { CloseListeners, isClosed, type Closable } from "./closable.js";
import { debugError } from "../util/debug.js";

/** The number of logins that are looked up concurrently. */
const GROUP = 100;
/** The longest delay of setTimeout. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** The delay of the lookup after a login's expiry, so that the registry's clock has passed it too. */
const AFTER_EXPIRY_MS = 50;
/** Stands for every connection that does not report its end. */
const UNTIL_THE_END = {};
const NEVER = -1;

/** A login behind a live connection. Its generation shows which kicks apply. */
export interface LiveLogin {
  readonly userId: string;
  readonly loginId: string;
  readonly generation: Generation;
}

/** The sources by which a `logout()` learns of ended logins. */
export interface LoginSource {
  readonly registry: LoginRegistry;
  readonly notifications: EndNotifications;
  readonly liveCheckIntervalMs: number;
}

interface Waiting {
  readonly controller: AbortController;
  /** Stops waiting for the end of the connection. */
  readonly release: () => void;
}

interface Watched {
  readonly login: LiveLogin;
  /** One signal per connection. */
  readonly waiting: Map<object, Waiting>;
  /** The number of gaps at the time when the login was last seen listed. */
  seenAfter: number;
  expires: number;
  timer?: NodeJS.Timeout;
}

/**
 * Watches the logins behind live connections of this process (long polls, server-sent events, WebSockets) and aborts their signals
 * when they end, on any node.
 *
 * Ends are notified by the registry's subscription. After a gap in the notifications every login is looked up; while there are none,
 * all logins are looked up at an interval.
 *
 * Belongs to the hook of a store and outlives each `logout()`. While suspended, keeps the logins for the next `logout()`; aborts the
 * signals if none follows in time.
 */
export class LoginWatcher {
  #source: LoginSource;
  #isSuspended = false;
  readonly #watched = new Map<string, Watched>();
  readonly #closeListeners = new CloseListeners();
  #isConnected = false;
  /** The number of gaps in the notifications so far. A login seen before the last gap may have ended without a notification. */
  #gaps = 0;
  #round: object | undefined;
  /** Looks the logins up at an interval; while suspended, aborts the signals. */
  #timer: NodeJS.Timeout | undefined;
  readonly #listener: RegistryListener = {
    ended: (ended) => {
      this.#ended(ended);
    },
    connected: () => {
      this.#isConnected = true;
    },
    disconnected: () => {
      this.#isConnected = false;
    },
    gap: () => {
      this.#gaps += 1;
      void this.#recheck();
    },
  };

  constructor(source: LoginSource) {
    this.#source = source;
  }

  /**
   * Returns the signal of a login.
   *
   * @param closing - the connection, if it reports its end. Otherwise the signal is kept until the login ends.
   */
  signal(login: LiveLogin, closing: Closable | undefined): AbortSignal {
    const controller = new AbortController();
    if (closing !== undefined && isClosed(closing)) return controller.signal;
    const watched = this.#watched.get(keyOf(login)) ?? this.#watch(login);
    const live = closing ?? UNTIL_THE_END;
    const known = watched.waiting.get(live);
    if (known !== undefined) return known.controller.signal;
    const onClose = (): void => {
      watched.waiting.delete(live);
      if (watched.waiting.size === 0) this.#leave(watched);
    };
    const release = closing === undefined ? () => undefined : this.#closeListeners.add(closing, onClose);
    watched.waiting.set(live, { controller, release });
    // The login may have ended since the request's session was read.
    if (this.#isUnsure(watched)) void this.#look(watched);
    return controller.signal;
  }

  /** Releases the subscription and the timers of a `logout()` that closes. */
  suspend(): void {
    this.#stop();
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#isSuspended = true;
    if (this.#watched.size > 0) this.#start();
  }

  /** Continues with the sources of the next `logout()`. Looks every login up, because any may have ended since the close. */
  resume(source: LoginSource): void {
    this.#stop();
    this.#source = source;
    this.#isSuspended = false;
    if (this.#watched.size === 0) return;
    this.#start();
    // A subscription that is connected already has caused the lookup.
    if (!this.#isConnected) void this.#recheck();
  }

  #start(): void {
    const { notifications, liveCheckIntervalMs } = this.#source;
    if (this.#isSuspended) {
      this.#timer = setTimeout(() => {
        for (const watched of [...this.#watched.values()]) this.#abort(watched, "close", undefined);
      }, liveCheckIntervalMs).unref();
      return;
    }
    notifications.add(this.#listener);
    this.#timer = setInterval(() => {
      if (this.#round === undefined) void this.#recheck();
    }, liveCheckIntervalMs).unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#source.notifications.remove(this.#listener);
    this.#isConnected = false;
    this.#round = undefined;
  }

  #watch(login: LiveLogin): Watched {
    if (this.#watched.size === 0) this.#start();
    const watched: Watched = { login, waiting: new Map(), seenAfter: NEVER, expires: Infinity };
    this.#watched.set(keyOf(login), watched);
    return watched;
  }

  #leave(watched: Watched): void {
    clearTimeout(watched.timer);
    if (!this.#isWatched(watched)) return;
    this.#watched.delete(keyOf(watched.login));
    if (this.#watched.size === 0) this.#stop();
  }

  #ended({ userId, loginIds, kick }: EndedLogins): void {
    for (const loginId of loginIds) {
      const watched = this.#watched.get(keyOf({ userId, loginId }));
      if (watched !== undefined) this.#abort(watched, kick?.cause ?? "logout", kick);
    }
  }

  /** Looks up every login that may have ended without a notification. Starts over after another gap. */
  async #recheck(): Promise<void> {
    const round = (this.#round = {});
    const unsure = [...this.#watched.values()].filter((watched) => this.#isUnsure(watched));
    for (let start = 0; start < unsure.length; start += GROUP) {
      const seen = await Promise.all(unsure.slice(start, start + GROUP).map((watched) => this.#look(watched)));
      if (this.#round !== round) return;
      // The registry is unavailable: the remaining lookups would time out too.
      if (!seen.includes(true)) break;
    }
    this.#round = undefined;
  }

  #isUnsure({ seenAfter }: Watched): boolean {
    return !this.#isConnected || seenAfter !== this.#gaps;
  }

  /**
   * Looks a login up, and aborts its signals if it has ended.
   *
   * @param isDue - whether the login may have expired: a registry may find an expired login, but never updates one
   * @returns whether the lookup succeeded
   */
  async #look(watched: Watched, isDue = false): Promise<boolean> {
    const { userId, loginId, generation } = watched.login;
    const { registry } = this.#source;
    const gaps = this.#gaps;
    try {
      const hasExpired = isDue && !(await registry.update(userId, loginId, {}));
      const listed = hasExpired ? undefined : await registry.find(userId, loginId);
      if (listed === undefined) {
        const kick = await registry.kickOf(userId, loginId, generation);
        this.#abort(watched, kick?.cause ?? (watched.expires <= Date.now() ? "expiry" : "logout"), kick);
      } else {
        watched.seenAfter = gaps;
        this.#lookAgainAfter(watched, +listed.expires);
      }
      return true;
    } catch (error) {
      debugError("a live login could not be looked up", error);
      watched.seenAfter = NEVER;
      return false;
    }
  }

  #lookAgainAfter(watched: Watched, expires: number): void {
    if (!this.#isWatched(watched)) return;
    watched.expires = expires;
    if (this.#isSuspended) return;
    clearTimeout(watched.timer);
    const leftMs = expires - Date.now();
    // Expired by this clock, but not by the registry's, which decides.
    const delayMs = leftMs > 0 ? leftMs + AFTER_EXPIRY_MS : this.#source.liveCheckIntervalMs;
    const timer = setTimeout(() => void this.#look(watched, true), Math.min(delayMs, LONGEST_TIMER_MS));
    watched.timer = timer.unref();
  }

  #abort(watched: Watched, cause: LoginEndCause, kick: KickRecord | undefined): void {
    this.#leave(watched);
    const { loginId } = watched.login;
    const error = loginEndError({ loginId, cause, at: kick?.at ?? new Date(), reason: kick?.reason });
    for (const { controller } of watched.waiting.values()) controller.abort(error);
    for (const { release } of watched.waiting.values()) release();
  }

  #isWatched(watched: Watched): boolean {
    return this.#watched.get(keyOf(watched.login)) === watched;
  }
}

/** Returns a key of user and login: adopted logins of one session have the same id for different users. */
export function keyOf({ userId, loginId }: Pick<LiveLogin, "userId" | "loginId">): string {
  return `${loginId} ${userId}`;
}
