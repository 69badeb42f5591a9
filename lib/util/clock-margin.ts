import type { KickRecord } from "../types/login.js";

/** The maximum difference between the clocks of two services, in milliseconds. The same in the Lua and SQL of the registries. */
export const CLOCK_MARGIN_MS = 60_000;

/** Returns whether a kick is certainly older than an authentication, and so did not end the login that began with it. */
export function isBefore({ at }: KickRecord, authenticatedAt: Date | undefined): boolean {
  return authenticatedAt !== undefined && +at + CLOCK_MARGIN_MS <= +authenticatedAt;
}
