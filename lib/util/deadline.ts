import { setMaxListeners } from "node:events";
import { nextTick } from "node:process";
import { Recency, type Recent } from "./linked-list.js";

/** What has begun and must not take too long. */
export interface Timed extends Recent<Timed> {
  /** Of `performance.now()`; the time limit sets it. */
  until: number;
  onTimeout(): void;
}

/**
 * Gives up on what takes too long. Since all of it has the same limit, what began first is late first: one timer serves
 * every request, however many there are.
 */
export class Deadline {
  readonly limitMs: number;
  // Not a Set: its tables, which a busy process renews all the time, refer one to the next, and an old one that waits for the
  // garbage collector keeps alive whatever was in those that came after it. That took longer than all the rest of the hook.
  readonly #started = new Recency<Timed>();
  #timer: NodeJS.Timeout | undefined;
  #beginning: AbortController | undefined;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** From now on the time runs, until {@link done}. */
  start(onTimeout: () => void): Timed {
    const started: Timed = { until: 0, onTimeout, newer: undefined, older: undefined };
    this.watch(started);
    return started;
  }

  /** The same for what knows by itself how to be given up. */
  watch(started: Timed): void {
    started.until = performance.now() + this.limitMs;
    this.#started.touch(started);
    this.#timer ??= this.#wake(this.limitMs);
  }

  /** It is done in time, and will not be given up. */
  done(started: Timed): void {
    this.#started.delete(started);
  }

  /**
   * The same for a promise: rejects in place of it. The signal tells the work that it is given up; once the work is done, it
   * tells nothing more.
   */
  async run<Result>(work: (givenUp: AbortSignal) => Promise<Result>): Promise<Result> {
    const givenUp = this.#sharedController();
    let started: Timed | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      started = this.start(() => {
        givenUp.abort();
        reject(this.error());
      });
    });
    try {
      return await Promise.race([work(givenUp.signal), late]);
    } finally {
      if (started !== undefined) this.done(started);
    }
  }

  error(): Error {
    return new Error(`no answer within ${String(this.limitMs)} ms`);
  }

  /** What begins in one go is late in one go: one signal is enough for it, and signals are dear. */
  #sharedController(): AbortController {
    if (this.#beginning === undefined) {
      this.#beginning = new AbortController();
      setMaxListeners(0, this.#beginning.signal);
      nextTick(() => {
        this.#beginning = undefined;
      });
    }
    return this.#beginning;
  }

  #wake(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (let oldest = this.#started.oldest; oldest !== undefined; oldest = this.#started.oldest) {
        if (oldest.until > now) {
          this.#timer = this.#wake(oldest.until - now);
          return;
        }
        this.#started.delete(oldest);
        oldest.onTimeout();
      }
    }, Math.ceil(delayMs)).unref();
  }
}
