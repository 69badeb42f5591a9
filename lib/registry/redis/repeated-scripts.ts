import { causeOf } from "../../cause.js";
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
type Outcome = { readonly reply: unknown } | { readonly error: Error };

type Run = (script: Script, keys: Keys, args: readonly string[]) => Promise<unknown>;

/**
 * Makes one script of the calls of a script that come in one go. A call for itself costs a client and Redis more than what most
 * scripts do for a user.
 */
export class RepeatedScripts {
  readonly #run: Run;
  readonly #calls = new Map<RepeatedScript, Together<Call, Outcome>>();
  /** Redis may be a cluster behind one address: the keys of a script have to be in one slot there, as those of one user are. */
  #reachesOneSlot = false;

  constructor(run: Run) {
    this.#run = run;
  }

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
    if (calls.length > 1 && !this.#reachesOneSlot) {
      try {
        return await this.#runTogether(script.forMany, calls);
      } catch (error) {
        if (!isCrossSlot(error)) throw causeOf(error, calls.flatMap(textsOf));
        this.#reachesOneSlot = true;
      }
    }
    return Promise.all(calls.map((call) => this.#runOne(script, call)));
  }

  async #runTogether(script: Script, calls: readonly Call[]): Promise<Outcome[]> {
    const keys = calls.flatMap((call) => call.keys) as [string, ...string[]];
    const args = calls.flatMap((call) => [String(call.args.length), ...call.args]);
    const outcomes = (await this.#run(script, keys, args)) as [isDone: unknown, reply: unknown][];
    return outcomes.map(([isDone, reply]) => (Number(isDone) === 1 ? { reply } : { error: new Error(String(reply)) }));
  }

  #runOne(script: Script, { keys, args }: Call): Promise<Outcome> {
    return this.#run(script, keys, args).then(
      (reply) => ({ reply }),
      (error: unknown) => ({ error: causeOf(error, textsOf({ keys, args })) }),
    );
  }
}

function textsOf({ keys, args }: Call): string[] {
  return [...keys, ...args];
}

function isCrossSlot(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("CROSSSLOT");
}
