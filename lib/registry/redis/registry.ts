import { LogoutError } from "../../errors.js";
import type {
  ActiveUser,
  EndOptions,
  Era,
  KickEndOptions,
  KickMark,
  ListedLogin,
  LoginChange,
  LoginRegistry,
  NewLogin,
  RegistryListener,
  Removal,
  Subscription,
} from "../../login.js";
import { endTtlMs } from "../ends.js";
import { eraAfter, kickAfter, kicksBefore, newEra } from "../era.js";
import { adapterOf, type RedisAdapter, type RedisClient } from "./clients/index.js";
import { CoherentCache } from "./coherent-cache.js";
import { Connection, type Commands } from "./connection.js";
import { appKeys, encodePart, loginsKey, userKeys, type AppKeys, type UserKeys } from "./keys.js";
import { LoginIndex, type IndexRow } from "./login-index.js";
import { EVERYONE_IS_OFF, RedisNews } from "./news.js";
import { OneServer } from "./one-server.js";
import { readEnd, readLogin, readLogins, readMark, writeChange, writeLogin, writeMark } from "./records.js";
import { RepeatedScripts } from "./repeated-scripts.js";
import { ADD, ADOPT, LIST, REMOVE, REMOVE_ALL, SETTLE, TELL, UPDATE } from "./scripts.js";

