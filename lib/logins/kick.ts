import type { KickAudit } from "../audit/kick-audit.js";
import { unadopted } from "../session/rules/adopted-id.js";
import type { Tombstones } from "../session/store/tombstones.js";
import type { KickRecord } from "../types/login.js";
import type { ListedLogin, LoginRegistry } from "../types/registry.js";
import { mapLimit } from "../util/map-limit.js";

/** Concurrency of a kick of some logins of a user. */
const LOGINS_AT_ONCE = 20;

export interface KickParts {
  readonly registry: LoginRegistry;
  readonly tombstones: Pick<Tombstones, "write">;
  /** Emits the event of logins that have ended. */
  readonly kicked: (userId: string, loginIds: readonly string[]) => void;
}

/** How all logins of a user are kicked. */
export interface KickOfUser {
  /** The logins that stay. */
  readonly except?: readonly string[] | undefined;
  /** Whether the kick is one of everyone. */
  readonly everyone?: boolean | undefined;
}

/** One kick that is being made. Each method ends logins of a user, and returns how many have ended. */
export class Kick {
  readonly record: KickRecord;
  readonly audit: KickAudit;
  readonly #registry: LoginRegistry;
  readonly #tombstones: Pick<Tombstones, "write">;
  readonly #kicked: KickParts["kicked"];

  constructor({ registry, tombstones, kicked }: KickParts, record: KickRecord, audit: KickAudit) {
    this.record = record;
    this.audit = audit;
    this.#registry = registry;
    this.#tombstones = tombstones;
    this.#kicked = kicked;
  }

  /** Ends every login of a user. */
  async endUser(userId: string, { except, everyone }: KickOfUser): Promise<number> {
    const { ended } = await this.#registry.end(userId, { kick: this.record, except, everyone });
    await this.#finish(userId, ended);
    return ended.length;
  }

  /** Ends some logins of a user. @param ifListed - Writes nothing for an id that is not listed: for ids that a user can make up. */
  async endLogins(userId: string, loginIds: readonly string[], ifListed = false): Promise<number> {
    const { record } = this;
    const ends = await mapLimit(LOGINS_AT_ONCE, loginIds, async (loginId) => {
      const { ended } = await this.#registry.end(userId, { loginId, kick: record, ifListed });
      return ended;
    });
    const ended = ends.flat();
    const copies = await mapLimit(LOGINS_AT_ONCE, ended, (login) => this.#endAdoptable(login));
    await this.#finish(userId, [...ended, ...copies.flat()]);
    return ended.length;
  }

  /**
   * Ends the logins under which a copy of the login's session without a stamp (which a job may write) would be adopted. A kick
   * of all logins of a user needs no such step: its kick record prevents the adoption.
   */
  async #endAdoptable({ id, userId, sids }: ListedLogin): Promise<ListedLogin[]> {
    const loginIds = sids.map((sid) => unadopted(sid, userId).loginId).filter((loginId) => loginId !== id);
    const ends = await mapLimit(LOGINS_AT_ONCE, loginIds, (loginId) =>
      this.#registry.end(userId, { loginId, kick: this.record, remember: true }),
    );
    return ends.flatMap(({ ended }) => ended);
  }

  /**
   * Writes tombstones for kicked logins, and records the kick. Until this is done, the registry keeps the logins, so that a repeated
   * kick finds them.
   */
  async #finish(userId: string, logins: readonly ListedLogin[]): Promise<void> {
    if (logins.length === 0) return;
    await this.#tombstones.write(logins, this.record);
    await this.audit.ended(userId, logins);
    const loginIds = logins.map(({ id }) => id);
    await this.#registry.finishKick(userId, loginIds);
    this.#kicked(userId, loginIds);
  }
}
