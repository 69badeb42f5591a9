import { promisify } from "node:util";
import type { SessionData, Store } from "express-session";
import { LogoutError } from "../errors.js";
import { isMemoryStore } from "../util/known-stores.js";
import { byCallback, toCallback, type Callback, type Done } from "./callbacks.js";
import type { Rejection, RequestState, RequestStates } from "./request-state.js";
import { methodAround, requestOf, type RequestWithSession } from "./request-with-session.js";
import type { Loaded } from "./rules/load.js";
import type { SessionRules } from "./rules/rules.js";
import type { SessionRecord } from "./stamp.js";
import type { HookedStore } from "./store/hooked-store.js";
import type { RawStore } from "./store/raw-store.js";

/** What belongs to the `logout()` that uses the store now. Requests end what they have begun with the one before. */
export interface HookParts {
  raw: RawStore;
  sessions: SessionRules;
}

/** What the methods of a hooked store work with. */
interface StoreMethodOptions {
  readonly store: Store;
  readonly hooked: HookedStore;
  readonly requests: RequestStates;
  /** Requests that reached the middleware before session(). */
  readonly early: WeakSet<object>;
  readonly parts: HookParts;
}

/** The methods that a hooked store has: what express-session, and other code, calls. */
export class StoreMethods {
  readonly #store: Store;
  readonly #hooked: HookedStore;
  readonly #isInMemory: boolean;
  readonly #requests: RequestStates;
  readonly #early: WeakSet<object>;
  readonly #parts: HookParts;
  // express-session handles the result of a read, and regenerates and destroys a session, synchronously. These fields assign the
  // calls made meanwhile to their request.
  #rejecting: Rejection | undefined;
  #suspending: RequestState | undefined;
  #destroying: RequestState | undefined;
  #restarting: RequestState | undefined;

  constructor({ store, hooked, requests, early, parts }: StoreMethodOptions) {
    this.#store = store;
    this.#hooked = hooked;
    this.#isInMemory = isMemoryStore(store);
    this.#requests = requests;
    this.#early = early;
    this.#parts = parts;
  }

  /** Destroys the session of a request, and ends its login. */
  async destroy(sid: string, logins: RequestState): Promise<void> {
    let destroyed: Promise<void>;
    this.#destroying = logins;
    try {
      destroyed = promisify((done: Callback) => this.#store.destroy(sid, done))() as Promise<void>;
    } finally {
      this.#destroying = undefined;
    }
    await destroyed;
  }

  /** Gives a request a new session, and ends the login of the one that it had. */
  async restart(req: object, logins: RequestState): Promise<void> {
    let regenerated: Promise<void>;
    this.#restarting = logins;
    try {
      regenerated = this.#parts.raw.regenerate(req);
    } finally {
      this.#restarting = undefined;
    }
    await regenerated;
  }

  /** Replaces the methods of the store. */
  install(): void {
    const hooked = this.#hooked;
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
    if (this.#parts.raw.has("touch")) {
      hooked.replace("touch", (sid: string, session: SessionData, callback?: Callback) =>
        byCallback(callback, (done) => {
          this.#touch(sid, session as unknown as SessionRecord, done);
        }),
      );
    }
    if (this.#parts.raw.has("clear")) {
      hooked.replace("clear", (callback?: Callback) => toCallback(this.#parts.sessions.clear(), callback));
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
    this.#parts.sessions.loads.load(sid, (error, loaded = {}) => {
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
    if (req === undefined) return this.#parts.sessions.saves.saveWithoutRequest(sid, session);
    const logins = this.#requests.of(req);
    if (logins.withholds(sid, session)) return Promise.resolve();
    logins.withheld = undefined;
    this.#watchDestroy(session);
    return logins.inOrder(() => this.#parts.sessions.saves.save(sid, session, req, logins));
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
      else this.#parts.sessions.touches.touch(sid, session, done, req, logins);
    } catch (error) {
      done(error);
    }
    isSync = false;
    // Here, where nothing catches what the callback throws.
    if (result !== undefined) callback(result.error ?? null);
  }

  #destroy(sid: string): Promise<void> {
    const suspending = this.#suspending;
    if (suspending !== undefined) return this.#parts.sessions.suspend(sid, suspending);
    const restarting = this.#restarting;
    if (restarting !== undefined) return this.#parts.sessions.ends.destroy(sid, restarting);
    const logins = this.#destroying;
    if (logins === undefined) return this.#parts.sessions.ends.destroy(sid);
    return logins.inOrder(() => this.#parts.sessions.ends.destroy(sid, logins));
  }

  #regenerate(req: RequestWithSession): Promise<void> {
    const logins = this.#requests.of(req);
    return logins.inOrder(async () => {
      this.#suspending = logins;
      let regenerated: Promise<void>;
      try {
        regenerated = this.#parts.raw.regenerate(req);
      } finally {
        this.#suspending = undefined;
      }
      await regenerated;
      this.#parts.sessions.rotating(req.sessionID, logins);
    });
  }

  #createSession(req: RequestWithSession, session: SessionRecord): unknown {
    this.#mustNotBeEarly(req);
    const created = this.#parts.raw.createSession(req, session);
    const sid = req.sessionID;
    const stamp = this.#parts.sessions.stampOf(session);
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
