import type { Subscription } from "../../types/registry.js";
import type { Connection } from "./connection.js";

/** An answer, if not the one that was asked for: an ACL, or a proxy, does not let this through. */
const REFUSED = /^(NOPERM|ERR)\b/;
const RETRY_MS = 500;

/**
 * The name of an application's channel. Redis passes messages on to listeners in every database of a server, so the name
 * carries the number of the database, unless that is 0.
 */
export class NotificationChannel {
  readonly #connection: Connection;
  readonly #name: string;
  #known: Promise<string> | undefined;

  /** @param hasDatabases - a Cluster has but one */
  constructor(connection: Connection, name: string, hasDatabases: boolean) {
    this.#connection = connection;
    this.#name = name;
    if (!hasDatabases) this.#known = Promise.resolve(name);
  }

  /** Asks Redis once. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`, and asks again when it is called again. */
  name(): Promise<string> {
    this.#known ??= this.#ask().catch((error: unknown) => {
      this.#known = undefined;
      throw error;
    });
    return this.#known;
  }

  async #ask(): Promise<string> {
    const info = await this.#connection.command("CLIENT", "INFO").catch((error: unknown) => {
      if (REFUSED.test(String((error as { cause?: { message?: unknown } }).cause?.message))) return "";
      throw error;
    });
    const [, database = "0"] = /\bdb=(\d+)/.exec(String(info)) ?? [];
    return database === "0" ? this.#name : `${this.#name}:${database}`;
  }
}

/** Listens as soon as the name of the channel is known, and asks for it until it is. */
export function listenOn(channel: NotificationChannel, listen: (name: string) => Subscription): Subscription {
  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const begin = (): void => {
    channel.name().then(
      (name) => {
        if (!isClosed) subscription = listen(name);
      },
      () => {
        if (!isClosed) timer = setTimeout(begin, RETRY_MS).unref();
      },
    );
  };
  begin();
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await subscription?.close();
    },
  };
}
