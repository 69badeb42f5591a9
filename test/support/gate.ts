/** A place in a handler where a request waits until the test lets it go on. */
export class Gate {
  readonly #reached: PromiseWithResolvers<void> = withResolvers();
  readonly #opened: PromiseWithResolvers<void> = withResolvers();

  /** Called by the handler: waits until the test opens. */
  async pass(): Promise<void> {
    this.#reached.resolve();
    await this.#opened.promise;
  }

  /** Called by the test: resolves when the handler waits. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve(value: T): void;
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
