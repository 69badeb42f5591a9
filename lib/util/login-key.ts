import { createHash } from "node:crypto";
import type { KeyDigest, LoginKey } from "../types/login-keys.js";

const MOST_MEMBERS = 8;
const MOST_BYTES = 1_024;

/** What a key must be, for messages. */
export const KEY_WORDS = "a flat object of strings, with 1 to 8 members and at most 1 kB";

/** Returns whether a value is an external key of a login. */
export function isLoginKey(value: unknown): value is LoginKey {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const members = Object.entries(value);
  if (members.length === 0 || members.length > MOST_MEMBERS) return false;
  return members.every(([, text]) => typeof text === "string") && Buffer.byteLength(canonical(value)) <= MOST_BYTES;
}

/** Returns the digest of a key: 128 bits, so that no personal data reaches the registry. The order of the members does not matter. */
export function keyDigest(key: LoginKey): KeyDigest {
  return createHash("sha256").update(canonical(key)).digest().subarray(0, 16).toString("base64url");
}

/**
 * Returns the digest under which a kick without a time leaves its mark: it ends logins that are adopted later, and no others. Under
 * the digest of the key itself such a mark would be one with the earliest time.
 *
 * @param kicked - what was kicked: the key, or the user whom it names. The latter mark is not for the user's own logins: the kick of a
 * user covers them, and may have spared one.
 */
export function digestForAdoption(digest: KeyDigest, kicked: "key" | "user"): KeyDigest {
  return keyDigest({ adopted: digest, kicked });
}

/** Returns the digest of the key that names a user, for logins in which they act as someone else. */
export function digestOfUser(userId: string): KeyDigest {
  return keyDigest({ user: userId });
}

/** JSON escapes separators and lone surrogates, so two keys never have one text. */
function canonical(key: object): string {
  return JSON.stringify(Object.entries(key).sort(([one], [other]) => (one < other ? -1 : 1)));
}
