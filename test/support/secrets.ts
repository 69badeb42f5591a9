const SID_LENGTH = 32;

/** What must never be told: tokens, and session ids in whatever they are wrapped in. */
export class Secrets {
  readonly #texts: readonly string[];
  readonly #sids = new Set<string>();

  /** @param texts - secrets that are no session ids. */
  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  /** The session id of a cookie as session() signs it, or one as it is. */
  add(cookie: string): void {
    this.#sids.add(/s(?:%3A|:)([\w-]+)\./.exec(cookie)?.[1] ?? cookie);
  }

  /** What was told of them; `undefined` for nothing. Fast also among thousands of session ids, which all look alike. */
  foundIn(told: string): string | undefined {
    const text = this.#texts.find((secret) => told.includes(secret));
    if (text !== undefined) return text;
    for (const [word] of told.matchAll(/[\w-]{32,}/g)) {
      for (let start = 0; start + SID_LENGTH <= word.length; start++) {
        const sid = word.slice(start, start + SID_LENGTH);
        if (this.#sids.has(sid)) return sid;
      }
    }
    return undefined;
  }
}
