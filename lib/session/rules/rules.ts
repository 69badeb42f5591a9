import type { Store } from "express-session";
import type { LoginRegistry } from "../../types/registry.js";
import { mapLimit } from "../../util/map-limit.js";
import { ownRegistry } from "../../util/own-registry.js";
import type { RequestState } from "../request-state.js";
import type { SessionEvents } from "../session-events.js";
import { stampOf, type SessionRecord, type Stamp } from "../stamp.js";
import type { RawStore } from "../store/raw-store.js";
import { clientOfSets } from "../store/store-support.js";
import type { Tombstones } from "../store/tombstones.js";
import { toUserId, type UserIdOf } from "../user-id.js";
import { SessionTouches } from "./activity.js";
import { Adoption, type AdoptionOptions } from "./adoption.js";
import { Confirmations } from "./confirmation.js";
import { LoginEnds } from "./end.js";
import { finishingKicks } from "./finish-kick.js";
import { KeyBindings } from "./key-bindings.js";
import { Listings } from "./listing.js";
import { LimitedLogins, type LoginPolicy } from "./login-policy.js";
import { SessionLoads } from "./load.js";
import { MissingUser } from "./missing-user.js";
import { RememberedSessions } from "./remembered-sessions.js";
import { SessionSaves } from "./save.js";
import { SessionLifetimes } from "./session-lifetimes.js";

/** How many sessions `adoptSessions()` adopts concurrently. */
const ADOPTED_AT_ONCE = 50;

/** The options in `sessions` that the rules follow. */
export interface SessionRuleOptions extends AdoptionOptions {
  readonly maxAgeMs: number;
  readonly touchIntervalMs: number;
}

export interface SessionRulesOptions {
  readonly store: Store;
  readonly raw: RawStore;
  readonly tombstones: Tombstones;
  readonly registry: LoginRegistry;
  readonly userId: UserIdOf;
  readonly sessions: SessionRuleOptions;
  readonly logins: LoginPolicy;
  readonly events: SessionEvents;
}

/**
 * The rules by which sessions become logins and logins end: one method for each event in the life of a session.
 *
 * The rule that all others serve: a session is served only while its login is listed, and only a new login lists one.
 */
export class SessionRules {
  readonly loads: SessionLoads;
  readonly saves: SessionSaves;
  readonly touches: SessionTouches;
  readonly ends: LoginEnds;
  readonly confirmations: Confirmations;
  readonly #raw: RawStore;
  readonly #registry: LoginRegistry;
  readonly #userIdOf: UserIdOf;
  readonly #adoption: Adoption;
  readonly #remembered = new RememberedSessions();
  readonly #missingUser = new MissingUser();

  /** @param options - `store`: not hooked yet */
  constructor({ store, raw, tombstones, registry, userId, sessions, logins, events }: SessionRulesOptions) {
    const { maxAgeMs: maxSessionAgeMs, touchIntervalMs } = sessions;
    this.#raw = raw;
    this.#registry = registry;
    this.#userIdOf = userId;
    this.#adoption = new Adoption(sessions);
    const remembered = this.#remembered;
    const userOf = (session: SessionRecord): string | undefined => this.#userOf(session);
    const stampOf = (session: SessionRecord): Stamp | undefined => this.stampOf(session);
    const client = clientOfSets(store);
    const isInOrder = client !== undefined && ownRegistry(registry)?.sharesConnection?.(client) === true;
    const finish = finishingKicks({ registry, tombstones, events });
    const keys = new KeyBindings({ registry, keysOf: logins.keysOf, remembered, finish, events });
    const lifetimes = new SessionLifetimes({ store, registry, keys, remembered, maxSessionAgeMs });
    const adoption = this.#adoption;
    const limited = new LimitedLogins({ policy: logins, registry, finish, events });
    const listings = new Listings({
      registry,
      limited,
      keys,
      adoption,
      lifetimes,
      events,
      remembered,
      maxSessionAgeMs,
    });
    const ends = (this.ends = new LoginEnds({ raw, tombstones, registry, remembered, events, stampOf }));
    const shared = { raw, registry, listings, keys, lifetimes, ends, remembered, userOf };
    const missingUser = this.#missingUser;
    const saves = (this.saves = new SessionSaves({ ...shared, tombstones, missingUser, isInOrder }));
    this.touches = new SessionTouches({ ...shared, touchIntervalMs, stampOf });
    this.loads = new SessionLoads({ ...shared, store, saves, events });
    this.confirmations = new Confirmations({ ...shared, limited, saves, events });
  }

  /** Returns the stamp of a loaded session. */
  stampOf(session: SessionRecord): Stamp | undefined {
    const stamp = stampOf(session);
    return stamp !== undefined && this.isOf(session, stamp) ? stamp : undefined;
  }

  /** Returns whether a session has the user of this login. */
  isOf(session: SessionRecord, { userId }: Stamp): boolean {
    return this.#userOf(session) === userId;
  }

  /** Removes a session whose request is about to get a new session id: the login stays listed, without the old id. */
  async suspend(sid: string, logins: RequestState): Promise<void> {
    const held = logins.on(sid);
    if (held === undefined) {
      await this.ends.destroy(sid, logins);
      return;
    }
    await this.#registry.update(held.stamp.userId, held.stamp.loginId, { removeSid: sid });
    this.#remembered.forget(sid);
    await this.#raw.destroy(sid);
  }

  /** Remembers the login of a new session id, in case the session is destroyed before it is saved. */
  rotating(sid: string, logins: RequestState): void {
    const held = logins.on(sid);
    if (held !== undefined) this.#remembered.expected(sid, held.stamp);
  }

  /** Clears the store and ends every login. */
  async clear(): Promise<void> {
    this.#remembered.clear();
    await this.#registry.clear();
    await this.#raw.clear();
  }

  /**
   * Adopts every session in the store that this package has not written.
   *
   * @returns how many were adopted
   */
  async adoptAll(onProgress: (progress: { readonly done: number; readonly total: number }) => void): Promise<number> {
    if (!this.#adoption.isOpen) return 0;
    const sessions = await this.#raw.all();
    let adopted = 0;
    let done = 0;
    const thrown: unknown[] = [];
    /** An error of one session, or of `onProgress`, does not keep the other sessions from being adopted. */
    const inspect = <Value>(act: () => Value): Value | undefined => {
      try {
        return act();
      } catch (error) {
        thrown.push(error);
        return undefined;
      }
    };
    await mapLimit(ADOPTED_AT_ONCE, sessions, async ([sid, session]) => {
      const userId = inspect(() => this.#userOf(session));
      if (userId !== undefined && stampOf(session)?.userId !== userId) {
        const { session: served } = await this.loads.adopt(sid, session, userId);
        if (served !== undefined) adopted += 1;
      }
      done += 1;
      inspect(() => {
        onProgress({ done, total: sessions.length });
      });
    });
    if (thrown.length > 0) throw thrown[0];
    return adopted;
  }

  #userOf(session: SessionRecord): string | undefined {
    const userId = toUserId(this.#userIdOf(session));
    if (userId !== undefined) this.#missingUser.found();
    return userId;
  }
}
