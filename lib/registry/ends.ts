import type { EndOfLogin } from "../types/registry.js";

/** Much longer than any request takes. */
const DAY_MS = 86_400_000;

/**
 * Returns how long the end of a login is remembered, in milliseconds: if the login is listed, and if it is not. `undefined`: not
 * at all. The end of an unlisted login, whose id may be made up, is remembered for a day only, unless `remember` is `true`.
 */
export function endTtlMs(
  { kick, remember = false, ifListed = false, ifSid, ifLastSid }: EndOfLogin,
  maxSessionAgeMs: number,
): { listed: number | undefined; unlisted: number | undefined } {
  const isPermanent = remember === true || kick !== undefined;
  const isConditional = ifListed || ifSid !== undefined || ifLastSid !== undefined;
  return {
    listed: isPermanent ? maxSessionAgeMs : remember === false ? undefined : DAY_MS,
    unlisted: isConditional ? undefined : remember === true ? maxSessionAgeMs : DAY_MS,
  };
}
