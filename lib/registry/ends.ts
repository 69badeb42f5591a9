import type { KickMark } from "../login.js";

/** Far longer than a request takes. */
const UNLISTED_END_TTL_MS = 86_400_000;

/**
 * For how long the end of one login is remembered, in milliseconds, if it was listed (`undefined`: it need not be) and if it
 * was not: an id that somebody has made up is not kept for long.
 */
export function endTtlMs(
  { mark, remember = false }: { mark?: KickMark | undefined; remember?: boolean | undefined },
  maxSessionAgeMs: number,
): { listed: number | undefined; unlisted: number } {
  return {
    listed: remember || mark !== undefined ? maxSessionAgeMs : undefined,
    unlisted: remember ? maxSessionAgeMs : UNLISTED_END_TTL_MS,
  };
}
