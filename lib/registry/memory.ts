/* eslint-disable @typescript-eslint/require-await -- the contract is asynchronous; memory has nothing to wait for */
import { LogoutError } from "../errors.js";
import { LOGINS_PER_USER } from "../util/limits.js";
import type { Generation, KickRecord } from "../types/login.js";
import type {
  ActiveUser,
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
import { Recency, type Recent } from "../util/linked-list.js";

const SWEEP_INTERVAL_MS = 60_000;
/** Whoever looks at who is active may sweep more often, as long as it takes no more than one part in so many of the time. */
const SWEEP_SHARE = 50;

interface User extends Recent<User> {
  readonly id: string;
  readonly logins: Map<string, ListedLogin>;
  /** Taken off by kicks that are not settled yet. */
  readonly kicked: Map<string, ListedLogin>;
  /** The last kick. */
  mark?: KickRecord;
  /** The login that his last kick has spared. */
  spared?: string | undefined;
  markUntil: number;
  /** Logins that were ended one by one and must not be adopted again. */
  readonly ended: Map<
    string,
    { readonly ends: number; readonly mark?: KickRecord | undefined; readonly until: number }
  >;
}

/**
 * The list of live logins in this process: the default, for an app that runs as one process with a `MemoryStore`.
 *
 * Processes that share their sessions must share a registry: they take `RedisLoginRegistry`. Forgets all logins when the process
 * restarts: sessions that outlive a restart need `RedisLoginRegistry` or `PostgresLoginRegistry`.
 */
export class MemoryLoginRegistry implements LoginRegistry {
  readonly #users = new Map<string, User>();
  /** The users with a login that is shown, by activity. One may have expired since, until the user is looked at or swept out. */
  readonly #online = new Recency<User>();
  #everyoneMark: KickRecord | undefined;
  #appId: string | undefined;
  #maxSessionAgeMs = 0;
  #sweptAt = 0;
  #sweptInMs = 0;
  readonly #listeners = new Set<RegistryListener>();

  init({ appId, maxSessionAgeMs }: { appId: string; maxSessionAgeMs: number }): void {
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
    return this.#eraOf(user);
  }

  async adopt(login: NewLogin, { generation, endCount, authenticatedAt }: Since): Promise<Generation | undefined> {
    const user = this.#user(login.userId);
    const endedBefore = user.ended.get(login.id)?.ends ?? 0;
    const kick = kickSince(generation, markOn(user, login.id), this.#everyoneMark, authenticatedAt);
    if (endedBefore !== endCount || kick !== undefined) return undefined;
    const listed = user.logins.get(login.id);
    if (listed === undefined) this.#list(user, login);
    else if (listed.sids.includes(login.sid)) this.#change(user, listed, { ttlMs: login.ttlMs });
    else return undefined;
    return this.#eraOf(user);
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
    const known = user.ended.get(loginId);
    let endCount = known?.ends ?? 0;
    if (ifSid !== undefined) {
      const hasSid = listed?.sids.includes(ifSid) === true;
      const staysBy = ifLastSid === undefined ? 0 : Number(listed?.sids.length) - 1;
      if (listed !== undefined && hasSid && staysBy > 0) this.#change(user, listed, { removeSid: ifSid });
      if (!hasSid || staysBy > 0) {
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
      const until = Math.max(known?.until ?? 0, Date.now() + ttlMs);
      user.ended.set(loginId, { ends: endCount, mark: kick ?? known?.mark, until });
    }
    this.#dropExpired(user);
    if (listed !== undefined) this.#tell({ userId, loginIds: [loginId], kick });
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
    user.mark = kick;
    user.markUntil = Date.now() + this.#maxSessionAgeMs;
    if (loginIds.length > 0) this.#tell({ userId, loginIds, kick });
    return [...user.kicked.values()];
  }

  finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const user = this.#users.get(userId);
    for (const loginId of loginIds) user?.kicked.delete(loginId);
    return Promise.resolve();
  }

  async kickEveryone(mark: KickRecord, options: EndOptions = {}): Promise<void> {
    rejectReplicas(options);
    this.#everyoneMark = mark;
  }

  kickOf(userId: string, loginId: string, era: Generation): Promise<KickRecord | undefined> {
    const user = this.#users.get(userId);
    return Promise.resolve(
      user?.ended.get(loginId)?.mark ?? kickSince(era, user && markOn(user, loginId), this.#everyoneMark),
    );
  }

  async list(userId: string, { offset, limit }: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const user = this.#users.get(userId);
    const shown = user === undefined ? [] : this.#shown(user);
    return { items: shown.slice(offset, offset + limit), total: shown.length };
  }

  async activeUsers({ offset, limit }: RegistryPage): Promise<{ totalCount: number; users: ActiveUser[] }> {
    this.#sweep(SWEEP_SHARE * this.#sweptInMs);
    const users: ActiveUser[] = [];
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
    this.#everyoneMark = newKickRecord();
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

  #tell(ended: EndedLogins): void {
    for (const listener of this.#listeners) listener.ended(ended);
  }

  #user(userId: string): User {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { id: userId, logins: new Map(), kicked: new Map(), ended: new Map(), markUntil: 0 };
      this.#users.set(userId, user);
    }
    return user;
  }

  #eraOf(user: User): Generation {
    return generationAfter(user.mark?.id, this.#everyoneMark?.id);
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
    this.#online.touch(user);
  }

  #change(user: User, login: ListedLogin, { addSid, removeSid, ttlMs, ip, userAgent }: LoginChange): void {
    const now = Date.now();
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const isKnown = login.ip !== undefined || login.userAgent !== undefined;
    user.logins.set(login.id, {
      ...login,
      ...(isKnown ? {} : { ip, userAgent }),
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
    else if (ttlMs !== undefined) this.#online.touch(user);
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
    if (isEmpty && user.markUntil <= now) this.#users.delete(user.id);
  }

  /** Users who never come back would stay for ever: MemoryStore has that habit, this does not. */
  #sweep(intervalMs: number): void {
    const now = Date.now();
    if (now - this.#sweptAt < Math.min(intervalMs, SWEEP_INTERVAL_MS)) return;
    for (const user of this.#users.values()) this.#dropExpired(user);
    this.#sweptAt = now;
    this.#sweptInMs = Date.now() - now;
  }
}

/** The user's last kick, unless it has spared this login. */
function markOn(user: User, loginId: string): KickRecord | undefined {
  return user.spared === loginId ? undefined : user.mark;
}

/** What cannot be kept must not be promised. */
function rejectReplicas({ waitReplicas = 0 }: EndOptions): void {
  if (waitReplicas === 0) return;
  throw new LogoutError(
    "ERR_ARGUMENT",
    "waitReplicas: the logins are in the memory of this process, which has no replicas.",
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
