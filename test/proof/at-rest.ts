import type { ActiveUserRow, ListedLogin, RegistryList } from "../../lib/types/registry.js";
import type { ModelLogin } from "./model.js";
import type { Stored } from "./shared-store.js";

const MINUTE_MS = 60_000;

/** What can be seen when every request, kick and job has ended. */
export interface Rest {
  readonly now: number;
  /** Every session that there was has been asked for by its cookie, after everything else. */
  readonly isAskedFor: boolean;
  /** No process has died. */
  readonly isWhole: boolean;
  /** What the session store holds. */
  readonly sessions: readonly (readonly [sid: string, stored: Stored])[];
  /** When a session would have expired, in epoch milliseconds. */
  readonly expiresAt: (sid: string) => number;
  /** The sessions that were deleted in the store. */
  readonly deleted: ReadonlySet<string>;
  /** The logins whose session was deleted in the store, and for which a node that had last found them there has asked again. */
  readonly missed: ReadonlySet<ModelLogin>;
  /** The logins of each user, as the registry lists them for a page. */
  readonly lists: ReadonlyMap<string, RegistryList<ListedLogin>>;
  readonly online: RegistryList<ActiveUserRow>;
}

/** What lists and the session store must look like then. */
export function faultsAtRest(
  logins: readonly ModelLogin[],
  alive: ReadonlySet<ModelLogin | undefined>,
  rest: Rest,
): readonly string[] {
  return [
    ...logins.flatMap((login) => faultOf(login, alive, rest) ?? []),
    ...privateData(logins, rest),
    ...countsOf(rest),
  ];
}

function faultOf(login: ModelLogin, alive: ReadonlySet<ModelLogin | undefined>, rest: Rest): string | undefined {
  const isShown = isIn(rest.lists.get(login.user)?.items, login);
  const isOnline = isIn(rest.online.items.find(({ userId }) => userId === login.user)?.logins, login);
  const live = new Set(rest.sessions.map(([sid]) => sid));
  const sids = [...login.sids];
  const isGone = sids.length > 0 && !sids.some((sid) => live.has(sid));
  if (alive.has(login) && login.isAdopted && login.lifetime === "as it began" && !(isShown && isOnline)) {
    return `L: ${login.tag} is alive, and lists do not show it`;
  }
  if (!isShown && !isOnline) return undefined;
  const isExact = !login.isCutOff && login.lifetime !== "uncertain";
  if (isExact && isGone && sids.every((sid) => rest.expiresAt(sid) + MINUTE_MS <= rest.now)) {
    return `L: ${login.tag} is shown, and its session has ended`;
  }
  // Requests that change the session id at once leave a login two. One that has run out is not missed: it might be about to be written.
  const hasRunOut = sids.some((sid) => !rest.deleted.has(sid) && !login.left.has(sid));
  if (isGone && !hasRunOut && !login.isCutOff && login.isDeleted && rest.missed.has(login)) {
    return `L: ${login.tag} is shown, and its session was deleted and has been asked for since`;
  }
  return undefined;
}

/** What a kick has ended has left no data; where a process died over it, not when its session is asked for again. */
function privateData(logins: readonly ModelLogin[], { sessions, isAskedFor }: Rest): readonly string[] {
  return sessions.flatMap(([sid, { tag }]) => {
    const login = logins.find((known) => known.tag === tag);
    if (login?.kickedAt === undefined || login.isLoggedOut) return [];
    // The session ids of old logins whose users never came back are not known.
    const isExcused = !isAskedFor && (login.isCutOff || !login.isAdopted || login.mayBeOver);
    return isExcused ? [] : [`P: a kick has ended ${login.tag}, and the store holds its data in ${sid}`];
  });
}

/** Where no process has died, both lists say the same. */
function countsOf({ isWhole, lists, online }: Rest): readonly string[] {
  const users = [...lists].filter(([, { total }]) => total > 0).map(([userId]) => userId);
  const seen = online.items.map(({ userId }) => userId);
  if (!isWhole || (online.total === users.length && users.every((userId) => seen.includes(userId)))) return [];
  return [`L: ${users.join()} have logins, ${seen.join()} are online, and ${String(online.total)} are counted`];
}

function isIn(listed: readonly ListedLogin[] | undefined, { ids }: ModelLogin): boolean {
  return listed?.some(({ id }) => ids.has(id)) === true;
}
