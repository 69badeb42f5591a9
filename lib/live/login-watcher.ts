import { LoginEndedError, type LoginEndCause } from "../errors.js";
import type { Generation, KickRecord } from "../types/login.js";
import type { EndedLogins, LoginRegistry, RegistryListener } from "../types/registry.js";
import type { EndNotifications } from "./notifications.js";
import { CloseListeners, isClosed, type Closable } from "./closable.js";

/** How many logins are looked up at once. */
const GROUP = 100;
/** setTimeout's longest. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** How long after its expiry a login is looked up: so that whoever keeps it has seen the time go by as well. */
const AFTER_EXPIRY_MS = 50;
/** What stands for all those things that are live and will not say when they are over. */
const UNTIL_THE_END = {};
const NEVER = -1;

/** A login that something waits for, with what tells which kick ended it. */
export interface LiveLogin {
  readonly userId: string;
  readonly loginId: string;
  readonly generation: Generation;
}

/** What a `logout()` gives to learn of ended logins. */
export interface LoginSource {
  readonly registry: LoginRegistry;
  readonly news: EndNotifications;
  readonly recheckIntervalMs: number;
}

interface Waiting {
  readonly controller: AbortController;
  /** Stops to wait for the end of the connection. */
  readonly release: () => void;
}

interface Watched {
  readonly login: LiveLogin;
  /** By what is live: one signal for each, however often it is asked for. */
  readonly waiting: Map<object, Waiting>;
  /** After which gap in the news it was last seen on the list. */
  seenAfter: number;
  expires: number;
  timer?: NodeJS.Timeout;
}

/**
 * The logins behind whatever is live in this process: long polls, server-sent events, WebSockets. Each is watched until it
 * ends, here or on any other node, and whatever waits for it is told.
 *
 * News come by the registry's subscription. Whenever some may have been missed, every login is looked up; while they do not
 * come at all, so it is again and again.
 *
 * It belongs to the hook of a store and outlives each `logout()`. Suspended, it keeps the logins for the next `logout()`, and
 * ends what is live if none comes in time.
 */
