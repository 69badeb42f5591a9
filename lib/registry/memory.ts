import { LogoutError } from "../errors.js";
import type {
  ActiveUser,
  Era,
  KickMark,
  ListedLogin,
  LoginChange,
  LoginRegistry,
  NewLogin,
  Removal,
} from "../login.js";
import { eraAfter, kickAfter } from "./era.js";

const SWEEP_INTERVAL_MS = 60_000;

interface User {
  readonly logins: Map<string, ListedLogin>;
  /** Taken off by kicks that are not settled yet. */
  kicked: ListedLogin[];
  mark?: KickMark;
  /** Logins that were ended one by one and must not be adopted again. */
  readonly ended: Map<string, { ends: number; mark?: KickMark | undefined }>;
  /** After this, nothing of the user is worth keeping, in epoch milliseconds. */
  keepUntil: number;
}

/**
 * The list of live logins in this process: the default, for an app that runs as one process with a `MemoryStore`.
 *
 * Processes that share their sessions must share a registry: they take `RedisLoginRegistry`.
 */
export class MemoryLoginRegistry implements LoginRegistry {
  /** In the order of activity, the least recent first: whoever is active goes to the end. */
  readonly #users = new Map<string, User>();
  #everyoneMark: KickMark | undefined;
  #appId: string | undefined;
  #maxSessionAgeMs = 0;
  #sweptAt = 0;

  bind({ appId, maxSessionAgeMs }: { appId: string; maxSessionAgeMs: number }): void {
    if (this.#appId !== undefined && this.#appId !== appId) {
      throw new LogoutError(
        "ERR_REGISTRY_IN_USE",
        `This registry serves the application "${this.#appId}". Give "${appId}" a registry of its own.`,
      );
    }
    this.#appId = appId;
    this.#maxSessionAgeMs = maxSessionAgeMs;
  }

  find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    return Promise.resolve(this.#users.get(userId)?.logins.get(loginId));
  }

