import { promisify } from "node:util";
import type { Cookie, SessionData, Store } from "express-session";
import { LogoutError } from "../errors.js";
import type { LoginWatcher } from "../live/login-watcher.js";
import type { LoginRegistry } from "../types/registry.js";
import { toCallback, byCallback, type Callback, type Done } from "./callbacks.js";
import { HookedStore } from "./store/hooked-store.js";
import { Tombstones } from "./store/tombstones.js";
import { isMemoryStore } from "../util/known-stores.js";
import type { Loaded } from "./rules/load.js";
import { SessionRules, type SessionRuleOptions } from "./rules/rules.js";
import { RawStore } from "./store/raw-store.js";
import { RequestStates, type Rejection, type RequestState } from "./request-state.js";
import type { SessionEvents } from "./session-events.js";
import type { SessionRecord, Stamp } from "./stamp.js";
import type { UserIdOf } from "./user-id.js";

/** What express-session puts on a request. */
interface RequestWithSession {
  sessionID: string;
  session?: SessionRecord | null;
  sessionStore?: Store;
}

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
  readonly #isInMemory: boolean;
  readonly #requests = new RequestStates();
  /** Requests that reached the middleware before session(). */
  readonly #early = new WeakSet<object>();
  // express-session handles the result of a read, and regenerates and destroys a session, synchronously. These fields assign the
  // calls made meanwhile to their request.
  #rejecting: Rejection | undefined;
  #suspending: RequestState | undefined;
  #destroying: RequestState | undefined;
  #restarting: RequestState | undefined;
  // The fields below belong to the logout() that uses the store now. Requests end what they have begun with the one before.
  #isLeft = false;
  #use: HookUse | undefined;
  #raw!: RawStore;
  #sessions!: SessionRules;

  /** Creates a hook, which is installed at its first use. */
  constructor(store: Store, live: LoginWatcher) {
    this.live = live;
    this.#store = store;
    this.#hooked = new HookedStore(store);
    this.#isInMemory = isMemoryStore(store);
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
    const raw = new RawStore(store, storeTimeoutMs, waitForTouch, isFirst ? undefined : this.#raw);
    const tombstones = new Tombstones(store, raw, storeTimeoutMs);
    const use = { appId: options.appId, registry: options.registry, tombstones };
    this.#sessions = new SessionRules({ store, raw, tombstones, ...options });
    this.#raw = raw;
    this.#use = use;
    this.#isLeft = false;
    if (isFirst) this.#install();
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
    await this.#sessions.ends.forget(rejection);
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
      let regenerated: Promise<void>;
      this.#restarting = logins;
      try {
        regenerated = this.#raw.regenerate(req);
      } finally {
        this.#restarting = undefined;
      }
      await regenerated;
      logins.startsLoginAfter = left;
    });
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
    let destroyed: Promise<void>;
    this.#destroying = this.#requests.of(req);
    try {
      destroyed = promisify((done: Callback) => this.#store.destroy(sessionID, done))() as Promise<void>;
    } finally {
      this.#destroying = undefined;
    }
    await destroyed;
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
      this.#sessions.loads.load(sid, (error, { session, rejection } = {}) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as the store or the registry has it
        if (error !== undefined) reject(error);
        else resolve({ isServed: session !== undefined, login: session && this.#sessions.stampOf(session), rejection });
      });
    });
  }

  /** Adopts every session that is older than the installation. @throws LogoutError `ERR_STORE_UNSUPPORTED` */
  adoptSessions(onProgress: (progress: { readonly done: number; readonly total: number }) => void): Promise<number> {
    return this.#sessions.adoptAll(onProgress);
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

  #install(): void {
    const hooked = this.#hooked;
    hooked.replace(HOOKED, this);
    hooked.replace("get", (sid: string, callback?: Callback) =>
      byCallback(callback, (done) => {
        this.#load(sid, done);
      }),
    );
    hooked.replace("set", (sid: string, session: SessionData, callback?: Callback) =>
      toCallback(this.#save(sid, session as unknown as SessionRecord), callback),
    );
    hooked.replace("destroy", (sid: string, callback?: Callback) => toCallback(this.#destroy(sid), callback));
    hooked.replace("regenerate", (req: RequestWithSession, callback?: Callback) =>
      toCallback(this.#regenerate(req), callback),
    );
    hooked.replace("createSession", (req: RequestWithSession, session: SessionRecord) =>
      this.#createSession(req, session),
    );
    if (this.#raw.has("touch")) {
      hooked.replace("touch", (sid: string, session: SessionData, callback?: Callback) =>
        byCallback(callback, (done) => {
          this.#touch(sid, session as unknown as SessionRecord, done);
        }),
      );
    }
    if (this.#raw.has("clear")) {
      hooked.replace("clear", (callback?: Callback) => toCallback(this.#sessions.clear(), callback));
    }
    hooked.replaceGenerate((req) => {
      this.#mustNotBeEarly(req);
      hooked.generate?.call(this.#store, req);
      this.#generated(req as RequestWithSession);
    });
  }

  /**
   * Assigns a destroy to its request, which `store.destroy(sid)` does not name: two requests with one session may be in flight, and
   * only the one that ended its login may list it again. So `destroy` of the session is wrapped.
   */
  readonly #watchedDestroy = methodAround("destroy", (session, destroy) => {
    const req = requestOf(session);
    this.#destroying = req && this.#requests.peek(req);
    try {
      return destroy();
    } finally {
      this.#destroying = undefined;
    }
  });

  #watchDestroy(session: SessionRecord | null | undefined): void {
    if (session !== undefined && session !== null) Object.defineProperty(session, "destroy", this.#watchedDestroy);
  }

  #load(sid: string, callback: Callback): void {
    this.#sessions.loads.load(sid, (error, loaded = {}) => {
      if (error === undefined) process.nextTick(this.#deliver, callback, loaded);
      else process.nextTick(callback, error);
    });
  }

  readonly #deliver = (callback: Callback, { session, rejection }: Loaded): void => {
    this.#rejecting = rejection;
    try {
      callback(null, session ?? null);
    } finally {
      this.#rejecting = undefined;
    }
  };

  #save(sid: string, session: SessionRecord): Promise<void> {
    const req = requestOf(session);
    if (req === undefined) return this.#sessions.saves.saveWithoutRequest(sid, session);
    const logins = this.#requests.of(req);
    if (logins.withholds(sid, session)) return Promise.resolve();
    logins.withheld = undefined;
    this.#watchDestroy(session);
    return logins.inOrder(() => this.#sessions.saves.save(sid, session, req, logins));
  }

  /**
   * Touches a session, in no order with the request's other steps: a store may save in its touch, or touch in its save.
   *
   * If a response waits for the touch, express-session holds back its last byte, and the browser gets the response in two pieces.
   * Otherwise the response is flushed in one write: MemoryStore calls back synchronously; other stores call back on the next tick, so
   * that responses of the same batch go out together. Any later, and Node flushes the part that it has.
   */
  #touch(sid: string, session: SessionRecord, callback: Callback): void {
    const req = requestOf(session);
    let isSync = this.#isInMemory;
    let result: { readonly error: unknown } | undefined;
    const done: Done<undefined> = (error) => {
      if (isSync) result = { error };
      else process.nextTick(callback, error ?? null);
    };
    const logins = req && this.#requests.peek(req);
    try {
      if (logins?.withholds(sid, session) === true) done();
      else this.#sessions.touches.touch(sid, session, done, req, logins);
    } catch (error) {
      done(error);
    }
    isSync = false;
    // Here, where nothing catches what the callback throws.
    if (result !== undefined) callback(result.error ?? null);
  }

  #destroy(sid: string): Promise<void> {
    const suspending = this.#suspending;
    if (suspending !== undefined) return this.#sessions.suspend(sid, suspending);
    const restarting = this.#restarting;
    if (restarting !== undefined) return this.#sessions.ends.destroy(sid, restarting);
    const logins = this.#destroying;
    if (logins === undefined) return this.#sessions.ends.destroy(sid);
    return logins.inOrder(() => this.#sessions.ends.destroy(sid, logins));
  }

  #regenerate(req: RequestWithSession): Promise<void> {
    const logins = this.#requests.of(req);
    return logins.inOrder(async () => {
      this.#suspending = logins;
      let regenerated: Promise<void>;
      try {
        regenerated = this.#raw.regenerate(req);
      } finally {
        this.#suspending = undefined;
      }
      await regenerated;
      this.#sessions.rotating(req.sessionID, logins);
    });
  }

  #createSession(req: RequestWithSession, session: SessionRecord): unknown {
    this.#mustNotBeEarly(req);
    const created = this.#raw.createSession(req, session);
    const sid = req.sessionID;
    const stamp = this.#sessions.stampOf(session);
    // Nothing is kept of a request that has nothing to do with logins: most sites have more visitors than users.
    const logins = stamp === undefined ? this.#requests.peek(req) : this.#requests.of(req);
    if (logins !== undefined) {
      logins.loaded(stamp && { stamp, sid });
      this.#watchDestroy(req.session);
    }
    return created;
  }

  #generated(req: RequestWithSession): void {
    const logins = this.#rejecting === undefined ? this.#requests.peek(req) : this.#requests.of(req);
    if (logins !== undefined) {
      logins.freshSid = req.sessionID;
      logins.withheld = undefined;
      logins.rejection = this.#rejecting ?? logins.rejection;
      this.#watchDestroy(req.session);
    }
  }

  #mustNotBeEarly(req: object): void {
    if (!this.#early.has(req)) return;
    throw new LogoutError(
      "ERR_SESSION_ORDER",
      "auth or auth.guard is mounted before session(): call app.use(session({ store })) first, then app.use(auth).",
    );
  }
}

/** The request whose session this is: express-session keeps it in a property that is not enumerable. */
function requestOf(session: SessionRecord): object | undefined {
  const { req } = session;
  const isOwnData = Object.prototype.propertyIsEnumerable.call(session, "req");
  return typeof req === "object" && req !== null && !isOwnData ? req : undefined;
}

/** The descriptor of a method that puts something around the one of the prototype. */
function methodAround(
  name: string,
  around: (session: SessionRecord, method: () => unknown) => unknown,
): PropertyDescriptor {
  const value = function (this: SessionRecord, ...args: unknown[]): unknown {
    const { [name]: method } = Object.getPrototypeOf(this) as Record<string, (...args: unknown[]) => unknown>;
    return around(this, () => method?.apply(this, args));
  };
  return { value, configurable: true, enumerable: false, writable: true };
}
