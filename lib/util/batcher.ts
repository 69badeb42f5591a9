import { nextTick } from "node:process";

interface PendingItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Combines the items that are added in one tick into batches: a kick of 1,000 users takes a few commands, not 1,000. */
export class Batcher<Item, Result> {
  readonly #runBatch: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #maxBatchSize: number;
  #pending: PendingItem<Item, Result>[] = [];

  /**
   * @param runBatch - Returns a result for each item, in the order of the items.
   * @param maxBatchSize - Maximum number of items in one batch. Default: unlimited.
   */
  constructor(runBatch: (items: readonly Item[]) => Promise<readonly Result[]>, maxBatchSize = Infinity) {
    this.#runBatch = runBatch;
    this.#maxBatchSize = maxBatchSize;
  }

  /** Adds an item to the next batch. Rejects if that batch fails. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ item, resolve, reject });
      if (this.#pending.length === 1) {
        nextTick(() => {
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    while (this.#pending.length > 0) void this.#run(this.#pending.splice(0, this.#maxBatchSize));
  }

  async #run(batch: readonly PendingItem<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#runBatch(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, position) => {
        resolve(results[position] as Result);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
