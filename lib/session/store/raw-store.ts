import type { SessionData, Store } from "express-session";
import { isOwnCopy, LogoutError } from "../../errors.js";
import { Deadline } from "../../util/deadline.js";
import { redactError } from "../../util/redact-error.js";
import type { Done } from "../callbacks.js";
import { withCookie, type SessionRecord } from "../stamp.js";

type Answer = (error?: unknown, value?: unknown) => void;
type Method = (this: Store, ...args: unknown[]) => unknown;

/** What a session store must have. */
const REQUIRED = ["get", "set", "destroy", "regenerate", "createSession"] as const;
const OPTIONAL = ["touch", "clear", "all"] as const;
/** How long a store may take to list all sessions, in milliseconds: there may be millions. */
const LISTING_MS = 600_000;

/**
 * The session store as it was before it was hooked.
 *
 * Each call settles once, with the first answer: stores exist that are synchronous, that call back twice, that return a
 * promise as well (which may resolve before the answer is there, so that only its rejection counts), that throw, and that
 * never answer for an id they do not know.
 *
 * Every failure is a LogoutError `ERR_STORE_UNAVAILABLE`: the store's own error may hold the session id, or the data.
 */
export class RawStore {
  readonly #store: Store;
  readonly methods: Partial<Record<string, Method>>;
  readonly #limit: Deadline;
  readonly #waitsForTouch: boolean;
  /** Whether the last touch that the store has answered has failed. */
  #touchFails = false;

  /**
   * @param before - the same store, where it is hooked already and has other methods by now
   * @throws LogoutError `ERR_STORE_INVALID`
   */
  constructor(store: Store, timeoutMs: number, waitForTouch: boolean, before?: RawStore) {
    const methods = (before?.methods ?? store) as unknown as Partial<Record<string, unknown>>;
    for (const name of REQUIRED) {
      if (typeof methods[name] !== "function") {
        throw new LogoutError(
          "ERR_STORE_INVALID",
          `logout({ store }): the store has no ${name}(). Pass the store that session({ store }) gets: an instance of a class that extends express-session's Store.`,
        );
      }
    }
    this.#store = store;
    this.#limit = new Deadline(timeoutMs);
    this.#waitsForTouch = waitForTouch;
    this.methods = {};
    for (const name of [...REQUIRED, ...OPTIONAL]) {
      const method = methods[name];
      if (typeof method === "function") this.methods[name] = method as Method;
    }
  }

  has(method: (typeof OPTIONAL)[number]): boolean {
    return this.methods[method] !== undefined;
  }

  /** The session data, if the store has any. The one step of every request, so it makes no promise. */
  read(sid: string, done: Done<SessionRecord>): void {
    this.#ask("get", [sid], done as Done<unknown>, isMissing);
  }

  /** The same as a promise. */
  get(sid: string): Promise<SessionRecord | undefined> {
    return this.#call("get", [sid], isMissing) as Promise<SessionRecord | undefined>;
  }

  async set(sid: string, session: SessionRecord | SessionData): Promise<void> {
    await this.#call("set", [sid, withCookie(session as SessionRecord)]);
  }

  async destroy(sid: string): Promise<void> {
    await this.#call("destroy", [sid], isMissing);
  }

  /**
   * Unless `waitForTouch` is set, calls back as soon as the touch has been sent. After a failed touch, waits for the store until a
   * touch succeeds, so that errors are reported.
   *
   * @param touched - called when the store has done it
   */
  touch(sid: string, session: SessionRecord, done: Done<undefined>, touched?: () => void): void {
    const isWaitedFor = this.#waitsForTouch || this.#touchFails;
    const answered = (error?: unknown): void => {
      this.#touchFails = error !== undefined;
      if (error === undefined) touched?.();
      if (isWaitedFor) done(error);
    };
    this.#ask("touch", [sid, session], answered, isMissing);
    if (!isWaitedFor) done();
  }

  async clear(): Promise<void> {
    await this.#call("clear", []);
  }

  /**
   * Every session, by its id.
   *
   * @throws LogoutError `ERR_STORE_UNSUPPORTED`
   */
  async all(): Promise<readonly (readonly [sid: string, session: SessionRecord])[]> {
    if (!this.has("all")) throw unsupported("has no all()");
    const sessions = await this.#call("all", [], undefined, new Deadline(LISTING_MS));
    if (!Array.isArray(sessions)) return Object.entries((sessions ?? {}) as Record<string, SessionRecord>);
    return (sessions as SessionRecord[]).map((session) => {
      const { id } = session;
      if (typeof id !== "string") throw unsupported("does not return session ids from all()");
      return [id, session] as const;
    });
  }

  async regenerate(req: object): Promise<void> {
    await this.#call("regenerate", [req]);
  }

