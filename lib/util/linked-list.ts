/** An item of a {@link LinkedList}, with links to its neighbours. */
export interface ListNode<Item> {
  newer?: Item | undefined;
  older?: Item | undefined;
}

/** A doubly linked list, most recently active item first. Every operation takes constant time. */
export class LinkedList<Item extends ListNode<Item>> {
  #newest: Item | undefined;
  #oldest: Item | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): Item | undefined {
    return this.#oldest;
  }

  /** Makes an item the newest, and adds it if it is not in the list. */
  moveToFront(item: Item): void {
    if (this.#newest === item) return;
    this.delete(item);
    item.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = item;
    this.#oldest ??= item;
    this.#newest = item;
    this.#size += 1;
  }

  /** Removes an item, if it is in the list. */
  delete(item: Item): void {
    if (this.#newest !== item && item.newer === undefined) return;
    this.#size -= 1;
    if (item.newer !== undefined) item.newer.older = item.older;
    if (item.older !== undefined) item.older.newer = item.newer;
    if (this.#newest === item) this.#newest = item.older;
    if (this.#oldest === item) this.#oldest = item.newer;
    item.newer = item.older = undefined;
  }

  /** Iterates from newest to oldest. The current item may be deleted during the iteration. */
  *[Symbol.iterator](): Iterator<Item> {
    for (let item = this.#newest; item !== undefined;) {
      const { older } = item;
      yield item;
      item = older;
    }
  }
}
