import type * as IoRedis from "ioredis";
import type * as Pg from "pg";
import type * as NodeRedis from "redis";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { Audit } from "../audit/audit.js";
import { Events } from "../logins/events.js";
import { Logins } from "../logins/logins.js";
import { measure, within } from "../operation/health.js";
import { PostgresLoginRegistry } from "../registry/postgres/index.js";
import { RedisLoginRegistry, type RedisClient } from "../registry/redis/index.js";
import { SqliteLoginRegistry } from "../registry/sqlite/index.js";
import { RawStore } from "../session/store/raw-store.js";
import { Tombstones } from "../session/store/tombstones.js";
import type { LoginRegistry } from "../types/registry.js";
import { debugError } from "../util/debug.js";
import { initRegistry } from "../util/own-registry.js";
import { redactError } from "../util/redact-error.js";
import { CliError, EXIT, usageError } from "./errors.js";

/** How long the server may take to accept a connection, and to answer. */
const CONNECTS_WITHIN_MS = 5_000;
/** A kick of many users keeps a server busy; a call of it waits this long. */
const CALL_MS = 10_000;
const STORE_MS = 10_000;
const MAX_SESSION_AGE_MS = 400 * 86_400_000;
/** The kicks of the command line are in the history also if the app keeps none. How much is kept is for the app to say. */
const HISTORY = { days: 36_500, maxEntries: 1_000_000_000 };

const NO_REGISTRY =
  "No registry: set REDIS_URL or DATABASE_URL, or pass --sqlite <file> or --config <file>. See --help.";
const TWO_URLS =
  "REDIS_URL and DATABASE_URL are both set, and only one has the logins. Empty the other: DATABASE_URL= npx express-logout …";

/** Where the logins are, as the options of the command name it. */
export interface Place {
  readonly app?: string | undefined;
  readonly sqlite?: string | undefined;
  readonly config?: string | undefined;
}

/** An open registry. */
export interface Opened {
  readonly appId: string;
  readonly registry: LoginRegistry;
  readonly logins: Logins;
  /** Whether kicks overwrite the data of sessions. */
  readonly hasStore: boolean;
  readonly close: () => Promise<void>;
}

interface Source {
  readonly appId: string;
  readonly registry: LoginRegistry;
  readonly store?: Store | undefined;
  /** Closes the client that the command line has opened. */
  readonly close: () => Promise<void>;
}

/** Opens the registry, and checks that it responds. Needs no Express, and no session store. */
export async function openRegistry(place: Place): Promise<Opened> {
  const source = await sourceOf(place);
  const { appId, registry, store } = source;
  const close = async (): Promise<void> => {
    await registry.close().catch((error: unknown) => {
      debugError("the registry was not closed", error);
    });
    await source.close();
  };
  try {
    const history = registry.history && HISTORY;
    initRegistry(registry, { appId, maxSessionAgeMs: MAX_SESSION_AGE_MS, history }, store);
    await within(CONNECTS_WITHIN_MS, () => measure(registry));
  } catch (error) {
    await close();
    throw unreachable(error);
  }
  // Without the store, the data of a session stays there until its next request, which is rejected.
  const tombstones =
    store === undefined
      ? { write: () => Promise.resolve() }
      : new Tombstones(store, new RawStore(store, STORE_MS, true), STORE_MS);
  const audit = new Audit({ appId, history: () => registry.history });
  const logins = new Logins({ registry, tombstones, events: new Events(), audit });
  return { appId, registry, logins, hasStore: store !== undefined, close };
}

async function sourceOf({ app, sqlite, config }: Place): Promise<Source> {
  if (config !== undefined) return ofConfig(config, app);
  if (app === undefined || app === "") throw usageError("Pass --app <id>: the appId of logout().");
  if (sqlite !== undefined) return { appId: app, ...onSqlite(sqlite) };
  const { REDIS_URL: redis = "", DATABASE_URL: postgres = "" } = process.env;
  if (redis !== "" && postgres !== "") throw usageError(TWO_URLS);
  if (redis !== "") return { appId: app, ...(await onRedis(redis)) };
  if (postgres !== "") return { appId: app, ...onPostgres(postgres) };
  throw usageError(NO_REGISTRY);
}

type OpenSource = Omit<Source, "appId">;

function onSqlite(file: string): OpenSource {
  // SQLite would create the file, and a kick would find no login.
  if (!existsSync(file)) throw usageError(`--sqlite: there is no file ${file}`);
  return { registry: new SqliteLoginRegistry({ database: file, timeoutMs: CALL_MS }), close: () => Promise.resolve() };
}

interface OpenedRedis {
  readonly client: RedisClient;
  readonly close: () => void;
}

