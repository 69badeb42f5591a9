import { Together } from "../../together.js";
import type { Keys } from "./connection.js";
import type { RepeatedScript, Script } from "./scripts.js";

/** How many calls go in one script: what else Redis has to do must not wait for long. */
const AT_ONCE = 25;

interface Call {
  readonly keys: Keys;
  readonly args: readonly string[];
}

/** What has come of one call. */
interface Reply {
  readonly value?: unknown;
  readonly error?: Error;
}

type Run = (script: Script, keys: Keys, args: readonly string[]) => Promise<unknown>;

/**
 * Makes one script of the calls of a script that come in one go. A call for itself costs a client and Redis more than what most
 * scripts do for a user.
 */
export class RepeatedScripts {
  readonly #run: Run;
  readonly #calls = new Map<RepeatedScript, Together<Call, Reply>>();

  constructor(run: Run) {
    this.#run = run;
  }

  run(script: RepeatedScript, keys: Keys, args: readonly string[]): Promise<Reply> {
    let calls = this.#calls.get(script);
    if (calls === undefined) {
      calls = new Together((asked) => this.#runAll(script, asked), AT_ONCE);
      this.#calls.set(script, calls);
    }
    return calls.ask({ keys, args });
  }

  async #runAll(script: RepeatedScript, calls: readonly Call[]): Promise<Reply[]> {
    const [{ keys, args }, ...more] = calls as readonly [Call, ...Call[]];
    if (more.length === 0) return [{ value: await this.#run(script, keys, args) }];
    const allKeys = [...keys, ...more.flatMap((call) => call.keys)] as const;
    const allArgs = calls.flatMap((call) => [String(call.args.length), ...call.args]);
    const replies = (await this.#run(script.forMany, allKeys, allArgs)) as [isDone: unknown, reply: unknown][];
    return replies.map(([isDone, reply]) =>
      Number(isDone) === 1 ? { value: reply } : { error: new Error(String(reply)) },
    );
  }
}
