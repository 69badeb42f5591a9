import { LRUCache } from "lru-cache";
import type { KickRecord } from "../types/login.js";
import type { ListedLogin, LoginChange, NewLogin } from "../types/registry.js";
import { LinkedList, type ListNode } from "../util/linked-list.js";
import { SmallMap } from "../util/small-map.js";
import { activeTimes, isLive, type KeptLogin } from "./lifetime.js";
import type { SparedLogins } from "./spared.js";

const SWEEP_INTERVAL_MS = 60_000;
/** Reads of the active users may sweep more often, up to one part in this many of the time. */
const SWEEP_SHARE = 50;

const MAX_USER_AGENTS = 1_000;

/** How often, and by which kick, a login was ended. */
export interface RememberedEnd {
  readonly endCount: number;
  readonly kick?: KickRecord | undefined;
  readonly until: number;
}

export interface User extends ListNode<User> {
  readonly id: string;
  readonly logins: SmallMap<string, KeptLogin>;
  /** The logins of kicks that are not finished. Most users have none, and an empty map takes 200 bytes. */
  kicked?: Map<string, KeptLogin> | undefined;
  lastKick?: KickRecord;
  /** What the last kick has spared. */
  spared?: SparedLogins | undefined;
  /** Until when the last kick is remembered. */
  kickUntil: number;
  /** Logins that were ended one by one and must not be adopted again. */
  ended?: Map<string, RememberedEnd> | undefined;
}

/** The users of `MemoryLoginRegistry`, and the order in which they were active. Drops what has expired. */
export class MemoryUsers {
  readonly #users = new Map<string, User>();
  /** The users with a login that is shown, by activity. Includes users whose logins have expired since, until the next check. */
  readonly #online = new LinkedList<User>();
  lastKickOfEveryone: KickRecord | undefined;
  readonly #swept: { sweep(): void } | undefined;
  /** The same browsers come again and again, each time in a string of its own. */
  readonly #userAgents = new LRUCache<string, string>({ max: MAX_USER_AGENTS });
  #sweptAt = 0;
  #sweptInMs = 0;

  /** @param swept - what is swept with the users */
  constructor(swept?: { sweep(): void }) {
    this.#swept = swept;
  }

  find(userId: string): User | undefined {
    return this.#users.get(userId);
  }

  findOrCreate(userId: string): User {
    let user = this.#users.get(userId);
    if (user === undefined) {
      user = { id: userId, logins: new SmallMap(), kicked: undefined, ended: undefined, kickUntil: 0 };
      this.#users.set(userId, user);
    }
    return user;
  }

  all(): Iterable<User> {
    return this.#users.values();
  }

  /** The users online, the most recently active first. */
  get online(): Iterable<User> & { readonly size: number } {
    return this.#online;
  }

  list(user: User, { id, sid, ttlMs, ip, userAgent, began, lastsMs, idleMs }: NewLogin): void {
    const now = Date.now();
    const lastsUntil = lastsMs === undefined ? undefined : +(began ?? now) + lastsMs;
    const times = activeTimes({ lastsUntil, idleMs, keptUntil: now + ttlMs }, now, ttlMs);
    user.logins.set(id, {
      id,
      userId: user.id,
      began: began ?? times.lastActive,
      ip,
      userAgent: this.#sameUserAgent(userAgent),
      sids: [sid],
      lastsUntil,
      idleMs,
      ...times,
    });
    this.#online.moveToFront(user);
  }