  createSession(req: object, session: SessionRecord): unknown {
    return this.#method("createSession").call(this.#store, req, session);
  }

  #method(name: string): Method {
    const method = this.methods[name];
    if (method === undefined) throw new LogoutError("ERR_STORE_INVALID", `The session store has no ${name}().`);
    return method;
  }

  /** @param meansNothing - whether an error means no more than that there is nothing */
  #call(
    name: string,
    args: readonly unknown[],
    meansNothing?: (error: unknown) => boolean,
    limit?: Deadline,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#ask(
        name,
        args,
        (error, value) => {
          if (error === undefined) resolve(value);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a LogoutError
          else reject(error);
        },
        meansNothing,
        limit,
      );
    });
  }

  #ask(
    name: string,
    args: readonly unknown[],
    done: Done<unknown>,
    meansNothing?: (error: unknown) => boolean,
    limit = this.#limit,
  ): void {
    const method = this.#method(name);
    const call = new Call(name, args, limit, done, meansNothing);
    try {
      const returned = method.call(this.#store, ...args, call.answer);
      if (isThenable(returned)) {
        returned.then(undefined, (error: unknown) => {
          call.fail(error);
        });
      }
    } catch (error) {
      call.fail(error);
    }
  }
}

/** A call that is under way. One object rather than a closure for each way in which it may end: every request makes two. */
class Call {
  readonly #name: string;
  readonly #args: readonly unknown[];
  /** A store that regenerates gives the request another one. */
  readonly #sid: unknown;
  readonly #limit: Deadline;
  readonly #timer: NodeJS.Timeout;
  readonly #done: Done<unknown>;
  readonly #meansNothing: ((error: unknown) => boolean) | undefined;
  #isDone = false;

  constructor(
    name: string,
    args: readonly unknown[],
    limit: Deadline,
    done: Done<unknown>,
    meansNothing?: (error: unknown) => boolean,
  ) {
    this.#name = name;
    this.#args = args;
    this.#sid = sidOf(args[0]);
    this.#limit = limit;
    this.#done = done;
    this.#meansNothing = meansNothing;
    this.#timer = limit.start(this.#onTimeout);
  }

  readonly answer: Answer = (error, value) => {
    if (this.#isDone) return;
    this.#isDone = true;
    clearTimeout(this.#timer);
    if (error === undefined || error === null) this.#done(undefined, value ?? undefined);
    else if (this.#meansNothing?.(error) === true) this.#done(undefined);
    else this.#done(this.#failed(error));
  };

  fail(error: unknown): void {
    this.answer(error ?? this.#unavailable(`failed in ${this.#name}() without an error`));
  }

  readonly #onTimeout = (): void => {
    this.answer(this.#unavailable(`did not answer ${this.#name}() within ${String(this.#limit.limitMs)} ms`));
  };

  /** An error of this package is one already: a store's regenerate() calls the hooked destroy(). */
  #failed(error: unknown): LogoutError {
    if (isOwnCopy(error)) return error;
    return this.#unavailable(`failed in ${this.#name}(). Try again`, this.#causeOf(error));
  }

  /** No cause where the session data cannot be read: then it is not known what to hide. */
  #causeOf(error: unknown): Error | undefined {
    try {
      const seen = new Set<object>();
      return redactError(
        error,
        [this.#sid, ...this.#args.slice(1)].flatMap((each) => textsOf(each, seen)),
      );
    } catch {
      // Its getters may throw anything.
      return undefined;
    }
  }

  #unavailable(what: string, cause?: Error): LogoutError {
    const options = cause === undefined ? {} : { cause };
    return new LogoutError("ERR_STORE_UNAVAILABLE", `The session store ${what}.`, options);
  }
}

/** The session id that a store is called with: itself, or in a request. */
function sidOf(given: unknown): unknown {
  return typeof given === "object" ? (given as { sessionID?: unknown } | null)?.sessionID : given;
}

/** Every text in a session id or session data, also as JSON writes it. */
function textsOf(given: unknown, seen: Set<object>): readonly string[] {
  if (typeof given === "string") return [given, JSON.stringify(given).slice(1, -1)];
  if (typeof given !== "object" || given === null || ArrayBuffer.isView(given) || seen.has(given)) return [];
  seen.add(given);
  return Object.values(given).flatMap((value) => textsOf(value, seen));
}

function unsupported(what: string): LogoutError {
  return new LogoutError("ERR_STORE_UNSUPPORTED", `The session store ${what}: do without auth.adoptSessions().`);
}

/** Returns whether an error means that there is no such session: stores on files fail with ENOENT. */
function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ENOENT" && !isUnreachable(error);
}

/** A store behind a Unix socket that is down has the same code. express-session, too, would begin an empty session then. */
function isUnreachable(error: unknown): boolean {
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  return code === "ENOENT" && syscall === "connect";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
