import { setMaxListeners } from "node:events";
import { nextTick } from "node:process";
import { LinkedList, type ListNode } from "./linked-list.js";

/** A task with a deadline. */
export interface TimedTask extends ListNode<TimedTask> {
  /** When the task times out, by `performance.now()`. Set by {@link Deadline.add}. */
  until: number;
  onTimeout(): void;
}

/**
 * Times out tasks that take longer than a limit. All tasks have the same limit, so the oldest times out first and one timer
 * serves every request.
 */
export class Deadline {
  readonly limitMs: number;
  // Not a Set: each of its tables refers to the next one, so a discarded table keeps the entries of all later tables alive until
  // it is collected. That cost more than the rest of the store hook.
  readonly #tasks = new LinkedList<TimedTask>();
  #timer: NodeJS.Timeout | undefined;
  #controllerOfTick: AbortController | undefined;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** Starts a task, which lasts until {@link done}. */
  start(onTimeout: () => void): TimedTask {
    const task: TimedTask = { until: 0, onTimeout, newer: undefined, older: undefined };
    this.add(task);
    return task;
  }

  /** Starts a task that handles its timeout itself. */
  add(task: TimedTask): void {
    task.until = performance.now() + this.limitMs;
    this.#tasks.moveToFront(task);
    this.#timer ??= this.#schedule(this.limitMs);
  }

  /** Ends a task: it will not time out. */
  done(task: TimedTask): void {
    this.#tasks.delete(task);
  }

  /** Runs asynchronous work. On a timeout, aborts its signal and rejects; never aborts after the work has finished. */
  async run<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = this.#sharedController();
    let task: TimedTask | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      task = this.start(() => {
        controller.abort();
        reject(this.error());
      });
    });
    try {
      return await Promise.race([work(controller.signal), timeout]);
    } finally {
      if (task !== undefined) this.done(task);
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

  #schedule(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (let oldest = this.#tasks.oldest; oldest !== undefined; oldest = this.#tasks.oldest) {
        if (oldest.until > now) {
          this.#timer = this.#schedule(oldest.until - now);
          return;
        }
        this.#tasks.delete(oldest);
        oldest.onTimeout();
      }
    }, Math.ceil(delayMs)).unref();
  }
}
