import { Together } from "../../together.js";
import { unavailable, type Connection, type Keys } from "./connection.js";
import type { OneServer } from "./one-server.js";
import type { RepeatedScript } from "./scripts.js";

/** How many calls go in one script: what else Redis has to do must not wait for long. */
const AT_ONCE = 25;

interface Call {
  readonly keys: Keys;
  readonly args: readonly string[];
}

/** What has come of one call. */
type Outcome = { readonly reply: unknown } | { readonly error: unknown };

/**
 * Makes one script of the calls of a script that come in one go, where one server has the keys of all. A call for itself costs a
 * client and Redis more than what most scripts do for a user.
 */
export class RepeatedScripts {
  readonly #connection: Connection;
  readonly #oneServer: OneServer;
  readonly #calls = new Map<RepeatedScript, Together<Call, Outcome>>();

  constructor(connection: Connection, oneServer: OneServer) {
    this.#connection = connection;
    this.#oneServer = oneServer;
  }

  /** @throws LogoutError `ERR_REGISTRY_UNAVAILABLE`. What is wrong with the keys of one call is nothing to the others. */
  async run(script: RepeatedScript, keys: Keys, args: readonly string[]): Promise<unknown> {
    let calls = this.#calls.get(script);
    if (calls === undefined) {
      calls = new Together((asked) => this.#runAll(script, asked), AT_ONCE);
      this.#calls.set(script, calls);
    }
    const outcome = await calls.ask({ keys, args });
    if ("error" in outcome) throw outcome.error;
    return outcome.reply;
  }

  async #runAll(script: RepeatedScript, calls: readonly Call[]): Promise<Outcome[]> {
    if (calls.length > 1 && (await this.#oneServer.isProven())) return this.#runTogether(script, calls);
    return Promise.all(calls.map((call) => this.#runOne(script, call)));
  }

  async #runTogether(script: RepeatedScript, calls: readonly Call[]): Promise<Outcome[]> {
    const keys = calls.flatMap((call) => call.keys) as [string, ...string[]];
    const args = calls.flatMap((call) => [String(call.args.length), ...call.args]);
    const replies = (await this.#connection.run(script.forMany, keys, args)) as [isDone: unknown, reply: unknown][];
    const failed = (reply: unknown): Outcome => ({ error: unavailable(new Error(String(reply)), [...keys, ...args]) });
    const outcomes = replies.map(([isDone, reply]) => (Number(isDone) === 1 ? { reply } : failed(reply)));
    // It ends early where it has had a great many logins to do with.
    const left = calls.slice(outcomes.length);
    return left.length === 0 ? outcomes : [...outcomes, ...(await this.#runTogether(script, left))];
  }

  #runOne(script: RepeatedScript, { keys, args }: Call): Promise<Outcome> {
    return this.#connection.run(script, keys, args).then(
      (reply) => ({ reply }),
      (error: unknown) => ({ error }),
    );
  }
}
