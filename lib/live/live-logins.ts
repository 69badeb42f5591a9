import { LoginEndedError, type LoginEnd } from "../errors.js";
import type { EndedLogins, Era, KickMark, LoginRegistry, RegistryListener } from "../login.js";
import type { News } from "./news.js";

/** How many logins are looked up at once. */
const GROUP = 100;
/** setTimeout's longest. */
const LONGEST_TIMER_MS = 2_147_483_647;
/** How long after its expiry a login is looked up: so that whoever keeps it has seen the time go by as well. */
const AFTER_EXPIRY_MS = 50;

/** A login that something waits for, with what tells which kick ended it. */
export interface LiveLogin {
  readonly userId: string;
  readonly loginId: string;
  readonly era: Era;
}

/** Calls back once, when what was live is over. */
export type Over = (callback: () => void) => void;

interface Watched {
  readonly login: LiveLogin;
  /** One for each thing that is live and will say when it is over. */
  readonly waiting: Set<AbortController>;
  /** One for all those that will not say: it stays until the login ends. */
  lasting?: AbortController;
  /** Whether the last look at the list came to nothing. */
  isUnsure: boolean;
  expires: number;
  timer?: NodeJS.Timeout;
}

/**
 * The logins behind whatever is live in this process: long polls, server-sent events, WebSockets. Each is watched until it
 * ends, here or on any other node, and whatever waits for it is told.
 *
 * News come by the registry's subscription. Whenever some may have been missed, every login is looked up; while they do not
 * come at all, so it is again and again.
 */
export class LiveLogins {
  readonly #registry: LoginRegistry;
  readonly #news: News;
  readonly #recheckIntervalMs: number;
  readonly #watched = new Map<string, Watched>();
  #isListening = false;
  #rechecking: NodeJS.Timeout | undefined;
  readonly #listener: RegistryListener = {
    ended: (ended) => {
      this.#ended(ended);
    },
    listening: (isListening) => {
      this.#isListening = isListening;
      if (isListening) void this.#lookAt(this.#watched.values());
    },
  };

  constructor({
    registry,
    news,
    recheckIntervalMs,
  }: {
    registry: LoginRegistry;
    news: News;
    recheckIntervalMs: number;
  }) {
    this.#registry = registry;
    this.#news = news;
    this.#recheckIntervalMs = recheckIntervalMs;
  }

  /** @param over - tells when what is live is over, where it can; else the signal is kept until the login ends. */
  signal(login: LiveLogin, over: Over | undefined): AbortSignal {
    const watched = this.#watched.get(login.loginId) ?? this.#watch(login);
    let controller: AbortController;
    if (over === undefined) {
      controller = watched.lasting ??= new AbortController();
    } else {
      const waiting = new AbortController();
      controller = waiting;
      watched.waiting.add(waiting);
      over(() => {
        watched.waiting.delete(waiting);
        if (watched.waiting.size === 0 && watched.lasting === undefined) this.#leave(watched);
      });
    }
    // It may have ended since the request's session was read.
    void this.#look(watched);
    return controller.signal;
  }

  close(): void {
    for (const watched of [...this.#watched.values()]) this.#leave(watched);
  }

  #watch(login: LiveLogin): Watched {
    const watched: Watched = { login, waiting: new Set(), isUnsure: true, expires: Infinity };
    this.#watched.set(login.loginId, watched);
    if (this.#watched.size === 1) {
      this.#news.add(this.#listener);
      this.#rechecking = setInterval(() => void this.#recheck(), this.#recheckIntervalMs).unref();
    }
    return watched;
  }

  #leave(watched: Watched): void {
    clearTimeout(watched.timer);
    if (this.#watched.get(watched.login.loginId) !== watched) return;
    this.#watched.delete(watched.login.loginId);
    if (this.#watched.size > 0) return;
    clearInterval(this.#rechecking);
    this.#news.remove(this.#listener);
    this.#isListening = false;
  }

  #ended({ userId, loginIds, mark }: EndedLogins): void {
    for (const loginId of loginIds) {
      const watched = this.#watched.get(loginId);
      if (watched?.login.userId === userId) this.#abort(watched, mark === undefined ? "logout" : "kick", mark);
    }
  }

  async #recheck(): Promise<void> {
    const all = [...this.#watched.values()];
    await this.#lookAt(this.#isListening ? all.filter(({ isUnsure }) => isUnsure) : all);
  }

  async #lookAt(watched: Iterable<Watched>): Promise<void> {
    const all = [...watched];
    for (let start = 0; start < all.length; start += GROUP) {
      await Promise.all(all.slice(start, start + GROUP).map((each) => this.#look(each)));
    }
  }

  /** Looks whether the login is on the list still. Where that cannot be told, it is tried again. */
  async #look(watched: Watched): Promise<void> {
    const { userId, loginId, era } = watched.login;
    try {
      const listed = await this.#registry.find(userId, loginId);
      if (listed !== undefined) {
        watched.isUnsure = false;
        this.#lookAgainAt(watched, +listed.expires);
        return;
      }
      const mark = await this.#registry.kickMark(userId, loginId, era);
      this.#abort(watched, mark !== undefined ? "kick" : watched.expires <= Date.now() ? "expiry" : "logout", mark);
    } catch {
      watched.isUnsure = true;
    }
  }

  #lookAgainAt(watched: Watched, expires: number): void {
    if (this.#watched.get(watched.login.loginId) !== watched) return;
    watched.expires = expires;
    clearTimeout(watched.timer);
    const delayMs = Math.min(Math.max(expires - Date.now(), 0) + AFTER_EXPIRY_MS, LONGEST_TIMER_MS);
    watched.timer = setTimeout(() => void this.#lookForExpiry(watched), delayMs).unref();
  }

  /** A registry drops what has expired when the user is listed: by its own clock, which alone decides. */
  async #lookForExpiry(watched: Watched): Promise<void> {
    await this.#registry.list(watched.login.userId).catch(() => undefined);
    await this.#look(watched);
  }

  #abort(watched: Watched, end: LoginEnd, mark: KickMark | undefined): void {
    this.#leave(watched);
    const { loginId } = watched.login;
    const error = new LoginEndedError({ loginId, end, at: mark?.at ?? new Date(), reason: mark?.reason });
    for (const controller of watched.waiting) controller.abort(error);
    watched.lasting?.abort(error);
  }
}
