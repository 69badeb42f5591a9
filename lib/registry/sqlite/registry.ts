import { LogoutError } from "../../errors.js";
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
  RegistryList,
  RegistryListener,
  RegistryPage,
  RegistrySupport,
  Subscription,
  UpdateResult,
} from "../../types/registry.js";
import { allInTurn } from "../../util/all-in-turn.js";
import { OWN, type OwnRegistry } from "../../util/own-registry.js";
import { newKickRecord } from "../generation.js";
import { isLive } from "../lifetime.js";
import { Served } from "../served.js";
import { Sweeper } from "../sweeper.js";
import { checkFile } from "./check.js";
import { Connection, type Sql } from "./connection.js";
import { Database } from "./database.js";
import { SqliteHistory, trimHistory } from "./history.js";
import { engineOf, type SqliteDatabase } from "./engine.js";
import { SqliteKeys, sweepKeys } from "./login-keys.js";
import { LoginLists } from "./login-lists.js";
import { DEFAULT_PREFIX, withPrefix } from "./names.js";
import { announceAll, SqliteNotifications } from "./notifications.js";
import { readLogin, readTexts, writeKick, writeText } from "./records.js";
import { sweep } from "./sweep.js";
import { UserStep } from "./user-step.js";

/** An end survives a power failure: what is answered as ended must not come back. */
const IS_DURABLE = true;

/** Options of {@link SqliteLoginRegistry}. */
export interface SqliteLoginRegistryOptions {
  /**
   * The database, on a local disk: the name of a file, a function that opens a database, or an open database. Sessions may live in
   * the same file.
   *
   * A file is opened by the first of `better-sqlite3`, `libsql` and `node:sqlite` (Node 22.13 or later) that is there. For an open
   * database, the registry opens another connection to the same file by the same library; it never closes the database it was
   * given. A function is called again after a failure; the registry closes what the function returns.
   */
  readonly database: string | SqliteDatabase | (() => SqliteDatabase);
  /** Prefix of tables and indexes: a letter or `_`, then letters, digits or `_`, at most 40. Default: `"express_logout_"`. */
  readonly prefix?: string | undefined;
  /**
   * How long to wait while another process locks the database, in milliseconds. A call that times out rejects with
   * `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How often to look for logins that other processes have ended, while a live connection or a long poll waits, in milliseconds.
   * Default: 1,000.
   */
  readonly pollIntervalMs?: number | undefined;
}

interface Application {
  /** The application id as stored in the tables. */
  readonly app: string;
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly history: RegistryApplication["history"];
}

/**
 * Keeps the live logins in an SQLite file: for apps on one machine. Survives a restart, and is shared by all processes that open
 * the file. Creates and upgrades its tables by itself, and turns on WAL mode.
 *
 * @example
 * ```ts
 * import { SqliteLoginRegistry } from "express-logout/sqlite";
 *
 * export const registry = new SqliteLoginRegistry({ database: "logins.db" });
 * ```
 */
