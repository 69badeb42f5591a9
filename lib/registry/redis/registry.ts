import { LRUCache } from "lru-cache";
import { LogoutError } from "../../errors.js";
import type { Generation, KickRecord } from "../../types/login.js";
import type {
  ActiveUser,
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
} from "../../types/registry.js";
import { generationAfter, kickSince, kickIdsOf, newKickRecord } from "../generation.js";
import { adapterOf, type RedisAdapter, type RedisClient } from "./clients/index.js";
import { CoherentCache, rejectOtherStores } from "./coherent-cache.js";
import { Connection, type Commands } from "./connection.js";
import { appKeys, encodePart, loginsKey, userKeys, type AppKeys, type UserKeys } from "./keys.js";
import { LoginIndex, type IndexRow } from "./login-index.js";
import { LoginLists } from "./login-lists.js";
import { listenOn, NotificationChannel } from "./notification-channel.js";
import { ALL_ENDED, RedisNotifications } from "./notifications.js";
import {
  readEnd,
  readLogin,
  readLogins,
  readKick,
  readKickId,
  writeChange,
  writeLogin,
  writeKick,
  writeRemoval,
  writeTime,
} from "./records.js";
import { ADD, ADOPT, FORGET, REMOVE, REMOVE_ALL, SETTLE, TELL, UPDATE } from "./scripts.js";

/** Of how many logins Redis is told at once that their kick is finished. */
const SETTLED_AT_ONCE = 1_000;
/** Of how many kicks that are not settled the rows are kept; those of others are read again. */
const ROWS_KEPT = 10_000;
/** What UPDATE answers. */
const [NOT_LISTED, SHOWN_SHORTER, SHOWN_NO_MORE, HIDDEN] = [0, 2, 3, 4];

/** Options of {@link RedisLoginRegistry}. */
export interface RedisLoginRegistryOptions {
  /**
   * A client of node-redis 5 or 6 (also a pool, a Cluster, a Sentinel), connected, or one of ioredis 5 or 6 (also a Cluster); it
   * may be the one that the session store uses. It stays yours to close.
   */
  readonly client: RedisClient;
  /** What every key begins with. Default: `"express-logout:"`. */
  readonly prefix?: string | undefined;
  /** After how many milliseconds without an answer a call is given up with `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How many replicas must have every end of a login before it is told as done, so that a failover cannot undo it; else it
   * rejects with `ERR_NOT_REPLICATED`. Default: 0, none is waited for.
   */
  readonly waitReplicas?: number | undefined;
  /**
   * Keeps the logins that this process has asked for, and lets Redis tell of every change of them over the connection that
   * reads the sessions: a logged-in request then costs no command more than without this package, and is as sure as with
   * one. The session store must use the same `client`, a single one of node-redis 6: `createClient({ url, RESP: 3,
   * emitInvalidate: true, maintNotifications: "disabled" })`, and read sessions as connect-redis does: no subclass that keeps some.
   * Set-up throws where that is not so. Default: false.
   */
  readonly coherentCache?: boolean | undefined;
}

const COUNT_NEEDED = "waitReplicas must be a whole number, 0 or more.";

interface Application {
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly lists: LoginLists;
  readonly channel: NotificationChannel;
}

/**
 * The list of live logins in Redis: for every app whose sessions are shared by more than one process.
 *
 * Every step on a user is one Lua script on one hash slot. An index of who is active, in a slot of the application, is
 * written *after* a login is listed and *before* its session is, and a row is only dropped if it was not written again since
 * it was read: so no login that can be served is missing from it. Needs Redis 6.2.
 *
 * @example
 * ```ts
 * import { createClient } from "redis";
 * import { RedisLoginRegistry } from "express-logout/redis";
 *
 * const client = createClient({ url: "redis://localhost:6379" });
 * client.on("error", (error) => console.error("Redis", error.message)); // without a listener it would end the process
 * await client.connect();
 * export const registry = new RedisLoginRegistry({ client });
 * ```
 */
