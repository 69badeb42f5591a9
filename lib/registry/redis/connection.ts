import { LogoutError } from "../../errors.js";
import { Deadline } from "../../util/deadline.js";
import { redactError } from "../../util/redact-error.js";
import type { RedisAdapter } from "./clients/index.js";
import { ReplicatedWrites } from "./replicated.js";

/** A Lua script, which is one atomic step. */
export interface Script {
  readonly source: string;
  /** The digest for EVALSHA. */
  readonly sha: string;
}

/** Sends commands. In a Cluster, the first key selects the node. */
export interface Commands {
  command(name: string, key: string, ...rest: string[]): Promise<unknown>;
  run(script: Script, keys: Keys, args?: readonly string[]): Promise<unknown>;
}

export type Keys = readonly [string, ...string[]];

/** The reply of a former master, whose clients stay connected although it has become a replica. */
const READ_ONLY = /\bREADONLY\b/;

/** Sends commands and scripts, each within a time limit, and turns every failure into a `LogoutError`. */
export class Connection implements Commands {
  readonly #adapter: RedisAdapter;
  readonly #deadline: Deadline;
  readonly #replicated: ReplicatedWrites;

  constructor(adapter: RedisAdapter, timeoutMs: number) {
    this.#adapter = adapter;
    this.#deadline = new Deadline(timeoutMs);
    this.#replicated = new ReplicatedWrites(adapter, this.#deadline);
  }

  async command(name: string, key: string, ...rest: string[]): Promise<unknown> {
    try {
      return await this.#send(key, [name, key, ...rest]);
    } catch (error) {
      throw this.#unavailable(error, [key, ...rest]);
    }
  }

  /**
   * Sends a command that changes nothing, so it may be sent even after its timeout. On the path of every request, so it avoids the
   * cost of a signal.
   */
  read(name: string, key: string, ...rest: string[]): Promise<unknown> {
    const args = [key, ...rest];
    return new Promise((resolve, reject) => {
      const timer = this.#deadline.start(() => {
        reject(unavailable(this.#deadline.error(), args));
      });
      this.#adapter.send(key, [name, ...args]).then(
        (reply) => {
          clearTimeout(timer);
          resolve(reply);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(unavailable(error, args));
        },
      );
    });
  }

  /** Runs a script by its digest. Sends the source only if Redis has not cached the script. */
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
      throw this.#unavailable(error, [...keys, ...args]);
    }
  }

  /** Returns commands whose writes resolve only once this many replicas have acknowledged them. */
  replicatedTo(replicas: number): Commands {
    if (replicas === 0) return this;
    return {
      command: (name, key, ...rest) => this.#replicated.write(key, [name, key, ...rest], replicas),
      run: (script, keys, args = []) =>
        this.#replicated.write(keys[0], ["EVAL", script.source, String(keys.length), ...keys, ...args], replicas),
    };
  }

  /** Allows writes again after {@link close}. */
  open(): void {
    this.#replicated.open();
  }

  /** Closes the connection for replicated writes. The client of the app stays open. */
  close(): Promise<void> {
    return this.#replicated.close();
  }

  #unavailable(error: unknown, args: readonly string[]): LogoutError {
    if (error instanceof Error && READ_ONLY.test(error.message)) this.#adapter.reconnect();
    return unavailable(error, args);
  }

  #send(key: string, args: readonly string[]): Promise<unknown> {
    // After a timeout, the client must not send the command when it reconnects: that would list a login whose request has failed.
    return this.#deadline.run((signal) => this.#adapter.send(key, args, signal));
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** Returns the error of a failed command. @param args - Arguments of the command, which the error must not contain. */
export function unavailable(error: unknown, args: readonly string[]): LogoutError {
  const cause = redactError(error, args);
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", "Login registry unavailable: see the cause.", { cause });
}
