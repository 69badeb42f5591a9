import { randomBytes } from "node:crypto";
import { KickError, LogoutError } from "../errors.js";
import type { Events } from "./events.js";
import { mapLimit } from "../util/map-limit.js";
import type { KickRecord, Login } from "../types/login.js";
import type { EndedLogins, EndOptions, KickEndOptions, ListedLogin, LoginRegistry } from "../types/registry.js";
import { lru } from "../util/lru.js";
import type { Tombstones } from "../session/store/tombstones.js";
import { unadopted } from "../session/rules/listing.js";
import { toUserId } from "../session/user-id.js";

/** How many users are kicked at once. */
const USERS_AT_ONCE = 200;
export const MAX_KICK_TEXT = 500;
/** Of how many kicks of its own a process remembers that it has told of them itself. */
const OWN_KICKS = 1_000;
const MAX_REPLICAS = 64;
const MAX_PAGE = 1_000;

/** Why somebody is kicked, and by whom. */
export interface KickOptions {
  /** What the kicked user is told: at most 500 characters of plain text. */
  readonly reason?: string | undefined;
  /** Who kicks, for events and audit; the kicked user is not told. At most 500 characters. */
  readonly by?: string | undefined;
  /**
   * How many replicas of the registry must have the kick before it is answered, so that a failover cannot undo it; else it
   * rejects with `ERR_NOT_REPLICATED`. Default: the registry's `waitReplicas`.
   */
  readonly waitReplicas?: number | undefined;
}

/** What a kick came to. */
export interface KickResult {
  /** How many of the users were logged in. */
  readonly users: number;
  /** How many logins have ended. */
  readonly logins: number;
}

/** How far a long call is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Options of `kickAll`. */
export interface KickAllOptions extends KickOptions {
  /**
   * Called as the kick goes on: `total` is how many were online when it began, an estimate while users come and go. What it
   * throws does not stop the kick; it is thrown when everyone is off.
   */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Which part of the users online is asked for. */
export interface ActiveUsersPage {
  /** From 1. Default: 1. */
  readonly page?: number | undefined;
  /** Users a page, 1 to 50. Default: 10. */
  readonly limit?: number | undefined;
}

/** One page of who is online, newest activity first. */
export interface ActiveUsers {
  /** How many users are online in all. */
  readonly totalCount: number;
  /** Each with their newest live logins, at most 50, and how many they have in all. */
  readonly users: readonly {
    readonly userId: string;
    readonly logins: readonly Login[];
    readonly loginsCount: number;
  }[];
}

/** Which page of a list is read. */
export interface PageRequest {
  /** How many items, 1 to 1,000. Default: 50. */
  readonly limit?: number | undefined;
  /** The {@link CountedPage.cursor} of the page before. Default: the first page. */
  readonly cursor?: string | undefined;
}

/** One page of a list that is counted. */
export interface CountedPage<Item> {
  readonly items: readonly Item[];
  /** Reads the next page. Absent on the last one. */
  readonly cursor?: string | undefined;
  /** How many items there are on all pages. */
  readonly total: number;
}

/** What can be done with logins, whoever asks: rules without HTTP. */
export class Logins {
  readonly #registry: LoginRegistry;
  readonly #notes: Tombstones;
  readonly #events: Events;
  readonly #ownKicks = lru<true>(OWN_KICKS);

  constructor({ registry, notes, events }: { registry: LoginRegistry; notes: Tombstones; events: Events }) {
    this.#registry = registry;
    this.#notes = notes;
    this.#events = events;
  }

  async kick(userIds: unknown, options: KickOptions = {}): Promise<KickResult> {
    const { mark, wait } = this.#begin(options);
    const asked = new Set((Array.isArray(userIds) ? userIds : [userIds]).map(userIdArgument));
    const { users, logins, failures } = await this.#kickUsers([...asked], mark, wait);
    if (failures.length > 0) throw kickError(failures);
    return { users, logins };
  }

  /** @param ifListed - leaves nothing of an id that is not listed: for ids that a user may make up */
  async kickLogin(userId: unknown, loginId: string, options: KickOptions = {}, ifListed = false): Promise<KickResult> {
    const id = userIdArgument(userId);
    const { mark: kick, wait } = this.#begin(options);
    if (!isLoginId(loginId)) return { users: 0, logins: 0 };
    try {
      const { login } = await this.#registry.remove(id, loginId, { kick, ...wait, ifListed });
      if (login === undefined) return { users: 0, logins: 0 };
      await this.#finish(id, [login, ...(await this.#endAdoptable(login, kick, wait))], kick);
    } catch (error) {
      throw kickError([{ userId: id, cause: error }]);
    }
    return { users: 1, logins: 1 };
  }

