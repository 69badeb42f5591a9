import { randomBytes } from "node:crypto";
import type { Audit } from "../audit/audit.js";
import { KickAudit } from "../audit/kick-audit.js";
import { LogoutError } from "../errors.js";
import type { Events } from "./events.js";
import { isLoginId, textArgument, userIdArgument } from "./arguments.js";
import { kickError, type Failure } from "./kick-error.js";
import type { KickAllOptions, KickedFrom, KickOptions, KickResult, KickUserOptions } from "./kick-options.js";
import { mapLimit } from "../util/map-limit.js";
import type { KickRecord, Login } from "../types/login.js";
import type { EndedLogins, ListedLogin, LoginRegistry, RegistryList, RegistryPage } from "../types/registry.js";
import { lru } from "../util/lru.js";
import { readPage, type CountedPage, type PageRequest } from "./paging.js";
import type { Tombstones } from "../session/store/tombstones.js";
import { unadopted } from "../session/rules/adopted-id.js";
import { debugError } from "../util/debug.js";

/** Concurrency of a kick of many users. */
const USERS_AT_ONCE = 200;
/** How many of its own kicks a process remembers, so that their notifications are not emitted twice. */
const OWN_KICKS = 1_000;

/** A user who is online. */
export interface ActiveUser {
  readonly userId: string;
  /** The user's newest live logins: at least one, at most 50. */
  readonly logins: readonly Login[];
  /** How many live logins the user has. */
  readonly loginsCount: number;
}

/** A kick that is being made. */
interface Kick {
  readonly record: KickRecord;
  readonly audit: KickAudit;
}

export interface LoginsOptions {
  readonly registry: LoginRegistry;
  readonly tombstones: Tombstones;
  readonly events: Events;
  readonly audit: Audit;
}

/** Kicks and lists logins, without HTTP. */
export class Logins {
  readonly #registry: LoginRegistry;
  readonly #tombstones: Tombstones;
  readonly #events: Events;
  readonly #audit: Audit;
  readonly #ownKicks = lru<true>(OWN_KICKS);

  constructor({ registry, tombstones, events, audit }: LoginsOptions) {
    this.#registry = registry;
    this.#tombstones = tombstones;
    this.#events = events;
    this.#audit = audit;
  }

  async kick(userIds: unknown, { except, ...options }: KickUserOptions & KickedFrom = {}): Promise<KickResult> {
    const kick = this.#createKick(options);
    const ids = new Set((Array.isArray(userIds) ? userIds : [userIds]).map(userIdArgument));
    if (except !== undefined && !isLoginId(except)) {
      throw new LogoutError("ERR_ARGUMENT_INVALID", "except must be the id of the login that stays.");
    }
    const { users, logins, failures } = await this.#kickUsers([...ids], kick, { except, isNamed: true });
    if (failures.length > 0) throw kickError(failures);
    return { users, logins };
  }

  /** @param ifListed - Writes nothing for an id that is not listed: for ids that a user can make up. */
  async kickLogin(
    userId: unknown,
    loginId: string,
    options: KickOptions & KickedFrom = {},
    ifListed = false,
  ): Promise<KickResult> {
    const id = userIdArgument(userId);
    const kick = this.#createKick(options);
    if (!isLoginId(loginId)) return { users: 0, logins: 0 };
    const { record, audit } = kick;
    try {
      const { ended } = await this.#registry.end(id, { loginId, kick: record, ifListed });
      const [login] = ended;
      if (login !== undefined) {
        await this.#finish(id, [login, ...(await this.#endAdoptable(login, record))], kick);
        return { users: 1, logins: 1 };
      }
      if (!ifListed) await audit.ended(id, []);
    } catch (error) {
      audit.failed(id, error);
      throw kickError([{ userId: id, cause: error }]);
    }
    return { users: 0, logins: 0 };
  }

