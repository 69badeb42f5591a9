import type { LoginOptions } from "../../lib/index.js";
import type { ListedLogin } from "../../lib/types/registry.js";
import type { ModelLogin } from "./model.js";

const MINUTE_MS = 60_000;

/** What may end a login besides logouts, kicks and the end of its session: the model does not ask that it is served. */
export const BY_POLICY = {};

/** The policy of the app in a history. */
export interface Policy {
  readonly max?: number | undefined;
  readonly whenFull?: "endLeastActive" | "refuseNew" | undefined;
  readonly absoluteMs?: number | undefined;
  readonly idleMs?: number | undefined;
}

export function loginOptions({ max, whenFull, ...lifetime }: Policy): LoginOptions {
  return { max: max === undefined ? undefined : { count: max, whenFull }, lifetime };
}

/** By the clock that the registry was asked at. */
interface Times {
  /** When its lifetime began: at the latest confirmation that the registry has answered, if there is one. */
  began: number;
  /** The same, and when it was last active, if what the registry was asked for has been done: the latest time possible. */
  mayHaveBegun: number;
  active: number;
}

/** What limits and lifetimes demand of logins. */
export class PolicyModel {
  readonly #policy: Policy;
  readonly #times = new Map<ModelLogin, Times>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  get hasLimit(): boolean {
    return this.#policy.max !== undefined;
  }

  get hasLifetimes(): boolean {
    return this.#policy.absoluteMs !== undefined || this.#policy.idleMs !== undefined;
  }

  /** Whether a user with these logins may have more than the limit. What a job sets from a copy may be one more. */
  exceeds(logins: readonly ModelLogin[]): boolean {
    const open = logins.filter(({ endedAt }) => endedAt === undefined);
    return open.length > this.#max || logins.some(({ isCopied }) => isCopied);
  }

  began(login: ModelLogin): void {
    const now = Date.now();
    this.#times.set(login, { began: now, mayHaveBegun: now, active: now });
  }

  /** The registry is asked to start its lifetime again. */
  mayBegin(login: ModelLogin): void {
    const times = this.#times.get(login);
    if (times !== undefined) times.mayHaveBegun = Date.now();
  }

  /** The registry has started its lifetime again. */
  beganAgain(login: ModelLogin): void {
    const times = this.#times.get(login);
    if (times !== undefined) times.began = Date.now();
  }

  active(login: ModelLogin): void {
    const times = this.#times.get(login);
    if (times !== undefined) times.active = Date.now();
  }

  /** Whether the lifetime of a login may be over. */
  mayBeOver(login: ModelLogin): boolean {
    const { absoluteMs = Infinity, idleMs = Infinity } = this.#policy;
    const began = this.#times.get(login)?.began ?? Infinity;
    return Date.now() >= began + Math.min(absoluteMs, idleMs);
  }

  /** Whether a request that reads now must not be served: idle logins end late by at most a minute. */
  isOver(login: ModelLogin): boolean {
    const { absoluteMs = Infinity, idleMs = Infinity } = this.#policy;
    const times = this.#times.get(login);
    // What was never listed has no lifetime yet: a process may have died that was about to list it.
    if (times === undefined || login.listedAt < 0 || login.isCopied) return false;
    return Date.now() >= Math.min(times.mayHaveBegun + absoluteMs, times.active + idleMs + MINUTE_MS);
  }

  /** Returns the user who has more sessions on the list than the limit allows. */
  userBeyond(listed: readonly ListedLogin[]): string | undefined {
    const users = new Set(listed.map(({ userId }) => userId));
    return [...users].find((user) => sessionsOf(listed.filter(({ userId }) => userId === user)) > this.#max);
  }

  get #max(): number {
    return this.#policy.max ?? Infinity;
  }
}

/** Logins that share a session id are one session; one without a session id is being rotated. */
function sessionsOf(logins: readonly Pick<ListedLogin, "sids">[]): number {
  let sessions: ReadonlySet<string>[] = [];
  let rotated = 0;
  for (const { sids } of logins) {
    if (sids.length === 0) rotated += 1;
    else {
      const shared = sessions.filter((session) => sids.some((sid) => session.has(sid)));
      sessions = [
        ...sessions.filter((session) => !shared.includes(session)),
        new Set([...sids, ...shared.flatMap((session) => [...session])]),
      ];
    }
  }
  return sessions.length + rotated;
}
