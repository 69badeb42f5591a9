import { randomBytes } from "node:crypto";
import type { Generation, KickRecord } from "../types/login.js";
import { isBefore } from "../util/clock-margin.js";

/** The generation before any kick: that of every session older than the installation of this package. */
export const FIRST_GENERATION: Generation = "";

/** Returns the generation that the last kick of a user and the last kick of everyone have started. */
export function generationAfter(userKickId: string | undefined, everyoneKickId: string | undefined): Generation {
  if (userKickId === undefined && everyoneKickId === undefined) return FIRST_GENERATION;
  return `${userKickId ?? ""}.${everyoneKickId ?? ""}`;
}

/** Returns the ids of the kicks that started a generation: of the user and of everyone; `""` for none. */
export function kickIdsOf(generation: Generation): readonly [user: string, everyone: string] {
  const [user = "", everyone = ""] = generation.split(".");
  return [user, everyone];
}

/**
 * Returns the kick that ended a login of the given generation: of its user or of everyone. A kick that is certainly older than
 * the user's authentication did not end the login.
 */
export function kickSince(
  generation: Generation,
  userKick: KickRecord | undefined,
  everyoneKick: KickRecord | undefined,
  authenticatedAt?: Date,
): KickRecord | undefined {
  const [user, everyone] = kickIdsOf(generation);
  const counts = (kick: KickRecord): boolean => !isBefore(kick, authenticatedAt);
  if (userKick !== undefined && userKick.id !== user && counts(userKick)) return userKick;
  if (everyoneKick !== undefined && everyoneKick.id !== everyone && counts(everyoneKick)) return everyoneKick;
  return undefined;
}

/** Returns a new kick record without a reason, for `clear()`. */
export function newKickRecord(): KickRecord {
  return { id: randomBytes(9).toString("base64url"), at: new Date(), cause: "kick" };
}
