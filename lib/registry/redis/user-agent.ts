import { deflateRawSync, inflateRawSync } from "node:zlib";
import { LRUCache } from "lru-cache";

/**
 * The deflate dictionary: parts of user agents, the most frequent last. Packed values can only be read with this exact text, so
 * another dictionary needs another prefix.
 */
const DICTIONARY = Buffer.from(
  "; rv:109.0) Gecko/20100101 Firefox/115.0 SamsungBrowser/23.0 CriOS/ FxiOS/ OPR/100.0.0.0 EdgA/ Edg/140.0.0.0" +
    " (iPad; CPU OS 17_0 like Mac OS X) (Linux; Android 10; K) (Windows NT 10.0; rv:" +
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1" +
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15" +
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36" +
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
);
/** The prefix of a packed user agent. */
const PACKED_PREFIX = "~";
/** Number of cached user agents: an app has millions of logins from a few hundred browsers. */
const CACHE_SIZE = 1_000;

const packed = new LRUCache<string, string>({ max: CACHE_SIZE });
const unpacked = new LRUCache<string, string>({ max: CACHE_SIZE });

/** Compresses a user agent, which is half of the size of a login, to a fifth. */
export function packUserAgent(userAgent: string): string {
  if (userAgent === "") return "";
  return cached(packed, userAgent, () => {
    const bytes = deflateRawSync(userAgent, { dictionary: DICTIONARY, level: 9 });
    const result = PACKED_PREFIX + bytes.toString("base64url");
    return result.length < userAgent.length || userAgent.startsWith(PACKED_PREFIX) ? result : userAgent;
  });
}

/** Reads a user agent from {@link packUserAgent}. Cached, because it is on the path of every logged-in request. */
export function unpackUserAgent(text: string): string {
  if (!text.startsWith(PACKED_PREFIX)) return text;
  return cached(unpacked, text, () =>
    inflateRawSync(Buffer.from(text.slice(PACKED_PREFIX.length), "base64url"), { dictionary: DICTIONARY }).toString(),
  );
}

function cached(cache: LRUCache<string, string>, key: string, make: () => string): string {
  let value = cache.get(key);
  if (value === undefined) {
    value = make();
    cache.set(key, value);
  }
  return value;
}
