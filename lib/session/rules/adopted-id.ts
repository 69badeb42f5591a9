import { createHash } from "node:crypto";
import type { Stamp } from "../stamp.js";

/** The prefix of the id of an adopted login. */
const ADOPTED = "~";

/** Returns whether a login was adopted. Its id can be derived again from old session data, so its end must be remembered. */
export function isAdopted({ loginId }: Pick<Stamp, "loginId">): boolean {
  return loginId.startsWith(ADOPTED);
}

/** Returns the stamp of a session that this package has not written, before it is listed: every kick applies to it. */
export function unadopted(sid: string, userId: string): Stamp {
  const digest = createHash("sha256").update(`express-logout:${sid}`).digest();
  return { userId, loginId: ADOPTED + digest.subarray(0, 16).toString("base64url"), generation: "" };
}
