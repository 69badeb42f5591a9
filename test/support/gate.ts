import { EventEmitter, once } from "node:events";

/** A place in a handler where requests wait until the test lets them go on. */
export class Gate {
  readonly #events = new EventEmitter();
  #waiting = 0;
  #isOpen = false;

  /** Called by the handler: waits until the test opens. */
  async pass(): Promise<void> {
    this.#waiting += 1;
    this.#events.emit("arrived");
    if (!this.#isOpen) await once(this.#events, "opened");
  }

  /** Called by the test: resolves when a handler waits. */
  get reached(): Promise<void> {
    return this.reachedBy(1);
  }

  /** Called by the test: resolves when so many handlers wait. */
  async reachedBy(count: number): Promise<void> {
    while (this.#waiting < count) await once(this.#events, "arrived");
  }

  open(): void {
    this.#isOpen = true;
    this.#events.emit("opened");
  }
}
