import { LogoutError } from "../errors.js";
import { MemoryLoginRegistry } from "../registry/memory.js";
import type { Finding } from "../types/health.js";
import type { LoginRegistry } from "../types/registry.js";
import { debugError } from "../util/debug.js";
import { ownRegistry } from "../util/own-registry.js";
import { redactError } from "../util/redact-error.js";
import { measure, within } from "./health.js";

const ANSWERS_WITHIN_MS = 2_000;
/** Lifetimes and dates in lists compare the clocks; kicks do not. */
const MAX_CLOCK_SKEW_MS = 5_000;
const REGISTRY_FIX =
  "Check that the registry's server runs and its client is connected, or that its file can be opened and written.";

/** Checks a registry: whether it responds, its clock, and what its own `check()` finds. Never rejects. */
export async function findingsOfRegistry(registry: LoginRegistry): Promise<readonly Finding[]> {
  const what = `registry: ${registry instanceof MemoryLoginRegistry ? "in memory" : "shared"}`;
  try {
    await within(ANSWERS_WITHIN_MS, () => registry.find("express-logout diagnose", "none"));
  } catch (error) {
    // The message has the fix.
    const how = LogoutError.is(error, "ERR_REGISTRY_SCHEMA") ? undefined : REGISTRY_FIX;
    const why = ownRegistry(registry) === undefined ? reasonOf(error) : withCause(error);
    return [{ level: "error", what, why, how }];
  }
  const [clock, settings] = await Promise.all([clockOf(registry), settingsOf(registry)]);
  return [{ level: "ok", what, why: "It responds." }, ...clock, ...settings];
}

async function clockOf(registry: LoginRegistry): Promise<readonly Finding[]> {
  if (typeof registry.health !== "function") return [];
  const what = "registry: clock";
  try {
    const { clockSkewMs } = await within(ANSWERS_WITHIN_MS, () => measure(registry));
    if (clockSkewMs === undefined) return [];
    const isAhead = clockSkewMs > 0;
    const seconds = (Math.abs(clockSkewMs) / 1_000).toFixed(1);
    const why = `The clock of this process is ${seconds} s ${isAhead ? "ahead of" : "behind"} that of the registry.`;
    if (Math.abs(clockSkewMs) <= MAX_CLOCK_SKEW_MS) return [{ level: "ok", what, why }];
    const how = "Synchronize the clocks (NTP). Kicks compare none; times in lists and sessions.loggedInAt do.";
    return [{ level: "warn", what, why, how }];
  } catch (error) {
    return [{ level: "unknown", what, why: `It could not be read: ${reasonOf(error)}` }];
  }
}

async function settingsOf(registry: LoginRegistry): Promise<readonly Finding[]> {
  if (typeof registry.check !== "function") return [];
  try {
    return await within(ANSWERS_WITHIN_MS, () => registry.check?.() ?? Promise.resolve([]));
  } catch (error) {
    debugError("the settings of the registry could not be checked", error);
    return [{ level: "unknown", what: "registry: settings", why: `They could not be checked: ${reasonOf(error)}` }];
  }
}

/** The message of an error of this package; of another one the name alone, since its message may quote data. */
export function reasonOf(error: unknown): string {
  return LogoutError.is(error) ? error.message : `${redactError(error, []).name}.`;
}

/** The message of an error of a registry of this package, with its cause, which such a registry has redacted. */
function withCause(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const reason = reasonOf(error);
  return cause instanceof Error ? reason.replace("see the cause", cause.message) : reason;
}
