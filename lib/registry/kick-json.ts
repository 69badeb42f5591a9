import type { KickRecord } from "../types/login.js";

/** A kick record as SQL registries store and announce it. */
export interface StoredKick extends Partial<Pick<KickRecord, "cause" | "reason" | "by">> {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The usual cause is not written. */
export function storedKick({ id, at, cause, reason, by }: KickRecord): StoredKick {
  return { id, at: +at, reason, by, ...(cause === "kick" ? {} : { cause }) };
}

export function kickOf({ id, at, cause = "kick", reason, by }: StoredKick): KickRecord {
  return { id, at: new Date(at), cause, reason, by };
}