export class SqliteLoginRegistry implements OwnRegistry {
  readonly [OWN] = true;
  readonly peeksAtList = true;
  readonly supports: RegistrySupport = { limit: true, lifetime: true };
  readonly history: HistoryLog;
  readonly keys: KeyIndex;
  readonly #database: Database;
  readonly #lists: LoginLists;
  readonly #sweeper: Sweeper;
  readonly #pollIntervalMs: number;
  readonly #subscriptions = new Set<SqliteNotifications>();
  readonly #served = new Served<Application>("the database");

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor(options: SqliteLoginRegistryOptions) {
    const { database, prefix = DEFAULT_PREFIX, timeoutMs = 2_000, pollIntervalMs = 1_000 } = options;
    for (const [name, value] of Object.entries({ timeoutMs, pollIntervalMs })) {
      if (!(Number.isFinite(value) && value > 0)) {
        throw new LogoutError("ERR_OPTION_INVALID", `SqliteLoginRegistry: ${name} must be a number above 0.`);
      }
    }
    this.#pollIntervalMs = pollIntervalMs;
    this.#database = new Database(new Connection(engineOf(database), withPrefix(prefix)), timeoutMs);
    this.#lists = new LoginLists(this.#database);
    this.#sweeper = new Sweeper((size) => this.#database.step((sql) => this.#sweep(sql, size)));
    this.keys = new SqliteKeys(this.#database, () => this.#app);
    this.history = new SqliteHistory(
      this.#database,
      () => this.#app,
      () => {
        this.#sweeper.sweepNowAndThen();
      },
    );
  }

  init({ appId, maxSessionAgeMs, history }: RegistryApplication): void {
    this.#served.check(appId);
    this.#served.application = { app: writeText(appId), appId, maxSessionAgeMs, history };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const { app } = this.#app;
    return this.#database.read((sql) => {
      const row = sql.first("findLogin", app, writeText(userId), writeText(loginId), Date.now());
      const login = row && readLogin(userId, row);
      return isLive(login) ? login : undefined;
    });
  }

  peek(userId: string, loginId: string): Pick<ListedLogin, "sids"> | undefined {
    const { app } = this.#app;
    const now = Date.now();
    return this.#database.tryToRead((sql) => {
      const row = sql.first("findSids", app, writeText(userId), writeText(loginId), now, now);
      return row && { sids: readTexts(row["sids"]) };
    });
  }

  async add(login: NewLogin, { since, limit }: AddOptions = {}): Promise<AddResult> {
    if (since === undefined) this.#sweeper.sweepNowAndThen();
    const added = await this.#step(login.userId, (user) =>
      since === undefined ? user.add(login, limit) : user.adopt(login, since, limit),
    );
    if (added.outcome === "listed" && added.ended.length > 0) this.#poll();
    return added;
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const updated = await this.#step(userId, (user) => user.update(loginId, change));
    if (typeof updated !== "boolean") this.#poll();
    return updated;
  }

  async end(userId: string, target: EndTarget): Promise<EndResult> {
    const { maxSessionAgeMs } = this.#app;
    const end = (user: UserStep): EndResult =>
      target.loginId === undefined ? user.endAll(target, maxSessionAgeMs) : user.endOne(target, maxSessionAgeMs);
    const result = await this.#step(userId, end, IS_DURABLE);
    this.#poll();
    return result;
  }

  finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    return this.#step(userId, (user) => {
      user.finishKick(loginIds);
    });
  }

  async kickEveryone(record: KickRecord): Promise<void> {
    const values = [this.#app.app, writeText(record.id), writeKick(record)] as const;
    return this.#database.step((sql) => {
      sql.run("putKickOfEveryone", ...values);
    }, IS_DURABLE);
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const { app } = this.#app;
    return this.#database.read((sql) => new UserStep(sql, app, userId).kickOf(loginId, generation));
  }

  async list(userId: string, page: RegistryPage): Promise<RegistryList<ListedLogin>> {
    return this.#lists.ofUser(this.#app.app, userId, page);
  }

  async activeUsers(page: RegistryPage): Promise<RegistryList<ActiveUserRow>> {
    return this.#lists.ofActiveUsers(this.#app.app, page);
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    yield* this.#lists.scan(this.#app.app);
  }

  scanLogins(userId: string): AsyncIterable<readonly ListedLogin[]> {
    return this.#lists.scanLogins(this.#app.app, userId);
  }

  subscribe(listener: RegistryListener): Subscription {
    const notifications = new SqliteNotifications(this.#database, this.#app.app, listener, this.#pollIntervalMs);
    this.#subscriptions.add(notifications);
    return {
      close: async () => {
        this.#subscriptions.delete(notifications);
        await notifications.close();
      },
    };
  }

  async clear(): Promise<void> {
    const { app } = this.#app;
    await this.kickEveryone(newKickRecord());
    // A user who cannot be read does not keep the ends of the others from the subscribers.
    await allInTurn(
      () => this.#forgetAll(app),
      () =>
        this.#database.step((sql) => {
          announceAll(sql, app);
        }),
    ).finally(() => {
      this.#poll();
    });
  }

  async #forgetAll(app: string): Promise<void> {
    for await (const userIds of this.scanUsers()) {
      const forget = (sql: Sql): void => {
        for (const userId of userIds) new UserStep(sql, app, userId).forget();
      };
      await this.#database.step(forget, IS_DURABLE);
    }
  }

  check(): Promise<readonly Finding[]> {
    return checkFile(this.#database, this.#app.app);
  }

  async close(): Promise<void> {
    const subscriptions = [...this.#subscriptions];
    this.#subscriptions.clear();
    await Promise.all(subscriptions.map((each) => each.close()));
    await this.#sweeper.done();
    await this.#database.close();
  }

  get #app(): Application {
    return this.#served.application;
  }

  async #step<Result>(userId: string, work: (user: UserStep) => Result, isDurable?: boolean): Promise<Result> {
    const { app, history } = this.#app;
    return this.#database.step((sql) => work(new UserStep(sql, app, userId, history !== undefined)), isDurable);
  }

  #sweep(sql: Sql, size: number): number {
    const { app, history } = this.#app;
    if (history !== undefined) trimHistory(sql, app, history);
    return Math.max(sweep(sql, app, size), sweepKeys(sql, app, size));
  }

  /** Calls the listeners of this process at once for what it has ended. */
  #poll(): void {
    for (const each of this.#subscriptions) each.poll();
  }
}
