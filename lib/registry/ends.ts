import type { EndOfLogin } from "../types/registry.js";

/** Far longer than a request takes. */
const DAY_MS = 86_400_000;

/**
 * For how long the end of one login is remembered, in milliseconds, if it was listed and if it was not; `undefined`: it need
 * not be. A made-up id is not kept for long.
 */
export function endTtlMs(
  { kick, remember = false, ifListed = false, ifSid, ifLastSid }: Omit<EndOfLogin, "waitReplicas">,
  maxSessionAgeMs: number,
): { listed: number | undefined; unlisted: number | undefined } {
  const isForLong = remember === true || kick !== undefined;
  const isConditional = ifListed || ifSid !== undefined || ifLastSid !== undefined;
  return {
    listed: isForLong ? maxSessionAgeMs : remember === false ? undefined : DAY_MS,
    unlisted: isConditional ? undefined : remember === true ? maxSessionAgeMs : DAY_MS,
  };
}
