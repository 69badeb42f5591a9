import { randomBytes } from "node:crypto";
import type { Audit } from "../audit/audit.js";
import { KickAudit } from "../audit/kick-audit.js";
import { LogoutError } from "../errors.js";
import type { Events } from "./events.js";
import {
  exceptArgument,
  invalidArgument,
  isLoginId,
  secondsArgument,
  textArgument,
  userIdArgument,
} from "./arguments.js";
import { Kick, type KickOfUser } from "./kick.js";
import { kickByKey } from "./kick-by-key.js";
import { predicateOf, type LoginPredicate } from "./filter.js";
import { findUsers, type FindOptions, type FoundUsers } from "./find-users.js";
import { kickError, type Failure } from "./kick-error.js";
import type {
  KickAllOptions,
  KickByKeyOptions,
  KickedFrom,
  KickOptions,
  KickResult,
  KickUserOptions,
  KickWhereOptions,
  LongKick,
} from "./kick-options.js";
import { mapLimit } from "../util/map-limit.js";
import type { KickRecord } from "../types/login.js";
import type { KeyIndex } from "../types/login-keys.js";
import type { EndedLogins, LoginRegistry } from "../types/registry.js";
import { LoginLists, withoutSids } from "./login-lists.js";
import { loginScanner } from "./login-scanner.js";
import { checkSignal, isStopped, walkUsers, type Visited } from "./walk.js";
import type { Tombstones } from "../session/store/tombstones.js";
import { debugError } from "../util/debug.js";
import { digestForAdoption, digestOfUser, isLoginKey, keyDigest, KEY_WORDS } from "../util/login-key.js";

/** Concurrency of a kick of many users. */
const USERS_AT_ONCE = 200;

export interface LoginsOptions {
  readonly registry: LoginRegistry;
  readonly tombstones: Pick<Tombstones, "write">;
  readonly events: Events;
  readonly audit: Audit;
  /** Whether logins have external keys: a kick of a user then also ends logins with the key `{ user }`. */
  readonly hasKeys: boolean;
}

/** Kicks and lists logins, without HTTP. */
export class Logins extends LoginLists {
  readonly #registry: LoginRegistry;
  readonly #tombstones: Pick<Tombstones, "write">;
  readonly #events: Events;
  readonly #audit: Audit;
  readonly #hasKeys: boolean;
  /** The beginning of the ids of the kicks that are made here, so that their notifications are not emitted twice. */
  readonly #ownKicks = randomBytes(6).toString("base64url");

  constructor({ registry, tombstones, events, audit, hasKeys }: LoginsOptions) {
    super(registry);
    this.#registry = registry;
    this.#tombstones = tombstones;
    this.#events = events;
    this.#audit = audit;
    this.#hasKeys = hasKeys;
  }

  /** @param options - `signal`: stops the kick as that of {@link Logins.kickAll} does */
  async kick(
    userIds: unknown,
    { except, signal, ...options }: KickUserOptions & KickedFrom & Pick<LongKick, "signal"> = {},
  ): Promise<KickResult> {
    const kick = this.#createKick(options);
    const ids = new Set((Array.isArray(userIds) ? userIds : [userIds]).map(userIdArgument));
    if (except !== undefined && !isLoginId(except)) {
      throw new LogoutError("ERR_ARGUMENT_INVALID", "except must be the id of the login that stays.");
    }
    const stays = except === undefined ? undefined : [except];
    const { users, logins, failures } = await this.#kickUsers([...ids], kick, { except: stays, isNamed: true, signal });
    if (failures.length > 0) throw kickError(failures, { signal });
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
    try {
      const logins = await kick.endLogins(id, [loginId], ifListed);
      if (logins > 0) return { users: 1, logins };
      if (!ifListed) await kick.audit.ended(id, []);
    } catch (error) {
      kick.audit.failed(id, error);
      throw kickError([{ userId: id, cause: error }]);
    }
    return { users: 0, logins: 0 };
  }

