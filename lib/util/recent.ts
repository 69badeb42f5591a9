import { CLOCK_MARGIN_MS } from "./clock-margin.js";

/**
 * Returns whether a time (epoch milliseconds) is at most `maxAgeMs` ago. The clock that it was read from may be ahead of this one, but
 * a time further in the future is not recent: after a clock was set back it would stay so for too long.
 */
export function isRecent(at: number | undefined, maxAgeMs: number, now = Date.now()): boolean {
  if (at === undefined) return false;
  const age = now - at;
  return age <= maxAgeMs && age >= -Math.min(CLOCK_MARGIN_MS, maxAgeMs);
}
