import { LogoutError } from "../../errors.js";
import { TimeLimit } from "../../time-limit.js";
import { causeOf } from "../../cause.js";
import type { RedisAdapter } from "./clients/index.js";
import { ReplicatedWrites } from "./replicated.js";
import { RepeatedScripts } from "./repeated-scripts.js";
import type { RepeatedScript, Script } from "./scripts.js";

/** How commands are sent. The first key says which node of a Cluster is meant. */
export interface Commands {
  command(name: string, key: string, ...rest: string[]): Promise<unknown>;
  run(script: Script, keys: Keys, args?: readonly string[]): Promise<unknown>;
  /** The same, if need be in one script with the calls that come in the same go. */
  runRepeated(script: RepeatedScript, keys: Keys, args: readonly string[]): Promise<unknown>;
}

export type Keys = readonly [string, ...string[]];

/** Sends commands and scripts, each within a time limit; whatever goes wrong becomes one kind of error. */
export class Connection implements Commands {
  readonly #adapter: RedisAdapter;
  readonly #limit: TimeLimit;
  readonly #replicated: ReplicatedWrites;
  readonly #repeated = new RepeatedScripts((script, keys, args) => this.#evaluate(script, keys, args));

  constructor(adapter: RedisAdapter, timeoutMs: number) {
    this.#adapter = adapter;
    this.#limit = new TimeLimit(timeoutMs);
    this.#replicated = new ReplicatedWrites(adapter, this.#limit);
  }

  async command(name: string, key: string, ...rest: string[]): Promise<unknown> {
    const args = [name, key, ...rest];
    try {
      return await this.#send(key, args);
    } catch (error) {
      throw unavailable(error, args);
    }
  }

  /**
   * A command that changes nothing: it may be sent whenever it likes. It is on the way of every request, so it does without
   * what the others need.
   */
  read(name: string, key: string, ...rest: string[]): Promise<unknown> {
    const args = [name, key, ...rest];
    return new Promise((resolve, reject) => {
      const started = this.#limit.start(() => {
        reject(unavailable(this.#limit.error(), args));
      });
      this.#adapter.send(key, args).then(
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

  async run(script: Script, keys: Keys, args: readonly string[] = []): Promise<unknown> {
    try {
      return await this.#evaluate(script, keys, args);
    } catch (error) {
      throw unavailable(error, [script.sha, ...keys, ...args]);
    }
  }

  async runRepeated(script: RepeatedScript, keys: Keys, args: readonly string[]): Promise<unknown> {
    // The users of a Cluster are in different slots.
    if (this.#adapter.isCluster) return this.run(script, keys, args);
    try {
      return await this.#repeated.run(script, keys, args);
    } catch (error) {
      throw unavailable(error, [script.sha, ...keys, ...args]);
    }
  }

  /** The same, but a write is answered only once so many replicas have it. */
  replicatedTo(replicas: number): Commands {
    if (replicas === 0) return this;
    const run: Commands["run"] = (script, keys, args = []) =>
      this.#replicated.write(keys[0], ["EVAL", script.source, String(keys.length), ...keys, ...args], replicas);
    return {
      command: (name, key, ...rest) => this.#replicated.write(key, [name, key, ...rest], replicas),
      run,
      // What waits for replicas goes together as it is.
      runRepeated: run,
    };
  }

  /** Closes what was opened here; the client is somebody else's. */
  close(): Promise<void> {
    return this.#replicated.close();
  }

  /** Runs a script by its digest; only where Redis does not know it is the source sent. */
  async #evaluate(script: Script, keys: Keys, args: readonly string[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.#send(keys[0], ["EVALSHA", script.sha, ...rest]);
    } catch (error) {
      if (!isNoScript(error)) throw error;
    }
    return this.#send(keys[0], ["EVAL", script.source, ...rest]);
  }

  #send(key: string, args: readonly string[]): Promise<unknown> {
    // One that is given up must not be sent after all, when the client is back: a login would be listed of which the user was
    // told that it failed.
    return this.#limit.within((givenUp) => this.#adapter.send(key, args, givenUp));
  }
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

function unavailable(error: unknown, args: readonly string[]): LogoutError {
  const cause = causeOf(error, args.slice(1));
  return new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The login registry did not answer: see the cause.", { cause });
}
