import type { Store } from "express-session";
import { Gate } from "./gate.js";

type Method = "get" | "set" | "destroy";
type Anything = (...args: unknown[]) => unknown;

/** A store whose next call of a method can be held, before it does anything or before its answer is handed on. */
export class Holdable {
  readonly store: Store;
  readonly #held = new Map<Method, { gate: Gate; when: "before" | "after" | "then fail" }>();
  readonly #failing = new Set<Method>();

  constructor(store: Store) {
    this.store = store;
    for (const method of ["get", "set", "destroy"] as const) this.#wrap(method);
  }

  /** The next call of this method waits until the gate is opened. */
  hold(method: Method, when: "before" | "after" | "then fail"): Gate {
    const gate = new Gate();
    this.#held.set(method, { gate, when });
    return gate;
  }

  /** The next call of this method fails. */
  fail(method: Method): void {
    this.#failing.add(method);
  }

  #wrap(method: Method): void {
    const methods = this.store as unknown as Record<string, Anything>;
    const original = methods[method]?.bind(this.store);
    methods[method] = (...args: unknown[]) => {
      const done = args.pop() as Anything;
      const fail = () => done(new Error(`${method} fails, as the test wants it`));
      if (this.#failing.delete(method)) {
        fail();
        return;
      }
      const held = this.#held.get(method);
      this.#held.delete(method);
      if (held?.when === "then fail") {
        void held.gate.pass().then(fail);
        return;
      }
      if (held?.when === "before") void held.gate.pass().then(() => original?.(...args, done));
      else
        original?.(
          ...args,
          held === undefined ? done : (...answer: unknown[]) => void held.gate.pass().then(() => done(...answer)),
        );
    };
  }
}
