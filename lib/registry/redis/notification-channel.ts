import type { Subscription } from "../../types/registry.js";
import type { Connection } from "./connection.js";
import { debugError } from "../../util/debug.js";

/** The reply if an ACL or a proxy forbids the command. */
const REFUSED = /^(NOPERM|ERR)\b/;
const RETRY_MS = 500;

/**
 * Determines the name of an application's channel. Channels are shared by all databases of a server, so the name contains the
 * number of the database, unless that is 0.
 */
export class NotificationChannel {
  readonly #connection: Connection;
  readonly #name: string;
  #resolved: Promise<string> | undefined;

  /** @param hasDatabases - Whether the server has several databases: not in a Cluster. */
  constructor(connection: Connection, name: string, hasDatabases: boolean) {
    this.#connection = connection;
    this.#name = name;
    if (!hasDatabases) this.#resolved = Promise.resolve(name);
  }

  /** Returns the name, after asking Redis once. @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`; the next call asks again. */
  name(): Promise<string> {
    this.#resolved ??= this.#resolve().catch((error: unknown) => {
      this.#resolved = undefined;
      throw error;
    });
    return this.#resolved;
  }

  async #resolve(): Promise<string> {
    const info = await this.#connection.command("CLIENT", "INFO").catch((error: unknown) => {
      if (REFUSED.test(String((error as { cause?: { message?: unknown } }).cause?.message))) return "";
      throw error;
    });
    const [, database = "0"] = /\bdb=(\d+)/.exec(String(info)) ?? [];
    return database === "0" ? this.#name : `${this.#name}:${database}`;
  }
}

/** Subscribes as soon as the name of the channel is known, and retries until then. */
export function subscribeTo(channel: NotificationChannel, subscribe: (name: string) => Subscription): Subscription {
  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const start = (): void => {
    channel.name().then(
      (name) => {
        if (!isClosed) subscription = subscribe(name);
      },
      (error: unknown) => {
        debugError("subscription: the channel is not known yet", error);
        if (!isClosed) timer = setTimeout(start, RETRY_MS).unref();
      },
    );
  };
  start();
  return {
    close: async () => {
      isClosed = true;
      clearTimeout(timer);
      await subscription?.close();
    },
  };
}
