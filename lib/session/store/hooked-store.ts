import type { Store } from "express-session";

type Generate = (req: object) => void;

interface Replaced {
  readonly name: PropertyKey;
  readonly value: unknown;
  /** The own property of the store that was there before, if there was one. */
  readonly before: PropertyDescriptor | undefined;
}

/** Replaces methods of one store, and restores them. */
export class HookedStore {
  readonly #store: Store;
  readonly #replaced: Replaced[] = [];
  #generate: Generate | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The function that `session()` assigned to `store.generate`; `undefined` if it was not called with this store. */
  get generate(): Generate | undefined {
    return this.#generate;
  }

  replace(name: PropertyKey, value: unknown): void {
    this.#replaced.push({ name, value, before: Object.getOwnPropertyDescriptor(this.#store, name) });
    this.#define(name, value);
  }

  /** Replaces `store.generate`, which session() assigns before or after logout() is called. */
  replaceGenerate(generate: Generate): void {
    this.#generate = (this.#store as { generate?: Generate }).generate;
    Object.defineProperty(this.#store, "generate", {
      configurable: true,
      enumerable: false,
      get: () => (this.#generate === undefined ? undefined : generate),
      set: (assigned: Generate | undefined) => {
        this.#generate = assigned;
      },
    });
  }

  /**
   * Runs a function while the store has its own methods, which show what the store supports. Synchronous, so that no request
   * bypasses the hook. A method that other code has wrapped since stays as it is.
   */
  withOwnMethods<Result>(act: () => Result): Result {
    const store = this.#store;
    const ours = this.#replaced.filter(
      ({ name, value }) => Object.getOwnPropertyDescriptor(store, name)?.value === value,
    );
    for (const { name, before } of ours) {
      if (before === undefined) Reflect.deleteProperty(store, name);
      else Object.defineProperty(store, name, before);
    }
    try {
      return act();
    } finally {
      for (const { name, value } of ours) this.#define(name, value);
    }
  }

  #define(name: PropertyKey, value: unknown): void {
    Object.defineProperty(this.#store, name, { value, configurable: true, enumerable: false, writable: true });
  }
}
