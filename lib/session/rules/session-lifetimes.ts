import { ignored } from "../../util/debug.js";
import type { Store } from "express-session";
import type { LoginRegistry } from "../../types/registry.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { SessionRecord, Stamp } from "../stamp.js";
import type { KeyBindings } from "./key-bindings.js";
import { activityIntervalMs, expiresInMs, isEndedByCookie, sessionTtlMs } from "./lifetime.js";
import type { RememberedSessions } from "./remembered-sessions.js";

export interface SessionLifetimesOptions {
  readonly store: Store;
  readonly registry: LoginRegistry;
  readonly keys: KeyBindings;
  readonly remembered: RememberedSessions;
  readonly maxSessionAgeMs: number;
}

/** A session, and how long it lives from now, in milliseconds. */
interface LivingSession {
  readonly session: SessionRecord;
  readonly lifetimeMs: number;
}

/** How long sessions live, and the record of it in the registry: logins live as long as their sessions. */
export class SessionLifetimes {
  readonly #store: Store;
  readonly #registry: LoginRegistry;
  readonly #keys: KeyBindings;
  readonly #remembered: RememberedSessions;
  readonly #maxSessionAgeMs: number;

  constructor({ store, registry, keys, remembered, maxSessionAgeMs }: SessionLifetimesOptions) {
    this.#store = store;
    this.#registry = registry;
    this.#keys = keys;
    this.#remembered = remembered;
    this.#maxSessionAgeMs = maxSessionAgeMs;
  }

  /**
   * Records activity of a login in the registry, if the last record is old or the lifetime has changed.
   *
   * @returns whether the login is still listed; `undefined` if the registry was not asked
   */
  extend(sid: string, session: SessionRecord, stamp: Stamp, req: object | undefined): Promise<boolean> | undefined {
    const lifetimeMs = this.ttlMs(session);
    return this.#remembered.isDue(sid, stamp, lifetimeMs)
      ? this.#record(sid, { session, lifetimeMs }, stamp, req)
      : undefined;
  }

  /**
   * Records the lifetime that a session was written with, for lists, if the app has changed its cookie since the login was listed. A
   * failure only makes lists inexact, and the session has been written.
   *
   * @param listedMs - the lifetime that the login was listed with
   */
  async recordLifetime(sid: string, written: LivingSession, listedMs: number, stamp: Stamp): Promise<void> {
    const { lifetimeMs } = written;
    if (Math.abs(lifetimeMs - listedMs) < activityIntervalMs(lifetimeMs)) return;
    await this.#record(sid, written, stamp, undefined).catch(ignored("a lifetime was not recorded", [sid]));
  }

  /** Records the lifetime of a session whose login was listed provisionally. Otherwise the login would end before its session. */
  async confirm(sid: string, written: LivingSession, stamp: Stamp): Promise<void> {
    await this.#record(sid, written, stamp, undefined);
  }

  async #record(
    sid: string,
    { session, lifetimeMs }: LivingSession,
    stamp: Stamp,
    req: object | undefined,
  ): Promise<boolean> {
    const now = Date.now();
    const ttlMs = lifetimeMs + activityIntervalMs(lifetimeMs);
    // The rows of its keys must outlive the login.
    const bound = await this.#keys.bind({ sid, session, keepMs: ttlMs }, stamp);
    if (bound === undefined) return false;
    const updated = await this.#registry.update(stamp.userId, stamp.loginId, { ttlMs, ...deviceInfoOf(req) });
    const isListed = updated !== false;
    if (isListed) this.#remembered.recorded(sid, bound, now, ttlMs);
    return isListed;
  }

  /** Returns how long the registry keeps the login of a session, in milliseconds: one activity interval longer than the store. */
  keepMs(session: SessionRecord): number {
    const ttlMs = this.ttlMs(session);
    return ttlMs + activityIntervalMs(ttlMs);
  }

  /** Returns whether the app has ended the session by its cookie. */
  isEndedByCookie(session: SessionRecord): boolean {
    return isEndedByCookie(this.#store, session, this.#maxSessionAgeMs);
  }

  /** Returns the time until the store expires a session that is not touched, in milliseconds. */
  expiresInMs(session: SessionRecord): number {
    return expiresInMs(this.#store, session, this.#maxSessionAgeMs);
  }

  /** Returns how long the store keeps a session that is written now, in milliseconds. */
  ttlMs(session: SessionRecord): number {
    return sessionTtlMs(this.#store, session, this.#maxSessionAgeMs);
  }
}