  change(user: User, login: KeptLogin, { addSid, removeSid, ttlMs, lastsMs, ip, userAgent }: LoginChange): void {
    const now = Date.now();
    const { id, userId, began, keptUntil, idleMs } = login;
    const lastsUntil = ttlMs === undefined || lastsMs === undefined ? login.lastsUntil : now + lastsMs;
    const times = ttlMs === undefined ? timesOf(login) : activeTimes({ keptUntil, lastsUntil, idleMs }, now, ttlMs);
    const sids = new Set(login.sids);
    if (removeSid !== undefined) sids.delete(removeSid);
    if (addSid !== undefined) sids.add(addSid);
    const hasDevice = login.ip !== undefined || login.userAgent !== undefined;
    const device = hasDevice ? login : { ip, userAgent: this.#sameUserAgent(userAgent) };
    user.logins.set(id, {
      id,
      userId,
      began,
      ip: device.ip,
      userAgent: device.userAgent,
      sids: [...sids],
      lastsUntil,
      idleMs,
      ...times,
    });
    if (!hasShown(user)) this.#online.delete(user);
    else if (ttlMs !== undefined) this.#online.moveToFront(user);
  }

  #sameUserAgent(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#userAgents.get(text);
    if (known === undefined) this.#userAgents.set(text, text);
    return known ?? text;
  }

  /** Ends logins of a user, and keeps them for a repeated kick. */
  kick(user: User, logins: readonly KeptLogin[]): void {
    for (const login of logins) {
      (user.kicked ??= new Map()).set(login.id, login);
      user.logins.delete(login.id);
    }
    if (!hasShown(user)) this.#online.delete(user);
  }

  /** Returns the logins of a user that have neither expired nor are over. */
  live(user: User): KeptLogin[] {
    return [...user.logins.values()].filter((login) => isLive(login));
  }

  /** Returns the logins of a user that are shown, newest first. */
  shown(user: User): ListedLogin[] {
    this.dropExpired(user);
    return [...user.logins.values()].filter(isShown).sort((a, b) => +b.began - +a.began);
  }

  dropExpired(user: User): void {
    const now = Date.now();
    for (const logins of [user.logins, user.kicked]) {
      for (const { id, keptUntil } of logins?.values() ?? []) if (keptUntil <= now) logins?.delete(id);
    }
    for (const [loginId, { until }] of user.ended ?? []) if (until <= now) user.ended?.delete(loginId);
    this.forgetIfDone(user);
  }

  /** Takes a user off the users online who has no login that is shown, and forgets one of whom nothing needs to be kept. */
  forgetIfDone(user: User): void {
    if (!hasShown(user)) this.#online.delete(user);
    const isEmpty = user.logins.size + (user.kicked?.size ?? 0) + (user.ended?.size ?? 0) === 0;
    if (isEmpty && user.kickUntil <= Date.now() && !this.#hasSpared(user)) this.#users.delete(user.id);
  }

  /** Whether the last kick of everyone, which is never forgotten, has spared logins of this user. */
  #hasSpared({ spared = new Map() }: User): boolean {
    const kick = this.lastKickOfEveryone;
    return kick !== undefined && [...spared.values()].some((kicks) => kicks.includes(kick.id));
  }

  /** Drops users of whom nothing needs to be kept once a minute, so that memory does not grow forever. */
  sweepNowAndThen(): void {
    this.#sweep(SWEEP_INTERVAL_MS);
  }

  /** Drops them as often as is cheap, for an exact count of the users online. */
  sweepIfCheap(): void {
    this.#sweep(SWEEP_SHARE * this.#sweptInMs);
  }

  #sweep(intervalMs: number): void {
    const now = Date.now();
    if (now - this.#sweptAt < Math.min(intervalMs, SWEEP_INTERVAL_MS)) return;
    for (const user of this.#users.values()) this.dropExpired(user);
    this.#swept?.sweep();
    this.#sweptAt = now;
    this.#sweptInMs = Date.now() - now;
  }
}

function isShown({ sids, shownUntil }: ListedLogin): boolean {
  return sids.length > 0 && +shownUntil > Date.now();
}

function hasShown(user: User): boolean {
  for (const login of user.logins.values()) if (isShown(login)) return true;
  return false;
}

function timesOf({ lastActive, expires, shownUntil, keptUntil }: KeptLogin): ReturnType<typeof activeTimes> {
  return { lastActive, expires, shownUntil, keptUntil };
}
