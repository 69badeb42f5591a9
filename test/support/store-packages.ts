import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import connectPgSimple from "connect-pg-simple";
import RedisStore7 from "connect-redis7";
import { RedisStore as RedisStore8 } from "connect-redis8";
import { ConnectSessionKnexStore } from "connect-session-knex";
import connectSessionSequelize from "connect-session-sequelize";
import expressMySqlSession, { type MySQLStore } from "express-mysql-session";
import session, { type Store } from "express-session";
import knex, { type Knex } from "knex";
import memorystore from "memorystore";
import { Pool } from "pg";
import { Sequelize } from "sequelize";
import sessionFileStore from "session-file-store";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { mariaDbProgram, startMariaDb, type MariaDbServer } from "./mariadb-server.js";
import { ODD_STORES } from "./odd-stores.js";
import { postgresProgram, startPostgres, type PostgresServer } from "./postgres-server.js";
import { BACKENDS, localBackend, redisBackend, type Backend } from "./stores.js";
import { installed, serverVersion } from "./tried.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function memorystoreBackend(): Backend {
  const MemoryStore = memorystore(session);
  return localBackend({ ...installed("memorystore"), isShared: false, openStore: () => new MemoryStore({}) });
}

function fileBackend(): Backend {
  const FileStore = sessionFileStore(session);
  let path = "";
  return localBackend({
    ...installed("session-file-store"),
    browserSessionMs: HOUR_MS,
    start: () => {
      path = mkdtempSync(join(tmpdir(), "express-logout-sessions-"));
      return Promise.resolve();
    },
    // It looks five times for a file that is missing, for a quarter of a second in all: no more here than the first.
    openStore: () => new FileStore({ path, retries: 0, reapInterval: -1, logFn: () => undefined }),
    stop: () => {
      rmSync(path, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

function postgresBackend(): Backend {
  const PgStore = connectPgSimple(session);
  let server: PostgresServer | undefined;
  let pool: Pool | undefined;
  const open = (): Pool => {
    if (pool === undefined) throw new Error("not started");
    return pool;
  };
  const openStore = (): Store => {
    return new PgStore({ pool: open(), createTableIfMissing: true, pruneSessionInterval: false });
  };
  return localBackend({
    ...installed("connect-pg-simple"),
    server: { name: "PostgreSQL", version: serverVersion(postgresProgram("postgres")) },
    start: async () => {
      server = await startPostgres();
      pool = new Pool({ connectionString: server.url });
      await createTable(openStore());
      await new PostgresLoginRegistry({ pool }).migrate();
    },
    openStore,
    // Sessions and logins in one database: for teams without a Redis.
    open: () => ({ store: openStore(), registry: new PostgresLoginRegistry({ pool: open() }) }),
    stop: async () => {
      await pool?.end();
      await server?.stop();
    },
  });
}

function knexBackend(): Backend {
  let folder = "";
  let database: Knex | undefined;
  const openStore = (): Store => {
    if (database === undefined) throw new Error("not started");
    return new ConnectSessionKnexStore({ knex: database, cleanupInterval: 0 });
  };
  return localBackend({
    ...installed("connect-session-knex"),
    server: { name: "SQLite (libsql)", version: installed("better-sqlite3").version },
    start: async () => {
      folder = mkdtempSync(join(tmpdir(), "express-logout-sqlite-"));
      const filename = join(folder, "sessions.sqlite");
      database = knex({ client: "better-sqlite3", connection: { filename }, useNullAsDefault: true });
      await createTable(openStore());
    },
    openStore,
    stop: async () => {
      await database?.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

const mariaDb = () => ({ name: "MariaDB", version: serverVersion(mariaDbProgram("mariadbd")) });

function mysqlBackend(): Backend {
  const MySQLStoreClass = expressMySqlSession(session);
  let server: MariaDbServer | undefined;
  let opened: MySQLStore[] = [];
  const openStore = (options: object = {}): MySQLStore => {
    if (server === undefined) throw new Error("not started");
    const { hostname, port, username, pathname } = new URL(server.url);
    const connection = { host: hostname, port: Number(port), user: username, database: pathname.slice(1) };
    const store = new MySQLStoreClass({ ...connection, createDatabaseTable: false, clearExpired: false, ...options });
    opened.push(store);
    return store;
  };
  return localBackend({
    ...installed("express-mysql-session"),
    server: mariaDb(),
    start: async () => {
      server = await startMariaDb();
      await openStore({ createDatabaseTable: true }).onReady();
    },
    openStore,
    // Each store has its own pool, and does not close the pool before it is ready.
    stop: async () => {
      await Promise.all(opened.map((store) => store.onReady().then(() => store.close())));
      opened = [];
      await server?.stop();
    },
  });
}

function sequelizeBackend(): Backend {
  const SequelizeStore = connectSessionSequelize(session.Store);
  let server: MariaDbServer | undefined;
  let db: Sequelize | undefined;
  const openStore = (): InstanceType<typeof SequelizeStore> => {
    if (db === undefined) throw new Error("not started");
    return new SequelizeStore({ db });
  };
  return localBackend({
    ...installed("connect-session-sequelize"),
    server: mariaDb(),
    // To the next sweep: see `overdueMs()`.
    browserLoginMs: DAY_MS + 15 * MINUTE_MS,
    start: async () => {
      server = await startMariaDb();
      db = new Sequelize(server.url, { dialect: "mysql", logging: false });
      openStore();
      await db.model("Session").sync();
    },
    openStore,
    stop: async () => {
      await db?.close();
      await server?.stop();
    },
  });
}

/** The first call of such a store creates its table, and two first calls at once disturb each other. */
async function createTable(store: Store): Promise<void> {
  await promisify((done: (error: unknown) => void) => store.get("none", done))();
}

/** Set by the project in the configuration of Jest. */
declare const EXPRESS_MAJOR: string;

const OTHER_STORES: readonly (() => Backend)[] = [
  () => redisBackend("connect-redis8", RedisStore8),
  () => redisBackend("connect-redis7", RedisStore7),
  memorystoreBackend,
  fileBackend,
  postgresBackend,
  knexBackend,
  mysqlBackend,
  sequelizeBackend,
  ...ODD_STORES,
];

/** Every store that the promise is kept on: on Express 5, since a store does not know which Express it serves; the first two on 4. */
export const STORES = EXPRESS_MAJOR === "4" ? BACKENDS : [...BACKENDS, ...OTHER_STORES];
