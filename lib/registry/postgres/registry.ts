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
import { endTtlMs } from "../ends.js";
import { generationAfter, kickSince, kickIdsOf, newKickRecord } from "../generation.js";
import { Database, type PostgresPool } from "./database.js";
import { digest, Names, type PostgresNames } from "./names.js";
import {
  notificationHead,
  readLogin,
  readKick,
  readText,
  writeKick,
  writeOptional,
  writeText,
  type Row,
} from "./records.js";
import { migrate, migrationsOf } from "./migrations.js";
import { statementsOf, type Statements } from "./statements.js";
import { PostgresNotifications } from "./notifications.js";

const SWEEP_INTERVAL_MS = 60_000;
const SCAN_BATCH_SIZE = 500;
const SWEEP_BATCH_SIZE = 500;

/** Options of {@link PostgresLoginRegistry}. */
export interface PostgresLoginRegistryOptions extends PostgresNames {
  /** A `Pool` of pg 8, possibly the one that connect-pg-simple uses. The registry never closes it. */
  readonly pool: PostgresPool;
  /**
   * Timeout of a call in milliseconds, including the wait for a connection. A call that times out rejects with
   * `ERR_REGISTRY_UNAVAILABLE`. Default: 2,000.
   */
  readonly timeoutMs?: number | undefined;
}

interface Application {
  /** The application id as stored in the tables. */
  readonly app: string;
  readonly appId: string;
  readonly maxSessionAgeMs: number;
  readonly channel: string;
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
export class PostgresLoginRegistry implements LoginRegistry {
  readonly #database: Database;
  readonly #names: Names;
  readonly #statements: Statements;
  readonly #subscriptions = new Set<Subscription>();
  #application: Application | undefined;
  #sweptAt = -Infinity;
  #sweeping: Promise<void> | undefined;

  /**
   * Returns the SQL of all migrations, for the migration tool of an app. Safe to run again.
   *
   * @throws LogoutError `ERR_OPTION_INVALID`
   */
  static migration(names: PostgresNames = {}): string {
    return migrationsOf(new Names(names)).join("\n");
  }

  /** @throws LogoutError `ERR_OPTION_INVALID` */
  constructor({ pool, timeoutMs = 2_000, ...names }: PostgresLoginRegistryOptions) {
    if (typeof (pool as PostgresPool | undefined)?.connect !== "function") {
      throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry needs { pool }, a Pool of the package pg.");
    }
    if (!(Number.isFinite(timeoutMs) && timeoutMs > 0)) {
      throw new LogoutError("ERR_OPTION_INVALID", "PostgresLoginRegistry: timeoutMs must be a number above 0.");
    }
    this.#names = new Names(names);
    this.#database = new Database(pool, timeoutMs, this.#names);
    this.#statements = statementsOf(this.#names);
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

  init({ appId, maxSessionAgeMs }: { appId: string; maxSessionAgeMs: number }): void {
    if (this.#application !== undefined && this.#application.appId !== appId) {
      throw new LogoutError(
        "ERR_REGISTRY_IN_USE",
        `This registry serves the application "${this.#application.appId}". Create another registry for "${appId}" (the pool can be shared).`,
      );
    }
    this.#application = { app: writeText(appId), appId, maxSessionAgeMs, channel: this.#names.channel(appId) };
  }

  async find(userId: string, loginId: string): Promise<ListedLogin | undefined> {
    const [row] = await this.#database.read(this.#statements.find, this.#loginKey(userId, loginId));
    return row && readLogin(userId, row);
  }

  async add(login: NewLogin): Promise<Generation | undefined> {
    const [row] = await this.#database.step(this.#statements.add, ...this.#toList(login));
    this.#sweepNowAndThen();
    return readGeneration(row);
  }

  async adopt(login: NewLogin, { generation, endCount, authenticatedAt }: Since): Promise<Generation | undefined> {
    const kickIds = kickIdsOf(generation).map(writeText);
    const at = authenticatedAt?.getTime() ?? NaN;
    const since = [...kickIds, endCount, Number.isNaN(at) ? null : at];
    const [row] = await this.#database.step(this.#statements.adopt, ...this.#toList(login), ...since);
    return readGeneration(row);
  }

  async update(userId: string, loginId: string, change: LoginChange): Promise<boolean> {
    const { addSid, removeSid, ttlMs = null, ip, userAgent } = change;
    const [row] = await this.#database.step(
      this.#statements.update,
      this.#app.app,
      this.#userKey(userId),
      this.#loginKey(userId, loginId),
      writeOptional(addSid),
      writeOptional(removeSid),
      ttlMs,
      writeOptional(ip),
      writeOptional(userAgent),
    );
    return row?.["listed"] === "true";
  }

