import type { RegistryHealth } from "../types/health.js";

/**
 * Measures one round trip, and how far the clock of this process is ahead of the registry's.
 *
 * @param readClock - Returns the registry's time in milliseconds since 1970, in one round trip.
 */
export async function measureClock(readClock: () => Promise<number>): Promise<RegistryHealth> {
  const started = performance.now();
  const theirs = await readClock();
  const latencyMs = performance.now() - started;
  // The registry read its clock about half-way.
  return { latencyMs: Math.round(latencyMs), clockSkewMs: Math.round(Date.now() - latencyMs / 2 - theirs) };
}
