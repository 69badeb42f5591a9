import type { Kicks } from "./kicks.js";

/**
 * The kicks of one receiver that are under way. A provider that has had no answer in time sends its token again: the request then waits
 * for the same kick. Another one beside it would slow both, and a third one all three.
 */
export class JoinedKicks {
  readonly #running = new WeakMap<Kicks, Map<string, Promise<void>>>();

  /**
   * Starts a kick, or joins the one that has the same name.
   *
   * @param name - Equal only for the same token, or the same keys and the same time: such a kick ends the same logins.
   */
  async join(kicks: Kicks, name: string, kick: () => Promise<unknown>): Promise<void> {
    const running = this.#running.get(kicks) ?? new Map<string, Promise<void>>();
    this.#running.set(kicks, running);
    const joined = running.get(name) ?? this.#start(running, name, kick);
    await joined;
  }

  #start(running: Map<string, Promise<void>>, name: string, kick: () => Promise<unknown>): Promise<void> {
    const started = (async () => {
      try {
        await kick();
      } finally {
        running.delete(name);
      }
    })();
    running.set(name, started);
    return started;
  }
}
