// A registry of a third party: on Maps that its instances share, as processes share a database.
import { LogoutError } from "express-logout/registry";

const DAY_MS = 86_400_000;
const databases = new Map();
export const network = { isDown: false };

export class MapRegistry {
  supports = { limit: true };
  #application;

  init(application) {
    if (this.#application !== undefined && this.#application.appId !== application.appId) {
      throw new LogoutError("ERR_REGISTRY_IN_USE", "Create a registry for each application.");
    }
    this.#application = application;
    if (!databases.has(application.appId)) {
      databases.set(application.appId, { users: new Map(), everyone: undefined, steps: 0, listeners: new Set() });
    }
  }

  async find(userId, loginId) {
    return this.#user(userId).logins.get(loginId);
  }

  async add({ id, userId, sid, ttlMs, began, ip, userAgent }, { since, limit } = {}) {
    const user = this.#user(userId);
    const endCount = user.ends.get(id)?.count ?? 0;
    const hasEnded = since === undefined ? endCount > 0 : endCount !== since.endCount;
    if (hasEnded || (since && this.#kickSince(user, id, since))) return { outcome: "ended" };
    const listed = since && user.logins.get(id);
    if (listed && !listed.sids.includes(sid)) return { outcome: "moved" };
    const excess = this.#excess(user, id, sid, limit);
    if (excess.length > 0 && limit.whenFull === "refuse" && !user.logins.has(id)) return { outcome: "full" };
    const now = Date.now();
    const login = { id, userId, began: began ?? new Date(now), ip, userAgent, sids: [sid], expires: new Date(0) };
    this.#change(user, listed ?? login, { ttlMs }, now);
    const ended = this.#endExcess(user, excess, limit);
    return { outcome: "listed", generation: `${user.kick?.id ?? ""}.${this.#data.everyone?.id ?? ""}`, ended };
  }

  async update(userId, loginId, change) {
    const user = this.#user(userId);
    const login = user.logins.get(loginId);
    if (login === undefined) return false;
    const { addSid, limit } = change;
    const isNew = addSid !== undefined && !login.sids.includes(addSid);
    this.#change(user, login, change, Date.now());
    const ended = isNew ? this.#endExcess(user, this.#excess(user, loginId, addSid, limit), limit) : [];
    return ended.length === 0 || ended;
  }

  /** The order in which logins stay: the most recently active first. */
  compare(a, b) {
    return b.lastActive - a.lastActive || b.began - a.began || (a.id < b.id ? 1 : -1);
  }

  async end(userId, target) {
    const user = this.#user(userId);
    return target.loginId === undefined ? this.#endAll(user, target) : this.#endOne(user, target);
  }

  async finishKick(userId, loginIds) {
    const { kicked } = this.#user(userId);
    for (const id of loginIds) kicked.delete(id);
  }

  async kickEveryone(record) {
    this.#data.everyone = record;
  }

  async kickOf(userId, loginId, generation) {
    const user = this.#user(userId);
    return user.ends.get(loginId)?.kick ?? this.#kickSince(user, loginId, { generation });
  }

  async list(userId, { offset, limit }) {
    const shown = this.#shown(userId);
    return { items: shown.slice(offset, offset + limit), total: shown.length };
  }

  async activeUsers({ offset, limit }) {
    const users = [...this.#data.users.values()].sort((a, b) => b.active - a.active);
    const rows = users.map(({ userId }) => ({ userId, logins: this.#shown(userId) }));
    const online = rows.filter(({ logins }) => logins.length > 0);
    const items = online.slice(offset, offset + limit).map(({ userId, logins }) => {
      return { userId, logins: logins.slice(0, 50), loginsCount: logins.length };
    });
    return { items, total: online.length };
  }

  async *scanUsers() {
    const users = [...this.#data.users.keys()].map((userId) => this.#user(userId));
    yield users.filter(({ logins, kicked }) => logins.size + kicked.size > 0).map(({ userId }) => userId);
  }

  subscribe(listener) {
    const { listeners } = this.#data;
    let isConnected = false;
    const check = () => {
      if (isConnected === !network.isDown) return;
      isConnected = !isConnected;
      if (!isConnected) return listener.disconnected();
      listener.connected();
      listener.gap();
    };
    check();
    const timer = setInterval(check, 5).unref();
    listeners.add(listener);
    return {
      close: async () => {
        clearInterval(timer);
        listeners.delete(listener);
      },
    };
  }

  async clear() {
    this.#data.everyone = { id: crypto.randomUUID(), at: new Date(), cause: "kick" };
    for (const { logins, kicked } of this.#data.users.values()) for (const each of [logins, kicked]) each.clear();
    for (const listener of this.#data.listeners) listener.gap();
  }

  async close() {}

  get #data() {
    if (network.isDown) throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The database is down.");
    return databases.get(this.#application.appId);
  }

  #user(userId) {
    const { users } = this.#data;
    const now = Date.now();
    const user = users.get(userId) ?? { userId, active: 0, logins: new Map(), kicked: new Map(), ends: new Map() };
    for (const rows of [user.logins, user.kicked, user.ends]) {
      for (const [id, { expires }] of rows) if (expires <= now) rows.delete(id);
    }
    users.set(userId, user);
    return user;
  }

  #change(user, login, { addSid, removeSid, ttlMs, ip, userAgent }, now) {
    const kept = login.sids.filter((sid) => sid !== removeSid);
    const sids = [...new Set(addSid === undefined ? kept : [...kept, addSid])];
    const device = login.ip === undefined && login.userAgent === undefined ? { ip, userAgent } : {};
    const expires = new Date(Math.max(login.expires, now + ttlMs));
    const activity = { lastActive: new Date(now), expires, shownUntil: new Date(now + ttlMs) };
    if (ttlMs !== undefined) user.active = this.#data.steps += 1;
    user.logins.set(login.id, { ...login, ...device, ...(ttlMs === undefined ? {} : activity), sids });
  }

  /** The logins beyond the limit once the login has this session id. Those that share a session id are one. */
  #excess(user, loginId, sid, limit) {
    if (limit === undefined) return [];
    const others = [...user.logins.values()].filter(({ id }) => id !== loginId).sort((a, b) => this.compare(a, b));
    const known = new Set([sid]);
    let sessions = 1;
    return others.filter(({ sids }) => {
      const isNew = !sids.some((each) => known.has(each));
      if (isNew && sessions >= limit.count) return true;
      sessions += Number(isNew);
      for (const each of sids) known.add(each);
      return false;
    });
  }

  #endExcess(user, excess, limit) {
    for (const login of excess) {
      const { id, expires } = login;
      user.logins.delete(id);
      user.kicked.set(id, login);
      user.ends.set(id, { count: (user.ends.get(id)?.count ?? 0) + 1, expires, kick: limit.record });
    }
    const loginIds = excess.map(({ id }) => id);
    if (loginIds.length > 0) this.#notify({ userId: user.userId, loginIds, kick: limit.record });
    return excess;
  }

  #endOne(user, { loginId, kick, remember = false, ifListed, ifLastSid, ifSid = ifLastSid }) {
    const login = user.logins.get(loginId);
    const before = user.ends.get(loginId) ?? { count: 0, expires: 0 };
    const isLast = ifLastSid === undefined || login?.sids.length === 1;
    if (ifSid !== undefined && !(login?.sids.includes(ifSid) && isLast)) {
      if (login !== undefined && ifLastSid !== undefined) this.#change(user, login, { removeSid: ifSid });
      return { ended: [], endCount: before.count };
    }
    user.logins.delete(loginId);
    if (kick && login) user.kicked.set(loginId, login);
    const { maxSessionAgeMs } = this.#application;
    const listedMs = kick || remember === true ? maxSessionAgeMs : remember ? DAY_MS : 0;
    const unlistedMs = ifListed || ifSid !== undefined ? 0 : remember === true ? maxSessionAgeMs : DAY_MS;
    const keptMs = login ? listedMs : unlistedMs;
    const count = before.count + (keptMs > 0 ? 1 : 0);
    const expires = Math.max(before.expires, Date.now() + keptMs);
    if (keptMs > 0) user.ends.set(loginId, { count, expires, kick: kick ?? before.kick });
    if (login) this.#notify({ userId: user.userId, loginIds: [loginId], kick });
    const ended = login ?? (kick && user.kicked.get(loginId));
    return { ended: ended ? [ended] : [], endCount: count };
  }

  #endAll(user, { kick, except = [], everyone = false }) {
    const ending = [...user.logins.values()].filter(({ id }) => !except.includes(id));
    const spared = except
      .filter((id) => user.logins.has(id))
      .map((id) => {
        return [id, [...(user.spared?.get(id) ?? []), ...(everyone ? [kick.id] : [])].slice(-8)];
      });
    Object.assign(user, { kick, spared: new Map(spared) });
    for (const login of ending) user.kicked.set(login.id, login);
    for (const { id } of ending) user.logins.delete(id);
    if (ending.length > 0) this.#notify({ userId: user.userId, loginIds: ending.map(({ id }) => id), kick });
    return { ended: [...user.kicked.values()], endCount: 0 };
  }

  #kickSince({ kick, spared }, loginId, { generation, authenticatedAt }) {
    const [ofUser, ofEveryone = ""] = generation.split(".");
    // Without a valid authenticatedAt the comparison is false, so the kick counts.
    const counts = (record, known) => record && record.id !== known && !(+record.at + 60_000 <= +authenticatedAt);
    const kicks = spared?.get(loginId);
    if (kicks === undefined && counts(kick, ofUser)) return kick;
    const { everyone } = this.#data;
    return counts(everyone, ofEveryone) && !kicks?.includes(everyone.id) ? everyone : undefined;
  }

  #shown(userId) {
    const logins = [...this.#user(userId).logins.values()];
    return logins
      .filter(({ sids, shownUntil }) => sids.length > 0 && shownUntil > Date.now())
      .sort((a, b) => b.began - a.began);
  }

  #notify(ended) {
    for (const listener of this.#data.listeners) listener.ended(ended);
  }
}
