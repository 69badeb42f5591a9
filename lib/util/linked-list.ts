/** What stands in a {@link Recency}: it knows its neighbours. */
export interface Recent<Item> {
  newer?: Item | undefined;
  older?: Item | undefined;
}

/** An order by activity, in which whoever is active comes first: each step takes the same time, however many there are. */
export class Recency<Item extends Recent<Item>> {
  #newest: Item | undefined;
  #oldest: Item | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): Item | undefined {
    return this.#oldest;
  }

  /** It is the newest from now on. */
  touch(item: Item): void {
    if (this.#newest === item) return;
    this.delete(item);
    item.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = item;
    this.#oldest ??= item;
    this.#newest = item;
    this.#size += 1;
  }

  delete(item: Item): void {
    if (this.#newest !== item && item.newer === undefined) return;
    this.#size -= 1;
    if (item.newer !== undefined) item.newer.older = item.older;
    if (item.older !== undefined) item.older.newer = item.newer;
    if (this.#newest === item) this.#newest = item.older;
    if (this.#oldest === item) this.#oldest = item.newer;
    item.newer = item.older = undefined;
  }

  /** The newest first. The item that was given last may be deleted meanwhile. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let item = this.#newest; item !== undefined;) {
      const { older } = item;
      yield item;
      item = older;
    }
  }
}
