import type { KickRecord } from "../types/login.js";
import type { EndOfUser } from "../types/registry.js";

/**
 * How many kicks of everyone are remembered for a spared login: more than one, because concurrent kicks of everyone may reach a user in
 * another order than that of their records.
 */
const MOST_KICKS = 8;

/** The logins that a user's last kick has spared, with the ids of the kicks of everyone that have spared them. */
export type SparedLogins = ReadonlyMap<string, readonly string[]>;

/** @param before - what the user's kick before has spared, because a login stays spared from earlier kicks of everyone */
export function sparedBy(
  { kick, everyone = false }: Pick<EndOfUser, "kick" | "everyone">,
  loginIds: readonly string[],
  before: SparedLogins | undefined,
): SparedLogins {
  const kicksOf = (loginId: string): readonly string[] => {
    const kicks = before?.get(loginId) ?? [];
    return everyone ? [kick.id, ...kicks.filter((id) => id !== kick.id)].slice(0, MOST_KICKS) : kicks;
  };
  return new Map(loginIds.map((loginId) => [loginId, kicksOf(loginId)]));
}

/** Returns the last kicks of the user and of everyone, as far as they have not spared a login. */
export function kicksOn(
  loginId: string,
  spared: SparedLogins | undefined,
  userKick: KickRecord | undefined,
  everyoneKick: KickRecord | undefined,
): readonly [user: KickRecord | undefined, everyone: KickRecord | undefined] {
  const kicks = spared?.get(loginId);
  if (kicks === undefined) return [userKick, everyoneKick];
  return [undefined, everyoneKick !== undefined && kicks.includes(everyoneKick.id) ? undefined : everyoneKick];
}
