import type { Store } from "express-session";
import { mapLimit } from "../../util/map-limit.js";
import type { KickRecord } from "../../types/login.js";
import type { ListedLogin } from "../../types/registry.js";
import { ConnectRedisTombstones } from "./connect-redis-tombstones.js";
import type { RawStore } from "./raw-store.js";
import { isSameLogin, tombstoneSession, stampOf, type LoginName, type Stamp, type Tombstone } from "../stamp.js";

/** How many sessions of a user the store is asked for at once. */
const AT_ONCE = 100;
/** A tombstone that is of no use any more is not left: the session goes. */
const LONG_AGO = new Date(0);

/** A session of a login that was kicked. */
export interface KickedSession {
  readonly sid: string;
  readonly userId: string;
  /** Until when its tombstone is of use. */
  readonly expires: Date;
  readonly tombstone: Tombstone;
}

/** What a kick leaves of sessions. */
export class Tombstones {
  readonly #raw: RawStore;
  readonly #quickly: ConnectRedisTombstones | undefined;

  /** @param store - before it is hooked */
  constructor(store: Store, raw: RawStore, timeoutMs: number) {
    this.#raw = raw;
    this.#quickly = ConnectRedisTombstones.of(store, timeoutMs);
  }

  /**
   * Puts in the place of these logins' session data why they ended, so that nothing private stays and the user can be told;
   * unless another login has begun in that very session meanwhile.
   */
  async write(logins: readonly ListedLogin[], { at, reason }: KickRecord): Promise<void> {
    const sessions = logins.flatMap(({ id, userId, expires, sids }) =>
      sids.map((sid) => ({ sid, userId, expires, tombstone: { loginId: id, at: +at, reason } })),
    );
    const left = this.#quickly === undefined ? sessions : await this.#quickly.write(sessions);
    await mapLimit(AT_ONCE, left, (session) => this.#leave(session));
  }

  /**
   * Removes what a request in flight has written to the session of a login that had ended: with a mark, its reason takes the
   * place of the data. What another login has written there meanwhile stays.
   */
  async replace(
    sid: string,
    { userId, loginId }: LoginName,
    mark: KickRecord | undefined,
    expires: Date,
  ): Promise<void> {
    const tombstone = { loginId, at: +(mark?.at ?? 0), reason: mark?.reason };
    const session = { sid, userId, expires: mark === undefined ? LONG_AGO : expires, tombstone };
    const left = this.#quickly === undefined ? [session] : await this.#quickly.write([session]);
    for (const each of left) await this.#leave(each);
  }

  /** Leaves the reason in a session whose id is known to this request alone: it is about to send it to the browser. */
  async writeNew(sid: string, { loginId }: Stamp, mark: KickRecord | undefined, expires: Date): Promise<void> {
    if (mark === undefined) return;
    await this.#raw.set(sid, tombstoneSession({ loginId, at: +mark.at, reason: mark.reason }, expires));
  }

  async #leave({ sid, userId, expires, tombstone }: KickedSession): Promise<void> {
    const session = await this.#raw.get(sid);
    if (session === undefined || !isSameLogin(stampOf(session), { userId, loginId: tombstone.loginId })) return;
    if (+expires > Date.now()) await this.#raw.set(sid, tombstoneSession(tombstone, expires));
    else await this.#raw.destroy(sid);
  }
}
