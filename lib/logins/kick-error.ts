import { LogoutError } from "../errors.js";

/** A user whose kick has failed, and why. */
export interface Failure {
  readonly userId: string;
  readonly cause: unknown;
}

/** What keeps a kick from being done, the one to fix first at the top. */
const WHY = [
  ["ERR_KICK_INCOMPLETE", "session store or registry unavailable"],
  ["ERR_WRITE_NOT_REPLICATED", "too few replicas acknowledged it"],
  ["ERR_AUDIT_FAILED", "audit.log failed"],
] as const;

type Code = (typeof WHY)[number][0];

/**
 * Returns the error of an incomplete kick. Of several causes, it carries the one to fix first. A wrong argument is returned as it
 * is.
 */
export function kickError(failures: readonly Failure[], stoppedBy?: unknown): LogoutError {
  const causes = [...(stoppedBy === undefined ? [] : [stoppedBy]), ...failures.map(({ cause }) => cause)];
  const misuse = causes.find((cause) => LogoutError.is(cause, "ERR_ARGUMENT_INVALID"));
  if (misuse !== undefined) return misuse;
  const codes = causes.map(codeOf);
  const [code, why] = WHY.find(([each]) => codes.includes(each)) ?? WHY[0];
  const first = causes[codes.indexOf(code)];
  const userIds = failures.map(({ userId }) => userId);
  const users = `${String(userIds.length)} ${userIds.length === 1 ? "user" : "users"}`;
  // The error of a log that has failed is the app's own.
  const cause = LogoutError.is(first, "ERR_AUDIT_FAILED") ? first.cause : first;
  return new LogoutError(code, `Kick incomplete for ${users}: ${why}. Safe to retry.`, { cause, details: { userIds } });
}

function codeOf(cause: unknown): Code {
  return LogoutError.is(cause, "ERR_WRITE_NOT_REPLICATED", "ERR_AUDIT_FAILED") ? cause.code : "ERR_KICK_INCOMPLETE";
}
