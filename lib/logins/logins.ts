import { randomBytes } from "node:crypto";
import type { Audit } from "../audit/audit.js";
import { KickAudit } from "../audit/kick-audit.js";
import { LogoutError } from "../errors.js";
import type { Events } from "./events.js";
import { exceptArgument, isLoginId, textArgument, userIdArgument } from "./arguments.js";
import { predicateOf } from "./filter.js";
import { kickError, type Failure } from "./kick-error.js";
import type {
  KickAllOptions,
  KickedFrom,
  KickOptions,
  KickResult,
  KickUserOptions,
  KickWhereOptions,
} from "./kick-options.js";
import { mapLimit } from "../util/map-limit.js";
import type { KickRecord, Login } from "../types/login.js";
import type { EndedLogins, ListedLogin, LoginRegistry, RegistryList, RegistryPage } from "../types/registry.js";
import { loginScanner } from "./login-scanner.js";
import { checkSignal, isStopped, walkUsers, type Visited } from "./walk.js";
import { readPage, type CountedPage, type PageRequest } from "./paging.js";
import type { Tombstones } from "../session/store/tombstones.js";
import { unadopted } from "../session/rules/adopted-id.js";
import { debugError } from "../util/debug.js";

/** Concurrency of a kick of many users. */
const USERS_AT_ONCE = 200;
/** Concurrency of a kick of some logins of a user. */
const LOGINS_AT_ONCE = 20;

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
  readonly tombstones: Pick<Tombstones, "write">;
  readonly events: Events;
  readonly audit: Audit;
}

/** Kicks and lists logins, without HTTP. */
export class Logins {
  readonly #registry: LoginRegistry;
  readonly #tombstones: Pick<Tombstones, "write">;
  readonly #events: Events;
  readonly #audit: Audit;
  /** The beginning of the ids of the kicks that are made here, so that their notifications are not emitted twice. */
  readonly #ownKicks = randomBytes(6).toString("base64url");

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
    const stays = except === undefined ? undefined : [except];
    const { users, logins, failures } = await this.#kickUsers([...ids], kick, { except: stays, isNamed: true });
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

  async kickAll({
    onProgress,
    signal,
    except = [],
    ...options
  }: KickAllOptions & KickedFrom = {}): Promise<KickResult> {
    const kick = this.#createKick(options, true);
    const stays = exceptArgument(except);
    checkSignal(signal);
    return walkUsers({
      onProgress,
      signal,
      begin: async () => {
        await this.#registry.kickEveryone(kick.record);
        return this.#countOnline();
      },
      users: () => this.#registry.scanUsers(),
      visit: (userIds) => this.#kickUsers(userIds, kick, { except: stays, everyone: true, signal }),
      finish: ({ logins }) => kick.audit.everyoneEnded(logins),
      failed: (error, { logins }) => {
        kick.audit.everyoneFailed(error, logins);
      },
    });
  }

