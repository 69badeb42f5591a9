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

/** When a login began, and when it was last active, by the clock that the registry was asked at: the latest time possible. */
interface Times {
  readonly began: number;
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
    this.#times.set(login, { began: Date.now(), active: Date.now() });
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
    const { began, active } = this.#times.get(login) ?? { began: Infinity, active: Infinity };
    return !login.isCopied && Date.now() >= Math.min(began + absoluteMs, active + idleMs + MINUTE_MS);
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
