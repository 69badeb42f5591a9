import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LogoutError } from "../../errors.js";
import type { Connection, Savepoints, Sql } from "./connection.js";
import { isBusy, unavailable } from "./errors.js";

/** The longest pause between two tries to get a lock, in milliseconds. Nearly every lock is held for less than a millisecond. */
const LONGEST_PAUSE_MS = 16;
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
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#connection.read(work);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= deadline) throw unavailable(error);
      }
      await pauseAfter(tries);
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
    for (let tries = 0; this.#pending.length > 0;) {
      const steps = this.#pending.splice(0, STEPS_OF_A_TRANSACTION);
      tries = this.#commit(steps) ? 0 : tries + 1;
      if (tries > 0) await pauseAfter(tries);
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

/** Waits longer after each try. The time is random, so that processes do not meet again. */
async function pauseAfter(tries: number): Promise<void> {
  await pause(randomInt(1, Math.min(2 ** tries, LONGEST_PAUSE_MS) + 1));
}
