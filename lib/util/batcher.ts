import { nextTick } from "node:process";

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes one question of those that are asked in one go: a kick of a thousand users asks the index a few times, not a
 * thousand times.
 */
export class Batcher<Item, Answer> {
  readonly #askAll: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #most: number;
  #waiting: Waiting<Item, Answer>[] = [];

  /**
   * @param askAll - answers each item, in their order.
   * @param most - how many may be asked at once; of more several questions are made. Default: any number.
   */
  constructor(askAll: (items: readonly Item[]) => Promise<readonly Answer[]>, most = Infinity) {
    this.#askAll = askAll;
    this.#most = most;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) {
        nextTick(() => {
          this.#send();
        });
      }
    });
  }

  #send(): void {
    while (this.#waiting.length > 0) void this.#askTogether(this.#waiting.splice(0, this.#most));
  }

  async #askTogether(waiting: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#askAll(waiting.map(({ item }) => item));
      waiting.forEach(({ resolve }, position) => {
        resolve(answers[position] as Answer);
      });
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
