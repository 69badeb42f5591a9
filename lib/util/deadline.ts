import { setMaxListeners } from "node:events";
import { nextTick } from "node:process";

/** A longer timer would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Times out tasks that take longer than a limit. Keeps no process alive. */
export class Deadline {
  readonly limitMs: number;
  #controllerOfTick: AbortController | undefined;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** Starts a task, which lasts until {@link clearTimeout}. */
  start(onTimeout: () => void): NodeJS.Timeout {
    return setTimeout(onTimeout, Math.min(this.limitMs, LONGEST_TIMER_MS)).unref();
  }

  /** Runs asynchronous work. On a timeout, aborts its signal and rejects; never aborts after the work has finished. */
  async run<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = this.#sharedController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = this.start(() => {
        controller.abort();
        reject(this.error());
      });
    });
    try {
      return await Promise.race([work(controller.signal), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  error(): Error {
    return new Error(`no answer within ${String(this.limitMs)} ms`);
  }

  /** Work that starts in one tick times out together and shares a signal, because signals are expensive. */
  #sharedController(): AbortController {
    if (this.#controllerOfTick === undefined) {
      this.#controllerOfTick = new AbortController();
      setMaxListeners(0, this.#controllerOfTick.signal);
      nextTick(() => {
        this.#controllerOfTick = undefined;
      });
    }
    return this.#controllerOfTick;
  }
}
