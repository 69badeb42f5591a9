import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Store } from "express-session";
import { LogoutError } from "../errors.js";
import { Audit } from "../audit/audit.js";
import { Events } from "../logins/events.js";
import { Logins } from "../logins/logins.js";
import { measure, within } from "../operation/health.js";
import { PostgresLoginRegistry } from "../registry/postgres/index.js";
import { RedisLoginRegistry } from "../registry/redis/index.js";
import { SqliteLoginRegistry } from "../registry/sqlite/index.js";
import { RawStore } from "../session/store/raw-store.js";
import { Tombstones } from "../session/store/tombstones.js";
import type { LoginRegistry } from "../types/registry.js";
import { debugError } from "../util/debug.js";
import { DEFAULT_MAX_AGE_MS } from "../util/limits.js";
import { initRegistry } from "../util/own-registry.js";
import { addressIn, faultOf } from "./addresses.js";
import { connectRedis, CONNECTS_WITHIN_MS, openPool } from "./clients.js";
import { CliError, EXIT, messageOf, usageError } from "./errors.js";

/** A kick of many users keeps a server busy; a call of it waits this long. */
const CALL_MS = 10_000;
const STORE_MS = 10_000;
/** The kicks of the command line are in the history also if the app keeps none. How much is kept is for the app to say. */
const HISTORY = { days: 36_500, maxEntries: 1_000_000_000 };
/** A client that finds no server may try again for ever. */
const CONFIG_MS = 10_000;
const NETWORK_ERROR = /^E(?:CONN|HOST|NET|AI_|NOTFOUND|TIMEDOUT|PIPE)/;

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
export interface OpenRegistry {
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
export async function openRegistry(place: Place): Promise<OpenRegistry> {
  const source = await sourceOf(place).catch((error: unknown) => {
    throw unreachable(error);
  });
  const { appId, registry, store } = source;
  const close = async (): Promise<void> => {
    await registry.close().catch((error: unknown) => {
      debugError("the registry was not closed", error);
    });
    await source.close();
  };
  try {
    const history = registry.history && HISTORY;
    initRegistry(registry, { appId, maxSessionAgeMs: DEFAULT_MAX_AGE_MS, history }, store);
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
  const logins = new Logins({
    registry,
    tombstones,
    events: new Events(),
    audit,
    hasKeys: registry.keys !== undefined,
  });
  return { appId, registry, logins, hasStore: store !== undefined, close };
}

async function sourceOf({ app, sqlite, config }: Place): Promise<Source> {
  if (config !== undefined) return ofConfig(config, app);
  if (app === undefined || app === "") throw usageError("Pass --app <id>: the appId of logout().");
  if (sqlite !== undefined) return { appId: app, ...onSqlite(sqlite) };
  const [redis, postgres] = [addressIn("REDIS_URL"), addressIn("DATABASE_URL")];
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

async function onRedis(url: string): Promise<OpenSource> {
  const fault = faultOf("REDIS_URL");
  if (fault !== undefined) throw usageError(fault);
  const { client, close } = await connectRedis(url);
  return { registry: new RedisLoginRegistry({ client, timeoutMs: CALL_MS }), close };
}

function onPostgres(url: string): OpenSource {
  const fault = faultOf("DATABASE_URL");
  if (fault !== undefined) throw usageError(fault);
  const { client, close } = openPool(url);
  return { registry: new PostgresLoginRegistry({ pool: client, timeoutMs: CALL_MS }), close };
}

async function ofConfig(file: string, app: string | undefined): Promise<Source> {
  const path = resolve(file);
  if (!existsSync(path)) throw usageError(`--config: there is no file ${file}`);
  const module = await within(CONFIG_MS, () => load(path)).catch((error: unknown) => {
    throw notLoaded(file, error);
  });
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

async function load(path: string): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}

/** Returns the error of a module that failed, or that waits for its server. */
function notLoaded(file: string, error: unknown): CliError {
  const { name, code = "" } = error as NodeJS.ErrnoException;
  const isLate = LogoutError.is(error, "ERR_REGISTRY_UNAVAILABLE");
  const why = isLate ? `it waits for more than ${String(CONFIG_MS / 1_000)} s` : `${name}: ${messageOf(error)}`;
  const exitCode = isLate || NETWORK_ERROR.test(code) ? EXIT.outOfReach : EXIT.usage;
  return new CliError(`--config: ${file} could not be loaded: ${why}`, exitCode);
}

/** Returns the error of a registry that does not respond. */
function unreachable(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = messageOf(error);
  if (LogoutError.is(error, "ERR_REGISTRY_SCHEMA")) return new CliError(message, EXIT.notDone);
  if (LogoutError.is(error, "ERR_OPTION_INVALID", "ERR_REGISTRY_IN_USE")) return usageError(message);
  const { cause } = error as { cause?: unknown };
  return new CliError(`The registry cannot be reached: ${messageOf(cause ?? error)}`, EXIT.outOfReach);
}
