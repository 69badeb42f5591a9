import { ignored } from "../../util/debug.js";
import type { Database, Statement } from "./database.js";

const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_BATCH_SIZE = 500;

/** Drops users of whom nothing needs to be kept, in the background. After a failure, the next sweep makes up for it. */
export class Sweeper {
  readonly #database: Database;
  readonly #statement: Statement;
  #sweptAt = -Infinity;
  #sweeping: Promise<void> | undefined;

  constructor(database: Database, statement: Statement) {
    this.#database = database;
    this.#statement = statement;
  }

  /** @param app - The application id as stored. */
  sweepNowAndThen(app: string): void {
    if (performance.now() - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = performance.now();
    this.#sweeping = this.#sweep(app).catch(ignored("sweep failed"));
  }

  /** Waits for the sweep that is running. */
  async done(): Promise<void> {
    await this.#sweeping;
  }

  async #sweep(app: string): Promise<void> {
    let swept: number;
    do {
      const [row] = await this.#database.step(this.#statement, app, SWEEP_BATCH_SIZE);
      swept = Number(row?.["swept"]);
    } while (swept === SWEEP_BATCH_SIZE);
  }
}