async function onRedis(url: string): Promise<OpenSource> {
  const { client, close } = await connectRedis(url);
  return {
    registry: new RedisLoginRegistry({ client, timeoutMs: CALL_MS }),
    close: () => {
      close();
      return Promise.resolve();
    },
  };
}

/** Connects by node-redis or ioredis, whichever the project has. A client that was connected once connects again. */
async function connectRedis(url: string): Promise<OpenedRedis> {
  const nodeRedis = installed("redis") as typeof NodeRedis | undefined;
  const ioRedis = nodeRedis === undefined ? (installed("ioredis") as typeof IoRedis | undefined) : undefined;
  try {
    if (nodeRedis !== undefined) return await connectNodeRedis(nodeRedis, url);
    if (ioRedis !== undefined) return await connectIoRedis(ioRedis, url);
  } catch (error) {
    throw unreachable(error);
  }
  throw usageError("REDIS_URL needs the package redis or ioredis: npm install redis");
}

async function connectNodeRedis({ createClient }: typeof NodeRedis, url: string): Promise<OpenedRedis> {
  let isConnected = false;
  const reconnectStrategy = (_tries: number, cause: Error): number | Error => (isConnected ? 500 : cause);
  const client = createClient({ url, socket: { connectTimeout: CONNECTS_WITHIN_MS, reconnectStrategy } });
  client.on("error", ignore);
  await within(CONNECTS_WITHIN_MS, () => client.connect());
  isConnected = true;
  return {
    client: client as unknown as RedisClient,
    close: () => {
      client.destroy();
    },
  };
}

async function connectIoRedis({ Redis }: typeof IoRedis, url: string): Promise<OpenedRedis> {
  let isConnected = false;
  let last: Error | undefined;
  const retryStrategy = (): number | null => (isConnected ? 500 : null);
  const client = new Redis(url, { lazyConnect: true, connectTimeout: CONNECTS_WITHIN_MS, retryStrategy });
  client.on("error", (error) => {
    last = error;
  });
  await within(CONNECTS_WITHIN_MS, () => client.connect()).catch((error: unknown) => {
    client.disconnect();
    throw last ?? error;
  });
  isConnected = true;
  return {
    client,
    close: () => {
      client.disconnect();
    },
  };
}

function ignore(error: unknown): void {
  debugError("the connection to Redis failed", error);
}

function onPostgres(connectionString: string): OpenSource {
  const pg = installed("pg") as typeof Pg | undefined;
  if (pg === undefined) throw usageError("DATABASE_URL needs the package pg: npm install pg");
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: CONNECTS_WITHIN_MS });
  pool.on("error", (error) => {
    debugError("the connection to PostgreSQL failed", error);
  });
  return {
    registry: new PostgresLoginRegistry({ pool, timeoutMs: CALL_MS }),
    close: () => pool.end(),
  };
}

async function ofConfig(file: string, app: string | undefined): Promise<Source> {
  const path = resolve(file);
  if (!existsSync(path)) throw usageError(`--config: there is no file ${file}`);
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const exported = (module["default"] ?? module) as Partial<Source>;
  const { appId = app, registry, store } = exported;
  if (typeof appId !== "string" || appId === "" || typeof registry?.end !== "function") {
    throw usageError(`--config: ${file} must export { appId, registry }, and may export store.`);
  }
  if (app !== undefined && app !== appId) {
    throw usageError(`--app and the appId of ${file} differ. Leave --app out.`);
  }
  // What the module has opened is its own; the program exits when the command is done.
  return { appId, registry, store, close: () => Promise.resolve() };
}

/** Loads a package of the project in which the command runs. */
function installed(name: string): unknown {
  for (const from of [join(process.cwd(), "cli.js"), import.meta.url]) {
    try {
      return createRequire(from)(name) as unknown;
    } catch (error) {
      debugError(`${name} cannot be loaded`, error);
    }
  }
  return undefined;
}

/** Returns the error of a registry that does not respond. The message of a client names the address, never the password. */
function unreachable(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (LogoutError.is(error, "ERR_REGISTRY_SCHEMA")) return new CliError(error.message, EXIT.notDone);
  if (LogoutError.is(error, "ERR_OPTION_INVALID", "ERR_REGISTRY_IN_USE")) return usageError(error.message);
  const { cause } = error as { cause?: unknown };
  const { REDIS_URL: redis = "", DATABASE_URL: postgres = "" } = process.env;
  const { message } = redactError(cause ?? error, [redis, postgres, ...passwordsIn(redis, postgres)]);
  return new CliError(`The registry cannot be reached: ${message}`, EXIT.outOfReach);
}

function passwordsIn(...urls: readonly string[]): readonly string[] {
  return urls.flatMap((url) => {
    const { password } = URL.canParse(url) ? new URL(url) : { password: "" };
    return password === "" ? [] : [password, decodeURIComponent(password)];
  });
}
