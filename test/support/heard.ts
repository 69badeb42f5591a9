import { EventEmitter, once } from "node:events";
import type { EndedLogins, RegistryListener } from "../../lib/registry/index.js";

/** The notifications of a subscription to a registry so far, and a way to wait for the next. */
export class Heard implements RegistryListener {
  readonly news: EndedLogins[] = [];
  isListening = false;
  /** The number of requests for a lookup. */
  looks = 0;
  readonly #events = new EventEmitter();

  ended(ended: EndedLogins): void {
    this.news.push(ended);
    this.#events.emit("notified");
  }

  connected(): void {
    this.isListening = true;
    this.#events.emit("notified");
  }

  disconnected(): void {
    this.isListening = false;
    this.#events.emit("notified");
  }

  gap(): void {
    this.looks += 1;
    this.#events.emit("notified");
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#events, "notified");
  }
}
