import { AsyncLocalStorage } from "node:async_hooks";

/** Runs at the same time as others: a request, a kick. An actor runs on a node, and ends with that node. */
export interface Actor {
  readonly name: string;
  readonly node: object;
  /** It does not wait for a save of its own: what that writes may be older than what it has read since. */
  hasUnawaitedSave?: boolean;
  /** What it is in the middle of, where a crash matters most. */
  readonly midst?: Set<Midst>;
  /** How many more calls to the session store it makes until one fails. */
  failsIn?: Failure | undefined;
}

export type Midst = "a kick" | "an adoption" | "a rotation by hand";

/** A call to the session store that fails: before it is executed, or after, when its answer is lost. */
export interface Failure {
  calls: number;
  readonly isExecuted: boolean;
}

interface Step {
  readonly actor: Actor;
  readonly label: string;
  /** What it is sent over, if that keeps the order: only the first that waits there can be next. */
  readonly connection: object | undefined;
  /** An app may take its time; a store or a registry that does is given up. */
  readonly isSlow: boolean;
  take(): Promise<void>;
}

const actors = new AsyncLocalStorage<Actor>();

/** The running actor, if any. */
export function currentActor(): Actor | undefined {
  return actors.getStore();
}

/**
 * The order of everything: each await of a store, a registry or an app waits here until its turn comes, and then does what it
 * waits for in one atomic step.
 */
export class Schedule {
  /** What was done, in order: a failing history is read by it. */
  readonly trace: string[] = [];
  steps = 0;
  #waiting: Step[] = [];
  readonly #crashed = new WeakSet();

  /** How many steps could be the next one. */
  get waiting(): number {
    return this.#possible.length;
  }

  /** The positions of those that answer before time passes. */
  get quick(): readonly number[] {
    const possible = this.#possible;
    return [...possible.keys()].filter((position) => possible[position]?.isSlow === false);
  }

  get #possible(): readonly Step[] {
    const busy = new Set<object>();
    return this.#waiting.filter(({ connection }) => {
      if (connection === undefined) return true;
      const isFirst = !busy.has(connection);
      busy.add(connection);
      return isFirst;
    });
  }

  /** Runs until its first step, and from there on as it is scheduled. */
  run<Result>(actor: Actor, work: () => Result): Result {
    return actors.run(actor, work);
  }

  /**
   * Waits for its turn, then does this in one step. What belongs to a node that has crashed waits for ever. What is sent over
   * one connection is done in that order.
   */
  step<Result>(label: string, effect: () => Result | Promise<Result>, connection?: object): Promise<Result> {
    return this.#wait(label, false, effect, connection);
  }

  /** The app does something of its own, which may take long. */
  pause(label: string): Promise<void> {
    return this.#wait(label, true, () => undefined);
  }

  /** Takes the step at this position, and lets everything that follows from it come to its next await. */
  async take(position: number): Promise<Actor> {
    const step = this.#possible[position];
    if (step === undefined) throw new Error("no such step");
    this.#waiting.splice(this.#waiting.indexOf(step), 1);
    this.steps += 1;
    this.note(`${step.actor.name}: ${step.label}`);
    await step.take();
    await settled();
    return step.actor;
  }

  #wait<Result>(
    label: string,
    isSlow: boolean,
    effect: () => Result | Promise<Result>,
    connection?: object,
  ): Promise<Result> {
    const actor = currentActor();
    if (actor === undefined) throw new Error(`${label} has no actor`);
    return new Promise((resolve, reject) => {
      if (this.#crashed.has(actor.node)) return;
      const take = async (): Promise<void> => {
        try {
          resolve(await actors.run(actor, effect));
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.push({ actor, label, connection, isSlow, take });
    });
  }

  /** The node stops between two awaits. */
  crash(node: object): void {
    this.#crashed.add(node);
    this.#waiting = this.#waiting.filter(({ actor }) => actor.node !== node);
  }

  note(line: string): void {
    this.trace.push(line);
  }
}

/** Promises and ticks come before immediates: all work that needs no further step is done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
