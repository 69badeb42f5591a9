import type { Cookie, Store } from "express-session";
import { LogoutError } from "../errors.js";
import type { LoginWatcher } from "../live/login-watcher.js";
import type { LoginRegistry } from "../types/registry.js";
import { HookedStore } from "./store/hooked-store.js";
import { Tombstones } from "./store/tombstones.js";
import { SessionRules, type SessionRuleOptions } from "./rules/rules.js";
import type { LoginPolicy } from "./rules/login-policy.js";
import { RawStore } from "./store/raw-store.js";
import { RequestStates, type Rejection } from "./request-state.js";
import type { RequestWithSession } from "./request-with-session.js";
import type { SessionEvents } from "./session-events.js";
import type { Stamp } from "./stamp.js";
import { LoginConfirmation } from "./login-confirmation.js";
import { StoreMethods, type HookParts } from "./store-methods.js";
import type { UserIdOf } from "./user-id.js";

/** The options in `sessions` of one `logout()`. */
interface HookedSessionOptions extends SessionRuleOptions {
  readonly storeTimeoutMs: number;
  readonly waitForTouch: boolean;
}

/** What one `logout()` has the hook do. */
export interface StoreHookOptions {
  readonly appId: string;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly sessions: HookedSessionOptions;
  readonly logins: LoginPolicy;
  readonly events: SessionEvents;
}

/** Who uses the hook of a store. */
export interface HookUse {
  readonly appId: string;
  readonly registry: LoginRegistry;
  readonly tombstones: Tombstones;
}

/** What there is to a session id. */
export interface SessionLogin {
  readonly isServed: boolean;
  readonly login: Stamp | undefined;
  readonly rejection: Rejection | undefined;
}

const HOOKED = Symbol.for("express-logout.hooked");

/**
 * The hook that a closed `logout()` has left on a store: another one takes it over, with all that it knows of requests in flight.
 *
 * @throws LogoutError `ERR_STORE_IN_USE` while a `logout()` that is not closed uses it.
 */
export function hookLeftOn(store: unknown): StoreHook | undefined {
  const hook = (store as { readonly [HOOKED]?: StoreHook } | null | undefined)?.[HOOKED];
  if (hook === undefined || hook.isLeft) return hook;
  throw new LogoutError(
    "ERR_STORE_IN_USE",
    "logout({ store }): another logout() uses this store. Call it once for a store, or await its auth.close() before.",
  );
}

/**
 * Replaces the methods of one store instance by which express-session, and other code, reads and writes sessions. Knows callbacks,
 * requests and express-session's order of calls; {@link SessionRules} decides what a read or a write means.
 */
export class StoreHook {
  /** The logins behind live connections. Like requests in flight, they survive a takeover. */
  readonly live: LoginWatcher;
  readonly #store: Store;
  readonly #hooked: HookedStore;
  readonly #requests = new RequestStates();
  /** Requests that reached the middleware before session(). */
  readonly #early = new WeakSet<object>();
  #isLeft = false;
  #use: HookUse | undefined;
  #parts!: HookParts;
  #methods!: StoreMethods;
  #confirmation!: LoginConfirmation;

  /** Creates a hook, which is installed at its first use. */
  constructor(store: Store, live: LoginWatcher) {
    this.live = live;
    this.#store = store;
    this.#hooked = new HookedStore(store);
  }

