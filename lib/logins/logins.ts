import { randomBytes } from "node:crypto";
import { LogoutError } from "../errors.js";
import type { Events } from "./events.js";
import { mapLimit } from "../util/map-limit.js";
import type { KickRecord, Login } from "../types/login.js";
import type {
  EndedLogins,
  EndOfUser,
  ListedLogin,
  LoginRegistry,
  RegistryList,
  RegistryPage,
} from "../types/registry.js";
import { lru } from "../util/lru.js";
import { readPage, type CountedPage, type PageRequest } from "./paging.js";
import type { Tombstones } from "../session/store/tombstones.js";
import { unadopted } from "../session/rules/adopted-id.js";
import { toUserId } from "../session/user-id.js";
import { debugError } from "../util/debug.js";

/** Concurrency of a kick of many users. */
const USERS_AT_ONCE = 200;
export const MAX_KICK_TEXT = 500;
/** How many of its own kicks a process remembers, so that their notifications are not emitted twice. */
const OWN_KICKS = 1_000;

/** Options of a kick. */
export interface KickOptions {
  /** Reason shown to the kicked user: plain text of at most 500 characters. Default: none. */
  readonly reason?: string | undefined;
  /** Who kicks, for events and audit; never shown to the kicked user. At most 500 characters. Default: none. */
  readonly by?: string | undefined;
}

/** Options of {@link LogoutControls.kick}. */
export interface KickUserOptions extends KickOptions {
  /** The id of a login that stays. If it has ended already, every login ends. Default: none. */
  readonly except?: string | undefined;
}

/** The result of a kick. */
export interface KickResult {
  /** The number of users who were logged in. */
  readonly users: number;
  /** The number of logins that have ended. */
  readonly logins: number;
}

/** The progress of a long call: users of a kick of everyone, sessions of an adoption. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Options of `kickAll`. */
export interface KickAllOptions extends KickOptions {
  /**
   * Callback for progress. `total` is the number of users online when the kick began, an estimate while users come and go. An
   * error in the callback does not stop the kick; `kickAll` throws it after everyone has been kicked. Default: none.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** A user who is online. */
export interface ActiveUser {
  readonly userId: string;
  /** The user's newest live logins: at least one, at most 50. */
  readonly logins: readonly Login[];
  /** How many live logins the user has. */
  readonly loginsCount: number;
}

type Writer = Pick<Tombstones, "write">;

/** Kicks and lists logins, without HTTP. */
export class Logins {
  readonly #registry: LoginRegistry;
  readonly #tombstones: Writer;
  readonly #events: Events;
  readonly #ownKicks = lru<true>(OWN_KICKS);

  constructor({ registry, tombstones, events }: { registry: LoginRegistry; tombstones: Writer; events: Events }) {
    this.#registry = registry;
    this.#tombstones = tombstones;
    this.#events = events;
  }

  async kick(userIds: unknown, { except, ...options }: KickUserOptions = {}): Promise<KickResult> {
    const kick = this.#createKick(options);
    const ids = new Set((Array.isArray(userIds) ? userIds : [userIds]).map(userIdArgument));
    if (except !== undefined && !isLoginId(except)) {
      throw new LogoutError("ERR_ARGUMENT_INVALID", "except must be the id of the login that stays.");
    }
    const { users, logins, failures } = await this.#kickUsers([...ids], { kick, except });
    if (failures.length > 0) throw kickError(failures);
    return { users, logins };
  }