  /**
   * Ends what a copy of the login's session would be adopted as: one without a stamp, which a job may set. A kick of all logins
   * of a user does that by its mark.
   */
  async #endAdoptable({ id, userId, sids }: ListedLogin, kick: KickRecord, wait: EndOptions): Promise<ListedLogin[]> {
    const loginIds = sids.map((sid) => unadopted(sid, userId).loginId).filter((loginId) => loginId !== id);
    const ended = await mapLimit(USERS_AT_ONCE, loginIds, async (loginId) => {
      return (await this.#registry.remove(userId, loginId, { kick, remember: true, ...wait })).login;
    });
    return ended.filter((login) => login !== undefined);
  }

  /** Every login of a user but one, if that is his. */
  async kickOthers(userId: unknown, loginId: string, options: KickOptions = {}): Promise<KickResult> {
    const id = userIdArgument(userId);
    const { mark, wait } = this.#begin(options);
    if (!isLoginId(loginId)) throw new LogoutError("ERR_ARGUMENT", "The login that stays must be named by its id.");
    const { users, logins, failures } = await this.#kickUsers([id], mark, { ...wait, except: loginId });
    if (failures.length > 0) throw kickError(failures);
    return { users, logins };
  }

  async kickAll({ onProgress, ...options }: KickAllOptions = {}): Promise<KickResult> {
    const { mark, wait } = this.#begin(options);
    const result = { users: 0, logins: 0 };
    const notDone: Failure[] = [];
    const thrown: unknown[] = [];
    try {
      await this.#registry.kickEveryone(mark, wait);
      const totalCount = await this.#countOnline();
      for await (const userIds of this.#registry.scanUsers()) {
        const { users, logins, failures } = await this.#kickUsers(userIds, mark, wait);
        result.users += users;
        result.logins += logins;
        notDone.push(...failures);
        try {
          onProgress?.({ done: result.users, total: Math.max(result.users, totalCount) });
        } catch (error) {
          thrown.push(error);
        }
      }
    } catch (error) {
      throw kickError(notDone, error);
    }
    if (notDone.length > 0) throw kickError(notDone);
    if (thrown.length > 0) throw thrown[0];
    return result;
  }

  /** Logins have ended, here or on another node: a kick of another node is told here as well. */
  onRemoteEnd({ userId, loginIds, kick }: EndedLogins): void {
    // `get` keeps a kick of everyone, which may take minutes, from being forgotten on the way.
    if (kick === undefined || this.#ownKicks.get(kick.id) !== undefined) return;
    const { at, reason, by } = kick;
    this.#events.emit("kick", { userId, loginIds, at, reason, by });
  }

  async list(userId: unknown, { limit = 50, cursor }: PageRequest = {}): Promise<CountedPage<Login>> {
    const id = userIdArgument(userId);
    const size = integerArgument("limit", limit, 1, MAX_PAGE);
    const offset = cursor === undefined ? 0 : readCursor(cursor);
    const { items, total } = await this.#registry.list(id, { offset, limit: size });
    const next = offset + size;
    return {
      items: items.map(withoutSids),
      total,
      ...(items.length === 0 || next >= total ? {} : { cursor: writeCursor(next) }),
    };
  }

  async find(userId: string, loginId: string): Promise<Login | undefined> {
    const login = await this.#registry.find(userId, loginId);
    return login === undefined ? undefined : withoutSids(login);
  }

  async activeUsers({ page = 1, limit = 10 }: ActiveUsersPage = {}): Promise<ActiveUsers> {
    const first = integerArgument("page", page, 1, Number.MAX_SAFE_INTEGER / 50) - 1;
    const size = integerArgument("limit", limit, 1, 50);
    const { totalCount, users } = await this.#registry.activeUsers({ offset: first * size, limit: size });
    return { totalCount, users: users.map(({ logins, ...user }) => ({ ...user, logins: logins.map(withoutSids) })) };
  }

  /** An estimate, for progress alone: a kick must not fail because users cannot be counted. */
  async #countOnline(): Promise<number> {
    const counted = this.#registry.activeUsers({ offset: 0, limit: 0 });
    return counted.then(
      ({ totalCount }) => totalCount,
      () => 0,
    );
  }

