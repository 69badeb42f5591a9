import type { Generation, KickRecord } from "../../types/login.js";
import type {
  AddResult,
  EndOfLogin,
  EndOfUser,
  EndResult,
  ListedLogin,
  LoginChange,
  LoginLimit,
  NewLogin,
  Since,
  UpdateResult,
} from "../../types/registry.js";
import { endTtlMs } from "../ends.js";
import { activeTimes, endOfLifetime, isLive, type KeptLogin } from "../lifetime.js";
import { excessOf } from "../limit.js";
import type { Sql } from "./connection.js";
import type { SqliteValue } from "./engine.js";
import { keepEnd } from "./history.js";
import { sparedBy } from "../spared.js";
import { announce } from "./notifications.js";
import { lastOf, readLogin, writeKick, writeLogin, writeSpared, writeText, writeTexts, type Row } from "./records.js";
import { UserKicks } from "./user-kicks.js";

/** One step on a user, inside of a transaction. `app`: the application id as stored. */
export class UserStep {
  readonly #sql: Sql;
  readonly #userId: string;
  readonly #user: readonly [app: string, user: string];
  readonly #kicks: UserKicks;
  readonly #now = Date.now();
  readonly #keepsHistory: boolean;

  constructor(sql: Sql, app: string, userId: string, keepsHistory = false) {
    this.#keepsHistory = keepsHistory;
    this.#sql = sql;
    this.#userId = userId;
    this.#user = [app, writeText(userId)];
    this.#kicks = new UserKicks(sql, this.#user, this.#now);
  }