  /** @param where - a filter, or a function of the app */
  async kickWhere(where: unknown, options: KickWhereOptions = {}): Promise<KickResult> {
    const { onProgress, signal, dryRun = false, except = [], ...why } = options;
    const matches = predicateOf(where);
    const kick = this.#createKick(why);
    const stays = new Set(exceptArgument(except));
    checkSignal(signal);
    const scan = loginScanner(this.#registry);
    const kickUser = async (userId: string): Promise<number> => {
      const logins = await scan(userId);
      const matching = logins.filter((login) => !stays.has(login.id) && matches(withoutSids(login), logins.length));
      return dryRun ? matching.length : this.#kickLogins(userId, matching, kick);
    };
    return walkUsers({
      onProgress,
      signal,
      counts: "visited",
      begin: () => this.#countOnline(),
      users: () => this.#registry.scanUsers(),
      visit: (userIds) => this.#eachUser(userIds, { kick: dryRun ? undefined : kick, signal }, kickUser),
    });
  }

  /** Ends some logins of a user. Returns how many have ended. */
  async #kickLogins(userId: string, logins: readonly ListedLogin[], kick: Kick): Promise<number> {
    const { record } = kick;
    const ends = await mapLimit(LOGINS_AT_ONCE, logins, async ({ id }) => {
      const { ended } = await this.#registry.end(userId, { loginId: id, kick: record });
      return ended;
    });
    const ended = ends.flat();
    const copies = await mapLimit(LOGINS_AT_ONCE, ended, (login) => this.#endAdoptable(login, record));
    if (ended.length > 0) await this.#finish(userId, [...ended, ...copies.flat()], kick);
    return ended.length;
  }

  /** Emits the `kick` event for a kick on another node. */
  onRemoteEnd({ userId, loginIds, kick }: EndedLogins): void {
    if (kick === undefined || kick.id.startsWith(this.#ownKicks)) return;
    this.kicked(userId, loginIds, kick, true);
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

  /** Returns the record of a kick, or of an end by a rule of the app. */
  newKick(cause: KickRecord["cause"], { reason, by }: KickOptions): KickRecord {
    const id = this.#ownKicks + randomBytes(6).toString("base64url");
    return { id, at: new Date(), cause, reason: textArgument("reason", reason), by: textArgument("by", by) };
  }

  #createKick({ from, ...options }: KickOptions & KickedFrom, isOfEveryone = false): Kick {
    const record = this.newKick("kick", options);
    return { record, audit: new KickAudit(this.#audit, record, { from, isOfEveryone }) };
  }

  async #kickUsers(userIds: readonly string[], kick: Kick, how: KickOfUsers = {}): Promise<Visited> {
    const { signal } = how;
    return this.#eachUser(userIds, { kick, signal }, (userId) => this.#kickUser(userId, kick, how));
  }

  /** Kicks each of these users, unless the signal has aborted. @param kickUser - returns how many logins have ended */
  async #eachUser(
    userIds: readonly string[],
    { kick, signal }: { readonly kick: Kick | undefined; readonly signal: AbortSignal | undefined },
    kickUser: (userId: string) => Promise<number>,
  ): Promise<Visited> {
    const failures: Failure[] = [];
    const counts = await mapLimit(USERS_AT_ONCE, userIds, async (userId) => {
      if (isStopped(signal)) {
        failures.push({ userId, cause: signal?.reason });
        return 0;
      }
      try {
        return await kickUser(userId);
      } catch (cause) {
        // A wrong argument is wrong for every user.
        if (LogoutError.is(cause, "ERR_ARGUMENT_INVALID")) throw cause;
        kick?.audit.failed(userId, cause);
        failures.push({ userId, cause });
        return 0;
      }
    });
    const online = counts.filter((count) => count > 0);
    return { users: online.length, logins: online.reduce((sum, count) => sum + count, 0), failures };
  }

  /** Returns the number of logins that the user had. */
  async #kickUser(userId: string, kick: Kick, { except, everyone, isNamed = false }: KickOfUsers): Promise<number> {
    const { ended } = await this.#registry.end(userId, { kick: kick.record, except, everyone });
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
    this.kicked(userId, loginIds, record);
  }

  /** Emits the event of logins that have ended. */
  kicked(userId: string, loginIds: readonly string[], { at, cause, reason, by }: KickRecord, isRemote = false): void {
    this.#events.emit("kick", { userId, loginIds, cause, at, reason, by }, isRemote);
  }
}

/** How users are kicked. */
interface KickOfUsers {
  /** The logins that stay. */
  readonly except?: readonly string[] | undefined;
  /** Whether the kick is one of everyone. */
  readonly everyone?: boolean | undefined;
  /** Whether the caller has named the users: the kick is recorded although it has ended nothing. */
  readonly isNamed?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Returns the public fields of a login: no session ids, and its session's expiry as that of the login. */
function withoutSids({ id, userId, began, lastActive, shownUntil, ip, userAgent }: ListedLogin): Login {
  return { id, userId, began, lastActive, expires: shownUntil, ip, userAgent };
}
