import type { Generation, KickRecord } from "../../types/login.js";
import type {
  ActiveUserRow,
  AddOptions,
  AddResult,
  EndResult,
  EndTarget,
  Finding,
  HistoryLog,
  KeyIndex,
  ListedLogin,
  LoginChange,
  NewLogin,
  RegistryApplication,
  RegistryHealth,
  RegistryList,
  RegistryListener,
  RegistryPage,
  RegistrySupport,
  Subscription,
  UpdateResult,
} from "../../types/registry.js";
import { allInTurn } from "../../util/all-in-turn.js";
import { OWN, type OwnRegistry } from "../../util/own-registry.js";
import { endOfLifetime, unlessOver, type KeptLogin } from "../lifetime.js";
import { measureClock } from "../clock.js";
import { Served } from "../served.js";
import { kicksOn } from "../spared.js";
import { kickSince, newKickRecord } from "../generation.js";
import { openApplication, type Application } from "./application.js";
import { adapterOf, type RedisAdapter } from "./clients/index.js";
import { checkServer, ServerWarnings } from "./check/index.js";
import { CoherentCache, rejectOtherStores } from "./coherent-cache.js";
import { Connection, type Commands } from "./connection.js";
import { appKeys, loginsKey, userKeys, type UserKeys } from "./keys.js";
import { RedisHistory } from "./history.js";
import { RedisKeys } from "./login-keys.js";
import { subscribeTo } from "./notification-channel.js";
import { ALL_ENDED, RedisNotifications } from "./notifications.js";
import { checked, type RedisLoginRegistryOptions } from "./options.js";
import { readEnd, readKick, readLogin, readSpared, SPARED_FIELDS } from "./records.js";
import { HEALTH, PUBLISH } from "./scripts/bundle.js";