  add(login: NewLogin, limit: LoginLimit | undefined): AddResult {
    this.#dropExpired();
    if (this.#kicks.endedRow(login.id) !== undefined) return { outcome: "ended" };
    return this.#listWithin(limit, login);
  }

  /** Lists a login that began earlier. */
  adopt(login: NewLogin, since: Since, limit: LoginLimit | undefined): AddResult {
    this.#dropExpired();
    if (this.#kicks.hasEndedSince(login.id, since)) return { outcome: "ended" };
    const kept = this.#kept(login.id);
    if (kept === undefined) return this.#listWithin(limit, login);
    if (!isLive(kept, this.#now)) return { outcome: "ended" };
    if (!kept.sids.includes(login.sid)) return { outcome: "moved" };
    this.#change(kept, { ttlMs: login.ttlMs });
    return this.#listed([]);
  }

  update(loginId: string, change: LoginChange): UpdateResult {
    const login = this.#find(loginId);
    if (login === undefined) return false;
    this.#change(login, change);
    const { addSid, limit } = change;
    if (limit === undefined || addSid === undefined || login.sids.includes(addSid)) return true;
    const ended = this.#endExcess(this.#excess(loginId, addSid, limit), limit);
    return ended.length === 0 || ended;
  }

  endOne(end: EndOfLogin, maxSessionAgeMs: number): EndResult {
    const { loginId, kick, ifLastSid, ifSid = ifLastSid } = end;
    this.#dropExpired();
    const listed = this.#find(loginId);
    const earlier = this.#kicks.endedRow(loginId);
    const endCount = Number(earlier?.["ends"] ?? 0);
    if (ifSid !== undefined) {
      const hasSid = listed?.sids.includes(ifSid) === true;
      const hasOthers = ifLastSid !== undefined && Number(listed?.sids.length) > 1;
      if (listed !== undefined && hasSid && hasOthers) this.#change(listed, { removeSid: ifSid });
      if (!hasSid || hasOthers) return { ended: [], endCount };
    }
    if (listed !== undefined) {
      this.#remove(listed, kick);
      this.#announce([writeText(listed.id)], kick === undefined ? null : writeKick(kick));
      this.#keep([listed], kick);
    }
    const ttls = endTtlMs(end, maxSessionAgeMs);
    const ttlMs = listed === undefined ? ttls.unlisted : ttls.listed;
    if (ttlMs !== undefined) this.#remember(loginId, earlier, { endCount: endCount + 1, kick, ttlMs });
    const ended = listed ?? (kick && this.#kicked(loginId));
    return { ended: ended === undefined ? [] : [ended], endCount: ttlMs === undefined ? endCount : endCount + 1 };
  }

  /** Reads before it writes. */
  endAll(end: EndOfUser, maxSessionAgeMs: number): EndResult {
    const { kick, except } = end;
    const isExcepted = new Set(except);
    const all = this.#sql.all("loginsOf", ...this.#user).map((row) => readLogin(this.#userId, row));
    const stays = (login: KeptLogin): boolean => isExcepted.has(login.id) && isLive(login, this.#now);
    const [stay, others] = [all.filter(stays), all.filter((login) => !stays(login))];
    const stayIds = writeTexts(stay.map(({ id }) => writeText(id)));
    const live = others.filter((login) => isLive(login, this.#now));
    const unfinished = this.#sql.all("listKicked", ...this.#user, this.#now);
    const again = new Set(unfinished.length === 0 ? [] : live.map(({ id }) => id));
    const kicked = unfinished.map((row) => readLogin(this.#userId, row)).filter(({ id }) => !again.has(id));

    const spared = sparedBy(
      end,
      stay.map(({ id }) => id),
      this.#kicks.spared(),
    );
    if (live.length > 0) this.#sql.run("keepKickedBut", ...this.#user, stayIds, this.#now, this.#now);
    if (others.length > 0) this.#sql.run("deleteLoginsBut", ...this.#user, stayIds);
    const until = this.#now + maxSessionAgeMs;
    const times = [latest(stay.map(({ keptUntil }) => keptUntil)), latest(stay.map(shownTime))];
    const record = writeKick(kick);
    const values = [writeText(kick.id), record, until, writeSpared(kick.id, spared), until] as const;
    this.#sql.run("putKick", ...this.#user, ...times, ...values);
    this.#announce(
      others.map(({ id }) => writeText(id)),
      record,
    );
    this.#keep(live, kick);
    const ended = [...live, ...kicked];
    return { ended, endCount: 0 };
  }

  finishKick(loginIds: readonly string[]): void {
    const [loginId] = loginIds;
    if (loginIds.length > 1) this.#sql.run("deleteSomeKicked", ...this.#user, writeTexts(loginIds.map(writeText)));
    else if (loginId !== undefined) this.#sql.run("deleteKicked", ...this.#login(loginId));
  }

  /** Removes every login, without a record. */
  forget(): void {
    this.#sql.run("deleteLogins", ...this.#user);
    this.#sql.run("deleteAllKicked", ...this.#user);
    this.#sql.run("setExpires", null, ...this.#user);
    this.#setShown(undefined);
  }

  kickOf(loginId: string, generation: Generation): KickRecord | undefined {
    const lifetime = (): KickRecord | undefined => endOfLifetime(this.#kept(loginId), this.#now);
    return this.#kicks.ofLogin(loginId) ?? lifetime() ?? this.#kicks.since(loginId, generation);
  }

  #listWithin(limit: LoginLimit | undefined, login: NewLogin): AddResult {
    const excess = limit === undefined ? [] : this.#excess(login.id, login.sid, limit);
    const isRefused = excess.length > 0 && limit?.whenFull === "refuse" && this.#find(login.id) === undefined;
    if (isRefused) return { outcome: "full" };
    this.#list(login);
    return this.#listed(this.#endExcess(excess, limit));
  }

  /** Returns the logins that exceed the limit once this login has this session id. */
  #excess(loginId: string, sid: string, { count }: LoginLimit): KeptLogin[] {
    if (Number(this.#sql.first("countLogins", ...this.#user)?.["count"]) < count) return [];
    const rows = this.#sql.all("otherLogins", ...this.#login(loginId), this.#now, this.#now);
    const others = rows.map((row) => readLogin(this.#userId, row));
    return excessOf(others, sid, count);
  }

  /** Ends logins as a kick does. Their end is remembered until they would have expired. */
  #endExcess(excess: readonly KeptLogin[], limit: LoginLimit | undefined): readonly KeptLogin[] {
    if (limit === undefined) return [];
    for (const login of excess) {
      this.#remove(login, limit.record);
      const earlier = this.#kicks.endedRow(login.id);
      const endCount = Number(earlier?.["ends"] ?? 0) + 1;
      this.#remember(login.id, earlier, { endCount, kick: limit.record, ttlMs: login.keptUntil - this.#now });
    }
    const ids = excess.map(({ id }) => writeText(id));
    if (excess.length > 0) this.#announce(ids, writeKick(limit.record));
    this.#keep(excess, limit.record);
    return excess;
  }

  #listed(ended: readonly ListedLogin[]): AddResult {
    return { outcome: "listed", generation: this.#kicks.generation(), ended };
  }

  #list({ id, userId, sid, ttlMs, ip, userAgent, began, lastsMs, idleMs }: NewLogin): void {
    const beganAt = began ?? new Date(this.#now);
    const lifetime = { lastsUntil: lastsMs === undefined ? undefined : +beganAt + lastsMs, idleMs };
    const times = activeTimes({ ...lifetime, keptUntil: 0 }, this.#now, ttlMs);
    this.#put({ id, userId, began: beganAt, ip, userAgent, sids: [sid], ...lifetime, ...times });
    this.#setActive(times.keptUntil);
    this.#show(undefined, +times.shownUntil);
  }

  #change(login: KeptLogin, { addSid, removeSid, ttlMs, lastsMs, ip, userAgent }: LoginChange): void {
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const hasDevice = login.ip !== undefined || login.userAgent !== undefined;
    const lastsUntil = lastsMs === undefined ? login.lastsUntil : this.#now + lastsMs;
    const activity = ttlMs === undefined ? {} : activeTimes({ ...login, lastsUntil }, this.#now, ttlMs);
    const device = hasDevice ? {} : { ip, userAgent };
    const changed: KeptLogin = { ...login, ...device, lastsUntil, ...activity, sids: [...sids] };
    this.#put(changed);
    if (ttlMs !== undefined) this.#setActive(changed.keptUntil);
    this.#show(shownTime(login), shownTime(changed));
  }

  /** Removes a listed login. A kicked one stays readable. */
  #remove(login: ListedLogin, kick: KickRecord | undefined): void {
    if (kick !== undefined) this.#sql.run("keepKicked", ...this.#login(login.id));
    this.#sql.run("deleteLogin", ...this.#login(login.id));
    this.#sql.run("setExpires", lastOf(this.#sql.first("lastExpiry", ...this.#user)) ?? null, ...this.#user);
    this.#show(shownTime(login), undefined);
  }

  /** Remembers the end of a login. */
  #remember(
    loginId: string,
    earlier: Row | undefined,
    { endCount, kick, ttlMs }: { endCount: number; kick: KickRecord | undefined; ttlMs: number },
  ): void {
    const until = this.#now + ttlMs;
    const record = kick === undefined ? ((earlier?.["kick"] ?? null) as SqliteValue) : writeKick(kick);
    const longest = Math.max(Number(earlier?.["until"] ?? 0), until);
    this.#sql.run("putEnded", ...this.#login(loginId), endCount, record, longest);
    this.#sql.run("keepUser", ...this.#user, longest);
  }

  #put(login: KeptLogin): void {
    this.#sql.run("putLogin", ...this.#login(login.id), ...writeLogin(login));
  }

  #setActive(expires: number): void {
    this.#sql.run("setActive", ...this.#user, this.#now, expires, expires);
  }

  /**
   * Updates until when the user is shown, after a login that was shown until `was` is shown until `isNow`. Reads the other logins
   * only if the latest time may have become earlier.
   */
  #show(was: number | undefined, isNow: number | undefined): void {
    if (was === isNow) return;
    const shown = Number(this.#kicks.userRow()?.["shown"] ?? 0);
    if (isNow !== undefined && isNow >= shown) this.#setShown(isNow);
    else if (was !== undefined && was >= shown) this.#setShown(lastOf(this.#sql.first("lastShown", ...this.#user)));
  }

  #setShown(until: number | undefined): void {
    this.#sql.run("setShown", until ?? null, ...this.#user);
  }

  #dropExpired(): void {
    for (const name of ["deleteExpiredLogins", "deleteExpiredKicked", "deleteExpiredEnded"] as const) {
      this.#sql.run(name, ...this.#user, this.#now);
    }
  }

  /** @param ids - As stored. `record`: the kick, as stored. */
  #announce(ids: readonly string[], record: string | null): void {
    announce(this.#sql, this.#user, ids, record, this.#now);
  }

  /** Keeps the end of logins in the history. */
  #keep(logins: readonly ListedLogin[], kick: KickRecord | undefined): void {
    if (this.#keepsHistory && kick !== undefined) keepEnd(this.#sql, this.#user, logins, kick);
  }

  #find(loginId: string): KeptLogin | undefined {
    const login = this.#kept(loginId);
    return isLive(login, this.#now) ? login : undefined;
  }

  /** Returns a login that has not expired, even if its lifetime is over. */
  #kept(loginId: string): KeptLogin | undefined {
    const row = this.#sql.first("findLogin", ...this.#login(loginId), this.#now);
    return row && readLogin(this.#userId, row);
  }

  #kicked(loginId: string): KeptLogin | undefined {
    const row = this.#sql.first("findKicked", ...this.#login(loginId));
    return row && readLogin(this.#userId, row);
  }

  #login(loginId: string): [app: string, user: string, id: string] {
    return [...this.#user, writeText(loginId)];
  }
}

/** Returns the latest time; `null`: there is none. */
function latest(times: readonly (number | undefined)[]): number | null {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? null : Math.max(...known);
}

/** Until when lists show a login; `undefined`: not at all. */
function shownTime(login: ListedLogin | undefined): number | undefined {
  return login === undefined || login.sids.length === 0 ? undefined : +login.shownUntil;
}