  /**
   * Ends the logins under which a copy of the login's session without a stamp (which a job may write) would be adopted. A kick
   * of all logins of a user needs no such step: its kick record prevents the adoption.
   */
  async #endAdoptable({ id, userId, sids }: ListedLogin, kick: KickRecord): Promise<ListedLogin[]> {
    const loginIds = sids.map((sid) => unadopted(sid, userId).loginId).filter((loginId) => loginId !== id);
    const ends = await mapLimit(USERS_AT_ONCE, loginIds, (loginId) =>
      this.#registry.end(userId, { loginId, kick, remember: true }),
    );
    return ends.flatMap(({ ended }) => ended);
  }

  async kickAll({ onProgress, ...options }: KickAllOptions & KickedFrom = {}): Promise<KickResult> {
    const kick = this.#createKick(options);
    const result = { users: 0, logins: 0 };
    const failedUsers: Failure[] = [];
    const progressErrors: unknown[] = [];
    try {
      await this.#registry.kickEveryone(kick.record);
      const totalCount = await this.#countOnline();
      for await (const userIds of this.#registry.scanUsers()) {
        const { users, logins, failures } = await this.#kickUsers(userIds, kick);
        result.users += users;
        result.logins += logins;
        failedUsers.push(...failures);
        try {
          onProgress?.({ done: result.users, total: Math.max(result.users, totalCount) });
        } catch (error) {
          progressErrors.push(error);
        }
      }
      if (failedUsers.length > 0) throw failedUsers[0]?.cause;
      await kick.audit.everyoneEnded(result.logins);
    } catch (error) {
      const failure = kickError(failedUsers, error);
      kick.audit.everyoneFailed(failure, result.logins);
      throw failure;
    }
    if (progressErrors.length > 0) throw progressErrors[0];
    return result;
  }

  /** Emits the `kick` event for a kick on another node. */
  onRemoteEnd({ userId, loginIds, kick }: EndedLogins): void {
    // `get`, not `has`, so that a kick of everyone, which may take minutes, is not evicted before it finishes.
    if (kick === undefined || this.#ownKicks.get(kick.id) !== undefined) return;
    this.#emitKick(userId, loginIds, kick);
  }

  async list(userId: unknown, query: PageRequest = {}): Promise<CountedPage<Login>> {
    const id = userIdArgument(userId);
    return readPage(query, async (page) => {
      const { items, total } = await this.#registry.list(id, page);
      return { items: items.map(withoutSids), total };
    });
  }

  async find(userId: string, loginId: string): Promise<Login | undefined> {
    const login = await this.#registry.find(userId, loginId);
    return login === undefined ? undefined : withoutSids(login);
  }

  async listActiveUsers(query: PageRequest = {}): Promise<CountedPage<ActiveUser>> {
    return readPage(query, (page) => this.activeUsers(page));
  }

  /** Lists the users online, most recently active first. */
  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUser>> {
    const { items, total } = await this.#registry.activeUsers(page);
    return { items: items.map(({ logins, ...user }) => ({ ...user, logins: logins.map(withoutSids) })), total };
  }

  /** Returns an estimate for progress. A kick must not fail because users cannot be counted. */
  async #countOnline(): Promise<number> {
    return this.#registry.activeUsers({ offset: 0, limit: 0 }).then(
      ({ total }) => total,
      (error: unknown) => (debugError("users could not be counted", error), 0),
    );
  }

  #createKick({ reason, by, from }: KickOptions & KickedFrom): Kick {
    const record = {
      id: randomBytes(9).toString("base64url"),
      at: new Date(),
      cause: "kick" as const,
      reason: textArgument("reason", reason),
      by: textArgument("by", by),
    };
    this.#ownKicks.set(record.id, true);
    return { record, audit: new KickAudit(this.#audit, record, from) };
  }

  async #kickUsers(
    userIds: readonly string[],
    kick: Kick,
    how: KickOfUser = {},
  ): Promise<KickResult & { failures: Failure[] }> {
    const failures: Failure[] = [];
    const counts = await mapLimit(USERS_AT_ONCE, userIds, (userId) =>
      this.#kickUser(userId, kick, how).catch((cause: unknown) => {
        kick.audit.failed(userId, cause);
        failures.push({ userId, cause });
        return 0;
      }),
    );
    const online = counts.filter((count) => count > 0);
    return { users: online.length, logins: online.reduce((sum, count) => sum + count, 0), failures };
  }

  /** Returns the number of logins that the user had. */
  async #kickUser(userId: string, kick: Kick, { except, isNamed = false }: KickOfUser): Promise<number> {
    const { ended } = await this.#registry.end(userId, { kick: kick.record, except });
    if (ended.length > 0) await this.#finish(userId, ended, kick);
    else if (isNamed) await kick.audit.ended(userId, []);
    return ended.length;
  }

  /**
   * Writes tombstones for kicked logins, and records the kick. Until this is done, the registry keeps the logins, so that a repeated
   * kick finds them.
   */
  async #finish(userId: string, logins: readonly ListedLogin[], { record, audit }: Kick): Promise<void> {
    await this.#tombstones.write(logins, record);
    await audit.ended(userId, logins);
    const loginIds = logins.map(({ id }) => id);
    await this.#registry.finishKick(userId, loginIds);
    this.#emitKick(userId, loginIds, record);
  }

  #emitKick(userId: string, loginIds: readonly string[], { at, reason, by }: KickRecord): void {
    this.#events.emit("kick", { userId, loginIds, cause: "kick", at, reason, by });
  }
}

/** How a user is kicked. */
interface KickOfUser {
  /** The login that stays. */
  readonly except?: string | undefined;
  /** Whether the caller has named the user: the kick is recorded although it has ended nothing. */
  readonly isNamed?: boolean;
}

/** Returns the public fields of a login: no session ids, and its session's expiry as that of the login. */
function withoutSids({ id, userId, began, lastActive, shownUntil, ip, userAgent }: ListedLogin): Login {
  return { id, userId, began, lastActive, expires: shownUntil, ip, userAgent };
}
