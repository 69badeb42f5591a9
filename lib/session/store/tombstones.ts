import type { Store } from "express-session";
import { mapLimit } from "../../util/map-limit.js";
import type { KickRecord } from "../../types/login.js";
import type { ListedLogin } from "../../types/registry.js";
import { ConnectRedisTombstones } from "./connect-redis-tombstones.js";
import type { RawStore } from "./raw-store.js";
import {
  isSameLogin,
  stampOf,
  tombstoneBy,
  tombstoneSession,
  type LoginName,
  type Stamp,
  type Tombstone,
} from "../stamp.js";

/** The number of sessions of a user that are replaced concurrently. */
const AT_ONCE = 100;
/** An expiry for which no tombstone is written: the session is destroyed. */
const LONG_AGO = new Date(0);
const UNWRITTEN: KickRecord = { id: "", at: LONG_AGO, cause: "kick" };

/** A session of a login that was kicked. */
export interface KickedSession {
  readonly sid: string;
  readonly userId: string;
  /** When its tombstone expires. */
  readonly expires: Date;
  readonly tombstone: Tombstone;
}

/** Replaces the data of kicked sessions with tombstones. */
export class Tombstones {
  readonly #raw: RawStore;
  readonly #byScript: ConnectRedisTombstones | undefined;

  /** @param store - not hooked yet */
  constructor(store: Store, raw: RawStore, timeoutMs: number) {
    this.#raw = raw;
    this.#byScript = ConnectRedisTombstones.of(store, timeoutMs);
  }

  /**
   * Replaces the session data of these logins with the reason of their kick, so that no private data stays and the user can be shown
   * why. A session in which another login has begun stays as it is.
   */
  async write(logins: readonly ListedLogin[], kick: KickRecord): Promise<void> {
    const sessions = logins.flatMap(({ id, userId, expires, sids }) =>
      sids.map((sid) => ({ sid, userId, expires, tombstone: tombstoneBy(kick, id) })),
    );
    const left = this.#byScript === undefined ? sessions : await this.#byScript.write(sessions);
    await mapLimit(AT_ONCE, left, (session) => this.#replace(session));
  }

  /**
   * Removes the data that a request in flight has written for an ended login, or replaces it with the reason of the kick, if there
   * was one. Data of another login stays.
   */
  async replace(
    sid: string,
    { userId, loginId }: LoginName,
    kick: KickRecord | undefined,
    expires: Date,
  ): Promise<void> {
    const tombstone = tombstoneBy(kick ?? UNWRITTEN, loginId);
    const session = { sid, userId, expires: kick === undefined ? LONG_AGO : expires, tombstone };
    const left = this.#byScript === undefined ? [session] : await this.#byScript.write([session]);
    for (const each of left) await this.#replace(each);
  }

  /** Writes a tombstone into a new session, whose id only this request knows and is about to send to the browser. */
  async writeNew(sid: string, { loginId }: Stamp, kick: KickRecord | undefined, expires: Date): Promise<void> {
    if (kick === undefined) return;
    await this.#raw.set(sid, tombstoneSession(tombstoneBy(kick, loginId), expires));
  }

  async #replace({ sid, userId, expires, tombstone }: KickedSession): Promise<void> {
    const session = await this.#raw.get(sid);
    if (session === undefined || !isSameLogin(stampOf(session), { userId, loginId: tombstone.loginId })) return;
    if (+expires > Date.now()) await this.#raw.set(sid, tombstoneSession(tombstone, expires));
    else await this.#raw.destroy(sid);
  }
}
