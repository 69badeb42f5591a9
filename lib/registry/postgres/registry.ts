import type { Generation, KickRecord } from "../../types/login.js";
import type {
  ActiveUserRow,
  AddOptions,
  AddResult,
  EndOfLogin,
  EndOfUser,
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
import { kickSince, kickIdsOf, newKickRecord } from "../generation.js";
import { measureClock } from "../clock.js";
import { Served } from "../served.js";
import { Sweeper } from "../sweeper.js";
import { checkDatabase } from "./check.js";
import { Database } from "./database.js";
import { digest, Names, type PostgresNames } from "./names.js";
import { checked, type PostgresLoginRegistryOptions } from "./options.js";
import {
  notificationHead,
  readAdded,
  readLogin,
  readLogins,
  readKick,
  readEndOfLifetime,
  writeChange,
  writeEnd,
  writeKick,
  writeLimit,
  writeNewLogin,
  writeText,
} from "./records.js";
import { PostgresHistory } from "./history.js";
import { PostgresKeys } from "./login-keys.js";
import { LoginLists } from "./login-lists.js";
import { migrate, migrationsOf } from "./migrations.js";
import { statementsOf, type Statements } from "./statements.js";
import { PostgresNotifications } from "./notifications.js";

interface Application {
  /** The application id as stored in the tables. */
  readonly app: string;
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly channel: string;
  readonly history: RegistryApplication["history"];
  /** The statements of the steps that end logins. */
  readonly steps: Statements;
}

/**
 * Keeps the live logins in PostgreSQL: for apps without Redis whose processes share sessions.
 *
 * Every step on a user is one transaction that holds a lock of that user. Needs the tables of
 * {@link PostgresLoginRegistry.migration}.
 *
 * @example
 * ```ts
 * import { Pool } from "pg";
 * import { PostgresLoginRegistry } from "express-logout/postgres";
 *
 * const pool = new Pool({ connectionString: "postgres://localhost/shop" });
 * pool.on("error", (error) => console.error(error.message)); // without a listener a lost connection ends the process
 * export const registry = new PostgresLoginRegistry({ pool });
 * await registry.migrate();
 * ```
 */
export class PostgresLoginRegistry implements OwnRegistry {
  readonly [OWN] = true;
  readonly supports: RegistrySupport = { limit: true, lifetime: true };
  readonly history: HistoryLog;
  readonly keys: KeyIndex;
  readonly #database: Database;
  readonly #names: Names;
  readonly #statements: Statements;
  readonly #subscriptions = new Set<Subscription>();
  readonly #lists: LoginLists;
  readonly #sweeper: Sweeper;
  readonly #served = new Served<Application>("the pool");

  /**
   * Returns the SQL of all migrations, for the migration tool of an app. Safe to run again.
   *
   * @throws LogoutError `ERR_OPTION_INVALID`
   */
  static migration(names: PostgresNames = {}): string {
    return migrationsOf(new Names(names)).join("\n");
  }

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor(options: PostgresLoginRegistryOptions) {
    const { pool, timeoutMs, ...names } = checked(options);
    this.#names = new Names(names);
    this.#database = new Database(pool, timeoutMs, this.#names);
    this.#statements = statementsOf(this.#names);
    this.#lists = new LoginLists(this.#database, this.#statements);
    const history = new PostgresHistory({
      database: this.#database,
      statements: this.#statements,
      application: () => this.#app,
      onAppend: () => {
        this.#sweeper.sweepNowAndThen();
      },
    });
    const keys = new PostgresKeys(this.#database, this.#statements, () => this.#app);
    this.history = history;
    this.keys = keys;
    this.#sweeper = new Sweeper(async (size) => {
      await history.trim();
      const [row] = await this.#database.step(this.#statements.sweep, this.#app.app, size);
      return Math.max(Number(row?.["swept"]), await keys.sweep(size));
    });
  }

  /**
   * Brings the schema up to date. Several processes may call it at the same time.
   *
   * @throws LogoutError `ERR_REGISTRY_UNAVAILABLE` if the database is unavailable, or if the pool's role cannot create tables.
   * `ERR_REGISTRY_SCHEMA` if the schema is newer than this release can use.
   */
  migrate(): Promise<void> {
    return migrate(this.#database, this.#names);
  }

  init({ appId, maxSessionAgeMs, history }: RegistryApplication): void {
    this.#served.check(appId);
    const channel = this.#names.channel(appId);
    const steps = history === undefined ? this.#statements : statementsOf(this.#names, true);
    this.#served.application = { app: writeText(appId), appId, maxSessionAgeMs, channel, history, steps };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const [row] = await this.#database.read(this.#statements.find, this.#loginKey(userId, loginId));
    return row && readLogin(userId, row);
  }

  async add(login: NewLogin, { since, limit }: AddOptions = {}): Promise<AddResult> {
    const values = [...this.#toList(login), ...writeLimit(limit, login.userId, this.#app.channel)];
    if (since === undefined) {
      const rows = await this.#database.step(this.#steps.add, ...values);
      this.#sweeper.sweepNowAndThen();
      return readAdded(login.userId, rows);
    }
    const kickIds = kickIdsOf(since.generation).map(writeText);
    const at = since.authenticatedAt?.getTime() ?? NaN;
    const history = [...kickIds, since.endCount, Number.isNaN(at) ? null : at];
    return readAdded(login.userId, await this.#database.step(this.#steps.adopt, ...values, ...history));
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const values = writeChange(change, userId, this.#app.channel);
    const [app, user] = this.#user(userId);
    const rows = await this.#database.step(this.#steps.update, app, user, this.#loginKey(userId, loginId), ...values);
    const ended = readLogins(userId, rows);
    return rows[0]?.["listed"] === "true" && (ended.length === 0 || ended);
  }

  async end(userId: string, target: EndTarget): Promise<EndResult> {
    return target.loginId === undefined ? this.#endAll(userId, target) : this.#endOne(userId, target);
  }

  async #endOne(userId: string, end: EndOfLogin): Promise<EndResult> {
    const values = [...this.#user(userId), this.#loginKey(userId, end.loginId), ...writeEnd(end, userId, this.#app)];
    const [row] = await this.#database.step(this.#steps.remove, ...values);
    const isFound = typeof row?.["id"] === "string";
    return { ended: isFound ? [readLogin(userId, row)] : [], endCount: Number(row?.["ends"]) };
  }

  async #endAll(userId: string, { kick, except = [], everyone = false }: EndOfUser): Promise<EndResult> {
    const rows = await this.#database.step(
      this.#steps.removeAll,
      ...this.#user(userId),
      writeText(kick.id),
      writeKick(kick),
      this.#app.maxSessionAgeMs,
      this.#app.channel,
      notificationHead(userId, kick),
      except.map((loginId) => this.#loginKey(userId, loginId)),
      everyone,
    );
    return { ended: rows.map((row) => readLogin(userId, row)), endCount: 0 };
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const keys = loginIds.map((loginId) => this.#loginKey(userId, loginId));
    await this.#database.step(this.#statements.finishKick, this.#userKey(userId), keys);
  }

  async kickEveryone(record: KickRecord): Promise<void> {
    await this.#database.step(this.#statements.kickEveryone, this.#app.app, writeText(record.id), writeKick(record));
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const key = this.#loginKey(userId, loginId);
    const [row] = await this.#database.read(this.#statements.kickOf, this.#app.app, this.#userKey(userId), key);
    return (
      readKick(row?.["login_mark"]) ??
      readEndOfLifetime(loginId, row?.["over_at"]) ??
      kickSince(generation, readKick(row?.["user_mark"]), readKick(row?.["app_mark"]))
    );
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#lists.ofUser(userId, this.#userKey(userId), page);
  }

  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    return this.#lists.ofActiveUsers(this.#app.app, page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    yield* this.#lists.scan(this.#app.app);
  }

  scanLogins(userId: string): AsyncIterable<readonly ListedLogin[]> {
    return this.#lists.scanLogins(userId, this.#userKey(userId));
  }

  subscribe(listener: RegistryListener, { checkIntervalMs }: { checkIntervalMs: number }): Subscription {
    const notifications = new PostgresNotifications(this.#database, this.#app.channel, listener, checkIntervalMs);
    const subscription = {
      close: async () => {
        this.#subscriptions.delete(subscription);
        await notifications.close();
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async clear(): Promise<void> {
    await this.kickEveryone(newKickRecord());
    // A user who cannot be read does not keep the ends of the others from the subscribers.
    await allInTurn(
      () => this.#forgetAll(),
      () => this.#database.read(this.#statements.notify, this.#app.channel),
    );
  }

  async #forgetAll(): Promise<void> {
    for await (const userIds of this.scanUsers()) {
      for (const userId of userIds) {
        await this.#database.step(this.#statements.forget, this.#app.app, this.#userKey(userId));
      }
    }
  }

  health(): Promise<RegistryHealth> {
    return measureClock(async () => Number((await this.#database.read(this.#statements.health))[0]?.["now"]));
  }

  check(): Promise<readonly Finding[]> {
    return checkDatabase(this.#database, this.#names, this.#app.app);
  }

  async close(): Promise<void> {
    const subscriptions = [...this.#subscriptions];
    await allInTurn(...subscriptions.map((subscription) => () => subscription.close()), () => this.#sweeper.done());
  }

  get #app(): Application {
    return this.#served.application;
  }

  get #steps(): Statements {
    return this.#app.steps;
  }

  #userKey(userId: string): Buffer {
    return digest(this.#app.appId, userId);
  }

  #loginKey(userId: string, loginId: string): Buffer {
    return digest(this.#app.appId, userId, loginId);
  }

  #user(userId: string): unknown[] {
    return [this.#app.app, this.#userKey(userId), writeText(userId)];
  }

  #toList(login: NewLogin): unknown[] {
    return [...this.#user(login.userId), this.#loginKey(login.userId, login.id), ...writeNewLogin(login)];
  }
}
