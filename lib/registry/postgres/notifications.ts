import type { RegistryListener, Subscription } from "../../types/registry.js";
import { inTime, release, statement, type Database, type PostgresClient } from "./database.js";
import { quoted } from "./names.js";
import { readNotification } from "./records.js";
import { debugError } from "../../util/debug.js";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** Checks that this database session listens. Behind a pooler that switches sessions, it may not. */
const CHECK = statement("SELECT FROM pg_listening_channels() AS listening (channel) WHERE channel = $1");

/** Receives notifications over a connection of its own, and replaces it when it is lost. */
export class PostgresNotifications implements Subscription {
  readonly #database: Database;
  readonly #channel: string;
  readonly #listener: RegistryListener;
  readonly #checkIntervalMs: number;
  readonly #closing = new AbortController();
  readonly #stopped: Promise<void>;

  constructor(database: Database, channel: string, listener: RegistryListener, checkIntervalMs: number) {
    this.#database = database;
    this.#channel = channel;
    this.#listener = listener;
    this.#checkIntervalMs = checkIntervalMs;
    this.#stopped = this.#listen();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#stopped;
  }

  async #listen(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#isClosing) {
      if (await this.#listenOnce()) retryMs = FIRST_RETRY_MS;
      await this.#pause(retryMs);
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  }

  /** Listens until the connection is lost or the subscription is closed. Returns whether it has listened at all. */
  async #listenOnce(): Promise<boolean> {
    let client: PostgresClient | undefined;
    let listening = false;
    try {
      client = await this.#database.hold();
      const disconnected = new AbortController();
      client.on("error", (error) => {
        debugError("subscription: connection lost", error);
        disconnected.abort();
      });
      client.on("notification", ({ payload }) => {
        if (!this.#isClosing) this.#onNotification(payload, listening);
      });
      await this.#query(client, { text: `LISTEN ${quoted(this.#channel)}` });
      while (!this.#isClosing && !disconnected.signal.aborted) {
        const rows = await this.#query(client, { ...CHECK, values: [this.#channel] });
        if (rows.length === 0) break;
        if (!listening) this.#onConnected();
        listening = true;
        await this.#pause(this.#checkIntervalMs, disconnected.signal);
      }
    } catch (error) {
      debugError("subscription down", error);
      // Any error ends this connection; the loop of the caller opens the next one.
    }
    if (client !== undefined) release(client, true);
    if (listening && !this.#isClosing) this.#listener.disconnected();
    return listening;
  }

  /** Calls the listener, unless this subscription is closed: the listener may belong to another one by then. */
  #onConnected(): void {
    if (!this.#isClosing) this.#listener.connected();
    if (!this.#isClosing) this.#listener.gap();
  }

  /**
   * Passes ended logins on. For any other payload, watched logins must be looked up; before the connection is
   * reported, the report does that.
   */
  #onNotification(payload: string | undefined, isListening: boolean): void {
    const ended = readNotification(payload);
    if (ended !== undefined) this.#listener.ended(ended);
    else if (isListening) this.#listener.gap();
  }

  async #query(client: PostgresClient, query: { name?: string; text: string; values?: unknown[] }): Promise<unknown[]> {
    return (await inTime(client.query(query), performance.now() + this.#database.timeoutMs)).rows;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Waits until the time has passed, the subscription is closed, or the connection is lost. */
  async #pause(ms: number, disconnected?: AbortSignal): Promise<void> {
    const signals = [this.#closing.signal, ...(disconnected === undefined ? [] : [disconnected])];
    if (signals.some((signal) => signal.aborted)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        for (const signal of signals) signal.removeEventListener("abort", done);
        resolve();
      }
      for (const signal of signals) signal.addEventListener("abort", done);
    });
  }
}
