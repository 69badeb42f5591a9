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

interface Stopped {
  /** What has kept the kick from visiting further users. */
  readonly stoppedBy?: unknown;
  /** The signal of the caller. Its reason is the cause of users who were left when it aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns the error of an incomplete kick. Of several causes, it carries the one to fix first. A wrong argument is returned as it
 * is.
 */
export function kickError(failures: readonly Failure[], { stoppedBy, signal }: Stopped = {}): LogoutError {
  const causes = [...(stoppedBy === undefined ? [] : [stoppedBy]), ...failures.map(({ cause }) => cause)];
  const misuse = causes.find((cause) => LogoutError.is(cause, "ERR_ARGUMENT_INVALID"));
  if (misuse !== undefined) return misuse;
  const isLeft = (cause: unknown): boolean => signal?.aborted === true && cause === signal.reason;
  const faults = causes.filter((cause) => !isLeft(cause));
  const codes = faults.map(codeOf);
  const stopped = ["ERR_KICK_INCOMPLETE", "stopped by its signal"] as const;
  const [code, why] = faults.length === 0 ? stopped : (WHY.find(([each]) => codes.includes(each)) ?? WHY[0]);
  const first = faults.length === 0 ? causes[0] : faults[codes.indexOf(code)];
  const userIds = failures.map(({ userId }) => userId);
  const users = `${String(userIds.length)} ${userIds.length === 1 ? "user" : "users"}`;
  // The error of a log that has failed is the app's own.
  const cause = LogoutError.is(first, "ERR_AUDIT_FAILED") ? first.cause : first;
  return new LogoutError(code, `Kick incomplete for ${users}: ${why}. Safe to retry.`, { cause, details: { userIds } });
}

function codeOf(cause: unknown): Code {
  return LogoutError.is(cause, "ERR_WRITE_NOT_REPLICATED", "ERR_AUDIT_FAILED") ? cause.code : "ERR_KICK_INCOMPLETE";
}
