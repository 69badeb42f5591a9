const SID_LENGTH = 32;

/** Texts that must never leak: tokens, and session ids with any text around them. */
export class Secrets {
  readonly #texts: readonly string[];
  readonly #sids = new Set<string>();

  /** @param texts - secrets that are no session ids. Not a few digits alone: those are in any figure by chance. */
  constructor(texts: readonly string[]) {
    const byChance = texts.find((text) => /^[\da-f]{0,8}$/i.test(text));
    if (byChance !== undefined) throw new TypeError(`Figures may contain ${JSON.stringify(byChance)} by chance.`);
    this.#texts = texts;
  }

  /** The session id of a cookie as session() signs it, or one as it is. */
  add(cookie: string): void {
    this.#sids.add(/s(?:%3A|:)([\w-]+)\./.exec(cookie)?.[1] ?? cookie);
  }

  /** The first secret in this text; `undefined` for none. Fast even with thousands of similar session ids. */
  foundIn(content: string): string | undefined {
    const text = this.#texts.find((secret) => content.includes(secret));
    if (text !== undefined) return text;
    for (const [word] of content.matchAll(/[\w-]{32,}/g)) {
      for (let start = 0; start + SID_LENGTH <= word.length; start++) {
        const sid = word.slice(start, start + SID_LENGTH);
        if (this.#sids.has(sid)) return sid;
      }
    }
    return undefined;
  }
}
