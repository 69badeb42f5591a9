interface Started {
  readonly until: number;
  readonly giveUp: () => void;
}

/**
 * Gives up on what takes too long. Since all of it has the same limit, what began first is late first: one timer serves
 * every request, however many there are.
 */
export class TimeLimit {
  readonly limitMs: number;
  /** In the order in which they began. */
  readonly #started = new Set<Started>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** @returns what to call when it is done: then it is not given up any more. */
  start(giveUp: () => void): () => void {
    const started = { until: performance.now() + this.limitMs, giveUp };
    this.#started.add(started);
    this.#timer ??= this.#wake(this.limitMs);
    return () => this.#started.delete(started);
  }

  /** The same for a promise: rejects in place of it. The signal tells the work that it is given up. */
  async within<Result>(work: (givenUp: AbortSignal) => Promise<Result>): Promise<Result> {
    const givenUp = new AbortController();
    let done: (() => void) | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      done = this.start(() => {
        givenUp.abort();
        reject(this.error());
      });
    });
    try {
      return await Promise.race([work(givenUp.signal), late]);
    } finally {
      done?.();
    }
  }

  error(): Error {
    return new Error(`no answer within ${String(this.limitMs)} ms`);
  }

  #wake(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (const started of this.#started) {
        if (started.until > now) {
          this.#timer = this.#wake(started.until - now);
          return;
        }
        this.#started.delete(started);
        started.giveUp();
      }
    }, Math.ceil(delayMs)).unref();
  }
}
