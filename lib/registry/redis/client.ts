import { LogoutError } from "../../errors.js";
import type { Script } from "./scripts.js";

/**
 * What is asked of a Redis client: that it sends a command as it stands. `createClient()` of node-redis 5 and 6 does.
 * It is described by its shape, so that this package imports no client and no version's types.
 */
export interface RedisClient {
  sendCommand(args: string[], options?: { abortSignal?: AbortSignal }): Promise<unknown>;
}

/** Sends commands and scripts, each within a time limit; whatever goes wrong becomes one kind of error. */
export class Connection {
  readonly #client: RedisClient;
  readonly #timeoutMs: number;

  constructor(client: RedisClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async command(...args: string[]): Promise<unknown> {
    try {
      return await this.#send(args);
    } catch (error) {
      throw unavailable(error);
    }
  }

  subscribe(
    channels: readonly string[],
    on: { message(channel: string, text: string): void; interrupted(): void },
  ): { close(): Promise<void> } {
    /* eslint-disable */
    const sub = (this.#client as any).duplicate();
    sub.on("error", () => on.interrupted());
    sub.on("ready", () => on.interrupted());
    const ready = sub
      .connect()
      .then(() => sub.subscribe(channels, (m: string, c: string) => on.message(c, m)))
      .then(() => on.interrupted());
    ready.catch(() => undefined);
    return {
      close: async () => {
        sub.destroy();
      },
    };
    /* eslint-enable */
  }

  /** Runs a script by its digest; only where Redis does not know it is the source sent. */
  async run(script: Script, keys: readonly string[], args: readonly string[] = []): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#send(["EVALSHA", script.sha, ...rest]);
    } catch (error) {
      if (!isNoScript(error)) throw unavailable(error);
    }
    return this.command("EVAL", script.source, ...rest);
  }

  async #send(args: string[]): Promise<unknown> {
    // A client that is off-line queues commands. One that is given up must not be sent after all, when it is back: a login
    // would be listed of which the user was told that it failed.
    const abandoned = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        abandoned.abort();
        reject(new Error(`no answer within ${String(this.#timeoutMs)} ms`));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#client.sendCommand(args, { abortSignal: abandoned.signal }), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

function unavailable(cause: unknown): LogoutError {
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The login registry did not answer: see the cause.", { cause });
}
