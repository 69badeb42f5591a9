import { LRUCache } from "lru-cache";
import { LogoutError } from "../../errors.js";
import type { Generation, KickRecord } from "../../types/login.js";
import type {
  ActiveUserRow,
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
import { subscribeTo, NotificationChannel } from "./notification-channel.js";
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
import { ADD, ADOPT, FORGET, REMOVE, REMOVE_ALL, FINISH_KICK, PUBLISH, UPDATE } from "./scripts/bundle.js";

/** The maximum number of logins per FINISH_KICK. */
const FINISH_BATCH_SIZE = 1_000;
/** The maximum number of unfinished kicks whose index rows are kept; the rows of others are read again. */
const MAX_KEPT_ROWS = 10_000;
/** Replies of UPDATE. */
const [NOT_LISTED, SHOWN_SHORTER, SHOWN_NO_MORE, HIDDEN] = [0, 2, 3, 4];

/** Options of {@link RedisLoginRegistry}. */
export interface RedisLoginRegistryOptions {
  /**
   * A connected client of node-redis 5 or 6 (also a pool, a Cluster, a Sentinel), or a client of ioredis 5 or 6 (also a Cluster);
   * possibly the one that the session store uses. The registry never closes it.
   */
  readonly client: RedisClient;
  /** Prefix of every key. Default: `"express-logout:"`. */
  readonly prefix?: string | undefined;
  /** Timeout of a call in milliseconds. A call that times out rejects with `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Number of replicas that must acknowledge every end of a login before the call returns, so that a failover cannot undo it;
   * otherwise the call rejects with `ERR_WRITE_NOT_REPLICATED`. Default: 0.
   */
  readonly waitReplicas?: number | undefined;
  /**
   * Whether to cache logins in this process, coherently with Redis: a logged-in request then needs no extra Redis command, and sees
   * every kick that returned before the request arrived. Needs a single client of node-redis 6, `createClient({ url, RESP: 3,
   * emitInvalidate: true, maintNotifications: "disabled" })`, and a `RedisStore` of connect-redis on the same client, not a
   * subclass. The set-up throws otherwise. Default: `false`.
   */
  readonly coherentCache?: boolean | undefined;
}

const INVALID_REPLICAS = "waitReplicas must be a whole number, 0 or more.";

interface Application {
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly lists: LoginLists;
  readonly channel: NotificationChannel;
}

/**
 * Keeps the live logins in Redis: for apps whose processes share sessions. Needs Redis 6.2 or later.
 *
 * Every step on a user is one Lua script on one hash slot. The index of active users is in a slot of the application. A row is
 * written *after* a login is listed and *before* its session is, and dropped only if it was not written since it was read. So
 * every login that can be served is in the index.
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
  /** The index rows of users with an unfinished kick, as they were before the kick. */
  readonly #rowsOfKicks = new LRUCache<string, readonly IndexRow[]>({ max: MAX_KEPT_ROWS });
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
      throw new LogoutError("ERR_OPTION_INVALID", `RedisLoginRegistry: ${INVALID_REPLICAS}`);
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
        `This registry serves the application "${this.#application.appId}". Create another registry for "${appId}" (the client can be shared).`,
      );
    }
    const keys = appKeys(this.#prefix, appId);
    this.#connection.open();
    if (this.#isCoherent) {
      rejectOtherStores(this.#client, store);
      this.#cache ??= new CoherentCache(this.#client, keys.users);
    }
    const index = new LoginIndex(this.#connection, keys);
    // Redis accepts whole milliseconds only.
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
    const userKickId = readKickId(await this.#connection.command("HGET", ended, "*"));
    const args = [...writeLogin(login), userKickId];
    if ((await this.#connection.run(ADD, [logins, ended, order], args)) === null) return undefined;
    const everyone = await this.#app.index.touch(login.userId, login.ttlMs);
    return generationAfter(userKickId === "" ? undefined : userKickId, everyone?.id);
  }

  async adopt(login: NewLogin, { generation, endCount, authenticatedAt }: Since): Promise<Generation | undefined> {
    const { index } = this.#app;
    const { logins, ended, order } = this.#keys(login.userId);
    const { pending, everyone } = await index.pend(login.userId);
    const args = [...writeLogin(login), kickIdsOf(generation)[0], String(endCount), writeTime(authenticatedAt)];
    const isRefused = kickSince(generation, undefined, everyone, authenticatedAt) !== undefined;
    const userKickId = isRefused ? null : await this.#connection.run(ADOPT, [logins, ended, order], args);
    if (userKickId === null) {
      await index.unpend(pending);
      return undefined;
    }
    const everyoneSince = await index.touch(login.userId, login.ttlMs, { pending });
    if (kickSince(generation, undefined, everyoneSince, authenticatedAt) === undefined) {
      return generationAfter(userKickId === "" ? undefined : (userKickId as string), everyoneSince?.id);
    }
    // Remembered, because another request could otherwise list the login again, and its node could die before this check.
    await this.remove(login.userId, login.id, { waitReplicas: 0, remember: true });
    return undefined;
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const { index } = this.#app;
    const { logins, order } = this.#keys(userId);
    const outcome = Number(await this.#connection.run(UPDATE, [logins, order], writeChange(loginId, change)));
    if (outcome === NOT_LISTED) return false;
    if (outcome === SHOWN_NO_MORE) await index.checkSooner(userId, 0);
    else if (outcome !== HIDDEN && change.ttlMs !== undefined) {
      await index.touch(userId, change.ttlMs, { isShorter: outcome === SHOWN_SHORTER });
    }
    return true;
  }

  async remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    const commands = this.#replicatedCommands(end);
    const { logins, ended, kicked, order } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const [rows, channel] = await Promise.all([index.rowsOf(userId), this.#app.channel.name()]);
    const args = [...writeRemoval(loginId, end, maxSessionAgeMs, channel, userId)];
    const removed = (await commands.run(REMOVE, [logins, ended, kicked, order], args)) as unknown[];
    const [record, ends, left, unfinished, shownMs] = removed;
    if (end.kick !== undefined && record !== null) this.#keepRows(userId, rows);
    else if (Number(left) === 0 && Number(unfinished) === 0) await index.drop(rows);
    else if (Number(left) === 0) await index.checkSooner(userId, 0);
    if (shownMs !== "") await index.checkSooner(userId, Number(shownMs));
    return { login: record === null ? undefined : readLogin(userId, loginId, record), endCount: Number(ends) };
  }

  async removeAll(
    userId: string,
    kick: KickRecord,
    { except, ...options }: KickEndOptions = {},
  ): Promise<readonly ListedLogin[]> {
    const commands = this.#replicatedCommands(options);
    const { logins, ended, kicked, order } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const [rows, channel] = await Promise.all([index.rowsOf(userId), this.#app.channel.name()]);
    const spared = except === undefined ? [] : [except];
    const args = [writeKick(kick), String(maxSessionAgeMs), channel, encodePart(userId), ...spared];
    const reply = await commands.run(REMOVE_ALL, [logins, ended, kicked, order], args);
    const removed = readLogins(userId, reply as string[]);
    if (removed.length > 0) this.#keepRows(userId, rows);
    // A user with a spared login keeps the row for as long as that login is shown.
    if (except !== undefined) await index.checkSooner(userId, 0);
    else if (removed.length === 0) await index.drop(rows);
    return removed;
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const { logins, kicked } = this.#keys(userId);
    const { index } = this.#app;
    // The rows as read before the kick: a login that was listed since then has written the row again, so the drop skips it.
    const rows = this.#rowsOfKicks.get(userId) ?? (await index.rowsOf(userId));
    this.#rowsOfKicks.delete(userId);
    let left: readonly unknown[] = [];
    for (let start = 0; start < loginIds.length; start += FINISH_BATCH_SIZE) {
      const batch = loginIds.slice(start, start + FINISH_BATCH_SIZE);
      left = (await this.#connection.run(FINISH_KICK, [logins, kicked], batch)) as unknown[];
    }
    if (left.length === 0 || left.some((count) => Number(count) > 0)) return;
    // Dropped only now, so that a repeated kick of everyone finds the user. A row that was written meanwhile may belong to a login
    // that has ended since, so the user is checked.
    if (!(await index.drop(rows))) await index.checkSooner(userId, 0);
  }

  async kickEveryone(kick: KickRecord, options: EndOptions = {}): Promise<void> {
    const { keys, maxSessionAgeMs } = this.#app;
    await this.#replicatedCommands(options).command(
      "SET",
      keys.everyone,
      writeKick(kick),
      "PX",
      String(maxSessionAgeMs),
    );
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const fields = ["*", "*spared", `=${loginId}`];
    const ended = await this.#connection.command("HMGET", this.#keys(userId).ended, ...fields);
    const [user, spared, end] = ended as unknown[];
    const userKick = spared === loginId ? undefined : readKick(user);
    return readEnd(end) ?? kickSince(generation, userKick, await this.#lastKickOfEveryone());
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#app.lists.ofUser(userId, page);
  }

  async activeUsers(page: RegistryPage): Promise<{ totalCount: number; users: ActiveUserRow[] }> {
    return this.#app.lists.ofActiveUsers(page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const rows of this.#app.index.scan()) yield [...new Set(rows.map(({ userId }) => userId))];
  }

  async clear(): Promise<void> {
    const { index, keys, maxSessionAgeMs } = this.#app;
    const kick = newKickRecord();
    await this.kickEveryone(kick);
    for await (const userIds of this.scanUsers()) {
      const rows = await Promise.all(userIds.map((userId) => index.rowsOf(userId)));
      await Promise.all(userIds.map((userId) => this.#forget(userId, kick, maxSessionAgeMs)));
      await index.drop(rows.flat());
    }
    await this.#connection.run(PUBLISH, [keys.everyone], [await this.#app.channel.name(), ALL_ENDED]);
  }

  subscribe(listener: RegistryListener, { checkIntervalMs }: { checkIntervalMs: number }): Subscription {
    const subscribe = (channel: string): Subscription =>
      new RedisNotifications({
        channel,
        listener,
        checkIntervalMs,
        mayLoseMessages: this.#adapter.isCluster,
        subscribe: (channels, on) => this.#adapter.subscribe(channels, on),
        publish: (name, text) => this.#connection.command("PUBLISH", name, text),
      });
    return subscribeTo(this.#app.channel, subscribe);
  }

  async close(): Promise<void> {
    const cache = this.#cache;
    // A closed cache receives no more invalidations, so `init` creates a new one.
    this.#cache = undefined;
    await cache?.close();
    await this.#connection.close();
  }

  /** Returns the commands that end logins, which wait for replicas. */
  #replicatedCommands({ waitReplicas = this.#waitReplicas }: EndOptions): Commands {
    if (!isCount(waitReplicas)) throw new LogoutError("ERR_ARGUMENT_INVALID", INVALID_REPLICAS);
    return this.#connection.replicatedTo(waitReplicas);
  }

  get #app(): Application {
    if (this.#application === undefined) {
      throw new LogoutError(
        "ERR_REGISTRY_REQUIRED",
        "The registry is not initialized. Pass it to logout({ registry }).",
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

  async #lastKickOfEveryone(): Promise<KickRecord | undefined> {
    return readKick(await this.#connection.command("GET", this.#app.keys.everyone));
  }

  #keepRows(userId: string, rows: readonly IndexRow[]): void {
    if (rows.length > 0) this.#rowsOfKicks.set(userId, rows);
    else this.#rowsOfKicks.delete(userId);
  }

  async #forget(userId: string, kick: KickRecord, maxSessionAgeMs: number): Promise<void> {
    const { logins, ended, kicked, order } = this.#keys(userId);
    const args = [writeKick(kick), String(maxSessionAgeMs)];
    await this.#connection.run(FORGET, [logins, ended, kicked, order], args);
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
