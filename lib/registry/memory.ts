/* eslint-disable @typescript-eslint/require-await -- the contract is asynchronous; memory has nothing to wait for */
import { LogoutError } from "../errors.js";
import { LOGINS_PER_USER } from "../util/limits.js";
import type { Generation, KickRecord } from "../types/login.js";
import type {
  ActiveUserRow,
  EndedLogins,
  EndOfLogin,
  EndOptions,
  KickEndOptions,
  ListedLogin,
  LoginChange,
  LoginRegistry,
  NewLogin,
  RegistryList,
  RegistryListener,
  RegistryPage,
  Removal,
  Since,
  Subscription,
} from "../types/registry.js";
import { endTtlMs } from "./ends.js";
import { generationAfter, kickSince, newKickRecord } from "./generation.js";
import { LinkedList, type ListNode } from "../util/linked-list.js";

const SWEEP_INTERVAL_MS = 60_000;
/** Reads of the active users may sweep more often, up to one part in this many of the time. */
const SWEEP_SHARE = 50;

interface User extends ListNode<User> {
  readonly id: string;
  readonly logins: Map<string, ListedLogin>;
  /** The logins of kicks that are not finished. */
  readonly kicked: Map<string, ListedLogin>;
  lastKick?: KickRecord;
  /** The login that the last kick has spared. */
  spared?: string | undefined;
  /** Until when the last kick is remembered. */
  kickUntil: number;
  /** Logins that were ended one by one and must not be adopted again. */
  readonly ended: Map<
    string,
    { readonly endCount: number; readonly kick?: KickRecord | undefined; readonly until: number }
  >;
}

/**
 * Keeps the live logins in the memory of this process. The default, for an app that runs as one process with a `MemoryStore`.
 *
 * Forgets all logins when the process restarts. Processes that share sessions, and sessions that outlive a restart, need
 * `RedisLoginRegistry` or `PostgresLoginRegistry`.
 */
export class MemoryLoginRegistry implements LoginRegistry {
  readonly #users = new Map<string, User>();
  /** The users with a login that is shown, by activity. Includes users whose logins have expired since, until the next check. */
  readonly #online = new LinkedList<User>();
  #lastKickOfEveryone: KickRecord | undefined;
  #appId: string | undefined;
  #maxSessionAgeMs = 0;
  #sweptAt = 0;
  #sweptInMs = 0;
  readonly #listeners = new Set<RegistryListener>();

  init({ appId, maxSessionAgeMs }: { appId: string; maxSessionAgeMs: number }): void {
    if (this.#appId !== undefined && this.#appId !== appId) {
      throw new LogoutError(
        "ERR_REGISTRY_IN_USE",
        `This registry serves the application "${this.#appId}". Create another registry for "${appId}".`,
      );
    }
    this.#appId = appId;
    this.#maxSessionAgeMs = maxSessionAgeMs;
  }