  /**
   * Applies the options of a `logout()`.
   *
   * @returns the use, for {@link StoreHook.isUsedBy} and {@link StoreHook.leave}.
   * @throws LogoutError `ERR_STORE_INVALID`
   */
  use(options: StoreHookOptions): HookUse {
    const store = this.#store;
    const { storeTimeoutMs, waitForTouch } = options.sessions;
    const isFirst = this.#use === undefined;
    const raw = new RawStore(store, storeTimeoutMs, waitForTouch, isFirst ? undefined : this.#parts.raw);
    const tombstones = new Tombstones(store, raw, storeTimeoutMs);
    const use = { appId: options.appId, registry: options.registry, tombstones };
    const parts = { raw, sessions: new SessionRules({ store, raw, tombstones, ...options }) };
    this.#use = use;
    this.#isLeft = false;
    if (isFirst) this.#install(parts);
    else Object.assign(this.#parts, parts);
    return use;
  }

  /** The use of the `logout()` that uses the store now. */
  get current(): HookUse {
    if (this.#use === undefined) throw new LogoutError("ERR_STORE_INVALID", "The session store is not hooked yet.");
    return this.#use;
  }

  isUsedBy(use: HookUse): boolean {
    return this.#use === use;
  }

  /** Records that the `logout()` is closed. The hook continues until another one takes it over. */
  leave(use: HookUse): void {
    if (this.isUsedBy(use)) this.#isLeft = true;
  }

  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Runs a function while the store has its own methods. */
  withOwnMethods<Result>(act: () => Result): Result {
    return this.#hooked.withOwnMethods(act);
  }

  /** Whether session() was called with this store. */
  get attached(): boolean {
    return this.#hooked.generate !== undefined;
  }

  /** Whether this request has been through session(). */
  knows(req: object): boolean {
    return (req as Partial<RequestWithSession>).sessionStore === this.#store;
  }

  /** Returns why the session of this request was rejected. */
  rejectionOf(req: object): Rejection | undefined {
    return this.#requests.peek(req)?.rejection;
  }

  /** Removes the tombstone: the user has seen the reason. */
  async forget(rejection: Rejection): Promise<void> {
    await this.#parts.sessions.ends.forget(rejection);
  }

  /**
   * Ends the request's login and gives the request a new session, whose next save begins a new login. Under the old session id, a
   * request in flight could save the old login over the new one.
   *
   * @throws LogoutError `ERR_SESSION_MISSING`
   */
  async startLogin(req: object): Promise<void> {
    const { session } = req as Partial<RequestWithSession>;
    if (!this.knows(req) || (session ?? undefined) === undefined) {
      throw new LogoutError(
        "ERR_SESSION_MISSING",
        "startLogin(req): this request has no session. Mount session({ store }) before the route; or the session was destroyed, or its store is off-line.",
      );
    }
    const logins = this.#requests.of(req);
    await logins.inOrder(async () => {
      const left = (req as RequestWithSession).sessionID;
      await this.#methods.restart(req, logins);
      logins.startsLoginAfter = left;
    });
  }

  /**
   * Gives the session of the request a new id, makes its login fresh and restarts its lifetime.
   *
   * @returns `false` if the request has no login, or the login has ended
   */
  confirmLogin(req: object): Promise<boolean> {
    return this.#confirmation.confirm(req as RequestWithSession);
  }

  /**
   * Ends the login that the request holds and destroys its session. Does not use `req.session`, which the app may have replaced. If
   * that fails, the request has no session.
   */
  async endLogin(req: object): Promise<void> {
    const request = req as RequestWithSession;
    const { sessionID } = request;
    // As in Session#destroy(), so that the session is not saved at the end of the request.
    delete request.session;
    await this.#methods.destroy(sessionID, this.#requests.of(req));
  }

  /**
   * Gives a request that has logged out an empty session, for access logs and other late code. The session is written only if the app
   * puts data into it.
   */
  leaveEmpty(req: object): void {
    const logins = this.#requests.of(req);
    const { withheld } = logins;
    (this.#store as { generate?: (req: object) => void }).generate?.(req);
    logins.withheld = withheld;
    logins.logOut();
  }

  /** Returns the cookie of the request's session; without a session, the one that session() gives a new session. */
  cookieOf(req: object): Cookie | undefined {
    const { session } = req as Partial<RequestWithSession>;
    const cookie = (session as { cookie?: Cookie } | null | undefined)?.cookie;
    if (cookie !== undefined) return cookie;
    // The request itself must not get the new session.
    const other = Object.create(req) as { session?: { cookie: Cookie } };
    this.#hooked.generate?.call(this.#store, other);
    return other.session?.cookie;
  }

  /** Stops writing and touching this request's session, unless the app generates another one. */
  withhold(req: object): void {
    this.#requests.of(req).withheld = "always";
  }

  isWithheld(req: object): boolean {
    const { session, sessionID } = req as RequestWithSession;
    return this.#requests.peek(req)?.withholds(sessionID, session) === true;
  }

  /** Returns the login of a stored session, as a request with that session would get it. */
  loginOfSession(sid: string): Promise<SessionLogin> {
    return new Promise((resolve, reject) => {
      this.#parts.sessions.loads.load(sid, (error, { session, rejection } = {}) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as the store or the registry has it
        if (error !== undefined) reject(error);
        else
          resolve({
            isServed: session !== undefined,
            login: session && this.#parts.sessions.stampOf(session),
            rejection,
          });
      });
    });
  }

  /** Adopts every session that is older than the installation. @throws LogoutError `ERR_STORE_UNSUPPORTED` */
  adoptSessions(onProgress: (progress: { readonly done: number; readonly total: number }) => void): Promise<number> {
    return this.#parts.sessions.adoptAll(onProgress);
  }

  /**
   * The login of this request, by its session id: the registry says whether it still lives. It does not depend on `req.session`, which
   * the app may have set to `null`.
   */
  loginOf(req: object): Stamp | undefined {
    const { sessionID } = req as Partial<RequestWithSession>;
    if (sessionID === undefined) return undefined;
    const held = this.#requests.peek(req)?.on(sessionID);
    return held?.removal === undefined ? held?.stamp : undefined;
  }

  /** Records that the request has no session: session() running later is a set-up error. */
  expectNoSession(req: object): void {
    this.#early.add(req);
  }

  #install(parts: HookParts): void {
    this.#parts = parts;
    const shared = { store: this.#store, hooked: this.#hooked, requests: this.#requests, parts };
    const { hooked } = shared;
    this.#methods = new StoreMethods({ ...shared, early: this.#early });
    this.#confirmation = new LoginConfirmation(shared);
    hooked.replace(HOOKED, this);
    this.#methods.install();
  }
}
