import { randomBytes } from "node:crypto";
import type { EndedLogins, RegistryListener, Subscription } from "../../types/registry.js";
import { decodePart } from "./keys.js";
import { readKick } from "./records.js";

/** When a first try is not heard, the next one follows soon; the tries after that, less and less often. */
const FIRST_RETRY_MS = 50;

/** Where messages may be lost unnoticed, the list is looked at every so many times that this subscriber hears itself. */
const HEARD_PER_LOOK = 12;

/** When it has spoken so often and heard nothing, its connection is dead without having ended: another one is taken. */
const DEAD_WHEN_UNHEARD = 2;

/** What everybody is told when everyone is off. */
export const ALL_ENDED = "*";

export interface RedisNotificationsOptions {
  readonly channel: string;
  readonly listener: RegistryListener;
  readonly checkIntervalMs: number;
  /** Whether to hear oneself is no proof that everything else was heard. */
  readonly mayLoseMessages: boolean;
  /** Subscribes to channels over a connection of its own, and goes on trying for as long as it takes; `renew` takes another one. */
  readonly subscribe: (
    channels: readonly string[],
    on: { message(channel: string, text: string): void; interrupted(): void },
  ) => Subscription & { renew(): void };
  /** Publishes over the connection that everything else goes over. */
  readonly publish: (channel: string, text: string) => Promise<unknown>;
}

/**
 * The news of ended logins, and whether they arrive.
 *
 * That a connection stands proves little: it may be dead without knowing, its subscription may be on its way again, its
 * server cut off. So this subscriber speaks to itself, on a channel of its own: news arrive for as long as it hears itself.
 * Not so in a Cluster: its nodes pass messages on to each other without asking whether they have come.
 */
export class RedisNotifications implements Subscription {
  readonly #options: RedisNotificationsOptions;
  readonly #ownChannel: string;
  readonly #subscription: ReturnType<RedisNotificationsOptions["subscribe"]>;
  /** What was said last: anything older may have been said before an interruption. */
  #awaited = "";
  #isListening = false;
  #heardSinceLook = 0;
  /** How often it has spoken, at full length, and heard nothing. */
  #unheard = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisNotificationsOptions) {
    this.#options = options;
    this.#ownChannel = `${options.channel}:${randomBytes(9).toString("base64url")}`;
    this.#subscription = options.subscribe([options.channel, this.#ownChannel], {
      message: (channel, text) => {
        this.#heard(channel, text);
      },
      interrupted: () => {
        if (this.#isClosed) return;
        this.#lost();
        this.#speak(FIRST_RETRY_MS);
      },
    });
    this.#speak(FIRST_RETRY_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#subscription.close();
  }

  #heard(channel: string, text: string): void {
    const { listener } = this.#options;
    if (this.#isClosed) return;
    this.#unheard = 0;
    if (channel === this.#ownChannel) {
      if (text === this.#awaited) this.#arrives();
      return;
    }
    const ended = text === ALL_ENDED ? undefined : readNews(text);
    if (ended !== undefined) listener.ended(ended);
    else listener.listening(this.#isListening);
  }

  #speak(retryMs: number): void {
    const { publish, checkIntervalMs } = this.#options;
    let isSaid = false;
    this.#awaited = randomBytes(9).toString("base64url");
    // Not heard is not heard, whatever the reason; but only what was said for sure speaks against the connection.
    publish(this.#ownChannel, this.#awaited).then(
      () => {
        isSaid = true;
      },
      () => undefined,
    );
    this.#after(retryMs, () => {
      this.#lost();
      if (isSaid && retryMs >= checkIntervalMs) this.#unheard += 1;
      if (this.#unheard < DEAD_WHEN_UNHEARD) {
        this.#speak(Math.min(2 * retryMs, checkIntervalMs));
        return;
      }
      this.#unheard = 0;
      this.#subscription.renew();
      this.#speak(FIRST_RETRY_MS);
    });
  }

  #arrives(): void {
    const { listener, checkIntervalMs, mayLoseMessages } = this.#options;
    this.#after(checkIntervalMs, () => {
      this.#speak(checkIntervalMs);
    });
    this.#heardSinceLook += 1;
    if (this.#isListening && !(mayLoseMessages && this.#heardSinceLook >= HEARD_PER_LOOK)) return;
    this.#isListening = true;
    this.#heardSinceLook = 0;
    listener.listening(true);
  }

  #lost(): void {
    if (!this.#isListening) return;
    this.#isListening = false;
    this.#options.listener.listening(false);
  }

  #after(delayMs: number, act: () => void): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(act, delayMs).unref();
  }
}

/** Reads `[user, mark, loginId, loginId, …]`. Whoever may publish may publish anything: what is not news is `undefined`. */
function readNews(text: string): EndedLogins | undefined {
  try {
    const [user = "", mark, ...loginIds] = JSON.parse(text) as string[];
    return { userId: decodePart(user), loginIds, kick: readKick(mark) };
  } catch {
    return undefined;
  }
}