  add(login: NewLogin): Promise<Era> {
    const user = this.#active(login.userId);
    this.#list(user, login);
    return Promise.resolve(eraAfter(user.mark?.id, this.#everyoneMark?.id));
  }

  adopt(login: NewLogin, { era, ends }: { era: Era; ends: number }): Promise<boolean> {
    const user = this.#active(login.userId);
    const endedBefore = user.ended.get(login.id)?.ends ?? 0;
    if (endedBefore !== ends || kickAfter(era, user.mark, this.#everyoneMark) !== undefined) {
      return Promise.resolve(false);
    }
    if (user.logins.has(login.id)) return this.update(login.userId, login.id, { addSid: login.sid });
    this.#list(user, login);
    return Promise.resolve(true);
  }

  update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const login = this.#users.get(userId)?.logins.get(loginId);
    if (login === undefined) return Promise.resolve(false);
    const { addSid, removeSid, ttlMs } = change;
    const now = Date.now();
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const user = this.#active(userId);
    const known = login.ip !== undefined || login.userAgent !== undefined;
    user.logins.set(loginId, {
      ...login,
      ip: known ? login.ip : change.ip,
      userAgent: known ? login.userAgent : change.userAgent,
      sids: [...sids],
      ...(ttlMs === undefined ? {} : { lastActive: new Date(now), expires: later(login.expires, now + ttlMs) }),
    });
    if (ttlMs !== undefined) keep(user, now + ttlMs);
    return Promise.resolve(true);
  }

  remove(userId: string, loginId: string, end: { mark?: KickMark; remember?: boolean } = {}): Promise<Removal> {
    const user = this.#user(userId);
    const login = user.logins.get(loginId);
    const known = user.ended.get(loginId);
    let ends = known?.ends ?? 0;
    if (login === undefined || end.remember === true || end.mark !== undefined) {
      ends += 1;
      user.ended.set(loginId, { ends, mark: end.mark ?? known?.mark });
      keep(user, Date.now() + this.#maxSessionAgeMs);
    }
    user.logins.delete(loginId);
    this.#dropIfEmpty(userId, user);
    return Promise.resolve({ login, ends });
  }

  removeAll(userId: string, mark: KickMark): Promise<readonly ListedLogin[]> {
    const user = this.#user(userId);
    user.kicked = [...user.kicked, ...user.logins.values()];
    user.logins.clear();
    user.mark = mark;
    keep(user, Date.now() + this.#maxSessionAgeMs);
    return Promise.resolve(user.kicked);
  }

  settle(userId: string, mark: KickMark): Promise<void> {
    const user = this.#users.get(userId);
    if (user?.mark?.id === mark.id) user.kicked = [];
    return Promise.resolve();
  }

  markAll(mark: KickMark): Promise<void> {
    this.#everyoneMark = mark;
    return Promise.resolve();
  }

  kickMark(userId: string, loginId: string, era: Era): Promise<KickMark | undefined> {
    const user = this.#users.get(userId);
    return Promise.resolve(user?.ended.get(loginId)?.mark ?? kickAfter(era, user?.mark, this.#everyoneMark));
  }

  list(userId: string): Promise<readonly ListedLogin[]> {
    return Promise.resolve(this.#live(userId));
  }

  activeUsers({ offset, limit }: { offset: number; limit: number }): Promise<{
    totalCount: number;
    users: ActiveUser[];
  }> {
    const users: ActiveUser[] = [];
    for (const userId of this.#users.keys()) {
      const logins = this.#live(userId);
      if (logins.length > 0) users.push({ userId, logins });
    }
    users.reverse();
    return Promise.resolve({ totalCount: users.length, users: users.slice(offset, offset + limit) });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the contract is asynchronous; memory has nothing to wait for
  async *users(): AsyncIterable<readonly string[]> {
    yield [...this.#users.keys()];
  }

  clear(): Promise<void> {
    for (const [userId, user] of this.#users) {
      user.logins.clear();
      user.kicked = [];
      this.#dropIfEmpty(userId, user);
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #user(userId: string): User {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { logins: new Map(), kicked: [], ended: new Map(), keepUntil: 0 };
      this.#users.set(userId, user);
    }
    return user;
  }

  /** The user, now the most recently active one. */
  #active(userId: string): User {
    this.#sweep();
    const user = this.#user(userId);
    this.#users.delete(userId);
    this.#users.set(userId, user);
    return user;
  }

  #list(user: User, login: NewLogin): void {
    const now = Date.now();
    user.logins.set(login.id, {
      id: login.id,
      userId: login.userId,
      began: login.began ?? new Date(now),
      lastActive: new Date(now),
      expires: new Date(now + login.ttlMs),
      ip: login.ip,
      userAgent: login.userAgent,
      sids: [login.sid],
    });
    keep(user, now + login.ttlMs);
  }

  #live(userId: string): ListedLogin[] {
    const user = this.#users.get(userId);
    if (user === undefined) return [];
    this.#dropExpired(userId, user);
    return [...user.logins.values()].filter((login) => login.sids.length > 0).sort((a, b) => +b.began - +a.began);
  }

  #dropExpired(userId: string, user: User): void {
    const now = Date.now();
    for (const login of user.logins.values()) if (+login.expires <= now) user.logins.delete(login.id);
    this.#dropIfEmpty(userId, user);
  }

  #dropIfEmpty(userId: string, user: User): void {
    const remembers = user.kicked.length > 0 || user.mark !== undefined || user.ended.size > 0;
    if (user.logins.size === 0 && (!remembers || user.keepUntil <= Date.now())) this.#users.delete(userId);
  }

  /** Users who never come back would stay for ever: MemoryStore has that habit, this does not. */
  #sweep(): void {
    const now = Date.now();
    if (now - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = now;
    for (const [userId, user] of this.#users) this.#dropExpired(userId, user);
  }
}

function keep(user: User, until: number): void {
  user.keepUntil = Math.max(user.keepUntil, until);
}

function later(date: Date, at: number): Date {
  return +date >= at ? date : new Date(at);
}
