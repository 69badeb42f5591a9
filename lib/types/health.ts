import type { LogoutErrorCode } from "../errors.js";

/** The result of `auth.health()`. */
export interface Health {
  /** Whether logged-in requests can be checked. */
  readonly ok: boolean;
  readonly registry: {
    readonly ok: boolean;
    /** The time of one round trip, in milliseconds. */
    readonly latencyMs?: number | undefined;
    /** How far this process's clock is ahead of the registry's, in milliseconds. Absent if the registry has no clock of its own. */
    readonly clockSkewMs?: number | undefined;
  };
  /** Whether ends of logins on other nodes arrive at once. `"unused"`: nothing in this process waits for them. */
  readonly notifications: "connected" | "disconnected" | "unused";
  /** The code of the error, if `ok` is `false`. */
  readonly code?: LogoutErrorCode | undefined;
}

/** What a registry measures for `auth.health()`. */
export interface RegistryHealth {
  /** The time of one round trip, in milliseconds. */
  readonly latencyMs: number;
  /** How far this process's clock is ahead of the registry's, in milliseconds. */
  readonly clockSkewMs?: number | undefined;
}

/** A finding of `auth.diagnose()`. */
export interface Finding {
  /** `"unknown"`: could not be checked, for example because Redis refuses `CONFIG`. */
  readonly level: "ok" | "warn" | "error" | "unknown";
  /** What was checked. */
  readonly what: string;
  /** What was found. */
  readonly why: string;
  /** The fix. */
  readonly how?: string | undefined;
}
