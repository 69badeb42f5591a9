import { describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import connectPgSimple from "connect-pg-simple";
import session, { MemoryStore, type Store } from "express-session";
import type { Pool } from "pg";
import { activityIntervalMs, isEndedByCookie, sessionTtlMs } from "../../lib/session/lifetime.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MAX = 400 * DAY;
const inAnHour = { cookie: { expires: new Date(Date.now() + HOUR) } };
const forTheBrowser = { cookie: { expires: null } };
const forTwoMax = { cookie: { expires: new Date(Date.now() + 2 * MAX) } };
const withOption = (ttl: unknown): Store => Object.assign(new MemoryStore(), { options: { ttl } });
const PGStore = connectPgSimple(session);
const postgres = (options: object): Store =>
  new PGStore({ pool: {} as unknown as Pool, pruneSessionInterval: false, createTableIfMissing: false, ...options });
/** As express-mysql-session 3 is to be known: by its name and its options. */
class MySQLStore extends MemoryStore {
  readonly options: object;

  constructor(options: object) {
    super();
    this.options = options;
  }
}
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
    [
      "express-mysql-session, a cookie without an expiry",
      new MySQLStore({ expiration: 2 * HOUR }),
      forTheBrowser,
      2 * HOUR,
    ],
    ["express-mysql-session without a word of it", new MySQLStore({}), forTheBrowser, MAX],
    ["a store with an option in milliseconds", withOption(2 * HOUR), inAnHour, 2 * HOUR],
    ["a store with an option less than the cookie", withOption(1_000), inAnHour, HOUR],
    ["a store with an option that is a function", withOption(() => 1), inAnHour, MAX],
    ["a store with an option that is no number", withOption("1d"), inAnHour, HOUR],
    ["a store with an option that is not finite", withOption(Infinity), inAnHour, HOUR],
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
    [
      "a store that keeps sessions whatever their cookies say",
      redis({ disableTTL: true }),
      { cookie: { expires: new Date(0) } },
      false,
    ],
  ])("is told by %s", (_what, kept, data, isEnded) => {
    expect(isEndedByCookie(kept, data, MAX)).toBe(isEnded);
  });
});

describe("how often the last activity is written", () => {
  it("is once a minute, or a tenth of a shorter life", () => {
    expect([activityIntervalMs(DAY), activityIntervalMs(600_000), activityIntervalMs(10_000)]).toEqual([
      60_000, 60_000, 1_000,
    ]);
  });
});
