import type { EndedLogins, LoginRegistry, RegistryListener, Subscription } from "../types/registry.js";
import { debug, ignored } from "../util/debug.js";

/** How long an unused subscription is kept, because the next long poll comes soon. */
const LINGER_MS = 2_000;

/**
 * Shares one subscription to the registry among all listeners of this process: opened for the first listener, closed soon after the
 * last one is removed.
 */
export class EndNotifications {
  readonly #registry: LoginRegistry;
  readonly #checkIntervalMs: number;
  readonly #listeners = new Set<RegistryListener>();
  #subscription: Subscription | undefined;
  #isConnected = false;
  #isClosed = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(registry: LoginRegistry, checkIntervalMs: number) {
    this.#registry = registry;
    this.#checkIntervalMs = checkIntervalMs;
  }

  get state(): "connected" | "disconnected" | "unused" {
    if (this.#subscription === undefined) return "unused";
    return this.#isConnected ? "connected" : "disconnected";
  }

  /** Adds a listener. After {@link EndNotifications.close} it is not called. */
  add(listener: RegistryListener): void {
    if (this.#isClosed) return;
    this.#listeners.add(listener);
    clearTimeout(this.#lingering);
    if (this.#subscription !== undefined) {
      if (this.#isConnected) {
        listener.connected();
        listener.gap();
      }
      return;
    }
    this.#subscription = this.#registry.subscribe(
      {
        ended: (ended: EndedLogins) => {
          for (const each of this.#listeners) each.ended(ended);
        },
        connected: () => {
          this.#isConnected = true;
          debug?.("notifications: received from now on");
          for (const each of this.#listeners) each.connected();
        },
        disconnected: () => {
          this.#isConnected = false;
          debug?.("notifications: may be lost from now on");
          for (const each of this.#listeners) each.disconnected();
        },
        gap: () => {
          for (const each of this.#listeners) each.gap();
        },
      },
      { checkIntervalMs: this.#checkIntervalMs },
    );
  }

  remove(listener: RegistryListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    clearTimeout(this.#lingering);
    // A failure to close is harmless here, and the timer does not keep the process alive.
    this.#lingering = setTimeout(
      () => void this.#close().catch(ignored("a subscription was not closed")),
      LINGER_MS,
    ).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    clearTimeout(this.#lingering);
    await this.#close();
  }

  async #close(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#isConnected = false;
    await subscription?.close();
  }
}

/** Returns a listener that ignores whether notifications arrive. */
export function listenerOfEnds(ended: (ended: EndedLogins) => void): RegistryListener {
  return { ended, connected: () => undefined, disconnected: () => undefined, gap: () => undefined };
}