export class LoginWatcher {
  #source: LoginSource;
  #isSuspended = false;
  readonly #watched = new Map<string, Watched>();
  readonly #closeListeners = new CloseListeners();
  #isListening = false;
  /** How many gaps in the news there have been: what was seen before the last one may have ended unheard. */
  #gaps = 0;
  #round: object | undefined;
  /** Looks the logins up again and again; while suspended, ends what is live. */
  #timer: NodeJS.Timeout | undefined;
  readonly #listener: RegistryListener = {
    ended: (ended) => {
      this.#ended(ended);
    },
    listening: (isListening) => {
      this.#isListening = isListening;
      if (!isListening) return;
      this.#gaps += 1;
      void this.#recheck();
    },
  };

  constructor(source: LoginSource) {
    this.#source = source;
  }

  /** @param closing - what is live, where it says when it is over; else the signal is kept until the login ends. */
  signal(login: LiveLogin, closing: Closable | undefined): AbortSignal {
    const controller = new AbortController();
    if (closing !== undefined && isClosed(closing)) return controller.signal;
    const watched = this.#watched.get(keyOf(login)) ?? this.#watch(login);
    const live = closing ?? UNTIL_THE_END;
    const known = watched.waiting.get(live);
    if (known !== undefined) return known.controller.signal;
    const over = (): void => {
      watched.waiting.delete(live);
      if (watched.waiting.size === 0) this.#leave(watched);
    };
    const release = closing === undefined ? () => undefined : this.#closeListeners.add(closing, over);
    watched.waiting.set(live, { controller, release });
    // It may have ended since the request's session was read.
    if (this.#isUnsure(watched)) void this.#look(watched);
    return controller.signal;
  }

  /** Lets go of the subscription and the timers of a `logout()` that closes. */
  suspend(): void {
    this.#stop();
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#isSuspended = true;
    if (this.#watched.size > 0) this.#start();
  }

  /** Goes on with what the next `logout()` gives. Any login may have ended since the one before was closed: looks up each. */
  resume(source: LoginSource): void {
    this.#stop();
    this.#source = source;
    this.#isSuspended = false;
    if (this.#watched.size === 0) return;
    this.#start();
    // A subscription that listens at once has had them looked up.
    if (!this.#isListening) void this.#recheck();
  }

  #start(): void {
    const { news, recheckIntervalMs } = this.#source;
    if (this.#isSuspended) {
      this.#timer = setTimeout(() => {
        for (const watched of [...this.#watched.values()]) this.#abort(watched, "close", undefined);
      }, recheckIntervalMs).unref();
      return;
    }
    news.add(this.#listener);
    this.#timer = setInterval(() => {
      if (this.#round === undefined) void this.#recheck();
    }, recheckIntervalMs).unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#source.news.remove(this.#listener);
    this.#isListening = false;
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
      if (watched !== undefined) this.#abort(watched, kick === undefined ? "logout" : "kick", kick);
    }
  }

  /** Looks at every login that may have ended unheard. A gap in the news begins it over. */
  async #recheck(): Promise<void> {
    const round = (this.#round = {});
    const unsure = [...this.#watched.values()].filter((watched) => this.#isUnsure(watched));
    for (let start = 0; start < unsure.length; start += GROUP) {
      const seen = await Promise.all(unsure.slice(start, start + GROUP).map((watched) => this.#look(watched)));
      if (this.#round !== round) return;
      // Out of reach: the others would have to wait for no answer as well.
      if (!seen.includes(true)) break;
    }
    this.#round = undefined;
  }

  #isUnsure({ seenAfter }: Watched): boolean {
    return !this.#isListening || seenAfter !== this.#gaps;
  }

  /**
   * Looks whether the login is on the list still. @returns whether that could be told; if not, it is tried again.
   *
   * @param isDue - it may have expired: a registry may find an expired login, and never updates one.
   */
  async #look(watched: Watched, isDue = false): Promise<boolean> {
    const { userId, loginId, generation } = watched.login;
    const { registry } = this.#source;
    const gaps = this.#gaps;
    try {
      const isOver = isDue && !(await registry.update(userId, loginId, {}));
      const listed = isOver ? undefined : await registry.find(userId, loginId);
      if (listed === undefined) {
        const mark = await registry.kickOf(userId, loginId, generation);
        this.#abort(watched, mark !== undefined ? "kick" : watched.expires <= Date.now() ? "expiry" : "logout", mark);
      } else {
        watched.seenAfter = gaps;
        this.#lookAgainAfter(watched, +listed.expires);
      }
      return true;
    } catch {
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
    // Expired by this clock and not by the registry's, which alone decides: there is no hurrying it.
    const delayMs = leftMs > 0 ? leftMs + AFTER_EXPIRY_MS : this.#source.recheckIntervalMs;
    const timer = setTimeout(() => void this.#look(watched, true), Math.min(delayMs, LONGEST_TIMER_MS));
    watched.timer = timer.unref();
  }

  #abort(watched: Watched, end: LoginEndCause, mark: KickRecord | undefined): void {
    this.#leave(watched);
    const { loginId } = watched.login;
    const error = new LoginEndedError({ loginId, end, at: mark?.at ?? new Date(), reason: mark?.reason });
    for (const { controller } of watched.waiting.values()) controller.abort(error);
    for (const { release } of watched.waiting.values()) release();
  }

  #isWatched(watched: Watched): boolean {
    return this.#watched.get(keyOf(watched.login)) === watched;
  }
}

/** Sessions that two users had one after the other, without the hook, have one login id: it is not enough. */
export function keyOf({ userId, loginId }: Pick<LiveLogin, "userId" | "loginId">): string {
  return `${loginId} ${userId}`;
}
