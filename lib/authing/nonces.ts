/** Nonces that were used, in the memory of this process. They are forgotten in the order in which they came. */
export class Nonces {
  /** When each is forgotten, in milliseconds since 1970. */
  readonly #until = new Map<string, number>();

  /** Remembers a nonce. Each must get the same time. @returns whether it was new */
  remember(nonce: string, ttlMs: number): boolean {
    const now = Date.now();
    for (const [old, until] of this.#until) {
      if (until > now) break;
      this.#until.delete(old);
    }
    if (this.#until.has(nonce)) return false;
    this.#until.set(nonce, now + ttlMs);
    return true;
  }
}
