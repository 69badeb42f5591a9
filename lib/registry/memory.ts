/* eslint-disable @typescript-eslint/require-await -- the contract is asynchronous; memory has nothing to wait for */
import type { Generation, KickRecord } from "../types/login.js";
import type {
  ActiveUserRow,
  AddOptions,
  AddResult,
  EndedLogins,
  EndOfLogin,
  EndOfUser,
  EndResult,
  EndTarget,
  ListedLogin,
  LoginChange,
  LoginLimit,
  NewLogin,
  RegistryApplication,
  RegistryList,
  RegistryListener,
  RegistryPage,
  RegistrySupport,
  Since,
  Subscription,
  UpdateResult,
} from "../types/registry.js";
import { LOGINS_PER_USER } from "../util/limits.js";
import { OWN, type OwnRegistry } from "../util/own-registry.js";
import { endTtlMs } from "./ends.js";
import { generationAfter, kickSince, newKickRecord } from "./generation.js";
import { endOfLifetime, isLive, type KeptLogin } from "./lifetime.js";
import { excessOf } from "./limit.js";
import { MemoryHistory } from "./memory-history.js";
import { MemoryKeys } from "./memory-keys.js";
import { MemoryUsers, type RememberedEnd, type User } from "./memory-users.js";
import { Served } from "./served.js";
import { kicksOn, sparedBy } from "./spared.js";

/** A batch of users, so that a kick of everyone can say how far it is, and stop. */
const SCANNED_AT_ONCE = 200;

interface Application extends RegistryApplication {
  readonly users: MemoryUsers;
  readonly listeners: Set<RegistryListener>;
}

/**
 * Keeps the live logins in the memory of this process. The default, for an app that runs as one process with a `MemoryStore`.
 *
 * Forgets all logins when the process restarts. Processes that share sessions, and sessions that outlive a restart, need
 * `SqliteLoginRegistry` (one machine), `RedisLoginRegistry` or `PostgresLoginRegistry`.
 */
export class MemoryLoginRegistry implements OwnRegistry {
  readonly [OWN] = true;
  readonly supports: RegistrySupport = { limit: true, lifetime: true };
  readonly history = new MemoryHistory();
  readonly keys = new MemoryKeys(() => this.#served.application);
  /** What each `init` finds as it was. */
  readonly #kept = { users: new MemoryUsers(this.keys), listeners: new Set<RegistryListener>() };
  readonly #served = new Served<Application>();

  init({ appId, maxSessionAgeMs, history }: RegistryApplication): void {
    this.#served.check(appId);
    this.history.options = history;
    this.#served.application = { ...this.#kept, appId, maxSessionAgeMs };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    return this.peek(userId, loginId);
  }

  peek(userId: string, loginId: string): KeptLogin | undefined {
    const login = this.#users.find(userId)?.logins.get(loginId);
    return isLive(login) ? login : undefined;
  }

  async add(login: NewLogin, { since, limit }: AddOptions = {}): Promise<AddResult> {
    if (since === undefined) this.#users.sweepNowAndThen();
    const user = this.#users.findOrCreate(login.userId);
    const found = user.logins.get(login.id);
    const listed = found !== undefined && found.keptUntil > Date.now() ? found : undefined;
    if (since === undefined ? endOf(user, login.id) !== undefined : this.#hasEndedSince(user, login.id, since)) {
      return { outcome: "ended" };
    }
    if (since !== undefined && listed !== undefined) {
      if (!isLive(listed)) return { outcome: "ended" };
      if (!listed.sids.includes(login.sid)) return { outcome: "moved" };
      this.#users.change(user, listed, { ttlMs: login.ttlMs });
      return this.#listed(user, []);
    }
    const excess = limit === undefined ? [] : this.#excess(user, login.id, login.sid, limit);
    if (excess.length > 0 && limit?.whenFull === "refuse" && listed === undefined) return { outcome: "full" };
    this.#users.list(user, login);
    return this.#listed(user, this.#endExcess(user, excess, limit));
  }

  #listed(user: User, ended: readonly ListedLogin[]): AddResult {
    const generation = generationAfter(user.lastKick?.id, this.#users.lastKickOfEveryone?.id);
    return { outcome: "listed", generation, ended };
  }

  /** Returns the logins that exceed the limit once this login has this session id. */
  #excess(user: User, loginId: string, sid: string, { count }: LoginLimit): KeptLogin[] {
    if (user.logins.size < count) return [];
    const others = this.#users.live(user).filter(({ id }) => id !== loginId);
    return excessOf(others, sid, count);
  }

