import type { KickRecord } from "../types/login.js";

/** How far the clocks of two services may differ, in milliseconds. */
export const CLOCK_MARGIN_MS = 60_000;

/** Returns whether a kick is so much older than an authentication that it did not end that login, by either clock. */
export function isBefore({ at }: KickRecord, authenticatedAt: Date | undefined): boolean {
  return authenticatedAt !== undefined && +at + CLOCK_MARGIN_MS <= +authenticatedAt;
}
