import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LogoutError } from "../../errors.js";
import type { Connection, Savepoints, Sql } from "./connection.js";
import { isBusy, unavailable } from "./errors.js";

/** How long to wait for a lock before the next try, in milliseconds. */
const SHORTEST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 10;
/** More steps in one transaction would block the event loop for too long. */
const STEPS_OF_A_TRANSACTION = 500;

interface PendingStep {
  readonly deadline: number;
  readonly isDurable: boolean;
  /** Runs the step, and returns what to do after the commit. Never throws a `LogoutError`. */
  readonly run: (sql: Sql & Savepoints) => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Runs steps, each within a time limit. Steps of one turn of the event loop share a transaction, so a kick of many users flushes to
 * the disk a few times. While the database is locked, they wait without blocking the event loop.
 */
export class Database {
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  #pending: PendingStep[] = [];
  #isRunning = false;

  constructor(connection: Connection, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /** Runs statements that change nothing, at once if the database is not locked. */
  async read<Result>(work: (sql: Sql) => Result): Promise<Result> {
    const deadline = performance.now() + this.#timeoutMs;
    for (;;) {
      try {
        return this.#connection.read(work);
      } catch (error) {
        if (!(await canTryAgain(error, deadline))) throw unavailable(error);
      }
    }
  }

  /** Runs a step that changes something. It takes effect as a whole, or not at all. */
  step<Result>(work: (sql: Sql) => Result, isDurable = false): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pending.push({
        deadline: performance.now() + this.#timeoutMs,
        isDurable,
        reject,
        run: (sql) => {
          try {
            const result = sql.attempt(() => work(sql));
            return () => {
              resolve(result);
            };
          } catch (error) {
            if (!LogoutError.is(error)) throw error;
            // The rows of one user cannot be read; the other steps go on.
            return () => {
              reject(error);
            };
          }
        },
      });
      if (!this.#isRunning) {
        this.#isRunning = true;
        setImmediate(() => void this.#runPending());
      }
    });
  }

  close(): void {
    this.#connection.close();
  }

  async #runPending(): Promise<void> {
    while (this.#pending.length > 0) {
      const steps = this.#pending.splice(0, STEPS_OF_A_TRANSACTION);
      const isLocked = !this.#commit(steps);
      if (isLocked) await pause(randomInt(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
    }
    this.#isRunning = false;
  }

  /** Runs steps in one transaction. If the database is locked, puts those back that may still wait, and returns `false`. */
  #commit(steps: readonly PendingStep[]): boolean {
    const isDurable = steps.some((step) => step.isDurable);
    try {
      const settle = this.#connection.write((sql) => steps.map(({ run }) => run(sql)), isDurable);
      for (const each of settle) each();
      return true;
    } catch (error) {
      const waiting = isBusy(error) ? steps.filter(({ deadline }) => performance.now() < deadline) : [];
      for (const step of steps) if (!waiting.includes(step)) step.reject(unavailable(error));
      this.#pending.unshift(...waiting);
      return waiting.length === 0;
    }
  }
}

async function canTryAgain(error: unknown, deadline: number): Promise<boolean> {
  if (!isBusy(error)) return false;
  await pause(randomInt(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
  return performance.now() < deadline;
}
