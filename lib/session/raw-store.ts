import type { SessionData, Store } from "express-session";
import { LogoutError } from "../errors.js";
import { TimeLimit } from "../time-limit.js";
import type { SessionRecord } from "./stamp.js";

type Answer = (error?: unknown, value?: unknown) => void;
type Method = (this: Store, ...args: unknown[]) => unknown;

/** What a session store must have. */
const REQUIRED = ["get", "set", "destroy", "regenerate", "createSession"] as const;

/**
 * The session store as it was before it was hooked, by promises.
 *
 * Each call settles once, with the first answer: stores exist that are synchronous, that call back twice, that return a
 * promise as well (which may resolve before the answer is there, so that only its rejection counts), that throw, and that
 * never answer for an id they do not know.
 */
export class RawStore {
  readonly #store: Store;
  readonly #methods: Partial<Record<string, Method>>;
  readonly #limit: TimeLimit;

  /** @throws LogoutError `ERR_STORE_INVALID` */
  constructor(store: Store, timeoutMs: number) {
    const methods = store as unknown as Partial<Record<string, unknown>>;
    for (const name of REQUIRED) {
      if (typeof methods[name] !== "function") {
        throw new LogoutError(
          "ERR_STORE_INVALID",
          `logout({ store }): the store has no ${name}(). Pass the store that session({ store }) gets: an instance of a class that extends express-session's Store.`,
        );
      }
    }
    this.#store = store;
    this.#limit = new TimeLimit(timeoutMs);
    this.#methods = {};
    for (const name of [...REQUIRED, "touch", "clear"]) {
      const method = methods[name];
      if (typeof method === "function") this.#methods[name] = method as Method;
    }
  }

  has(method: "touch" | "clear"): boolean {
    return this.#methods[method] !== undefined;
  }

  /** The session data, if the store has any. */
  get(sid: string): Promise<SessionRecord | undefined> {
    return this.#call("get", [sid], isMissing) as Promise<SessionRecord | undefined>;
  }

  async set(sid: string, session: SessionRecord | SessionData): Promise<void> {
    await this.#call("set", [sid, session]);
  }

  async destroy(sid: string): Promise<void> {
    await this.#call("destroy", [sid]);
  }

  async touch(sid: string, session: SessionRecord): Promise<void> {
    await this.#call("touch", [sid, session], isMissing);
  }

  async clear(): Promise<void> {
    await this.#call("clear", []);
  }

  async regenerate(req: object): Promise<void> {
    await this.#call("regenerate", [req]);
  }

  createSession(req: object, session: SessionRecord): unknown {
    return this.#method("createSession").call(this.#store, req, session);
  }

  #method(name: string): Method {
    const method = this.#methods[name];
    if (method === undefined) throw new LogoutError("ERR_STORE_INVALID", `The session store has no ${name}().`);
    return method;
  }

  /** @param meansNothing - whether an error means no more than that there is nothing */
  #call(
    name: string,
    args: readonly unknown[],
    meansNothing: (error: unknown) => boolean = () => false,
  ): Promise<unknown> {
    const method = this.#method(name);
    return new Promise((resolve, reject) => {
      const done = this.#limit.start(() => {
        const message = `The session store did not answer ${name}() within ${String(this.#limit.limitMs)} ms.`;
        reject(new LogoutError("ERR_STORE_UNAVAILABLE", message));
      });
      const fail = (error: unknown): void => {
        done();
        // Handed on as it is: express-session looks at the code of a store's error.
        if (meansNothing(error)) resolve(undefined);
        else reject(error);
      };
      const answer: Answer = (error, value) => {
        if (error !== undefined && error !== null) {
          fail(error);
          return;
        }
        done();
        resolve(value ?? undefined);
      };
      try {
        const returned = method.call(this.#store, ...args, answer);
        if (isThenable(returned)) returned.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
    });
  }
}

/** Stores on files tell by the error ENOENT that they have no such session: nothing to read, nothing to touch. */
function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ENOENT";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
