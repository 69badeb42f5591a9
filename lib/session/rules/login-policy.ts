import type { LoginRegistry } from "../../types/registry.js";
import type { AddResult, ListedLogin, LoginChange, LoginLimit, NewLogin, Since } from "../../types/registry.js";
import { LogoutError } from "../../errors.js";
import type { SessionEvents } from "../session-events.js";
import type { SessionRecord, Stamp } from "../stamp.js";
import type { FinishKick } from "./finish-kick.js";
import type { KeysOf } from "./key-bindings.js";
import { MINUTE_MS } from "./lifetime.js";

/** How long a login is listed that may be refused, until its session is written: a process that dies meanwhile locks no user out. */
const PROVISIONAL_MS = 120_000;

/** The policy of the app. Each function may reject: then no login is listed, and none ends. */
export interface LoginPolicy {
  readonly whenFull: LoginLimit["whenFull"];
  /** The reason that the users of ended logins see. */
  readonly reason: string | undefined;
  /** Returns the most logins that a user may have, `Infinity` for no limit. */
  readonly count: (userId: string, session: SessionRecord) => Promise<number>;
  readonly lifetime: (session: SessionRecord, userId: string) => Promise<Lifetime>;
  /** Returns whether a login that begins with this request is fresh: the request has checked the user's credentials. */
  readonly startsFresh: (req: object | undefined) => Promise<boolean>;
  /** Absent: no login has external keys. */
  readonly keysOf: KeysOf | undefined;
}

interface Lifetime {
  readonly absoluteMs?: number | undefined;
  readonly idleMs?: number | undefined;
}

/** What the policy says about one login. */
export interface Terms extends Pick<NewLogin, "lastsMs" | "idleMs"> {
  readonly limit: LoginLimit | undefined;
}

export interface LimitedLoginsOptions {
  readonly policy: LoginPolicy;
  readonly registry: LoginRegistry;
  readonly finish: FinishKick;
  readonly events: SessionEvents;
}

/** Lists logins within the app's policy, and finishes what a limit has ended. */
export class LimitedLogins {
  readonly #policy: LoginPolicy;
  readonly #registry: LoginRegistry;
  readonly #finishKick: FinishKick;
  readonly #events: SessionEvents;

  constructor({ policy, registry, finish, events }: LimitedLoginsOptions) {
    this.#policy = policy;
    this.#registry = registry;
    this.#finishKick = finish;
    this.#events = events;
  }

  /** Returns the terms of a login, before anything is listed. Rejects if a function of the app fails. */
  async termsOf(userId: string, session: SessionRecord): Promise<Terms> {
    const { absoluteMs, idleMs } = await this.#policy.lifetime(session, userId);
    // Activity is recorded once a minute at most, and an active login must never end.
    return {
      limit: await this.limitOf(userId, session),
      lastsMs: absoluteMs,
      idleMs: idleMs === undefined ? undefined : idleMs + MINUTE_MS,
    };
  }

  startsFresh(req: object | undefined): Promise<boolean> {
    return this.#policy.startsFresh(req);
  }

  async limitOf(userId: string, session: SessionRecord): Promise<LoginLimit | undefined> {
    const { whenFull, reason } = this.#policy;
    const count = await this.#policy.count(userId, session);
    return count === Infinity ? undefined : { count, whenFull, record: this.#events.newKick("limit", { reason }) };
  }

  async add(login: NewLogin, { limit, ...lifetime }: Terms, since?: Since): Promise<AddResult> {
    const added = await this.#registry.add({ ...login, ...lifetime }, { since, limit });
    if (added.outcome === "listed") await this.#finish(login.userId, added.ended, limit);
    return added;
  }

  /** Lists a login whose session is about to be written. @throws LogoutError `ERR_TOO_MANY_LOGINS` */
  async addForSave(login: NewLogin, terms: Terms, since?: Since): Promise<AddResult> {
    const ttlMs = Math.min(login.ttlMs, provisionalMs(terms));
    const added = await this.add({ ...login, ttlMs }, terms, since);
    if (added.outcome === "full") throw tooManyLogins(login.userId, terms.limit?.count ?? 0);
    return added;
  }

  /** Gives a login a new session id. Returns whether it is listed. */
  async addSid({ userId, loginId }: Stamp, change: LoginChange): Promise<boolean> {
    const updated = await this.#registry.update(userId, loginId, change);
    if (typeof updated !== "boolean") await this.#finish(userId, updated, change.limit);
    return updated !== false;
  }

  async #finish(userId: string, ended: readonly ListedLogin[], limit: LoginLimit | undefined): Promise<void> {
    if (limit !== undefined) await this.#finishKick(userId, ended, limit.record);
  }
}

/** Returns how long a login may be listed before its session is written, in milliseconds. */
export function provisionalMs({ limit }: Terms): number {
  return limit?.whenFull === "refuse" ? PROVISIONAL_MS : Infinity;
}

function tooManyLogins(userId: string, max: number): LogoutError {
  return new LogoutError(
    "ERR_TOO_MANY_LOGINS",
    `Too many logins: ${String(max)} are allowed (logins.max). Log out on another device first.`,
    { details: { userId, max } },
  );
}