/** Of how many logins Redis is told at once that their kick is finished. */
const SETTLED_AT_ONCE = 1_000;

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
   * emitInvalidate: true, maintNotifications: "disabled" })`. Set-up throws where that is not so. Default: false.
   */
  readonly coherentCache?: boolean | undefined;
}

const COUNT_NEEDED = "waitReplicas must be a whole number, 0 or more.";

interface Application {
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly repeated: RepeatedScripts;
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
  readonly #cachedClient: unknown;
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
    if (coherentCache) this.#cachedClient = client;
  }

  bind({ appId, maxSessionAgeMs, store }: { appId: string; maxSessionAgeMs: number; store?: unknown }): void {
    if (this.#application !== undefined && this.#application.appId !== appId) {
      throw new LogoutError(
        "ERR_REGISTRY_IN_USE",
        `This registry serves the application "${this.#application.appId}". Give "${appId}" a registry of its own: the client may be the same.`,
      );
    }
    const keys = appKeys(this.#prefix, appId);
    if (this.#cachedClient !== undefined) this.#cache ??= new CoherentCache(this.#cachedClient, store, keys.users);
    // Redis knows no fractions of a millisecond.
    this.#application = {
      appId,
      maxSessionAgeMs: Math.ceil(maxSessionAgeMs),
      keys,
      index: new LoginIndex(this.#connection, keys),
      repeated: new RepeatedScripts(this.#connection, new OneServer(this.#connection, keys)),
    };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const key = this.#loginsKey(userId);
    return this.#cache === undefined
      ? this.#read(key, userId, loginId)
      : this.#cache.read(key, () => this.#read(key, userId, loginId));
  }

  known(userId: string, loginId: string): ListedLogin | undefined {
    return this.#cache?.get(this.#loginsKey(userId), loginId);
  }

  async add(login: NewLogin): Promise<Era> {
    const { logins, ended } = this.#keys(login.userId);
    for (;;) {
      const before = await this.#everyoneMark();
      const userMarkId = String(await this.#connection.run(ADD, [logins, ended], writeLogin(login)));
      const after = await this.#app.index.touch(login.userId, login.ttlMs);
      // A kick of everyone that came between the listing and the row has not found this login: it begins again.
      if (before?.id === after?.id) return eraAfter(userMarkId === "" ? undefined : userMarkId, after?.id);
      await this.remove(login.userId, login.id, { waitReplicas: 0 });
    }
  }

  async adopt(login: NewLogin, { era, ends }: { era: Era; ends: number }): Promise<boolean> {
    const { logins, ended } = this.#keys(login.userId);
    const args = [...writeLogin(login), kicksBefore(era)[0], String(ends)];
    if (Number(await this.#connection.run(ADOPT, [logins, ended], args)) !== 1) return false;
    const everyoneMark = await this.#app.index.touch(login.userId, login.ttlMs);
    if (kickAfter(era, undefined, everyoneMark) === undefined) return true;
    // Remembered: else another first request would list it anew, and leave it listed if its node dies before it looks.
    await this.remove(login.userId, login.id, { waitReplicas: 0, remember: true });
    return false;
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const logins = this.#loginsKey(userId);
    const listed = Number(await this.#connection.run(UPDATE, [logins], writeChange(loginId, change))) === 1;
    if (listed && change.ttlMs !== undefined) await this.#app.index.touch(userId, change.ttlMs);
    return listed;
  }

  async remove(
    userId: string,
    loginId: string,
    end: EndOptions & { mark?: KickMark; remember?: boolean } = {},
  ): Promise<Removal> {
    const commands = this.#ending(end);
    const { logins, ended, kicked } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const rows = await index.rowsOf(userId);
    const mark = end.mark === undefined ? "" : writeMark(end.mark);
    const ttlMs = endTtlMs(end, maxSessionAgeMs);
    const removed = await commands.run(
      REMOVE,
      [logins, ended, kicked],
      [loginId, mark, String(ttlMs.listed ?? ""), String(ttlMs.unlisted), ...this.#toTell(userId)],
    );
    const [record, ends, left, unsettled] = removed as unknown[];
    if (Number(left) === 0) await (Number(unsettled) === 0 ? index.drop(rows) : index.retire(rows));
    return { login: record === null ? undefined : readLogin(userId, loginId, record), ends: Number(ends) };
  }

  async removeAll(
    userId: string,
    mark: KickMark,
    { except, ...options }: KickEndOptions = {},
  ): Promise<readonly ListedLogin[]> {
    const commands = this.#repeated(this.#ending(options));
    const { logins, ended, kicked } = this.#keys(userId);
    const { index, maxSessionAgeMs } = this.#app;
    const rows = await index.rowsOf(userId);
    const spared = except === undefined ? [] : [except];
    const args = [writeMark(mark), String(maxSessionAgeMs), ...this.#toTell(userId), ...spared];
    const removed = readLogins(userId, await commands.run(REMOVE_ALL, [logins, ended, kicked], args));
    // Whoever has a login left keeps his row; one that stands for nobody is dropped when it is read.
    if (except === undefined) await (removed.length === 0 ? index.drop(rows) : index.retire(rows));
    return removed;
  }

  async settle(userId: string, loginIds: readonly string[]): Promise<void> {
    const { logins, kicked } = this.#keys(userId);
    const { index } = this.#app;
    const rows = await index.rowsOf(userId);
    let left: readonly unknown[] = [];
    for (let start = 0; start < loginIds.length; start += SETTLED_AT_ONCE) {
      const settled = loginIds.slice(start, start + SETTLED_AT_ONCE);
      left = (await this.#repeated(this.#connection).run(SETTLE, [logins, kicked], settled)) as unknown[];
    }
    // Not before: by his row a kick of everyone that broke off finds him again.
    if (left.length > 0 && left.every((count) => Number(count) === 0)) await index.drop(rows);
  }

  async markAll(mark: KickMark, options: EndOptions = {}): Promise<void> {
    const { keys, maxSessionAgeMs } = this.#app;
    await this.#ending(options).command("SET", keys.everyone, writeMark(mark), "PX", String(maxSessionAgeMs));
  }

  async kickMark(userId: string, loginId: string, era: Era): Promise<KickMark | undefined> {
    const fields = ["*", "*spared", `=${loginId}`];
    const ended = await this.#connection.command("HMGET", this.#keys(userId).ended, ...fields);
    const [user, spared, end] = ended as unknown[];
    const mark = spared === loginId ? undefined : readMark(user);
    return readEnd(end) ?? kickAfter(era, mark, await this.#everyoneMark());
  }

  async list(userId: string): Promise<readonly ListedLogin[]> {
    return live(await this.#listed(userId));
  }

  async activeUsers({ offset, limit }: { offset: number; limit: number }): Promise<{
    totalCount: number;
    users: ActiveUser[];
  }> {
    const { index } = this.#app;
    await this.#dropIdle(await index.expired());
    for (;;) {
      const { totalCount, rows } = await index.page(offset, limit);
      const { users, dropped } = await this.#dropIdle(rows);
      // A round that drops nothing found only rows that stand for somebody, or that were written again meanwhile.
      if (dropped === 0) return { totalCount, users: users.filter(({ logins }) => logins.length > 0) };
    }
  }

  async *users(): AsyncIterable<readonly string[]> {
    for await (const rows of this.#app.index.scan()) yield rows.map((row) => row.userId);
  }

  async clear(): Promise<void> {
    const { index, keys } = this.#app;
    await this.markAll(newEra());
    for await (const rows of index.scan()) {
      await Promise.all(rows.map(({ userId }) => this.#forget(userId)));
      await index.drop(rows);
    }
    await this.#connection.run(TELL, [keys.everyone], [keys.news, EVERYONE_IS_OFF]);
  }

  subscribe(listener: RegistryListener, { checkEveryMs }: { checkEveryMs: number }): Subscription {
    return new RedisNews({
      channel: this.#app.keys.news,
      listener,
      checkEveryMs,
      mayLoseMessages: this.#adapter.isCluster,
      subscribe: (channels, on) => this.#adapter.subscribe(channels, on),
      publish: (channel, text) => this.#connection.command("PUBLISH", channel, text),
    });
  }

  async close(): Promise<void> {
    await this.#cache?.close();
    await this.#connection.close();
  }

  /** What ends logins sends its commands through this. */
  #ending({ waitReplicas = this.#waitReplicas }: EndOptions): Commands {
    if (!isCount(waitReplicas)) throw new LogoutError("ERR_ARGUMENT", COUNT_NEEDED);
    return this.#connection.replicatedTo(waitReplicas);
  }

  /** For steps that a kick takes for many users at once. */
  #repeated(commands: Commands): Pick<RepeatedScripts, "run"> {
    // What waits for replicas goes together as it is; and the users of a Cluster are known not to be on one server.
    return commands === this.#connection && !this.#adapter.isCluster ? this.#app.repeated : commands;
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

  async #everyoneMark(): Promise<KickMark | undefined> {
    return readMark(await this.#connection.command("GET", this.#app.keys.everyone));
  }

  /** What a script that takes logins off needs to tell of it. */
  #toTell(userId: string): string[] {
    return [this.#app.keys.news, encodePart(userId)];
  }

  async #forget(userId: string): Promise<void> {
    const { logins, kicked } = this.#keys(userId);
    await this.#connection.command("UNLINK", logins, kicked);
  }

  async #listed(userId: string): Promise<ListedLogin[]> {
    return readLogins(userId, await this.#connection.run(LIST, [this.#loginsKey(userId)]));
  }

  /**
   * The users of some rows, with their live logins; rows that have outlived their logins are dropped, or retired where a kick
   * is to be settled. One whose only login is being rotated has none that is live, but stands: a kick of everyone has to find
   * him.
   */
  async #dropIdle(rows: readonly IndexRow[]): Promise<{ users: ActiveUser[]; dropped: number }> {
    const { index } = this.#app;
    const listed = await Promise.all(rows.map(({ userId }) => this.#listed(userId)));
    const idle = rows.filter((_row, position) => listed[position]?.length === 0);
    const isSettled = await Promise.all(idle.map(({ userId }) => this.#isSettled(userId)));
    const dropped = await index.drop(idle.filter((_row, position) => isSettled[position]));
    const retired = await index.retire(idle.filter((_row, position) => !isSettled[position]));
    const users = rows.map(({ userId }, position) => ({ userId, logins: live(listed[position] ?? []) }));
    return { users, dropped: dropped + retired };
  }

  async #isSettled(userId: string): Promise<boolean> {
    return Number(await this.#connection.command("EXISTS", this.#keys(userId).kicked)) === 0;
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Those with a session, newest first. */
function live(logins: readonly ListedLogin[]): ListedLogin[] {
  return logins.filter((login) => login.sids.length > 0).sort((a, b) => +b.began - +a.began);
}
