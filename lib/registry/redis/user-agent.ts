import { deflateRawSync, inflateRawSync } from "node:zlib";
import { LRUCache } from "lru-cache";

/**
 * What user agents are made of, the most frequent parts last. What is packed can only be read with the very same text: another
 * one needs another mark.
 */
const DICTIONARY = Buffer.from(
  "; rv:109.0) Gecko/20100101 Firefox/115.0 SamsungBrowser/23.0 CriOS/ FxiOS/ OPR/100.0.0.0 EdgA/ Edg/140.0.0.0" +
    " (iPad; CPU OS 17_0 like Mac OS X) (Linux; Android 10; K) (Windows NT 10.0; rv:" +
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1" +
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15" +
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36" +
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
);
/** What a packed one begins with. */
const MARK = "~";
/** An app has millions of logins by a few hundred browsers. */
const KNOWN = 1_000;

const packed = new LRUCache<string, string>({ max: KNOWN });
const unpacked = new LRUCache<string, string>({ max: KNOWN });

/** Makes of a user agent, which is half of what a login is, a fifth. */
export function packUserAgent(userAgent: string): string {
  if (userAgent === "") return "";
  return remembered(packed, userAgent, () => {
    const bytes = deflateRawSync(userAgent, { dictionary: DICTIONARY, level: 9 });
    const short = MARK + bytes.toString("base64url");
    return short.length < userAgent.length || userAgent.startsWith(MARK) ? short : userAgent;
  });
}

/** Reads what {@link packUserAgent} wrote. It is on the way of every logged-in request: what was read is remembered. */
export function unpackUserAgent(text: string): string {
  if (!text.startsWith(MARK)) return text;
  return remembered(unpacked, text, () =>
    inflateRawSync(Buffer.from(text.slice(MARK.length), "base64url"), { dictionary: DICTIONARY }).toString(),
  );
}

function remembered(cache: LRUCache<string, string>, key: string, make: () => string): string {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}
