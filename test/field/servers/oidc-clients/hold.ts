import { Gate } from "../../../support/gate.js";

/** A place that lets everyone pass, until the test asks it to hold the next one. */
export class Hold {
  #next: Gate | undefined;

  /** Holds the next one until the gate is opened. */
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
