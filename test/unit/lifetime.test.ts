import { describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import connectPgSimple from "connect-pg-simple";
import connectSessionSequelize from "connect-session-sequelize";
import expressMySqlSession from "express-mysql-session";
import session, { MemoryStore, type Store } from "express-session";
import memorystore from "memorystore";
import type { Pool } from "pg";
import { Sequelize } from "sequelize";
import { activityIntervalMs, expiresInMs, isEndedByCookie, sessionTtlMs } from "../../lib/session/rules/lifetime.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTE = 60_000;
const MAX = 400 * DAY;
const inAnHour = { cookie: { expires: new Date(Date.now() + HOUR) } };
const forTheBrowser = { cookie: { expires: null } };
const forTwoMax = { cookie: { expires: new Date(Date.now() + 2 * MAX) } };
const withOption = (ttl: unknown): Store => Object.assign(new MemoryStore(), { options: { ttl } });
const PGStore = connectPgSimple(session);
const postgres = (options: object): Store =>
  new PGStore({ pool: {} as unknown as Pool, pruneSessionInterval: false, createTableIfMissing: false, ...options });
const MySQLStore = expressMySqlSession(session);
const mysql = (options: object): Store =>
  new MySQLStore({ createDatabaseTable: false, clearExpired: false, ...options }, {});
const SequelizeStore = connectSessionSequelize(session.Store);
const sequelize = (options: object): Store =>
  new SequelizeStore({ db: new Sequelize({ dialect: "mysql" }), ...options });
const MemorystoreStore = memorystore(session);
const memory = (options: object): Store => new MemorystoreStore(options);
/** With the options of a store from a package that the tests do not install. */
const withOptions = (options: object): Store => Object.assign(new MemoryStore(), { options });
const fileStore = (options: object): Store => withOptions({ ttl: 3_600, reapInterval: 3_600, ...options });
const redis = (options: object): Store => new RedisStore({ client: {}, ...options });

describe("how long a store keeps a session", () => {
  it.each([
    ["MemoryStore, a cookie with an expiry", new MemoryStore(), inAnHour, HOUR],
    [
      "MemoryStore, an expiry as it is stored",
      new MemoryStore(),
      { cookie: { expires: inAnHour.cookie.expires.toISOString() } },
      HOUR,
    ],
    ["MemoryStore, a cookie without an expiry", new MemoryStore(), forTheBrowser, MAX],
    ["MemoryStore, no cookie at all", new MemoryStore(), {}, MAX],
    ["connect-redis, a cookie with an expiry", redis({ ttl: 10 }), inAnHour, HOUR],
    ["connect-redis by default, a cookie without an expiry", redis({}), forTheBrowser, DAY],
    ["connect-redis with a ttl, a cookie without an expiry", redis({ ttl: 7_200 }), forTheBrowser, 2 * HOUR],
    ["connect-redis with a function", redis({ ttl: () => 7_200 }), inAnHour, 2 * HOUR],
    ["connect-redis with a function that says less than the cookie", redis({ ttl: () => 60 }), inAnHour, HOUR],
    ["connect-redis with a function that says nothing", redis({ ttl: () => undefined }), inAnHour, MAX],
    ["connect-redis with a function, a cookie without an expiry", redis({ ttl: () => 7_200 }), forTheBrowser, 2 * HOUR],
    ["a store with no number for a ttl", Object.assign(new MemoryStore(), { ttl: NaN }), forTheBrowser, MAX],
    ["connect-redis without expiry", redis({ disableTTL: true }), inAnHour, MAX],
    ["connect-redis without expiry, a cookie without an expiry", redis({ disableTTL: true }), forTheBrowser, MAX],
    ["connect-redis without expiry, a cookie that outlives all", redis({ disableTTL: true }), forTwoMax, 2 * MAX],
    ["connect-redis with expiry, said aloud", redis({ ttl: 10, disableTTL: false }), inAnHour, HOUR],
    ["connect-pg-simple, a cookie without an expiry", postgres({}), forTheBrowser, DAY],
    ["connect-pg-simple with a ttl, a cookie without an expiry", postgres({ ttl: 7_200 }), forTheBrowser, 2 * HOUR],
    ["connect-pg-simple, a cookie with an expiry", postgres({}), inAnHour, HOUR],
    ["connect-pg-simple with a ttl of 0, a cookie without an expiry", postgres({ ttl: 0 }), forTheBrowser, DAY],
    ["express-mysql-session by default, a cookie without an expiry", mysql({}), forTheBrowser, DAY],
    [
      "express-mysql-session with an expiration, a cookie without an expiry",
      mysql({ expiration: 2 * HOUR }),
      forTheBrowser,
      2 * HOUR,
    ],
    ["express-mysql-session, a cookie with an expiry", mysql({}), inAnHour, HOUR],
    ["express-mysql-session with an expiration that is no number", mysql({ expiration: "1d" }), forTheBrowser, MAX],
    ["connect-session-sequelize by default: to the next sweep", sequelize({}), forTheBrowser, DAY + 15 * MINUTE],
    [
      "connect-session-sequelize with options of its own",
      sequelize({ expiration: 2 * HOUR, checkExpirationInterval: HOUR }),
      forTheBrowser,
      3 * HOUR,
    ],
    ["connect-session-sequelize, a cookie with an expiry", sequelize({}), inAnHour, HOUR + 15 * MINUTE],
    ["connect-session-sequelize without sweeps", sequelize({ checkExpirationInterval: -1 }), inAnHour, HOUR + MAX],
    ["session-file-store by default, a cookie without an expiry", fileStore({}), forTheBrowser, HOUR],
    ["session-file-store with a ttl, a cookie without an expiry", fileStore({ ttl: 7_200 }), forTheBrowser, 2 * HOUR],
    ["session-file-store with a ttl, a cookie with an expiry", fileStore({ ttl: 86_400 }), inAnHour, HOUR],
    ["connect-mongo, a cookie without an expiry", withOptions({ ttl: 7_200, touchAfter: 0 }), forTheBrowser, 2 * HOUR],
    ["memorystore by default, a cookie without an expiry", memory({}), forTheBrowser, DAY],
    ["memorystore with a ttl, regardless of the cookie", memory({ ttl: 2 * HOUR }), inAnHour, 2 * HOUR],
    ["memorystore with a ttl of 0, which is none", memory({ ttl: 0 }), inAnHour, MAX],
    ["an option of a known name alone", withOptions({ expiration: HOUR }), forTheBrowser, MAX],
    ["options that are no object", Object.assign(new MemoryStore(), { options: "ttl=1" }), forTheBrowser, MAX],
    ["a store with an option in milliseconds", withOption(2 * HOUR), inAnHour, 2 * HOUR],
    ["a store with an option less than the cookie", withOption(1_000), inAnHour, HOUR],
    ["a store with an option that is a function", withOption(() => 1), inAnHour, MAX],
    ["a store with an option that is no number", withOption("1d"), inAnHour, HOUR],
    ["a store with an option that is not finite", withOption(Infinity), inAnHour, MAX],
    ["a store with no options", Object.assign(new MemoryStore(), { options: null }), inAnHour, HOUR],
    ["an expiry that is no date", new MemoryStore(), { cookie: { expires: "soon" } }, MAX],
    [
      "a cookie that the end of the request renews",
      new MemoryStore(),
      { cookie: { expires: new Date(0), originalMaxAge: HOUR } },
      HOUR,
    ],
    ["a session that is over", new MemoryStore(), { cookie: { expires: new Date(0) } }, 0],
  ])("%s", (_what, store, session, expected) => {
    const ttlMs = sessionTtlMs(store, session, MAX);
    expect(Math.abs(ttlMs - expected)).toBeLessThan(5_000);
  });
});

it("a session is touched in time if its store ignores the cookie", () => {
  expect(Math.abs(expiresInMs(sequelize({ checkExpirationInterval: DAY }), inAnHour, MAX) - HOUR)).toBeLessThan(5_000);
});

describe("a session that is ended by its cookie", () => {
  const store = new MemoryStore();
  it.each([
    ["a cookie that is over", store, { cookie: { expires: new Date(0) } }, true],
    ["a maxAge of 0", store, { cookie: { expires: new Date(), originalMaxAge: 0 } }, true],
    [
      "a cookie that the end of the request renews",
      store,
      { cookie: { expires: new Date(0), originalMaxAge: HOUR } },
      false,
    ],
    ["a cookie that lives", store, inAnHour, false],
    ["a cookie without an expiry", store, forTheBrowser, false],
    [
      "a cookie without an expiry, where the store keeps nothing",
      Object.assign(new MemoryStore(), { ttl: 0 }),
      forTheBrowser,
      false,
    ],
    ["a store that sweeps it later", sequelize({}), { cookie: { expires: new Date(0) } }, true],
    ["a store with a default in seconds", fileStore({}), { cookie: { expires: new Date(0) } }, true],
    [
      "a store that ignores the cookies of sessions",
      redis({ disableTTL: true }),
      { cookie: { expires: new Date(0) } },
      false,
    ],
  ])("is recognized by %s", (_what, kept, data, isEnded) => {
    expect(isEndedByCookie(kept, data, MAX)).toBe(isEnded);
  });
});

describe("the interval of writes of the last activity", () => {
  it("is a minute, or a tenth of a shorter lifetime", () => {
    expect([activityIntervalMs(DAY), activityIntervalMs(600_000), activityIntervalMs(10_000)]).toEqual([
      60_000, 60_000, 1_000,
    ]);
  });
});