  /**
   * @param key - an external key
   * @throws LogoutError `ERR_REGISTRY_UNSUPPORTED` if the registry keeps no keys
   */
  async kickByKey(
    key: unknown,
    {
      authenticatedBefore,
      leavesMark = true,
      recordsEmptyKick = false,
      ...options
    }: KickByKeyOptions & KickedFrom & { leavesMark?: boolean; recordsEmptyKick?: boolean } = {},
  ): Promise<KickResult> {
    if (!isLoginKey(key)) throw invalidArgument(`A key must be ${KEY_WORDS}.`);
    const before = secondsArgument("authenticatedBefore", authenticatedBefore);
    const kick = this.#createKick(options);
    const digest = keyDigest(key);
    const mark = before === undefined ? digestForAdoption(digest, "key") : digest;
    const result = await kickByKey(this.#keys, { digest, before, mark: leavesMark ? mark : undefined }, kick);
    // Anyone can send front-channel requests of an identity provider: those that end nothing must not fill the history.
    if (result.logins === 0 && recordsEmptyKick) await kick.audit.ended(undefined, []);
    return result;
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

  /**
   * @param where - a filter, or a function of the app
   * @param options - `userIds`: only logins of these users
   */
  async kickWhere(
    where: unknown,
    { userIds, ...options }: KickWhereOptions & KickedFrom & { readonly userIds?: readonly string[] | undefined } = {},
  ): Promise<KickResult> {
    const { onProgress, signal, dryRun = false, except = [], ...why } = options;
    const matches = predicateOf(where);
    const kick = this.#createKick(why);
    const stays = new Set(exceptArgument(except));
    checkSignal(signal);
    const scan = loginScanner(this.#registry);
    const kickUser = async (userId: string): Promise<number> => {
      const logins = await scan(userId);
      const matching = logins.filter((login) => !stays.has(login.id) && matches(withoutSids(login), logins.length));
      return dryRun
        ? matching.length
        : kick.endLogins(
            userId,
            matching.map(({ id }) => id),
          );
    };
    return walkUsers({
      onProgress,
      signal,
      counts: "visited",
      begin: () => (userIds === undefined ? this.#countOnline() : Promise.resolve(userIds.length)),
      users: () => (userIds === undefined ? this.#registry.scanUsers() : once(userIds)),
      visit: (batch) => this.#eachUser(batch, { kick: dryRun ? undefined : kick, signal }, kickUser),
    });
  }

  /** Finds the users who are online with a login that matches. Walks everyone, unless `userIds` names some. */
  async findUsers(matches: LoginPredicate | undefined, options: FindOptions): Promise<FoundUsers> {
    return findUsers(this.#registry, matches, options);
  }

  /** Emits the `kick` event for a kick on another node. */
  onRemoteEnd({ userId, loginIds, kick }: EndedLogins): void {
    if (kick === undefined || kick.id.startsWith(this.#ownKicks)) return;
    this.kicked(userId, loginIds, kick, true);
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
    const parts = {
      registry: this.#registry,
      tombstones: this.#tombstones,
      kicked: (userId: string, loginIds: readonly string[]) => {
        this.kicked(userId, loginIds, record);
      },
    };
    return new Kick(parts, record, new KickAudit(this.#audit, record, { from, isOfEveryone }));
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

  /** Returns the number of logins that have ended. */
  async #kickUser(userId: string, kick: Kick, { isNamed = false, ...how }: KickOfUsers): Promise<number> {
    let logins = await kick.endUser(userId, how);
    if (!isNamed) return logins;
    if (this.#hasKeys) {
      const digest = digestOfUser(userId);
      const mark = digestForAdoption(digest, "user");
      logins += (await kickByKey(this.#keys, { digest, mark, except: how.except }, kick)).logins;
    }
    if (logins === 0) await kick.audit.ended(userId, []);
    return logins;
  }

  get #keys(): KeyIndex {
    const { keys } = this.#registry;
    if (keys !== undefined) return keys;
    throw new LogoutError(
      "ERR_REGISTRY_UNSUPPORTED",
      "kickByKey(): the registry keeps no keys. Use a registry of this package.",
    );
  }

  /** Emits the event of logins that have ended. */
  kicked(userId: string, loginIds: readonly string[], { at, cause, reason, by }: KickRecord, isRemote = false): void {
    this.#events.emit("kick", { userId, loginIds, cause, at, reason, by }, isRemote);
  }
}

async function* once<Item>(item: Item): AsyncIterable<Item> {
  yield await Promise.resolve(item);
}

/** How users are kicked. */
interface KickOfUsers extends KickOfUser {
  /** Whether the caller has named the users: the kick is recorded although it has ended nothing. */
  readonly isNamed?: boolean;
  readonly signal?: AbortSignal | undefined;
}
