import type { ListedLogin } from "../types/registry.js";

/**
 * Returns the logins that a limit ends: all beyond the `count` youngest sessions, of which the one with `sid` is the first. Logins
 * that share a session id are one session.
 *
 * @param others - the live logins of the user but the one that is being listed, or gets this session id
 */
export function excessOf<Each extends ListedLogin>(others: readonly Each[], sid: string, count: number): Each[] {
  const kept = new Set([sid]);
  let sessions = 1;
  return [...others].sort(youngestFirst).filter(({ sids }) => {
    const isKnown = sids.some((each) => kept.has(each));
    if (!isKnown && sessions >= count) return true;
    if (!isKnown) sessions += 1;
    for (const each of sids) kept.add(each);
    return false;
  });
}

function youngestFirst(a: ListedLogin, b: ListedLogin): number {
  return +b.lastActive - +a.lastActive || +b.began - +a.began || (a.id < b.id ? 1 : -1);
}
