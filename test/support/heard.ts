import { EventEmitter, once } from "node:events";
import type { EndedLogins, RegistryListener } from "../../lib/index.js";

/** What a subscription to a registry has told so far, and a way to wait until it has told something. */
export class Heard implements RegistryListener {
  readonly news: EndedLogins[] = [];
  isListening = false;
  /** How often it has said that whoever waits has to look at the list. */
  looks = 0;
  readonly #events = new EventEmitter();

  ended(ended: EndedLogins): void {
    this.news.push(ended);
    this.#events.emit("told");
  }

  listening(isListening: boolean): void {
    this.isListening = isListening;
    if (isListening) this.looks += 1;
    this.#events.emit("told");
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#events, "told");
  }
}
