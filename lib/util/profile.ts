import type { UserProfile } from "../types/login.js";

const FACTS = ["name", "username", "nickname", "email", "phone", "photo"] as const;

/** Picks what may be shown of a user: an app's user object may hold private data, and `null` for unknown facts. */
export function knownFacts(profile: object | undefined): UserProfile {
  const known = (profile ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(FACTS.flatMap((fact) => (known[fact] == null ? [] : [[fact, known[fact]]])));
}
