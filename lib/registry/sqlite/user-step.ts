import type { Generation, KickRecord } from "../../types/login.js";
import type {
  AddResult,
  EndOfLogin,
  EndOfUser,
  EndResult,
  ListedLogin,
  LoginChange,
  NewLogin,
  Since,
} from "../../types/registry.js";
import { endTtlMs } from "../ends.js";
import { generationAfter, kickSince } from "../generation.js";
import type { Sql } from "./connection.js";
import type { SqliteValue } from "./engine.js";
import { announce } from "./notifications.js";
import { readKick, readLogin, readText, writeKick, writeOptional, writeText, writeTexts, type Row } from "./records.js";

/** The last time that a `Date` can be. */
const LAST_MS = 8.64e15;

/** One step on a user, inside of a transaction. `app`: the application id as stored. */
export class UserStep {
  readonly #sql: Sql;
  readonly #app: string;
  readonly #userId: string;
  readonly #user: readonly [app: string, user: string];
  readonly #now = Date.now();

  constructor(sql: Sql, app: string, userId: string) {
    this.#sql = sql;
    this.#app = app;
    this.#userId = userId;
    this.#user = [app, writeText(userId)];
  }

  add(login: NewLogin): AddResult {
    this.#dropExpired();
    if (this.#endedRow(login.id) !== undefined) return { outcome: "ended" };
    this.#list(login);
    return this.#listed();
  }

  /** Lists a login that began earlier. */
  adopt(login: NewLogin, since: Since): AddResult {
    this.#dropExpired();
    if (this.#hasEndedSince(login.id, since)) return { outcome: "ended" };
    const listed = this.#find(login.id);
    if (listed === undefined) this.#list(login);
    else if (listed.sids.includes(login.sid)) this.#change(listed, { ttlMs: login.ttlMs });
    else return { outcome: "moved" };
    return this.#listed();
  }

  update(loginId: string, change: LoginChange): boolean {
    const login = this.#find(loginId);
    if (login === undefined) return false;
    this.#change(login, change);
    return true;
  }

  endOne(end: EndOfLogin, maxSessionAgeMs: number): EndResult {
    const { loginId, kick, ifLastSid, ifSid = ifLastSid } = end;
    this.#dropExpired();
    const listed = this.#find(loginId);
    const earlier = this.#endedRow(loginId);
    const endCount = Number(earlier?.["ends"] ?? 0);
    if (ifSid !== undefined) {
      const hasSid = listed?.sids.includes(ifSid) === true;
      const hasOthers = ifLastSid !== undefined && Number(listed?.sids.length) > 1;
      if (listed !== undefined && hasSid && hasOthers) this.#change(listed, { removeSid: ifSid });
      if (!hasSid || hasOthers) return { ended: [], endCount };
    }
    if (listed !== undefined) this.#remove(listed, kick);
    const ttls = endTtlMs(end, maxSessionAgeMs);
    const ttlMs = listed === undefined ? ttls.unlisted : ttls.listed;
    if (ttlMs !== undefined) this.#remember(loginId, earlier, { endCount: endCount + 1, kick, ttlMs });
    const ended = listed ?? (kick && this.#kicked(loginId));
    return { ended: ended === undefined ? [] : [ended], endCount: ttlMs === undefined ? endCount : endCount + 1 };
  }

  /** Reads before it writes, and passes ids on as they are stored: a user may have very many logins. */
  endAll({ kick, except }: EndOfUser, maxSessionAgeMs: number): EndResult {
    const spared = except === undefined ? undefined : this.#find(except);
    const sparedId = spared === undefined ? null : writeText(spared.id);
    const rows = this.#sql.all("loginsBut", ...this.#user, sparedId);
    const live = rows.filter(({ expires }) => Number(expires) > this.#now);
    const unfinished = this.#sql.all("listKicked", ...this.#user, this.#now);
    const again = new Set(unfinished.length === 0 ? [] : live.map(({ id }) => id));
    const kicked = [...live, ...unfinished.filter(({ id }) => !again.has(id))];
    const ended = kicked.map((row) => readLogin(this.#userId, row));

    if (live.length > 0) this.#sql.run("keepKickedBut", ...this.#user, sparedId, this.#now);
    if (rows.length > 0) this.#sql.run("deleteLoginsBut", ...this.#user, sparedId);
    const until = this.#now + maxSessionAgeMs;
    const times = [spared === undefined ? null : +spared.expires, shownTime(spared) ?? null];
    const record = writeKick(kick);
    this.#sql.run("putKick", ...this.#user, ...times, writeText(kick.id), record, until, sparedId, until);
    this.#announce(
      rows.map(({ id }) => String(id)),
      record,
    );
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
    return (
      readKick(this.#endedRow(loginId)?.["kick"]) ??
      kickSince(generation, this.#kickOfUser(loginId), readKick(this.#everyoneRow()?.["kick"]))
    );
  }

  #hasEndedSince(loginId: string, { generation, endCount, authenticatedAt }: Since): boolean {
    const kickOfEveryone = readKick(this.#everyoneRow()?.["kick"]);
    const kick = kickSince(generation, this.#kickOfUser(loginId), kickOfEveryone, authenticatedAt);
    return kick !== undefined || Number(this.#endedRow(loginId)?.["ends"] ?? 0) !== endCount;
  }

  /** Returns the user's last kick, unless it has spared this login. */
  #kickOfUser(loginId: string): KickRecord | undefined {
    const row = this.#userRow();
    const isSpared = row?.["spared"] === writeText(loginId);
    return isSpared || !this.#isRemembered(row) ? undefined : readKick(row?.["kick"]);
  }

  #listed(): AddResult {
    const user = this.#userRow();
    const kickId = this.#isRemembered(user) ? readKickId(user) : undefined;
    return { outcome: "listed", generation: generationAfter(kickId, readKickId(this.#everyoneRow())), ended: [] };
  }

  /** Whether the row of a user has a kick that counts. */
  #isRemembered(row: Row | undefined): boolean {
    return Number(row?.["kick_until"] ?? 0) > this.#now;
  }

  #list({ id, userId, sid, ttlMs, ip, userAgent, began }: NewLogin): void {
    const [lastActive, expires] = [new Date(this.#now), new Date(this.#until(ttlMs))];
    const shown = { lastActive, expires, shownUntil: expires };
    this.#put({ id, userId, began: began ?? lastActive, ip, userAgent, sids: [sid], ...shown });
    this.#setActive(+expires);
    this.#show(undefined, +expires);
  }

  #change(login: ListedLogin, { addSid, removeSid, ttlMs, ip, userAgent }: LoginChange): void {
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const hasDevice = login.ip !== undefined || login.userAgent !== undefined;
    const until = this.#until(ttlMs ?? 0);
    const activity = {
      lastActive: new Date(this.#now),
      expires: new Date(Math.max(+login.expires, until)),
      shownUntil: new Date(until),
    };
    const changed: ListedLogin = {
      ...login,
      ...(hasDevice ? {} : { ip, userAgent }),
      ...(ttlMs === undefined ? {} : activity),
      sids: [...sids],
    };
    this.#put(changed);
    if (ttlMs !== undefined) this.#setActive(+changed.expires);
    this.#show(shownTime(login), shownTime(changed));
  }

  /** Removes a listed login. A kicked one stays readable. */
  #remove(login: ListedLogin, kick: KickRecord | undefined): void {
    if (kick !== undefined) this.#sql.run("keepKicked", ...this.#login(login.id));
    this.#sql.run("deleteLogin", ...this.#login(login.id));
    this.#sql.run("setExpires", lastOf(this.#sql.first("lastExpiry", ...this.#user)) ?? null, ...this.#user);
    this.#show(shownTime(login), undefined);
    this.#announce([writeText(login.id)], kick === undefined ? null : writeKick(kick));
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

  #put({ id, began, lastActive, expires, shownUntil, ip, userAgent, sids }: ListedLogin): void {
    const times = [began, lastActive, expires, shownUntil].map(Number);
    const device = [writeOptional(ip), writeOptional(userAgent)];
    this.#sql.run("putLogin", ...this.#login(id), ...times, ...device, writeTexts(sids));
  }

  #until(ttlMs: number): number {
    return Math.min(this.#now + ttlMs, LAST_MS);
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
    const shown = Number(this.#userRow()?.["shown"] ?? 0);
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

  #find(loginId: string): ListedLogin | undefined {
    const row = this.#sql.first("findLogin", ...this.#login(loginId), this.#now);
    return row && readLogin(this.#userId, row);
  }

  #kicked(loginId: string): ListedLogin | undefined {
    const row = this.#sql.first("findKicked", ...this.#login(loginId));
    return row && readLogin(this.#userId, row);
  }

  #endedRow(loginId: string): Row | undefined {
    return this.#sql.first("findEnded", ...this.#login(loginId), this.#now);
  }

  #userRow(): Row | undefined {
    return this.#sql.first("findUser", ...this.#user);
  }

  #everyoneRow(): Row | undefined {
    return this.#sql.first("findKickOfEveryone", this.#app);
  }

  #login(loginId: string): [app: string, user: string, id: string] {
    return [...this.#user, writeText(loginId)];
  }
}

/** Until when lists show a login; `undefined`: not at all. */
function shownTime(login: ListedLogin | undefined): number | undefined {
  return login === undefined || login.sids.length === 0 ? undefined : +login.shownUntil;
}

function lastOf(row: Row | undefined): number | undefined {
  const last = row?.["last"];
  return last === null || last === undefined ? undefined : Number(last);
}

function readKickId(row: Row | undefined): string | undefined {
  const written = row?.["kick_id"];
  return typeof written === "string" ? readText(written) : undefined;
}
