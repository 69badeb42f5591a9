import { randomBytes } from "node:crypto";
import { isBefore, type Era, type KickMark } from "../login.js";

/** The era in which nobody has been kicked: that of every session older than the installation. */
export const FIRST_ERA: Era = "";

/** The era that the last kick of a user and the last kick of everyone have begun, if there were any. */
export function eraAfter(userMarkId: string | undefined, appMarkId: string | undefined): Era {
  if (userMarkId === undefined && appMarkId === undefined) return FIRST_ERA;
  return `${userMarkId ?? ""}.${appMarkId ?? ""}`;
}

/** The ids of the kicks that came before: of the user, and of everyone; `""` where there was none. */
export function kicksBefore(era: Era): readonly [user: string, everyone: string] {
  const [user = "", everyone = ""] = era.split(".");
  return [user, everyone];
}

/**
 * Of the kicks of a user and of everyone, the one that ended a login of the given era. One that is older than its user's
 * authentication, by both clocks for certain, did not.
 */
export function kickAfter(
  era: Era,
  userMark: KickMark | undefined,
  appMark: KickMark | undefined,
  authenticatedAt?: Date,
): KickMark | undefined {
  const [user, everyone] = kicksBefore(era);
  const counts = (mark: KickMark): boolean => !isBefore(mark, authenticatedAt);
  if (userMark !== undefined && userMark.id !== user && counts(userMark)) return userMark;
  if (appMark !== undefined && appMark.id !== everyone && counts(appMark)) return appMark;
  return undefined;
}

/** The mark of an end of every login for which nobody gives a reason. */
export function newEra(): KickMark {
  return { id: randomBytes(9).toString("base64url"), at: new Date() };
}