  find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    return Promise.resolve(this.peek(userId, loginId));
  }

  peek(userId: string, loginId: string): ListedLogin | undefined {
    const login = this.#users.get(userId)?.logins.get(loginId);
    return login !== undefined && +login.expires > Date.now() ? login : undefined;
  }

  async add(login: NewLogin): Promise<Generation | undefined> {
    this.#sweep(SWEEP_INTERVAL_MS);
    const user = this.#user(login.userId);
    if (user.ended.has(login.id)) return undefined;
    this.#list(user, login);
    return this.#generationOf(user);
  }

  async adopt(login: NewLogin, { generation, endCount, authenticatedAt }: Since): Promise<Generation | undefined> {
    const user = this.#user(login.userId);
    const currentEndCount = user.ended.get(login.id)?.endCount ?? 0;
    const kick = kickSince(generation, lastKickOn(user, login.id), this.#lastKickOfEveryone, authenticatedAt);
    if (currentEndCount !== endCount || kick !== undefined) return undefined;
    const listed = user.logins.get(login.id);
    if (listed === undefined) this.#list(user, login);
    else if (listed.sids.includes(login.sid)) this.#change(user, listed, { ttlMs: login.ttlMs });
    else return undefined;
    return this.#generationOf(user);
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const user = this.#users.get(userId);
    const login = this.peek(userId, loginId);
    if (user === undefined || login === undefined) return false;
    this.#change(user, login, change);
    return true;
  }

  async remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    rejectReplicas(end);
    const user = this.#user(userId);
    const { kick, ifLastSid, ifSid = ifLastSid } = end;
    const listed = user.logins.get(loginId);
    const previous = user.ended.get(loginId);
    let endCount = previous?.endCount ?? 0;
    if (ifSid !== undefined) {
      const hasSid = listed?.sids.includes(ifSid) === true;
      const otherSids = ifLastSid === undefined ? 0 : Number(listed?.sids.length) - 1;
      if (listed !== undefined && hasSid && otherSids > 0) this.#change(user, listed, { removeSid: ifSid });
      if (!hasSid || otherSids > 0) {
        this.#dropExpired(user);
        return { login: undefined, endCount };
      }
    }
    user.logins.delete(loginId);
    if (kick !== undefined && listed !== undefined) user.kicked.set(loginId, listed);
    const ttls = endTtlMs(end, this.#maxSessionAgeMs);
    const ttlMs = listed === undefined ? ttls.unlisted : ttls.listed;
    if (ttlMs !== undefined) {
      endCount += 1;
      const until = Math.max(previous?.until ?? 0, Date.now() + ttlMs);
      user.ended.set(loginId, { endCount, kick: kick ?? previous?.kick, until });
    }
    this.#dropExpired(user);
    if (listed !== undefined) this.#notify({ userId, loginIds: [loginId], kick });
    return { login: listed ?? (kick && user.kicked.get(loginId)), endCount };
  }

  async removeAll(
    userId: string,
    kick: KickRecord,
    { except, ...options }: KickEndOptions = {},
  ): Promise<readonly ListedLogin[]> {
    rejectReplicas(options);
    const user = this.#user(userId);
    const loginIds = [...user.logins.keys()].filter((id) => id !== except);
    user.spared = except !== undefined && user.logins.has(except) ? except : undefined;
    for (const login of user.logins.values()) {
      if (login.id === except) continue;
      user.kicked.set(login.id, login);
      user.logins.delete(login.id);
    }
    if (!hasShown(user)) this.#online.delete(user);
    user.lastKick = kick;
    user.kickUntil = Date.now() + this.#maxSessionAgeMs;
    if (loginIds.length > 0) this.#notify({ userId, loginIds, kick });
    return [...user.kicked.values()];
  }

  finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const user = this.#users.get(userId);
    for (const loginId of loginIds) user?.kicked.delete(loginId);
    return Promise.resolve();
  }

  async kickEveryone(kick: KickRecord, options: EndOptions = {}): Promise<void> {
    rejectReplicas(options);
    this.#lastKickOfEveryone = kick;
  }

  kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const user = this.#users.get(userId);
    return Promise.resolve(
      user?.ended.get(loginId)?.kick ??
        kickSince(generation, user && lastKickOn(user, loginId), this.#lastKickOfEveryone),
    );
  }

  async list(userId: string, { offset, limit }: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const user = this.#users.get(userId);
    const shown = user === undefined ? [] : this.#shown(user);
    return { items: shown.slice(offset, offset + limit), total: shown.length };
  }

  async activeUsers({ offset, limit }: RegistryPage): Promise<{ totalCount: number; users: ActiveUserRow[] }> {
    this.#sweep(SWEEP_SHARE * this.#sweptInMs);
    const users: ActiveUserRow[] = [];
    let position = 0;
    for (const user of this.#online) {
      if (users.length >= limit) break;
      position += 1;
      if (position <= offset) continue;
      const shown = this.#shown(user);
      if (shown.length === 0) continue;
      users.push({ userId: user.id, logins: shown.slice(0, LOGINS_PER_USER), loginsCount: shown.length });
    }
    return { totalCount: this.#online.size, users };
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    const users = [...this.#users.values()].filter(({ logins, kicked }) => logins.size + kicked.size > 0);
    yield users.map(({ id }) => id);
  }

  clear(): Promise<void> {
    this.#lastKickOfEveryone = newKickRecord();
    for (const user of this.#users.values()) {
      user.logins.clear();
      user.kicked.clear();
      this.#dropExpired(user);
    }
    for (const listener of this.#listeners) listener.listening(true);
    return Promise.resolve();
  }

  subscribe(listener: RegistryListener): Subscription {
    this.#listeners.add(listener);
    listener.listening(true);
    return {
      close: () => {
        this.#listeners.delete(listener);
        return Promise.resolve();
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #notify(ended: EndedLogins): void {
    for (const listener of this.#listeners) listener.ended(ended);
  }

  #user(userId: string): User {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { id: userId, logins: new Map(), kicked: new Map(), ended: new Map(), kickUntil: 0 };
      this.#users.set(userId, user);
    }
    return user;
  }

  #generationOf(user: User): Generation {
    return generationAfter(user.lastKick?.id, this.#lastKickOfEveryone?.id);
  }

  #list(user: User, login: NewLogin): void {
    const now = Date.now();
    const expires = new Date(now + login.ttlMs);
    user.logins.set(login.id, {
      id: login.id,
      userId: login.userId,
      began: login.began ?? new Date(now),
      lastActive: new Date(now),
      expires,
      shownUntil: expires,
      ip: login.ip,
      userAgent: login.userAgent,
      sids: [login.sid],
    });
    this.#online.moveToFront(user);
  }

  #change(user: User, login: ListedLogin, { addSid, removeSid, ttlMs, ip, userAgent }: LoginChange): void {
    const now = Date.now();
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const hasDevice = login.ip !== undefined || login.userAgent !== undefined;
    user.logins.set(login.id, {
      ...login,
      ...(hasDevice ? {} : { ip, userAgent }),
      sids: [...sids],
      ...(ttlMs === undefined
        ? {}
        : {
            lastActive: new Date(now),
            expires: later(login.expires, now + ttlMs),
            shownUntil: new Date(now + ttlMs),
          }),
    });
    if (!hasShown(user)) this.#online.delete(user);
    else if (ttlMs !== undefined) this.#online.moveToFront(user);
  }

  #shown(user: User): ListedLogin[] {
    this.#dropExpired(user);
    return [...user.logins.values()].filter(isShown).sort((a, b) => +b.began - +a.began);
  }

  #dropExpired(user: User): void {
    const now = Date.now();
    for (const logins of [user.logins, user.kicked]) {
      for (const { id, expires } of logins.values()) if (+expires <= now) logins.delete(id);
    }
    for (const [loginId, { until }] of user.ended) if (until <= now) user.ended.delete(loginId);
    if (!hasShown(user)) this.#online.delete(user);
    const isEmpty = user.logins.size + user.kicked.size + user.ended.size === 0;
    if (isEmpty && user.kickUntil <= now) this.#users.delete(user.id);
  }

  /** Drops users of whom nothing needs to be kept, so that memory does not grow forever. */
  #sweep(intervalMs: number): void {
    const now = Date.now();
    if (now - this.#sweptAt < Math.min(intervalMs, SWEEP_INTERVAL_MS)) return;
    for (const user of this.#users.values()) this.#dropExpired(user);
    this.#sweptAt = now;
    this.#sweptInMs = Date.now() - now;
  }
}

/** Returns the user's last kick, unless it has spared this login. */
function lastKickOn(user: User, loginId: string): KickRecord | undefined {
  return user.spared === loginId ? undefined : user.lastKick;
}

function rejectReplicas({ waitReplicas = 0 }: EndOptions): void {
  if (waitReplicas === 0) return;
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    "waitReplicas is not supported: MemoryLoginRegistry has no replicas. Leave it out.",
  );
}

function isShown({ sids, shownUntil }: ListedLogin): boolean {
  return sids.length > 0 && +shownUntil > Date.now();
}

function hasShown(user: User): boolean {
  for (const login of user.logins.values()) if (isShown(login)) return true;
  return false;
}

function later(date: Date, at: number): Date {
  return +date >= at ? date : new Date(at);
}
