import type { KeyDigest, KeyIndex, KeyRow } from "../types/login-keys.js";
import { mapLimit } from "../util/map-limit.js";
import { kickError, type Failure } from "./kick-error.js";
import type { KickResult } from "./kick-options.js";
import type { Kick } from "./kick.js";

/** Concurrency of a kick of many users. */
const USERS_AT_ONCE = 200;

export interface KeyKick {
  readonly digest: KeyDigest;
  /** Spares logins whose user authenticated later, in seconds since 1970, by the issuer's clock. Absent: spares none. */
  readonly before?: number | undefined;
  /** Where the mark is left for logins that are bound later, and are not newer. Absent: none, for an unsigned request. */
  readonly mark: KeyDigest | undefined;
  /** The logins that stay. */
  readonly except?: readonly string[] | undefined;
}

/**
 * Ends every login that is bound to a key. The mark comes before the rows are read: a login that is bound meanwhile either has its row
 * among them, or finds the mark. Rows go last, so that a repetition finds what a failure has left.
 *
 * @throws LogoutError as a kick of users
 */
export async function kickByKey(
  keys: KeyIndex,
  { digest, before, mark, except = [] }: KeyKick,
  kick: Kick,
): Promise<KickResult> {
  const failures: Failure[] = [];
  const users = new Set<string>();
  let logins = 0;
  const kickUser = async ([userId, rows]: readonly [string, readonly KeyRow[]]): Promise<void> => {
    try {
      const loginIds = rows.map(({ loginId }) => loginId);
      const ended = await kick.endLogins(userId, loginIds);
      await keys.drop(digest, rows);
      logins += ended;
      if (ended > 0) users.add(userId);
    } catch (cause) {
      kick.audit.failed(userId, cause);
      failures.push({ userId, cause });
    }
  };
  try {
    if (mark !== undefined) await keys.mark(mark, kick.record, before);
    for await (const rows of keys.rows(digest)) {
      const ending = rows.filter((row) => hasEnded(row, before) && !except.includes(row.loginId));
      await mapLimit(USERS_AT_ONCE, [...byUser(ending)], kickUser);
    }
  } catch (error) {
    throw kickError(failures, { stoppedBy: error });
  }
  if (failures.length > 0) throw kickError(failures);
  return { users: users.size, logins };
}

/** Where either time is missing, a login that is bound already is an old one. */
function hasEnded({ since }: KeyRow, before: number | undefined): boolean {
  return since === undefined || before === undefined || since <= before;
}

function byUser(rows: readonly KeyRow[]): Map<string, KeyRow[]> {
  const users = new Map<string, KeyRow[]>();
  for (const row of rows) {
    const known = users.get(row.userId);
    if (known === undefined) users.set(row.userId, [row]);
    else known.push(row);
  }
  return users;
}
