import type { KeyRow } from "../types/login-keys.js";

/** How long a mark lives. A new login binds its keys within minutes; the end of an older one is remembered for longer. */
export const MARK_TTL_MS = 86_400_000;

/** Returns the later of two times of a row. An absent one is earlier than any other. */
export function laterOf(one: KeyRow["since"], other: KeyRow["since"]): KeyRow["since"] {
  return one === undefined || (other !== undefined && other > one) ? other : one;
}