  /** Ends logins as a kick does. Their end is remembered until they would have expired. */
  #endExcess(user: User, excess: readonly KeptLogin[], limit: LoginLimit | undefined): readonly KeptLogin[] {
    if (limit === undefined || excess.length === 0) return [];
    this.#users.kick(user, excess);
    for (const { id, keptUntil } of excess) {
      const endCount = (user.ended?.get(id)?.endCount ?? 0) + 1;
      (user.ended ??= new Map()).set(id, { endCount, kick: limit.record, until: keptUntil });
    }
    this.#notify({ userId: user.id, loginIds: excess.map(({ id }) => id), kick: limit.record });
    return excess;
  }

  #hasEndedSince(user: User, loginId: string, { generation, endCount, authenticatedAt }: Since): boolean {
    const currentEndCount = endOf(user, loginId)?.endCount ?? 0;
    const kick = kickSince(generation, ...this.#kicksOn(user, loginId), authenticatedAt);
    return currentEndCount !== endCount || kick !== undefined;
  }

  #kicksOn(user: User | undefined, loginId: string): ReturnType<typeof kicksOn> {
    return kicksOn(loginId, user?.spared, user?.lastKick, this.#users.lastKickOfEveryone);
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const user = this.#users.find(userId);
    const login = this.peek(userId, loginId);
    if (user === undefined || login === undefined) return false;
    this.#users.change(user, login, change);
    const { addSid, limit } = change;
    if (limit === undefined || addSid === undefined || login.sids.includes(addSid)) return true;
    const ended = this.#endExcess(user, this.#excess(user, loginId, addSid, limit), limit);
    return ended.length === 0 || ended;
  }

  async end(userId: string, target: EndTarget): Promise<EndResult> {
    const user = this.#users.findOrCreate(userId);
    return target.loginId === undefined ? this.#endAll(user, target) : this.#endOne(user, target);
  }

  #endOne(user: User, end: EndOfLogin): EndResult {
    const { loginId, kick, ifLastSid, ifSid = ifLastSid } = end;
    const found = user.logins.get(loginId);
    const listed = isLive(found) ? found : undefined;
    const previous = user.ended?.get(loginId);
    let endCount = previous?.endCount ?? 0;
    if (ifSid !== undefined) {
      const hasSid = listed?.sids.includes(ifSid) === true;
      const otherSids = ifLastSid === undefined ? 0 : Number(listed?.sids.length) - 1;
      if (listed !== undefined && hasSid && otherSids > 0) this.#users.change(user, listed, { removeSid: ifSid });
      if (!hasSid || otherSids > 0) {
        this.#users.forgetIfDone(user);
        return { ended: [], endCount };
      }
    }
    if (listed !== undefined) user.logins.delete(loginId);
    if (kick !== undefined && listed !== undefined) (user.kicked ??= new Map()).set(loginId, listed);
    const ttls = endTtlMs(end, this.#served.application.maxSessionAgeMs);
    const ttlMs = listed === undefined ? ttls.unlisted : ttls.listed;
    if (ttlMs !== undefined) {
      endCount += 1;
      const until = Math.max(previous?.until ?? 0, Date.now() + ttlMs);
      (user.ended ??= new Map()).set(loginId, { endCount, kick: kick ?? previous?.kick, until });
    }
    this.#users.forgetIfDone(user);
    if (listed !== undefined) this.#notify({ userId: user.id, loginIds: [loginId], kick });
    const ended = listed ?? (kick && user.kicked?.get(loginId));
    return { ended: ended === undefined ? [] : [ended], endCount };
  }

  #endAll(user: User, end: EndOfUser): EndResult {
    const { kick, except = [] } = end;
    const stay = new Set(except.filter((id) => isLive(user.logins.get(id))));
    user.spared = sparedBy(end, [...stay], user.spared);
    const logins = this.#users.live(user).filter(({ id }) => !stay.has(id));
    const loginIds = logins.map(({ id }) => id);
    this.#users.kick(user, logins);
    user.lastKick = kick;
    user.kickUntil = Date.now() + this.#served.application.maxSessionAgeMs;
    if (loginIds.length > 0) this.#notify({ userId: user.id, loginIds, kick });
    return { ended: [...(user.kicked?.values() ?? [])], endCount: 0 };
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const user = this.#users.find(userId);
    for (const loginId of loginIds) user?.kicked?.delete(loginId);
  }

  async kickEveryone(record: KickRecord): Promise<void> {
    this.#users.lastKickOfEveryone = record;
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const user = this.#users.find(userId);
    const end = user && endOf(user, loginId)?.kick;
    return end ?? endOfLifetime(user?.logins.get(loginId)) ?? kickSince(generation, ...this.#kicksOn(user, loginId));
  }

  async list(userId: string, { offset, limit }: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const user = this.#users.find(userId);
    const shown = user === undefined ? [] : this.#users.shown(user);
    return { items: shown.slice(offset, offset + limit), total: shown.length };
  }

  async activeUsers({ offset, limit }: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    this.#users.sweepIfCheap();
    const items: ActiveUserRow[] = [];
    let position = 0;
    for (const user of this.#users.online) {
      if (items.length >= limit) break;
      position += 1;
      if (position <= offset) continue;
      const shown = this.#users.shown(user);
      if (shown.length === 0) continue;
      items.push({ userId: user.id, logins: shown.slice(0, LOGINS_PER_USER), loginsCount: shown.length });
    }
    return { items, total: this.#users.online.size };
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    const users = [...this.#users.all()].filter(({ logins, kicked }) => logins.size + (kicked?.size ?? 0) > 0);
    for (let next = 0; next < users.length; next += SCANNED_AT_ONCE)
      yield users.slice(next, next + SCANNED_AT_ONCE).map(({ id }) => id);
  }

  async *scanLogins(userId: string): AsyncIterable<readonly ListedLogin[]> {
    const user = this.#users.find(userId);
    if (user === undefined) return;
    this.#users.dropExpired(user);
    yield [...user.logins.values(), ...(user.kicked?.values() ?? [])];
  }

  async clear(): Promise<void> {
    this.#users.lastKickOfEveryone = newKickRecord();
    for (const user of this.#users.all()) {
      user.logins.clear();
      user.kicked?.clear();
      this.#users.dropExpired(user);
    }
    this.keys.clear();
    for (const listener of this.#listeners) listener.gap();
  }

  subscribe(listener: RegistryListener): Subscription {
    const listeners = this.#listeners;
    listeners.add(listener);
    listener.connected();
    listener.gap();
    return {
      close: () => {
        listeners.delete(listener);
        return Promise.resolve();
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #users(): MemoryUsers {
    return this.#served.application.users;
  }

  get #listeners(): Set<RegistryListener> {
    return this.#served.application.listeners;
  }

  #notify(ended: EndedLogins): void {
    for (const listener of this.#listeners) listener.ended(ended);
  }
}

/** Returns how a login was ended, as long as that is remembered. */
function endOf(user: User, loginId: string): RememberedEnd | undefined {
  const end = user.ended?.get(loginId);
  return end !== undefined && end.until > Date.now() ? end : undefined;
}
