import type { RegistryListener, Subscription } from "../../types/registry.js";
import { inTime, release, statement, type Database, type PostgresClient } from "./database.js";
import { quoted } from "./names.js";
import { readAnnouncement } from "./records.js";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

/** Whether this very session listens: behind a pooler that changes sessions it may not. */
const CHECK = statement("SELECT FROM pg_listening_channels() AS listening (channel) WHERE channel = $1");

/** Listens for announcements on a connection of its own, and gets another one whenever that is lost. */
export class PostgresNotifications implements Subscription {
  readonly #database: Database;
  readonly #channel: string;
  readonly #listener: RegistryListener;
  readonly #checkIntervalMs: number;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;

  constructor(database: Database, channel: string, listener: RegistryListener, checkIntervalMs: number) {
    this.#database = database;
    this.#channel = channel;
    this.#listener = listener;
    this.#checkIntervalMs = checkIntervalMs;
    this.#ended = this.#listen();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #listen(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#isClosing) {
      if (await this.#listenOnce()) retryMs = FIRST_RETRY_MS;
      await this.#pause(retryMs);
      retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
    }
  }

  /** @returns whether it has listened, before the connection was lost or this was closed. */
  async #listenOnce(): Promise<boolean> {
    let client: PostgresClient | undefined;
    let listening = false;
    try {
      client = await this.#database.hold();
      const lost = new AbortController();
      client.on("error", () => {
        lost.abort();
      });
      client.on("notification", ({ payload }) => {
        if (!this.#isClosing) this.#hear(payload, listening);
      });
      await this.#ask(client, { text: `LISTEN ${quoted(this.#channel)}` });
      while (!this.#isClosing && !lost.signal.aborted) {
        const rows = await this.#ask(client, { ...CHECK, values: [this.#channel] });
        if (rows.length === 0) break;
        if (!listening) this.#say((listening = true));
        await this.#pause(this.#checkIntervalMs, lost.signal);
      }
    } catch {
      // Whatever it was, the connection is given up; the next one is tried for ever.
    }
    if (client !== undefined) release(client, true);
    if (listening) this.#say(false);
    return listening;
  }

  /** Whoever has closed this may be listening by another one. */
  #say(isListening: boolean): void {
    if (!this.#isClosing) this.#listener.listening(isListening);
  }

  /** What is not an announcement means: look at the list. Before it is known that news arrive, that is still to be said. */
  #hear(payload: string | undefined, isListening: boolean): void {
    const ended = readAnnouncement(payload);
    if (ended !== undefined) this.#listener.ended(ended);
    else if (isListening) this.#say(true);
  }

  async #ask(client: PostgresClient, query: { name?: string; text: string; values?: unknown[] }): Promise<unknown[]> {
    return (await inTime(client.query(query), performance.now() + this.#database.timeoutMs)).rows;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Waits, unless this is closed or the connection is lost. */
  async #pause(ms: number, lost?: AbortSignal): Promise<void> {
    const signals = [this.#closing.signal, ...(lost === undefined ? [] : [lost])];
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