/**
 * Keeps the live logins in Redis: for apps whose processes share sessions. Needs Redis 6.2 or later.
 *
 * Every step on a user is one Lua script on one hash slot. The index of active users is in a slot of the application, or in several:
 * `indexShards`. A row is written *after* a login is listed and *before* its session is, and dropped only if it was not written since it was read. So
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
  readonly history: HistoryLog;
  readonly keys: KeyIndex;
  readonly #connection: Connection;
  /** The commands that end logins or bind them to keys, which wait for replicas. */
  readonly #endCommands: Commands;
  readonly #prefix: string;
  readonly #adapter: RedisAdapter;
  readonly #client: unknown;
  readonly #isCoherent: boolean;
  readonly #indexShards: number | undefined;
  #cache: CoherentCache | undefined;
  readonly #served = new Served<Application>("the client");
  readonly #warnings: ServerWarnings;
  /** What {@link check} compares the server with. */
  readonly #checked: { readonly waitReplicas: number; readonly timeoutMs: number };

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor(options: RedisLoginRegistryOptions) {
    const { client, prefix, timeoutMs, waitReplicas, coherentCache, indexShards } = checked(options);
    this.#adapter = adapterOf(client);
    this.#connection = new Connection(this.#adapter, timeoutMs);
    this.history = new RedisHistory(this.#connection, () => this.#app);
    this.#prefix = prefix;
    this.#endCommands = this.#connection.replicatedTo(waitReplicas);
    this.keys = new RedisKeys({
      connection: this.#connection,
      replicated: this.#endCommands,
      appKeys: () => this.#app.keys,
    });
    this.#client = client;
    this.#isCoherent = coherentCache;
    this.#indexShards = indexShards;
    this.#warnings = new ServerWarnings(this.#connection);
    this.#checked = { waitReplicas, timeoutMs };
  }

  init({ appId, maxSessionAgeMs, history, store }: RegistryApplication & { readonly store?: unknown }): void {
    this.#served.check(appId);
    const keys = appKeys(this.#prefix, appId);
    const connection = this.#connection;
    connection.open();
    if (this.#isCoherent) {
      rejectOtherStores(this.#client, store);
      this.#cache ??= new CoherentCache(this.#client, keys.users);
    }
    this.#served.application = openApplication({
      application: { appId, maxSessionAgeMs, history },
      connection,
      replicated: this.#endCommands,
      keys,
      isCluster: this.#adapter.isCluster,
      hasTag: this.#prefix.includes("{"),
      indexShards: this.#indexShards,
    });
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    if (this.#app.shardCount.seen === 0) await this.#settled();
    const key = this.#loginsKey(userId);
    if (this.#cache !== undefined)
      return unlessOver(await this.#cache.read(key, () => this.#read(key, userId, loginId)));
    // On the path of every request: a second async function would cost a microsecond.
    const record = await this.#record(key, loginId);
    return record === null ? undefined : unlessOver(readLogin(userId, loginId, record));
  }

  peek(userId: string, loginId: string): ListedLogin | undefined {
    return unlessOver(this.#cache?.get(this.#loginsKey(userId), loginId));
  }

  sharesConnection(client: unknown): boolean {
    return client === this.#client && this.#adapter.isInOrder;
  }

  async add(login: NewLogin, options: AddOptions = {}): Promise<AddResult> {
    const { lister } = await this.#settled();
    const added = await lister.add(login, options);
    if (options.since === undefined) this.#warnings.emitOnce();
    return added;
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    return (await this.#settled()).lister.update(userId, loginId, change);
  }

  async end(userId: string, target: EndTarget): Promise<EndResult> {
    const { ends } = await this.#settled();
    return target.loginId === undefined
      ? ends.all(userId, target, this.#endCommands)
      : ends.one(userId, target, this.#endCommands);
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    await (await this.#settled()).ends.finishKick(userId, loginIds);
  }

  async kickEveryone(record: KickRecord): Promise<void> {
    const { index, maxSessionAgeMs } = this.#app;
    await index.kickEveryone(record, maxSessionAgeMs, this.#endCommands);
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const { ended, logins } = this.#keys(userId);
    const reply = (await this.#connection.command("HMGET", ended, ...SPARED_FIELDS, `=${loginId}`)) as unknown[];
    const [everyone, login] = await Promise.all([
      this.#app.index.kickOfEveryone(userId),
      this.#read(logins, userId, loginId),
    ]);
    const kicks = kicksOn(loginId, readSpared(reply), readKick(reply[0]), everyone);
    return readEnd(reply.at(-1)) ?? endOfLifetime(login) ?? kickSince(generation, ...kicks);
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return (await this.#settled()).lists.ofUser(userId, page);
  }

  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    return this.#app.lists.ofActiveUsers(page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const rows of this.#app.index.scan()) yield [...new Set(rows.map(({ userId }) => userId))];
  }

  scanLogins(userId: string): AsyncIterable<readonly ListedLogin[]> {
    return this.#app.lists.scan(userId);
  }

  async clear(): Promise<void> {
    const { keys, channel } = this.#app;
    const kick = newKickRecord();
    await this.kickEveryone(kick);
    // A user who cannot be read does not keep the ends of the others from the subscribers.
    await allInTurn(
      () => this.#forgetAll(kick),
      async () => this.#connection.run(PUBLISH, [keys.everyone], [await channel.name(), ALL_ENDED]),
    );
  }

  async #forgetAll(kick: KickRecord): Promise<void> {
    const { index, ends } = this.#app;
    for await (const rows of index.scan()) await ends.forget(rows, kick);
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

  async health(): Promise<RegistryHealth> {
    await this.#settled();
    return measureClock(async () => Number(await this.#connection.run(HEALTH, [this.#loginsKey("health")])));
  }

  check(): Promise<readonly Finding[]> {
    const { keys, index } = this.#app;
    return checkServer({ adapter: this.#adapter, keys, index, ...this.#checked });
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

  /** Returns the application once the number of shards is known, so that a number that cannot be fails the first call. */
  async #settled(): Promise<Application> {
    const app = this.#app;
    if (app.shardCount.seen === 0) await app.shardCount.own();
    return app;
  }

  #keys(userId: string): UserKeys {
    return userKeys(this.#app.keys, userId);
  }

  #loginsKey(userId: string): string {
    return loginsKey(this.#app.keys, userId);
  }

  /** Reads a login, even if its lifetime is over. */
  async #read(key: string, userId: string, loginId: string): Promise<KeptLogin | undefined> {
    const record = await this.#record(key, loginId);
    return record === null ? undefined : readLogin(userId, loginId, record);
  }

  #record(key: string, loginId: string): Promise<unknown> {
    return this.#connection.read("HGET", key, loginId);
  }
}
