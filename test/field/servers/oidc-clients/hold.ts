import { Gate } from "../../../support/gate.js";

/** A place where the next one waits, if the test wants it so. */
export class Hold {
  #next: Gate | undefined;

  /** The next one waits until the gate is opened. */
  next(): Gate {
    this.#next = new Gate();
    return this.#next;
  }

  async pass(): Promise<void> {
    const gate = this.#next;
    this.#next = undefined;
    await gate?.pass();
  }
}
