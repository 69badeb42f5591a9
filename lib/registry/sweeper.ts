import { ignored } from "../util/debug.js";

const SWEEP_INTERVAL_MS = 60_000;
const SWEEP_BATCH_SIZE = 500;

/** Drops users of whom nothing needs to be kept, in the background. After a failure, the next sweep makes up for it. */
export class Sweeper {
  readonly #sweepBatch: (size: number) => Promise<number>;
  #sweptAt = -Infinity;
  #sweeping: Promise<void> | undefined;

  /** @param sweepBatch - Drops at most `size` users, and returns how many it has dropped. */
  constructor(sweepBatch: (size: number) => Promise<number>) {
    this.#sweepBatch = sweepBatch;
  }

  sweepNowAndThen(): void {
    if (performance.now() - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = performance.now();
    this.#sweeping = this.#sweep().catch(ignored("sweep failed"));
  }

  /** Waits for the sweep that is running. */
  async done(): Promise<void> {
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    let swept: number;
    do swept = await this.#sweepBatch(SWEEP_BATCH_SIZE);
    while (swept === SWEEP_BATCH_SIZE);
  }
}
