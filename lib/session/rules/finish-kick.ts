import type { KickRecord } from "../../types/login.js";
import type { ListedLogin, LoginRegistry } from "../../types/registry.js";
import { ignored } from "../../util/debug.js";
import type { SessionEvents } from "../session-events.js";
import type { Tombstones } from "../store/tombstones.js";

export interface FinishKickOptions {
  readonly registry: LoginRegistry;
  readonly tombstones: Tombstones;
  readonly events: SessionEvents;
}

/** Finishes a kick of logins of one user. Never rejects. */
export type FinishKick = (userId: string, ended: readonly ListedLogin[], kick: KickRecord) => Promise<void>;

/**
 * Returns a function that finishes what a rule has ended: it replaces the data of the sessions, as a kick does. A request does not wait
 * for a repetition if that fails: the next request of an ended login does the same.
 */
export function finishingKicks({ registry, tombstones, events }: FinishKickOptions): FinishKick {
  return async (userId, ended, kick) => {
    if (ended.length === 0) return;
    const loginIds = ended.map(({ id }) => id);
    events.kicked(userId, loginIds, kick);
    await tombstones
      .write(ended, kick)
      .then(() => registry.finishKick(userId, loginIds))
      .catch(ignored("data of logins that a rule has ended may be left", sidsOf(ended)));
  };
}

function sidsOf(logins: readonly ListedLogin[]): string[] {
  return logins.flatMap(({ sids }) => sids);
}
