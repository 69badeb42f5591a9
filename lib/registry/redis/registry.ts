import type { Generation, KickRecord } from "../../types/login.js";
import type {
  ActiveUserRow,
  AddOptions,
  AddResult,
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
} from "../../types/registry.js";
import { allInTurn } from "../../util/all-in-turn.js";
import { OWN, type OwnRegistry } from "../../util/own-registry.js";
import { endOfLifetime, unlessOver, type KeptLogin } from "../lifetime.js";
import { Served } from "../served.js";
import { generationAfter, kickIdsOf, kickSince, newKickRecord } from "../generation.js";
import { adapterOf, type RedisAdapter } from "./clients/index.js";
import { CoherentCache, rejectOtherStores } from "./coherent-cache.js";
import { Connection, type Commands } from "./connection.js";
import { appKeys, loginsKey, stepKeys, userKeys, type AppKeys, type UserKeys } from "./keys.js";
import { LoginEnds } from "./login-ends.js";
import { LoginIndex } from "./login-index.js";
import { LoginLists } from "./login-lists.js";
import { subscribeTo, NotificationChannel } from "./notification-channel.js";
import { ALL_ENDED, RedisNotifications } from "./notifications.js";
import { checked, type RedisLoginRegistryOptions } from "./options.js";
import {
  readEnd,
  readKick,
  readKickId,
  readLogin,
  readLogins,
  shownMs,
  writeChange,
  writeKick,
  writeLimit,
  writeLogin,
  writeTime,
} from "./records.js";
import { ADD, ADOPT, PUBLISH, UPDATE } from "./scripts/bundle.js";

/** Replies of UPDATE. */
const [NOT_LISTED, SHOWN_SHORTER, SHOWN_NO_MORE, HIDDEN] = [0, 2, 3, 4];

interface Application {
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly keys: AppKeys;
  readonly index: LoginIndex;
  readonly lists: LoginLists;
  readonly ends: LoginEnds;
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
export class RedisLoginRegistry implements OwnRegistry {
  readonly [OWN] = true;
  readonly supports: RegistrySupport = { limit: true, lifetime: true };
  readonly #connection: Connection;
  /** The commands that end logins, which wait for replicas. */
  readonly #endCommands: Commands;
  readonly #prefix: string;
  readonly #adapter: RedisAdapter;
  readonly #client: unknown;
  readonly #isCoherent: boolean;
  #cache: CoherentCache | undefined;
  readonly #served = new Served<Application>("the client");

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor(options: RedisLoginRegistryOptions) {
    const { client, prefix, timeoutMs, waitReplicas, coherentCache } = checked(options);
    this.#adapter = adapterOf(client);
    this.#connection = new Connection(this.#adapter, timeoutMs);
    this.#prefix = prefix;
    this.#endCommands = this.#connection.replicatedTo(waitReplicas);
    this.#client = client;
    this.#isCoherent = coherentCache;
  }

