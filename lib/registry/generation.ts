import { randomBytes } from "node:crypto";
import type { Generation, KickRecord } from "../types/login.js";
import { isBefore } from "../util/clock-margin.js";

/** The era in which nobody has been kicked: that of every session older than the installation. */
export const FIRST_GENERATION: Generation = "";

/** The era that the last kick of a user and the last kick of everyone have begun, if there were any. */
export function generationAfter(userMarkId: string | undefined, appMarkId: string | undefined): Generation {
  if (userMarkId === undefined && appMarkId === undefined) return FIRST_GENERATION;
  return `${userMarkId ?? ""}.${appMarkId ?? ""}`;
}

/** The ids of the kicks that came before: of the user, and of everyone; `""` where there was none. */
export function kickIdsOf(era: Generation): readonly [user: string, everyone: string] {
  const [user = "", everyone = ""] = era.split(".");
  return [user, everyone];
}

/**
 * Of the kicks of a user and of everyone, the one that ended a login of the given era. One that is older than its user's
 * authentication, by both clocks for certain, did not.
 */
export function kickSince(
  era: Generation,
  userMark: KickRecord | undefined,
  appMark: KickRecord | undefined,
  authenticatedAt?: Date,
): KickRecord | undefined {
  const [user, everyone] = kickIdsOf(era);
  const counts = (mark: KickRecord): boolean => !isBefore(mark, authenticatedAt);
  if (userMark !== undefined && userMark.id !== user && counts(userMark)) return userMark;
  if (appMark !== undefined && appMark.id !== everyone && counts(appMark)) return appMark;
  return undefined;
}

/** The mark of an end of every login for which nobody gives a reason. */
export function newKickRecord(): KickRecord {
  return { id: randomBytes(9).toString("base64url"), at: new Date() };
}