  #begin({ reason, by, waitReplicas }: KickOptions): { mark: KickRecord; wait: EndOptions } {
    const mark = {
      id: randomBytes(9).toString("base64url"),
      at: new Date(),
      reason: textArgument("reason", reason),
      by: textArgument("by", by),
    };
    if (waitReplicas !== undefined) integerArgument("waitReplicas", waitReplicas, 0, MAX_REPLICAS);
    this.#ownKicks.set(mark.id, true);
    return { mark, wait: { waitReplicas } };
  }

  async #kickUsers(
    userIds: readonly string[],
    mark: KickRecord,
    end: KickEndOptions,
  ): Promise<KickResult & { failures: Failure[] }> {
    const failures: Failure[] = [];
    const counts = await mapLimit(USERS_AT_ONCE, userIds, (userId) =>
      this.#kickUser(userId, mark, end).catch((cause: unknown) => {
        failures.push({ userId, cause });
        return 0;
      }),
    );
    const online = counts.filter((count) => count > 0);
    return { users: online.length, logins: online.reduce((sum, count) => sum + count, 0), failures };
  }

  /** @returns how many logins the user had. */
  async #kickUser(userId: string, mark: KickRecord, end: KickEndOptions): Promise<number> {
    const logins = await this.#registry.removeAll(userId, mark, end);
    if (logins.length > 0) await this.#finish(userId, logins, mark);
    return logins.length;
  }

  /** What follows when logins are off the list. Until it is done the registry keeps them at hand for a repetition. */
  async #finish(userId: string, logins: readonly ListedLogin[], mark: KickRecord): Promise<void> {
    await this.#notes.write(logins, mark);
    const loginIds = logins.map(({ id }) => id);
    await this.#registry.finishKick(userId, loginIds);
    const { at, reason, by } = mark;
    this.#events.emit("kick", { userId, loginIds, at, reason, by });
  }
}

interface Failure {
  readonly userId: string;
  readonly cause: unknown;
}

/** Every field but the session ids: they stay on the server. It ends when its session does, as far as anybody can see. */
function withoutSids({ id, userId, began, lastActive, shownUntil, ip, userAgent }: ListedLogin): Login {
  return { id, userId, began, lastActive, expires: shownUntil, ip, userAgent };
}

function writeCursor(offset: number): string {
  return Buffer.from(`o${String(offset)}`).toString("base64url");
}

function readCursor(cursor: unknown): number {
  const text = typeof cursor === "string" ? Buffer.from(cursor, "base64url").toString() : "";
  if (/^o\d{1,15}$/.test(text)) return Number(text.slice(1));
  throw new LogoutError("ERR_ARGUMENT", "cursor must be that of the page before.");
}

/** Of several causes, the one that has to be mended first; what was asked for wrongly is nobody's failure. */
function kickError(failures: readonly Failure[], brokenBy?: unknown): LogoutError {
  const causes = [...(brokenBy === undefined ? [] : [brokenBy]), ...failures.map(({ cause }) => cause)];
  const misuse = causes.find((cause) => cause instanceof LogoutError && cause.code === "ERR_ARGUMENT");
  if (misuse !== undefined) return misuse as LogoutError;
  const isWaiting = (cause: unknown): boolean => cause instanceof LogoutError && cause.code === "ERR_NOT_REPLICATED";
  return new KickError(
    failures.map(({ userId }) => userId),
    causes.find((cause) => !isWaiting(cause)) ?? causes[0],
  );
}

/** Whether it can be a login's: whatever else an app is sent need not be looked for, or be remembered as ended. */
function isLoginId(value: unknown): boolean {
  return typeof value === "string" && /^~?[\w-]{22}$/.test(value);
}

function userIdArgument(value: unknown): string {
  const userId = toUserId(value);
  if (userId === undefined) throw new LogoutError("ERR_ARGUMENT", "A user id must be a non-empty string or a number.");
  return userId;
}

function textArgument(name: string, value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string" && value.length <= MAX_KICK_TEXT) return value;
  throw new LogoutError("ERR_ARGUMENT", `${name} must be a string of at most ${String(MAX_KICK_TEXT)} characters.`);
}

function integerArgument(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LogoutError("ERR_ARGUMENT", `${name} must be a whole number from ${String(least)} to ${String(most)}.`);
}