  async remove(userId: string, loginId: string, end: EndOfLogin = {}): Promise<Removal> {
    rejectReplicas(end);
    const { kick, ifLastSid, ifSid = ifLastSid } = end;
    const ttlMs = endTtlMs(end, this.#app.maxSessionAgeMs);
    const [row] = await this.#database.step(
      this.#statements.remove,
      ...this.#user(userId),
      this.#loginKey(userId, loginId),
      kick === undefined ? null : writeKick(kick),
      ttlMs.listed ?? null,
      ttlMs.unlisted ?? null,
      this.#app.channel,
      notificationHead(userId, kick),
      writeOptional(ifSid),
      ifLastSid !== undefined,
    );
    const isFound = typeof row?.["id"] === "string";
    return { login: isFound ? readLogin(userId, row) : undefined, endCount: Number(row?.["ends"]) };
  }

  async removeAll(
    userId: string,
    kick: KickRecord,
    { except, ...options }: KickEndOptions = {},
  ): Promise<readonly ListedLogin[]> {
    rejectReplicas(options);
    const rows = await this.#database.step(
      this.#statements.removeAll,
      ...this.#user(userId),
      writeText(kick.id),
      writeKick(kick),
      this.#app.maxSessionAgeMs,
      this.#app.channel,
      notificationHead(userId, kick),
      except === undefined ? null : this.#loginKey(userId, except),
    );
    return rows.map((row) => readLogin(userId, row));
  }

  async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
    const keys = loginIds.map((loginId) => this.#loginKey(userId, loginId));
    await this.#database.step(this.#statements.finishKick, this.#userKey(userId), keys);
  }

  async kickEveryone(kick: KickRecord, options: EndOptions = {}): Promise<void> {
    rejectReplicas(options);
    await this.#database.step(this.#statements.kickEveryone, this.#app.app, writeText(kick.id), writeKick(kick));
  }

  async kickOf(userId: string, loginId: string, generation: Generation): Promise<KickRecord | undefined> {
    const key = this.#loginKey(userId, loginId);
    const [row] = await this.#database.read(this.#statements.kickOf, this.#app.app, this.#userKey(userId), key);
    return (
      readKick(row?.["login_mark"]) ?? kickSince(generation, readKick(row?.["user_mark"]), readKick(row?.["app_mark"]))
    );
  }

  async list(userId: string, { offset, limit }: RegistryPage): Promise<RegistryList<ListedLogin>> {
    const rows = await this.#database.read(this.#statements.list, this.#userKey(userId), offset, limit);
    const listed = rows.filter((row) => typeof row["id"] === "string");
    return { items: listed.map((row) => readLogin(userId, row)), total: Number(rows[0]?.["total"]) };
  }

