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
export class Together<Item, Answer> {
  readonly #askAll: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Item, Answer>[] = [];

  /** @param askAll - answers each item, in their order. */
  constructor(askAll: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#askAll = askAll;
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) nextTick(() => void this.#send());
    });
  }

  async #send(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
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
