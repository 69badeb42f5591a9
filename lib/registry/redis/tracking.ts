import { ignored } from "../../util/debug.js";
/** A client of node-redis 6, as a structural type. */
export interface TrackingClient {
  readonly options: {
    readonly RESP?: number;
    readonly emitInvalidate?: boolean;
    readonly maintNotifications?: string;
  };
  readonly isReady: boolean;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

export interface TrackingListener {
  /** The prefix of its keys. */
  readonly prefix: string;
  /** Redis reports every change from now on. */
  onTracking(): void;
  /** Changes may go unreported from now on. */
  onInterrupted(): void;
  /** This key has changed, possibly one with another prefix. `undefined`: any key may have changed. */
  onChange(key: string | undefined): void;
}

/** A client emits one of these when it loses its connection, before any reply over the next one. */
const INTERRUPTIONS = ["connect", "error", "reconnecting", "terminated", "end"];

/** The property of the client that holds its tracking. A second copy of this package finds it too. */
const TRACKING = Symbol.for("express-logout.tracking");

/**
 * Switches on client tracking: Redis reports changed keys over the connection of the client. A connection has one list of
 * prefixes, so all listeners of a client share one instance.
 *
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/ (broadcasting mode)
 */
export class Tracking {
  readonly #client: TrackingClient;
  readonly #listeners = new Set<TrackingListener>();
  /** The number of (re)starts. Replies to an earlier start are ignored. */
  #startCount = 0;

  private constructor(client: TrackingClient) {
    this.#client = client;
  }

  /** Returns the tracking of a client. */
  static of(client: TrackingClient & { [TRACKING]?: Tracking }): Tracking {
    const existing = client[TRACKING];
    if (existing !== undefined) return existing;
    const tracking = new Tracking(client);
    Object.defineProperty(client, TRACKING, { value: tracking, configurable: true });
    return tracking;
  }

  add(listener: TrackingListener): void {
    if (this.#listeners.size === 0) {
      for (const event of INTERRUPTIONS) this.#client.on(event, this.#start);
      this.#client.on("ready", this.#start);
      this.#client.on("invalidate", this.#onInvalidate);
    }
    this.#listeners.add(listener);
    this.#start();
  }

  /** Removes a listener. Redis may continue to report its keys while there are other listeners. */
  async remove(listener: TrackingListener): Promise<void> {
    this.#listeners.delete(listener);
    listener.onInterrupted();
    if (this.#listeners.size > 0) return;
    this.#startCount += 1;
    for (const event of INTERRUPTIONS) this.#client.off(event, this.#start);
    this.#client.off("ready", this.#start);
    this.#client.off("invalidate", this.#onInvalidate);
    if (this.#client.isReady)
      await this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]).catch(ignored("tracking not switched off"));
  }

  /** Starts tracking, or starts it again. Not every event means a new connection, but a restart is always safe. */
  readonly #start = (): void => {
    const start = (this.#startCount += 1);
    for (const listener of this.#listeners) listener.onInterrupted();
    if (!this.#client.isReady) return;
    const prefixes = new Set([...this.#listeners].map(({ prefix }) => prefix));
    const prefixArgs = [...prefixes].flatMap((prefix) => ["PREFIX", prefix]);
    // The client itself starts default tracking, which must be switched off before broadcasting mode.
    const off = this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]);
    const on = this.#client.sendCommand(["CLIENT", "TRACKING", "ON", "BCAST", ...prefixArgs]);
    Promise.all([off, on]).then(
      () => {
        if (start === this.#startCount) for (const listener of this.#listeners) listener.onTracking();
      },
      // Without tracking the cache stays empty, and every login is read from Redis.
      ignored("coherent cache off: tracking refused"),
    );
  };

  readonly #onInvalidate = (key: unknown): void => {
    const name = key === null ? undefined : (key as string | Buffer).toString();
    for (const listener of this.#listeners) listener.onChange(name);
  };
}
