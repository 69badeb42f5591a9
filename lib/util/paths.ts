/**
 * Returns the normalized path of a request target or URL: no query, percent-encoded, dots resolved, lower case, no trailing
 * slash (Express treats `/Login/` as `/login`). `undefined` if there is no path.
 */
export function comparablePath(target: string): string | undefined {
  // A target that starts with a slash is a path. Two slashes do not name a host.
  const url = target.startsWith("/") ? `http://x${target}` : target;
  if (!URL.canParse(url)) return undefined;
  return decodeUnreserved(new URL(url).pathname)
    .toLowerCase()
    .replace(/(.)\/$/, "$1");
}

/** Decodes the characters of a path that need no percent-encoding. Source: RFC 3986 section 2.3. */
export function decodeUnreserved(path: string): string {
  return path.replace(/%([\da-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(parseInt(hex, 16));
    return /[\w.~-]/.test(character) ? character : encoded;
  });
}

/** Returns a path as browsers send it: spaces and letters beyond ASCII percent-encoded. What is encoded already stays. */
export function encodePath(path: string): string {
  return path.toWellFormed().replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

/** A part of a path of Express: an escaped character, a parameter with its name, or what browsers encode. */
const PATTERN_PART = /\\.|[:*](?:"[^"]*"|[$_\p{ID_Start}][$\u200c\u200d\p{ID_Continue}]*)|[^\x21-\x7e]+/gu;

/** Returns a path of Express with its literal parts as {@link encodePath} has them. The names of parameters stay. */
export function encodePattern(path: string): string {
  return path.toWellFormed().replace(PATTERN_PART, (part) => (/^[:*]/.test(part) ? part : encodePath(part)));
}

/** A path segment that browsers, proxies and servers read in the same way: no `//`, `\`, dots or encoded separators. */
const SEGMENT = /^(?!\.\.?$)(?:[\w.~!$&'()*+;=:@-]|%20|%[89A-F][\dA-F])+$/i;

/** Returns a plain path as a prefix of other paths: `/shop` for `/shop/`, `""` for `/`. `undefined` if the path is not plain. */
export function plainPath(path: string): string | undefined {
  if (!path.startsWith("/")) return undefined;
  const segments = path.replace(/\/$/, "").split("/").slice(1);
  return segments.every((segment) => SEGMENT.test(segment))
    ? segments.map((segment) => `/${segment}`).join("")
    : undefined;
}

/** Returns a pattern that matches exactly this text. */
export function escapeRegExp(text: string): string {
  return text.replace(/[^\w/]/g, "\\$&");
}
