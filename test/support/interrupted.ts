import type { Store } from "express-session";
import type { LoginRegistry } from "../../lib/index.js";
import type { Node } from "./stores.js";

type Anything = (...args: unknown[]) => unknown;
/** What happens at a moment of a step. A failure is that of the step. */
type Interrupt = (step: string) => Promise<void>;

const STORE_STEPS = ["get", "set", "destroy"] as const;
const REGISTRY_STEPS: readonly (string | symbol)[] = ["find", "update", "end", "add", "kickOf"];

/** A store and a registry whose steps can be interrupted: before each is executed, and after it, before its answer arrives. */
export class Interrupted {
  readonly node: Node;
  #position = 0;
  #at: number | undefined;
  #interrupt: Interrupt | undefined;

  constructor({ store, registry }: Node) {
    this.#wrap(store);
    this.node = { store, registry: this.#wrapped(registry) };
  }

  /** Interrupts once, at this moment: 0 is before the first step from now on, 1 after it, 2 before the second. */
  at(position: number, interrupt: Interrupt): void {
    this.#position = 0;
    this.#at = position;
    this.#interrupt = interrupt;
  }

  /** Whether that moment has come. Interrupts nothing from now on. */
  stop(): boolean {
    const hasCome = this.#interrupt === undefined;
    this.#interrupt = undefined;
    return hasCome;
  }

  async #moment(step: string): Promise<void> {
    const interrupt = this.#interrupt;
    if (interrupt === undefined) return;
    this.#position += 1;
    if (this.#position - 1 !== this.#at) return;
    // What the interruption does itself is not interrupted.
    this.#interrupt = undefined;
    await interrupt(step);
  }

  #wrap(store: Store): void {
    const methods = store as unknown as Record<string, Anything>;
    for (const name of STORE_STEPS) {
      const method = methods[name]?.bind(store);
      methods[name] = (...args: unknown[]) => {
        const done = args.pop() as Anything;
        const answer = (...answers: unknown[]): void => {
          this.#moment(`after store.${name}`).then(
            () => void done(...answers),
            (error: unknown) => void done(error),
          );
        };
        this.#moment(`before store.${name}`).then(
          () => void method?.(...args, answer),
          (error: unknown) => void done(error),
        );
      };
    }
  }

  #wrapped(registry: LoginRegistry): LoginRegistry {
    return new Proxy(registry, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (name === "peek") return undefined;
        if (typeof value !== "function") return value;
        const method = (value as Anything).bind(target);
        if (!REGISTRY_STEPS.includes(name)) return method;
        return async (...args: unknown[]) => {
          await this.#moment(`before registry.${String(name)}`);
          const answer = await method(...args);
          await this.#moment(`after registry.${String(name)}`);
          return answer;
        };
      },
    });
  }
}