  async activeUsers({ offset, limit }: RegistryPage): Promise<{ totalCount: number; users: ActiveUserRow[] }> {
    const { app } = this.#app;
    const [counted] = await this.#database.read(this.#statements.activeCount, app);
    const rows = limit === 0 ? [] : await this.#database.read(this.#statements.activePage, app, offset, limit);
    const rowsOf = new Map<unknown, Row[]>();
    for (const row of rows) rowsOf.set(row["user_id"], [...(rowsOf.get(row["user_id"]) ?? []), row]);
    const { read } = readEach([...rowsOf.values()], (logins) => {
      const userId = readText(logins[0]?.["user_id"]);
      const loginsCount = Number(logins[0]?.["total"]);
      return { userId, logins: logins.map((row) => readLogin(userId, row)), loginsCount };
    });
    return { totalCount: Number(counted?.["count"]), users: read };
  }

  async *scanUsers(): AsyncIterable<readonly string[]> {
    const unreadable: unknown[] = [];
    for (let last = ""; ;) {
      const rows = await this.#database.read(this.#statements.users, this.#app.app, last, SCAN_BATCH_SIZE);
      const { read, errors } = readEach(rows, (row) => readText(row["user_id"]));
      unreadable.push(...errors);
      yield read;
      if (rows.length < SCAN_BATCH_SIZE) break;
      last = String(rows.at(-1)?.["key"]);
    }
    if (unreadable.length > 0) throw unreadable[0];
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
    for await (const userIds of this.scanUsers()) {
      for (const userId of userIds) {
        await this.#database.step(this.#statements.forget, this.#app.app, this.#userKey(userId));
      }
    }
    await this.#database.read(this.#statements.notify, this.#app.channel);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    await this.#sweeping;
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

  #userKey(userId: string): Buffer {
    return digest(this.#app.appId, userId);
  }

  #loginKey(userId: string, loginId: string): Buffer {
    return digest(this.#app.appId, userId, loginId);
  }

  #user(userId: string): unknown[] {
    return [this.#app.app, this.#userKey(userId), writeText(userId)];
  }

  #toList({ id, userId, sid, ttlMs, ip, userAgent, began }: NewLogin): unknown[] {
    const key = this.#loginKey(userId, id);
    const device = [writeOptional(ip), writeOptional(userAgent)];
    return [...this.#user(userId), key, writeText(id), writeText(sid), ttlMs, ...device, began?.getTime() ?? null];
  }

  /** Drops users of whom nothing needs to be kept. Runs in the background; after a failure, the next sweep makes up for it. */
  #sweepNowAndThen(): void {
    if (performance.now() - this.#sweptAt < SWEEP_INTERVAL_MS) return;
    this.#sweptAt = performance.now();
    this.#sweeping = this.#sweep().catch(() => undefined);
  }

  async #sweep(): Promise<void> {
    let swept: number;
    do {
      const [row] = await this.#database.step(this.#statements.sweep, this.#app.app, SWEEP_BATCH_SIZE);
      swept = Number(row?.["swept"]);
    } while (swept === SWEEP_BATCH_SIZE);
  }
}

/** Returns the generation of a login from the row of `add` or `adopt`; `undefined` if it was not listed. */
function readGeneration(row: Row | undefined): Generation | undefined {
  if (row?.["listed"] !== "true") return undefined;
  return generationAfter(readKickId(row["its_user_mark"]), readKickId(row["its_app_mark"]));
}

/** Reads each item, and collects the errors of those that cannot be read. */
function readEach<Item, Read>(
  items: readonly Item[],
  read: (item: Item) => Read,
): { readonly read: Read[]; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const found = items.flatMap((item) => {
    try {
      return [read(item)];
    } catch (error) {
      errors.push(error);
      return [];
    }
  });
  return { read: found, errors };
}

function readKickId(written: unknown): string | undefined {
  return typeof written === "string" ? readText(written) : undefined;
}

/** PostgreSQL waits for replicas at every commit, and cannot wait for them in a single call. */
function rejectReplicas({ waitReplicas = 0 }: EndOptions): void {
  if (waitReplicas === 0) return;
  throw new LogoutError(
    "ERR_ARGUMENT_INVALID",
    "waitReplicas is not supported by PostgresLoginRegistry. Set synchronous_standby_names and synchronous_commit instead.",
  );
}
