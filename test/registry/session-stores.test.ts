import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import express from "express";
import type { Store } from "express-session";
import knex from "knex";
import { Pool } from "pg";
import { Sequelize } from "sequelize";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { loginsInPostgres } from "../recipes/logins-in-postgres.js";
import { loginsInRedis } from "../recipes/logins-in-redis.js";
import { loginsInSqlite } from "../recipes/logins-in-sqlite.js";
import { sessionsAndLogins } from "../recipes/sessions-and-logins.js";
import { sessionsInFiles } from "../recipes/sessions-in-files.js";
import { sessionsInMySql } from "../recipes/sessions-in-mysql.js";
import { sessionsWithKnex } from "../recipes/sessions-with-knex.js";
import { sessionsWithSequelize } from "../recipes/sessions-with-sequelize.js";
import { Browser, serve } from "../support/http.js";
import { startMariaDb, type MariaDbServer } from "../support/mariadb-server.js";
import { startPostgres, type PostgresServer } from "../support/postgres-server.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { installed, tried } from "../support/tried.js";

interface Opened<Value> {
  readonly value: Value;
  readonly close: () => Promise<unknown>;
}

// Three servers start on a shared machine.
jest.setTimeout(120_000);

const REASON = "The password was changed.";
const REFUSED = { status: 401, message: `You have been logged out: ${REASON}` };

let mariaDb: MariaDbServer;
let postgres: PostgresServer;
let redis: RedisServer;
let folder: string;
beforeAll(async () => {
  [mariaDb, postgres, redis] = await Promise.all([startMariaDb(), startPostgres(), startRedis()]);
  folder = mkdtempSync(join(tmpdir(), "express-logout-stores-"));
});
afterAll(async () => {
  await Promise.all([mariaDb, postgres, redis].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** Each function opens the part of one process. */
const STORES: Readonly<Record<string, () => Promise<Opened<Store>>>> = {
  "express-mysql-session": async () => {
    const store = await sessionsInMySql(mariaDb.url);
    return { value: store, close: () => store.close() };
  },
  "connect-session-sequelize": async () => {
    const db = new Sequelize(mariaDb.url, { dialect: "mysql", logging: false });
    return { value: await sessionsWithSequelize(db), close: () => db.close() };
  },
  "connect-session-knex": async () => {
    const filename = join(folder, "sessions.sqlite");
    const db = knex({ client: "better-sqlite3", connection: { filename }, useNullAsDefault: true });
    const store = await sessionsWithKnex(db);
    const close = (): Promise<void> => {
      // The store cannot end its sweeps.
      clearTimeout((store as unknown as { nextDbCleanup?: NodeJS.Timeout }).nextDbCleanup);
      return db.destroy();
    };
    return { value: store, close };
  },
  "session-file-store": () =>
    Promise.resolve({ value: sessionsInFiles(join(folder, "files")), close: () => Promise.resolve() }),
};

const REGISTRIES: Readonly<Record<string, () => Promise<Opened<LoginRegistry>>>> = {
  Redis: async () => {
    const { registry, client } = await loginsInRedis(redis.url, () => undefined);
    return { value: registry, close: () => client.close() };
  },
  PostgreSQL: async () => {
    const pool = new Pool({ connectionString: postgres.url });
    pool.on("error", () => undefined);
    const registry = await loginsInPostgres(pool);
    return { value: registry, close: () => registry.close().then(() => pool.end()) };
  },
  SQLite: () => {
    const registry = loginsInSqlite(join(folder, "logins.db"));
    return Promise.resolve({ value: registry, close: () => registry.close() });
  },
};

describe.each(Object.keys(REGISTRIES))("with logins in %s", (registryName) => {
  describe.each(Object.keys(STORES))("and sessions in %s", (storeName) => {
    afterAll(() => {
      tried({ kind: "recipe", ...installed(storeName), what: [`logins in ${registryName}`] });
    });

    // Every pair has its own users, because pairs share registries and stores.
    const [alice, bob] = [`alice-${storeName}`, `bob-${storeName}`];
    const running = new Set<() => Promise<void>>();
    afterEach(async () => {
      for (const end of running) await end();
    });

    /** Runs a process from start to end. */
    async function startProcess() {
      const [store, registry] = await Promise.all([STORES[storeName]?.(), REGISTRIES[registryName]?.()]);
      if (store === undefined || registry === undefined) throw new Error("no such recipe");
      const app = express();
      const auth = sessionsAndLogins(app, store.value, registry.value, "a secret of the tests");
      app.post("/login/:user", (req, res, next) => {
        req.session.userId = req.params.user;
        req.session.save((error?: unknown) => (error === undefined || error === null ? res.json({}) : next(error)));
      });
      app.get("/me", (req, res) => {
        res.json({ user: req.session.userId ?? null });
      });
      const server = await serve(app);
      const close = async (): Promise<void> => {
        running.delete(close);
        await server.close();
        await auth.close();
        await registry.close();
        await store.close();
      };
      running.add(close);
      return { auth, url: server.url, close };
    }

    const login = async (url: string, user: string): Promise<Browser> => {
      const browser = new Browser(url);
      await browser.post(`/login/${user}`);
      return browser;
    };
    const me = async (browser: Browser): Promise<unknown> => {
      const { status, body } = await browser.get("/me", { Accept: "application/json" });
      return status === 200
        ? (body as { user: unknown }).user
        : { status, message: (body as { message: unknown }).message };
    };

    it("a kicked user stays out through a restart of the process and sees the reason; other users stay logged in", async () => {
      const first = await startProcess();
      const phone = await login(first.url, alice);
      const laptop = await login(first.url, alice);
      const desktop = await login(first.url, bob);
      const stolen = phone.clone();
      expect([await me(phone), await me(laptop), await me(desktop)]).toEqual([alice, alice, bob]);
      expect((await first.auth.listLogins(alice)).items).toHaveLength(2);
      expect(await first.auth.kick(alice, { reason: REASON })).toEqual({ users: 1, logins: 2 });
      expect(await me(phone)).toEqual(REFUSED);
      await first.close();

      const second = await startProcess();
      expect(await me(laptop.clone(second.url))).toEqual(REFUSED);
      expect(await me(stolen.clone(second.url))).toBeNull();
      expect(await me(desktop.clone(second.url))).toBe(bob);
      expect((await second.auth.listLogins(alice)).items).toEqual([]);
      expect(await me(await login(second.url, alice))).toBe(alice);
    });
  });
});
