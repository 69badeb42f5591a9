import { randomInt } from "node:crypto";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { LogoutError } from "../../errors.js";
import { debugError } from "../../util/debug.js";
import type { Connection, Savepoints, Sql } from "./connection.js";
import { isBusy, unavailable } from "./errors.js";

/** The longest pause between two tries to get a lock, in milliseconds. Nearly every lock is held for less than a millisecond. */
const LONGEST_PAUSE_MS = 16;
const STEPS_OF_A_TRANSACTION = 500;
/** How often a request looks whether the file was replaced. No process opens a new file, and kicks a user in it, in less time. */
const CHECKED_WITHIN_MS = 1;
/** A longer transaction would block the event loop, and other processes, for too long. */
const LONGEST_TRANSACTION_MS = 20;

interface PendingStep {
  readonly deadline: number;
  readonly isDurable: boolean;
  /**
   * Runs the step, and returns what to do after the commit.
   *
   * @throws LogoutError if a row of its user cannot be read, unless `isUndoable`: then the step is undone alone.
   */
  readonly run: (sql: Sql & Savepoints, isUndoable: boolean) => () => void;
  readonly reject: (error: unknown) => void;
  /** Why the step still waits. */
  delay?: unknown;
}

/**
 * Runs steps, each within a time limit. Steps of one turn of the event loop share a transaction, so a kick of many users flushes to
 * the disk a few times. While the database is locked, they wait without blocking the event loop.
 */
export class Database {
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  #pending: PendingStep[] = [];
  #running: Promise<void> | undefined;

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs statements that change nothing, at once if the database is not locked. */
  async read<Result>(work: (sql: Sql) => Result): Promise<Result> {
    const deadline = performance.now() + this.#timeoutMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#connection.read(work);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw unavailable(error);
      }
      await pauseAfter(tries);
    }
  }

  /** Runs statements that change nothing, on the path of every request. Returns `undefined` if they cannot run now. */
  tryToRead<Result>(work: (sql: Sql) => Result): Result | undefined {
    try {
      return this.#connection.read(work, CHECKED_WITHIN_MS);
    } catch (error) {
      debugError("SQLite: a login is looked up again", error);
      return undefined;
    }
  }

  /** Runs a step that changes something. It takes effect as a whole, or not at all. */
  step<Result>(work: (sql: Sql) => Result, isDurable = false): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pending.push({
        deadline: performance.now() + this.#timeoutMs,
        isDurable,
        reject,
        run: (sql, isUndoable) => {
          try {
            const result = isUndoable ? sql.attempt(() => work(sql)) : work(sql);
            return () => {
              resolve(result);
            };
          } catch (error) {
            if (!isUndoable || !LogoutError.is(error)) throw error;
            return () => {
              reject(error);
            };
          }
        },
      });
      this.#running ??= this.#runPending();
    });
  }

  /** Closes the connection, after the steps that wait. */
  async close(): Promise<void> {
    await this.#running;
    this.#connection.close();
  }

  async #runPending(): Promise<void> {
    await nextTurn();
    for (let tries = 0; this.#pending.length > 0;) {
      const steps = this.#takeSteps();
      tries = this.#commit(steps) ? 0 : tries + 1;
      if (this.#pending.length > 0) await (tries > 0 ? pauseAfter(tries) : nextTurn());
    }
    this.#running = undefined;
  }

  /** Takes the next steps. Rejects those whose time is over. */
  #takeSteps(): PendingStep[] {
    const now = performance.now();
    const taken = this.#pending.splice(0, STEPS_OF_A_TRANSACTION);
    for (const { deadline, reject, delay = new Error("no turn in time") } of taken) {
      if (deadline <= now) reject(unavailable(delay));
    }
    return taken.filter(({ deadline }) => deadline > now);
  }

  /**
   * Runs steps in one transaction. Puts those back for which there is no time now. If the database is locked, puts all back, and
   * returns `false`. Steps are undoable one by one only when one has failed, because that costs each of them two statements.
   */
  #commit(steps: readonly PendingStep[], isUndoable = false): boolean {
    const isDurable = steps.some((step) => step.isDurable);
    try {
      const settle = this.#connection.write((sql) => runInTime(steps, sql, isUndoable), isDurable);
      this.#pending.unshift(...steps.slice(settle.length));
      for (const each of settle) each();
      return true;
    } catch (error) {
      if (isBusy(error)) {
        for (const step of steps) step.delay = error;
        this.#pending.unshift(...steps);
        return false;
      }
      if (LogoutError.is(error, "ERR_REGISTRY_UNAVAILABLE") && !isUndoable) return this.#commit(steps, true);
      // The others must not fail for one. Another schema is the fault of none.
      if (steps.length > 1 && !LogoutError.is(error)) for (const step of steps) this.#commit([step]);
      else for (const step of steps) step.reject(unavailable(error));
      return true;
    }
  }
}

/** Runs steps until the transaction has taken long enough. Returns what to do after the commit, for each step that was run. */
function runInTime(steps: readonly PendingStep[], sql: Sql & Savepoints, isUndoable: boolean): (() => void)[] {
  const end = performance.now() + LONGEST_TRANSACTION_MS;
  const settle: (() => void)[] = [];
  for (const { run } of steps) {
    settle.push(run(sql, isUndoable));
    if (performance.now() > end) break;
  }
  return settle;
}

/** Waits longer after each try. The time is random, so that processes do not meet again. */
async function pauseAfter(tries: number): Promise<void> {
  await pause(randomInt(1, Math.min(2 ** tries, LONGEST_PAUSE_MS) + 1));
}