  init({ appId, maxSessionAgeMs: ageMs, store }: RegistryApplication & { readonly store?: unknown }): void {
    this.#served.check(appId);
    const keys = appKeys(this.#prefix, appId);
    const connection = this.#connection;
    connection.open();
    if (this.#isCoherent) {
      rejectOtherStores(this.#client, store);
      this.#cache ??= new CoherentCache(this.#client, keys.users);
    }
    const index = new LoginIndex(connection, keys);
    const channel = new NotificationChannel(connection, keys.notifications, !this.#adapter.isCluster);
    // Redis accepts whole milliseconds only.
    const maxSessionAgeMs = Math.ceil(ageMs);
    const ends = new LoginEnds({ connection, keys, index, channel, maxSessionAgeMs });
    const lists = new LoginLists(connection, keys, index);
    this.#served.application = { appId, maxSessionAgeMs, keys, index, lists, ends, channel };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const key = this.#loginsKey(userId);
    const read = (): Promise<KeptLogin | undefined> => this.#read(key, userId, loginId);
    return unlessOver(await (this.#cache === undefined ? read() : this.#cache.read(key, read)));
  }

  peek(userId: string, loginId: string): ListedLogin | undefined {
    return unlessOver(this.#cache?.get(this.#loginsKey(userId), loginId));
  }

  sharesConnection(client: unknown): boolean {
    return client === this.#client && this.#adapter.isInOrder;
  }

  add(login: NewLogin, { since, limit }: AddOptions = {}): Promise<AddResult> {
    return since === undefined ? this.#addNew(login, limit) : this.#addAgain(login, since, limit);
  }

  async #addNew(login: NewLogin, limit: LoginLimit | undefined): Promise<AddResult> {
    const { userId } = login;
    const keys = this.#keys(userId);
    const [kick, limitArgs] = await Promise.all([
      this.#connection.command("HGET", keys.ended, "*"),
      this.#limitArgs(userId, limit),
    ]);
    const userKickId = readKickId(kick);
    const reply = await this.#connection.run(ADD, stepKeys(keys), [...writeLogin(login), ...limitArgs, userKickId]);
    if (!Array.isArray(reply)) return { outcome: "ended" };
    if (reply.length === 0) return { outcome: "full" };
    const ended = readLogins(userId, reply.slice(1) as string[]);
    const everyone = await this.#app.index.touch(userId, shownMs(login), { isShorter: ended.length > 0 });
    return listedAfter(userKickId, everyone, ended);
  }

  async #addAgain(
    login: NewLogin,
    { generation, endCount, authenticatedAt }: Since,
    limit: LoginLimit | undefined,
  ): Promise<AddResult> {
    const { index, ends } = this.#app;
    const { userId } = login;
    const [{ pending, everyone }, limitArgs] = await Promise.all([index.pend(userId), this.#limitArgs(userId, limit)]);
    const history = [kickIdsOf(generation)[0], String(endCount), writeTime(authenticatedAt)];
    const args = [...writeLogin(login), ...limitArgs, ...history];
    const isRefused = kickSince(generation, undefined, everyone, authenticatedAt) !== undefined;
    const reply = isRefused ? null : await this.#connection.run(ADOPT, stepKeys(this.#keys(userId)), args);
    const [userKickId, ...fields] = Array.isArray(reply) ? (reply as string[]) : [];
    if (userKickId === undefined) {
      await index.unpend(pending);
      return { outcome: reply === null ? "ended" : Array.isArray(reply) ? "moved" : "full" };
    }
    const ended = readLogins(userId, fields);
    const everyoneSince = await index.touch(userId, shownMs(login), { pending, isShorter: ended.length > 0 });
    if (kickSince(generation, undefined, everyoneSince, authenticatedAt) === undefined) {
      return listedAfter(userKickId, everyoneSince, ended);
    }
    // Remembered, because another request could otherwise list the login again, and its node could die before this check.
    await ends.one(login.userId, { loginId: login.id, remember: true }, this.#connection);
    return { outcome: "ended" };
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const { index } = this.#app;
    const [count = "", , ...limitArgs] = await this.#limitArgs(userId, change.limit);
    const args = [...writeChange(loginId, change), count, ...limitArgs];
    const reply = await this.#connection.run(UPDATE, stepKeys(this.#keys(userId)), args);
    const [outcome, shown] = (reply as unknown[]).slice(0, 2).map(Number);
    if (outcome === NOT_LISTED) return false;
    const ended = readLogins(userId, (reply as string[]).slice(2));
    if (outcome === SHOWN_NO_MORE) await index.checkSooner(userId, 0);
    else if (outcome !== HIDDEN && change.ttlMs !== undefined) {
      const isShorter = outcome === SHOWN_SHORTER || ended.length > 0;
      await index.touch(userId, shown ?? 0, { isShorter });
    }
    return ended.length === 0 || ended;
  }

  async end(userId: string, target: EndTarget): Promise<EndResult> {
    const { ends } = this.#app;
    return target.loginId === undefined
      ? ends.all(userId, target, this.#endCommands)
      : ends.one(userId, target, this.#endCommands);
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    await this.#app.ends.finishKick(userId, loginIds);
  }

  async kickEveryone(record: KickRecord): Promise<void> {
    const { keys, maxSessionAgeMs } = this.#app;
    await this.#endCommands.command("SET", keys.everyone, writeKick(record), "PX", String(maxSessionAgeMs));
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const { ended, logins } = this.#keys(userId);
    const fields = ["*", "*spared", `=${loginId}`];
    const [user, spared, end] = (await this.#connection.command("HMGET", ended, ...fields)) as unknown[];
    const userKick = spared === loginId ? undefined : readKick(user);
    const [everyone, kept] = await Promise.all([this.#lastKickOfEveryone(), this.#read(logins, userId, loginId)]);
    return readEnd(end) ?? endOfLifetime(kept) ?? kickSince(generation, userKick, everyone);
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#app.lists.ofUser(userId, page);
  }

  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    return this.#app.lists.ofActiveUsers(page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const rows of this.#app.index.scan()) yield [...new Set(rows.map(({ userId }) => userId))];
  }

  async clear(): Promise<void> {
    const { keys, ends } = this.#app;
    const kick = newKickRecord();
    await this.kickEveryone(kick);
    for await (const userIds of this.scanUsers()) await ends.forget(userIds, kick);
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
    await allInTurn(
      () => cache?.close(),
      () => this.#connection.close(),
    );
  }

  get #app(): Application {
    return this.#served.application;
  }

  #keys(userId: string): UserKeys {
    return userKeys(this.#app.keys, userId);
  }

  #loginsKey(userId: string): string {
    return loginsKey(this.#app.keys, userId);
  }

  async #limitArgs(userId: string, limit: LoginLimit | undefined): Promise<string[]> {
    return writeLimit(limit, limit === undefined ? "" : await this.#app.channel.name(), userId);
  }

  /** Reads a login, even if its lifetime is over. */
  async #read(key: string, userId: string, loginId: string): Promise<KeptLogin | undefined> {
    const record = await this.#connection.read("HGET", key, loginId);
    return record === null ? undefined : readLogin(userId, loginId, record);
  }

  async #lastKickOfEveryone(): Promise<KickRecord | undefined> {
    return readKick(await this.#connection.command("GET", this.#app.keys.everyone));
  }
}

/** Returns the result for a login that is listed after these kicks. */
function listedAfter(userKickId: string, everyone: KickRecord | undefined, ended: readonly ListedLogin[]): AddResult {
  const generation = generationAfter(userKickId === "" ? undefined : userKickId, everyone?.id);
  return { outcome: "listed", generation, ended };
}
