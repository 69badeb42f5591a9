import { randomBytes } from "node:crypto";
import type { EndedLogins, RegistryListener, Subscription } from "../../types/registry.js";
import { decodePart } from "./keys.js";
import { readKick } from "./records.js";
import { ignored } from "../../util/debug.js";

/** The delay before the second ping when the first one is missed. Doubles up to the check interval. */
const FIRST_RETRY_MS = 50;

/** Where messages may be lost unnoticed, watched logins are looked up once every so many pongs. */
const PONGS_PER_LOOKUP = 12;

/** After so many missed pings in a row, each with the full timeout, the connection is dead although it has not ended. */
const MAX_MISSED_PINGS = 2;

/** The message that every login has ended. */
export const ALL_ENDED = "*";

export interface RedisNotificationsOptions {
  readonly channel: string;
  readonly listener: RegistryListener;
  readonly checkIntervalMs: number;
  /** Whether other messages may be lost although pongs arrive. */
  readonly mayLoseMessages: boolean;
  /** Subscribes over a connection of its own, and reconnects until it is closed. `renew` replaces the connection. */
  readonly subscribe: (
    channels: readonly string[],
    on: { message(channel: string, text: string): void; interrupted(): void },
  ) => Subscription & { renew(): void };
  /** Publishes over the connection of all other commands. */
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

/**
 * Receives notifications of ended logins, and checks that they arrive.
 *
 * An open connection proves little: it may be dead, not yet subscribed again, or lead to a server that is cut off. So this
 * subscriber pings itself over a channel of its own: notifications arrive for as long as its pings do. A Cluster needs more,
 * because its nodes forward messages to each other without acknowledgement.
 */
export class RedisNotifications implements Subscription {
  readonly #options: RedisNotificationsOptions;
  readonly #pingChannel: string;
  readonly #subscription: ReturnType<RedisNotificationsOptions["subscribe"]>;
  /** The last ping. An older one may have been sent before an interruption. */
  #lastPing = "";
  #isConnected = false;
  #pongsSinceLookup = 0;
  /** The number of pings in a row that were sent, had the full timeout, and did not arrive. */
  #missedPings = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisNotificationsOptions) {
    this.#options = options;
    this.#pingChannel = `${options.channel}:${randomBytes(9).toString("base64url")}`;
    this.#subscription = options.subscribe([options.channel, this.#pingChannel], {
      message: (channel, text) => {
        this.#onMessage(channel, text);
      },
      interrupted: () => {
        if (this.#isClosed) return;
        this.#disconnected();
        this.#ping(FIRST_RETRY_MS);
      },
    });
    this.#ping(FIRST_RETRY_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#subscription.close();
  }

  #onMessage(channel: string, text: string): void {
    const { listener } = this.#options;
    if (this.#isClosed) return;
    this.#missedPings = 0;
    if (channel === this.#pingChannel) {
      if (text === this.#lastPing) this.#onPong();
      return;
    }
    const ended = text === ALL_ENDED ? undefined : readNotification(text);
    if (ended !== undefined) listener.ended(ended);
    else if (this.#isConnected) listener.gap();
  }

  #ping(timeoutMs: number): void {
    const { publish, checkIntervalMs } = this.#options;
    let isSent = false;
    this.#lastPing = randomBytes(9).toString("base64url");
    // Any missed ping means disconnected, but only a ping that was certainly sent means that the connection is dead.
    publish(this.#pingChannel, this.#lastPing).then(() => {
      isSent = true;
    }, ignored("subscription: a ping was not sent"));
    this.#schedule(timeoutMs, () => {
      this.#disconnected();
      if (isSent && timeoutMs >= checkIntervalMs) this.#missedPings += 1;
      if (this.#missedPings < MAX_MISSED_PINGS) {
        this.#ping(Math.min(2 * timeoutMs, checkIntervalMs));
        return;
      }
      this.#missedPings = 0;
      this.#subscription.renew();
      this.#ping(FIRST_RETRY_MS);
    });
  }

  #onPong(): void {
    const { listener, checkIntervalMs, mayLoseMessages } = this.#options;
    this.#schedule(checkIntervalMs, () => {
      this.#ping(checkIntervalMs);
    });
    this.#pongsSinceLookup += 1;
    if (this.#isConnected && !(mayLoseMessages && this.#pongsSinceLookup >= PONGS_PER_LOOKUP)) return;
    this.#pongsSinceLookup = 0;
    if (!this.#isConnected) listener.connected();
    this.#isConnected = true;
    if (!this.#isClosed) listener.gap();
  }

  #disconnected(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#options.listener.disconnected();
  }

  #schedule(delayMs: number, callback: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(callback, delayMs).unref();
  }
}

/** Reads `[user, kick, loginId, loginId, …]`. `undefined` for any other text: any client of Redis can publish on the channel. */
function readNotification(text: string): EndedLogins | undefined {
  try {
    const [user = "", kick, ...loginIds] = JSON.parse(text) as string[];
    return { userId: decodePart(user), loginIds, kick: readKick(kick) };
  } catch {
    // Watched logins are looked up instead.
    return undefined;
  }
}