  /** @param ifListed - Writes nothing for an id that is not listed: for ids that a user can make up. */
  async kickLogin(userId: unknown, loginId: string, options: KickOptions = {}, ifListed = false): Promise<KickResult> {
    const id = userIdArgument(userId);
    const kick = this.#createKick(options);
    if (!isLoginId(loginId)) return { users: 0, logins: 0 };
    try {
      const { ended } = await this.#registry.end(id, { loginId, kick, ifListed });
      const [login] = ended;
      if (login === undefined) return { users: 0, logins: 0 };
      await this.#finish(id, [login, ...(await this.#endAdoptable(login, kick))], kick);
    } catch (error) {
      throw kickError([{ userId: id, cause: error }]);
    }
    return { users: 1, logins: 1 };
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

  async kickAll({ onProgress, ...options }: KickAllOptions = {}): Promise<KickResult> {
    const kick = this.#createKick(options);
    const result = { users: 0, logins: 0 };
    const failedUsers: Failure[] = [];
    const progressErrors: unknown[] = [];
    try {
      await this.#registry.kickEveryone(kick);
      const totalCount = await this.#countOnline();
      for await (const userIds of this.#registry.scanUsers()) {
        const { users, logins, failures } = await this.#kickUsers(userIds, { kick });
        result.users += users;
        result.logins += logins;
        failedUsers.push(...failures);
        try {
          onProgress?.({ done: result.users, total: Math.max(result.users, totalCount) });
        } catch (error) {
          progressErrors.push(error);
        }
      }
    } catch (error) {
      throw kickError(failedUsers, error);
    }
    if (failedUsers.length > 0) throw kickError(failedUsers);
    if (progressErrors.length > 0) throw progressErrors[0];
    return result;
  }

  /** Emits the `kick` event for a kick on another node. */
  onRemoteEnd({ userId, loginIds, kick }: EndedLogins): void {
    // `get`, not `has`, so that a kick of everyone, which may take minutes, is not evicted before it finishes.
    if (kick === undefined || this.#ownKicks.get(kick.id) !== undefined) return;
    this.#emitKick(userId, loginIds, kick, true);
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

  #createKick({ reason, by }: KickOptions): KickRecord {
    const kick = {
      id: randomBytes(9).toString("base64url"),
      at: new Date(),
      cause: "kick" as const,
      reason: textArgument("reason", reason),
      by: textArgument("by", by),
    };
    this.#ownKicks.set(kick.id, true);
    return kick;
  }

  async #kickUsers(userIds: readonly string[], target: EndOfUser): Promise<KickResult & { failures: Failure[] }> {
    const failures: Failure[] = [];
    const counts = await mapLimit(USERS_AT_ONCE, userIds, (userId) =>
      this.#kickUser(userId, target).catch((cause: unknown) => {
        failures.push({ userId, cause });
        return 0;
      }),
    );
    const online = counts.filter((count) => count > 0);
    return { users: online.length, logins: online.reduce((sum, count) => sum + count, 0), failures };
  }

  /** Returns the number of logins that the user had. */
  async #kickUser(userId: string, target: EndOfUser): Promise<number> {
    const { ended } = await this.#registry.end(userId, target);
    if (ended.length > 0) await this.#finish(userId, ended, target.kick);
    return ended.length;
  }

  /** Writes tombstones for kicked logins. Until this is done, the registry keeps the logins so that the kick can be repeated. */
  async #finish(userId: string, logins: readonly ListedLogin[], kick: KickRecord): Promise<void> {
    await this.#tombstones.write(logins, kick);
    const loginIds = logins.map(({ id }) => id);
    await this.#registry.finishKick(userId, loginIds);
    this.#emitKick(userId, loginIds, kick);
  }

  #emitKick(userId: string, loginIds: readonly string[], { at, reason, by }: KickRecord, isRemote = false): void {
    this.#events.emit("kick", { userId, loginIds, cause: "kick", at, reason, by }, isRemote);
  }
}

interface Failure {
  readonly userId: string;
  readonly cause: unknown;
}

/** Returns the public fields of a login: no session ids, and its session's expiry as that of the login. */
function withoutSids({ id, userId, began, lastActive, shownUntil, ip, userAgent }: ListedLogin): Login {
  return { id, userId, began, lastActive, expires: shownUntil, ip, userAgent };
}

/**
 * Returns the error of an incomplete kick. Of several causes, it carries the one to fix first: any other before
 * `ERR_WRITE_NOT_REPLICATED`. A wrong argument is returned as it is.
 */
function kickError(failures: readonly Failure[], stoppedBy?: unknown): LogoutError {
  const causes = [...(stoppedBy === undefined ? [] : [stoppedBy]), ...failures.map(({ cause }) => cause)];
  const misuse = causes.find((cause) => LogoutError.is(cause, "ERR_ARGUMENT_INVALID"));
  if (misuse !== undefined) return misuse;
  const isUnreplicated = (cause: unknown): boolean => LogoutError.is(cause, "ERR_WRITE_NOT_REPLICATED");
  const isOutage = !causes.every(isUnreplicated);
  const userIds = failures.map(({ userId }) => userId);
  const users = `${String(userIds.length)} ${userIds.length === 1 ? "user" : "users"}`;
  const why = isOutage ? "session store or registry unavailable" : "too few replicas acknowledged it";
  return new LogoutError(
    isOutage ? "ERR_KICK_INCOMPLETE" : "ERR_WRITE_NOT_REPLICATED",
    `Kick incomplete for ${users}: ${why}. Safe to retry.`,
    { cause: causes.find((cause) => !isUnreplicated(cause)) ?? causes[0], details: { userIds } },
  );
}

/** Returns whether a value has the format of a login id. Any other value from a form is neither looked up nor remembered. */
function isLoginId(value: unknown): boolean {
  return typeof value === "string" && /^~?[\w-]{22}$/.test(value);
}

function userIdArgument(value: unknown): string {
  const userId = toUserId(value);
  if (userId === undefined)
    throw new LogoutError("ERR_ARGUMENT_INVALID", "A user id must be a non-empty string or a number.");
  return userId;
}

function textArgument(name: string, value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string" && value.length <= MAX_KICK_TEXT) return value;
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    `${name} must be a string of at most ${String(MAX_KICK_TEXT)} characters.`,
  );
}
