/** What is asked of a client of node-redis 6, by its shape. */
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
  /** What the names of its keys begin with. */
  readonly prefix: string;
  /** From now on Redis tells of every change. */
  told(): void;
  /** From now on it may not. */
  lost(): void;
  /** A key has changed, perhaps another's, or, without one, all may have. */
  changed(key: string | undefined): void;
}

/** Whatever happens to a connection, it is told by one of these before anything is answered over another one. */
const LOST = ["connect", "error", "reconnecting", "terminated", "end"];

/** On the client, and by a name that a second copy of this package knows as well. */
const TRACKING = Symbol.for("express-logout.tracking");

/**
 * Redis tells over the connection of a client which keys have changed. A connection has one list of prefixes, so there is one
 * of this for a client, whoever listens: who switched it on for himself would switch it off for the others.
 *
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/ (broadcasting mode)
 */
export class Tracking {
  readonly #client: TrackingClient;
  readonly #listeners = new Set<TrackingListener>();
  /** Counts the beginnings: what belongs to an earlier one is void. */
  #beginning = 0;

  private constructor(client: TrackingClient) {
    this.#client = client;
  }

  /** The one of this client. */
  static of(client: TrackingClient & { [TRACKING]?: Tracking }): Tracking {
    const known = client[TRACKING];
    if (known !== undefined) return known;
    const tracking = new Tracking(client);
    Object.defineProperty(client, TRACKING, { value: tracking, configurable: true });
    return tracking;
  }

  add(listener: TrackingListener): void {
    if (this.#listeners.size === 0) {
      for (const event of LOST) this.#client.on(event, this.#begin);
      this.#client.on("ready", this.#begin);
      this.#client.on("invalidate", this.#changed);
    }
    this.#listeners.add(listener);
    this.#begin();
  }

  /** Redis may go on to tell of the keys of one who is gone, which is nobody's then. */
  async remove(listener: TrackingListener): Promise<void> {
    this.#listeners.delete(listener);
    listener.lost();
    if (this.#listeners.size > 0) return;
    this.#beginning += 1;
    for (const event of LOST) this.#client.off(event, this.#begin);
    this.#client.off("ready", this.#begin);
    this.#client.off("invalidate", this.#changed);
    if (this.#client.isReady) await this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]).catch(() => undefined);
  }

  /** Not every event is the end of the connection, or another one: it begins over wherever it can. */
  readonly #begin = (): void => {
    const beginning = (this.#beginning += 1);
    for (const listener of this.#listeners) listener.lost();
    if (!this.#client.isReady) return;
    const prefixes = new Set([...this.#listeners].map(({ prefix }) => prefix));
    const listed = [...prefixes].flatMap((prefix) => ["PREFIX", prefix]);
    // The client has switched plain tracking on, which does not turn into broadcasting without being switched off.
    const off = this.#client.sendCommand(["CLIENT", "TRACKING", "OFF"]);
    const on = this.#client.sendCommand(["CLIENT", "TRACKING", "ON", "BCAST", ...listed]);
    Promise.all([off, on]).then(
      () => {
        if (beginning === this.#beginning) for (const listener of this.#listeners) listener.told();
      },
      // Every login is asked for, as without the cache.
      () => undefined,
    );
  };

  readonly #changed = (key: unknown): void => {
    const name = key === null ? undefined : (key as string | Buffer).toString();
    for (const listener of this.#listeners) listener.changed(name);
  };
}
