import { LogoutError } from "../errors.js";
import { kickError, type Failure } from "./kick-error.js";
import type { KickResult, LongKick } from "./kick-options.js";

/** What was done with a batch of users. */
export interface Visited extends KickResult {
  readonly failures: readonly Failure[];
}

/** A kick of users who are not named. */
export interface Walk extends LongKick {
  /** The first step. Returns how many users there are, an estimate for progress. */
  begin(): Promise<number>;
  /** Iterates over all users, in batches. */
  users(): AsyncIterable<readonly string[]>;
  visit(userIds: readonly string[]): Promise<Visited>;
  /** The last step, if every user was visited. */
  finish?(result: KickResult): Promise<void>;
  /** Called if the kick is not done for all, with what is done. */
  failed?(error: LogoutError, result: KickResult): void;
  /** What `done` of the progress counts: by default the users who were logged in. */
  readonly counts?: "visited";
}

/**
 * Visits all users, batch by batch. A failed user, or an error of `onProgress`, does not keep others from being visited.
 *
 * @throws LogoutError of {@link kickError}, which names the users who failed, and those who are left after the signal has aborted
 */
export async function walkUsers(walk: Walk): Promise<KickResult> {
  const result = { users: 0, logins: 0 };
  const failed: Failure[] = [];
  const progressErrors: unknown[] = [];
  try {
    const total = await walk.begin();
    let visited = 0;
    for await (const userIds of walk.users()) {
      const { users, logins, failures } = await walk.visit(userIds);
      result.users += users;
      result.logins += logins;
      failed.push(...failures);
      visited += userIds.length;
      if (isStopped(walk.signal)) continue;
      const done = walk.counts === "visited" ? visited : result.users;
      try {
        walk.onProgress?.({ done, total: Math.max(done, total) });
      } catch (error) {
        progressErrors.push(error);
      }
    }
    if (failed.length === 0) await walk.finish?.(result);
  } catch (error) {
    throw failure(walk, kickError(failed, { stoppedBy: error, signal: walk.signal }), result);
  }
  if (failed.length > 0) throw failure(walk, kickError(failed, { signal: walk.signal }), result);
  if (progressErrors.length > 0) throw progressErrors[0];
  return result;
}

function failure(walk: Walk, error: LogoutError, result: KickResult): LogoutError {
  walk.failed?.(error, result);
  return error;
}

/** @throws LogoutError `ERR_ARGUMENT_INVALID`; the reason of a signal that has aborted already */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  // An AbortController in its place would never stop the kick.
  if (typeof (signal as Partial<AbortSignal> | null)?.aborted !== "boolean") {
    throw new LogoutError("ERR_ARGUMENT_INVALID", "signal must be an AbortSignal.");
  }
  signal.throwIfAborted();
}

/** In a function of its own: the compiler takes a signal that was not aborted before an await for one that never is. */
export function isStopped(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