export class RedisLoginRegistry implements LoginRegistry {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #adapter: RedisAdapter;
  readonly #waitReplicas: number;
  readonly #client: unknown;
  readonly #isCoherent: boolean;
  /** The index rows of kicks that are under way, as they were before the kick. */
  readonly #rowsOfKicks = new LRUCache<string, readonly IndexRow[]>({ max: ROWS_KEPT });
  #cache: CoherentCache | undefined;
  #application: Application | undefined;

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor({
    client,
    prefix = "express-logout:",
    timeoutMs = 2_000,
    waitReplicas = 0,
    coherentCache = false,
  }: RedisLoginRegistryOptions) {
    this.#adapter = adapterOf(client);
    if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
      throw new LogoutError("ERR_OPTION_INVALID", "RedisLoginRegistry: timeoutMs must be a number above 0.");
    }
    if (!isCount(waitReplicas)) {
      throw new LogoutError("ERR_OPTION_INVALID", `RedisLoginRegistry: ${COUNT_NEEDED}`);
    }
    this.#connection = new Connection(this.#adapter, timeoutMs);
    this.#prefix = prefix;
    this.#waitReplicas = waitReplicas;
    this.#client = client;
    this.#isCoherent = coherentCache;
  }

  init({ appId, maxSessionAgeMs, store }: { appId: string; maxSessionAgeMs: number; store?: unknown }): void {
    if (this.#application !== undefined && this.#application.appId !== appId) {
      throw new LogoutError(
        "ERR_REGISTRY_IN_USE",
        `This registry serves the application "${this.#application.appId}". Give "${appId}" a registry of its own: the client may be the same.`,
      );
    }
    const keys = appKeys(this.#prefix, appId);
    this.#connection.open();
    if (this.#isCoherent) {
      rejectOtherStores(this.#client, store);
      this.#cache ??= new CoherentCache(this.#client, keys.users);
    }
    const index = new LoginIndex(this.#connection, keys);
    // Redis knows no fractions of a millisecond.
    this.#application = {
      appId,
      maxSessionAgeMs: Math.ceil(maxSessionAgeMs),
      keys,
      index,
      lists: new LoginLists(this.#connection, keys, index),
      channel: new NotificationChannel(this.#connection, keys.notifications, !this.#adapter.isCluster),
    };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const key = this.#loginsKey(userId);
    return this.#cache === undefined
      ? this.#read(key, userId, loginId)
      : this.#cache.read(key, () => this.#read(key, userId, loginId));
  }

  peek(userId: string, loginId: string): ListedLogin | undefined {
    return this.#cache?.get(this.#loginsKey(userId), loginId);
  }

  sharesConnection(client: unknown): boolean {
    return client === this.#client && this.#adapter.isInOrder;
  }

  async add(login: NewLogin): Promise<Generation | undefined> {
    const { logins, ended, order } = this.#keys(login.userId);
    const kickBefore = readKickId(await this.#connection.command("HGET", ended, "*"));
    const args = [...writeLogin(login), kickBefore];
    if ((await this.#connection.run(ADD, [logins, ended, order], args)) === null) return undefined;
    const everyone = await this.#app.index.touch(login.userId, login.ttlMs);
    return generationAfter(kickBefore === "" ? undefined : kickBefore, everyone?.id);
  }

  async adopt(login: NewLogin, { generation, endCount, authenticatedAt }: Since): Promise<Generation | undefined> {
    const { index } = this.#app;
    const { logins, ended, order } = this.#keys(login.userId);
    const { pending, everyone } = await index.pend(login.userId);
    const args = [...writeLogin(login), kickIdsOf(generation)[0], String(endCount), writeTime(authenticatedAt)];
    const isRefused = kickSince(generation, undefined, everyone, authenticatedAt) !== undefined;
    const kickBefore = isRefused ? null : await this.#connection.run(ADOPT, [logins, ended, order], args);
    if (kickBefore === null) {
      await index.unpend(pending);
      return undefined;
    }
    const everyoneSince = await index.touch(login.userId, login.ttlMs, { pending });
    if (kickSince(generation, undefined, everyoneSince, authenticatedAt) === undefined) {
      return generationAfter(kickBefore === "" ? undefined : (kickBefore as string), everyoneSince?.id);
    }
    // Remembered: else another first request would list it anew, and leave it listed if its node dies before it looks.
    await this.remove(login.userId, login.id, { waitReplicas: 0, remember: true });
    return undefined;
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const { index } = this.#app;
    const { logins, order } = this.#keys(userId);
    const outcome = Number(await this.#connection.run(UPDATE, [logins, order], writeChange(loginId, change)));
    if (outcome === NOT_LISTED) return false;
    if (outcome === SHOWN_NO_MORE) await index.lookSooner(userId, 0);
    else if (outcome !== HIDDEN && change.ttlMs !== undefined) {
      await index.touch(userId, change.ttlMs, { isShorter: outcome === SHOWN_SHORTER });
    }
    return true;
  }

  async remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    const commands = this.#ending(end);
    const { logins, ended, kicked, order } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const [rows, channel] = await Promise.all([index.rowsOf(userId), this.#app.channel.name()]);
    const args = [...writeRemoval(loginId, end, maxSessionAgeMs, channel, userId)];
    const removed = (await commands.run(REMOVE, [logins, ended, kicked, order], args)) as unknown[];
    const [record, ends, left, unsettled, shownMs] = removed;
    if (end.kick !== undefined && record !== null) this.#keepRows(userId, rows);
    else if (Number(left) === 0 && Number(unsettled) === 0) await index.drop(rows);
    else if (Number(left) === 0) await index.lookSooner(userId, 0);
    if (shownMs !== "") await index.lookSooner(userId, Number(shownMs));
    return { login: record === null ? undefined : readLogin(userId, loginId, record), endCount: Number(ends) };
  }

  async removeAll(
    userId: string,
    mark: KickRecord,
    { except, ...options }: KickEndOptions = {},
  ): Promise<readonly ListedLogin[]> {
    const commands = this.#ending(options);
    const { logins, ended, kicked, order } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const [rows, channel] = await Promise.all([index.rowsOf(userId), this.#app.channel.name()]);
    const spared = except === undefined ? [] : [except];
    const args = [writeKick(mark), String(maxSessionAgeMs), channel, encodePart(userId), ...spared];
    const reply = await commands.run(REMOVE_ALL, [logins, ended, kicked, order], args);
    const removed = readLogins(userId, reply as string[]);
    if (removed.length > 0) this.#keepRows(userId, rows);
    // A user who has a login left keeps the row, for as long as that is shown.
    if (except !== undefined) await index.lookSooner(userId, 0);
    else if (removed.length === 0) await index.drop(rows);
    return removed;
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const { logins, kicked } = this.#keys(userId);
    const { index } = this.#app;
    // As read before the logins were taken off: a login that is listed since has written the row again.
    const rows = this.#rowsOfKicks.get(userId) ?? (await index.rowsOf(userId));
    this.#rowsOfKicks.delete(userId);
    let left: readonly unknown[] = [];
    for (let start = 0; start < loginIds.length; start += SETTLED_AT_ONCE) {
      const settled = loginIds.slice(start, start + SETTLED_AT_ONCE);
      left = (await this.#connection.run(SETTLE, [logins, kicked], settled)) as unknown[];
    }
    if (left.length === 0 || left.some((count) => Number(count) > 0)) return;
    // Not before: by the row a kick of everyone that broke off finds the user again. Another row may be of a login that has
    // ended meanwhile: it is looked at.
    if (!(await index.drop(rows))) await index.lookSooner(userId, 0);
  }

  async kickEveryone(mark: KickRecord, options: EndOptions = {}): Promise<void> {
    const { keys, maxSessionAgeMs } = this.#app;
    await this.#ending(options).command("SET", keys.everyone, writeKick(mark), "PX", String(maxSessionAgeMs));
  }

  async kickOf(userId: string, loginId: string, era: Generation): Promise<KickRecord | undefined> {
    const fields = ["*", "*spared", `=${loginId}`];
    const ended = await this.#connection.command("HMGET", this.#keys(userId).ended, ...fields);
    const [user, spared, end] = ended as unknown[];
    const mark = spared === loginId ? undefined : readKick(user);
    return readEnd(end) ?? kickSince(era, mark, await this.#everyoneMark());
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#app.lists.ofUser(userId, page);
  }

  async activeUsers(page: RegistryPage): Promise<{ totalCount: number; users: ActiveUser[] }> {
    return this.#app.lists.ofActiveUsers(page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const rows of this.#app.index.scan()) yield [...new Set(rows.map(({ userId }) => userId))];
  }

  async clear(): Promise<void> {
    const { index, keys, maxSessionAgeMs } = this.#app;
    const mark = newKickRecord();
    await this.kickEveryone(mark);
    for await (const userIds of this.scanUsers()) {
      const rows = await Promise.all(userIds.map((userId) => index.rowsOf(userId)));
      await Promise.all(userIds.map((userId) => this.#forget(userId, mark, maxSessionAgeMs)));
      await index.drop(rows.flat());
    }
    await this.#connection.run(TELL, [keys.everyone], [await this.#app.channel.name(), ALL_ENDED]);
  }

  subscribe(listener: RegistryListener, { checkIntervalMs }: { checkIntervalMs: number }): Subscription {
    const listen = (channel: string): Subscription =>
      new RedisNotifications({
        channel,
        listener,
        checkIntervalMs,
        mayLoseMessages: this.#adapter.isCluster,
        subscribe: (channels, on) => this.#adapter.subscribe(channels, on),
        publish: (name, text) => this.#connection.command("PUBLISH", name, text),
      });
    return listenOn(this.#app.channel, listen);
  }

  async close(): Promise<void> {
    const cache = this.#cache;
    // A closed one gets no more notifications: the next use makes a new one.
    this.#cache = undefined;
    await cache?.close();
    await this.#connection.close();
  }

  /** What ends logins sends its commands through this. */
  #ending({ waitReplicas = this.#waitReplicas }: EndOptions): Commands {
    if (!isCount(waitReplicas)) throw new LogoutError("ERR_ARGUMENT", COUNT_NEEDED);
    return this.#connection.replicatedTo(waitReplicas);
  }

  get #app(): Application {
    if (this.#application === undefined) {
      throw new LogoutError(
        "ERR_REGISTRY_REQUIRED",
        "The registry is not in use yet: pass it to logout({ registry }).",
      );
    }
    return this.#application;
  }

  #keys(userId: string): UserKeys {
    return userKeys(this.#app.keys, userId);
  }

  #loginsKey(userId: string): string {
    return loginsKey(this.#app.keys, userId);
  }

  async #read(key: string, userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const record = await this.#connection.read("HGET", key, loginId);
    return record === null ? undefined : readLogin(userId, loginId, record);
  }

  async #everyoneMark(): Promise<KickRecord | undefined> {
    return readKick(await this.#connection.command("GET", this.#app.keys.everyone));
  }

  #keepRows(userId: string, rows: readonly IndexRow[]): void {
    if (rows.length > 0) this.#rowsOfKicks.set(userId, rows);
    else this.#rowsOfKicks.delete(userId);
  }

  async #forget(userId: string, mark: KickRecord, maxSessionAgeMs: number): Promise<void> {
    const { logins, ended, kicked, order } = this.#keys(userId);
    const args = [writeKick(mark), String(maxSessionAgeMs)];
    await this.#connection.run(FORGET, [logins, ended, kicked, order], args);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
