import { LogoutError } from "../../errors.js";
import { Deadline } from "../../util/deadline.js";
import { redactError } from "../../util/redact-error.js";
import type { RedisAdapter } from "./clients/index.js";
import { ReplicatedWrites } from "./replicated.js";
import type { Script } from "./script.js";

/** How commands are sent. The first key says which node of a Cluster is meant. */
export interface Commands {
  command(name: string, key: string, ...rest: string[]): Promise<unknown>;
  run(script: Script, keys: Keys, args?: readonly string[]): Promise<unknown>;
}

export type Keys = readonly [string, ...string[]];

/** What a server says that has been a master before: its client goes on asking it, though nothing new comes there any more. */
const READ_ONLY = /\bREADONLY\b/;

/** Sends commands and scripts, each within a time limit; whatever goes wrong becomes one kind of error. */
export class Connection implements Commands {
  readonly #adapter: RedisAdapter;
  readonly #limit: Deadline;
  readonly #replicated: ReplicatedWrites;

  constructor(adapter: RedisAdapter, timeoutMs: number) {
    this.#adapter = adapter;
    this.#limit = new Deadline(timeoutMs);
    this.#replicated = new ReplicatedWrites(adapter, this.#limit);
  }

  async command(name: string, key: string, ...rest: string[]): Promise<unknown> {
    try {
      return await this.#send(key, [name, key, ...rest]);
    } catch (error) {
      throw this.#failed(error, [key, ...rest]);
    }
  }

  /**
   * A command that changes nothing: it may be sent whenever it likes. It is on the way of every request, so it does without
   * what the others need.
   */
  read(name: string, key: string, ...rest: string[]): Promise<unknown> {
    const args = [key, ...rest];
    return new Promise((resolve, reject) => {
      const started = this.#limit.start(() => {
        reject(unavailable(this.#limit.error(), args));
      });
      this.#adapter.send(key, [name, ...args]).then(
        (reply) => {
          this.#limit.done(started);
          resolve(reply);
        },
        (error: unknown) => {
          this.#limit.done(started);
          reject(unavailable(error, args));
        },
      );
    });
  }

  /** Runs a script by its digest; only where Redis does not know it is the source sent. */
  async run(script: Script, keys: Keys, args: readonly string[] = []): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      try {
        return await this.#send(keys[0], ["EVALSHA", script.sha, ...rest]);
      } catch (error) {
        if (!isNoScript(error)) throw error;
      }
      return await this.#send(keys[0], ["EVAL", script.source, ...rest]);
    } catch (error) {
      throw this.#failed(error, [...keys, ...args]);
    }
  }

  /** The same, but a write is answered only once so many replicas have it. */
  replicatedTo(replicas: number): Commands {
    if (replicas === 0) return this;
    return {
      command: (name, key, ...rest) => this.#replicated.write(key, [name, key, ...rest], replicas),
      run: (script, keys, args = []) =>
        this.#replicated.write(keys[0], ["EVAL", script.source, String(keys.length), ...keys, ...args], replicas),
    };
  }

  /** Allows writes again after a close. */
  open(): void {
    this.#replicated.open();
  }

  /** Closes what was opened here; the client is somebody else's. */
  close(): Promise<void> {
    return this.#replicated.close();
  }

  #failed(error: unknown, args: readonly string[]): LogoutError {
    if (error instanceof Error && READ_ONLY.test(error.message)) this.#adapter.reconnect();
    return unavailable(error, args);
  }

  #send(key: string, args: readonly string[]): Promise<unknown> {
    // One that is given up must not be sent after all, when the client is back: a login would be listed of which the user was
    // told that it failed.
    return this.#limit.run((givenUp) => this.#adapter.send(key, args, givenUp));
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** @param args - of what was asked: none of them is told. */
export function unavailable(error: unknown, args: readonly string[]): LogoutError {
  const cause = redactError(error, args);
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The login registry did not answer: see the cause.", { cause });
}
