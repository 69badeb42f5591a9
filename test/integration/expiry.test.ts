import { describe, expect, it, jest } from "@jest/globals";
import express from "express";
import session, { MemoryStore, type SessionOptions, type Store } from "express-session";
import memorystore from "memorystore";
import { logout, MemoryLoginRegistry } from "../../lib/index.js";
import { Browser, serve } from "../support/http.js";
import { SETTINGS } from "../support/race-app.js";
import { DAY, HOUR, MINUTE, RHYTHMS, START, useClockOfTheTest, visitedApp, visits } from "../support/visits.js";

/** A store that never moves an expiry: it lacks `touch`. */
class UntouchedStore extends MemoryStore {
  override touch = undefined as unknown as MemoryStore["touch"];
}

/** Counts its updates. */
class CountingRegistry extends MemoryLoginRegistry {
  updates = 0;
  override update(...change: Parameters<MemoryLoginRegistry["update"]>): Promise<boolean> {
    this.updates += 1;
    return super.update(...change);
  }
}

const COOKIES: Readonly<Record<string, SessionOptions["cookie"]>> = {
  "20 minutes": { maxAge: 20 * MINUTE },
  "10 seconds": { maxAge: 10_000 },
  "90 days": { maxAge: 90 * DAY },
  "the browser's session": {},
};
const STORES: Readonly<Record<string, () => Store>> = {
  sliding: () => new MemoryStore(),
  fixed: () => new UntouchedStore(),
};
const CASES = Object.keys(COOKIES).flatMap((cookie) =>
  Object.keys(SETTINGS).flatMap((setting) =>
    Object.keys(STORES).flatMap((store) =>
      Object.keys(RHYTHMS).map((rhythm) => [cookie, setting, store, rhythm] as const),
    ),
  ),
);

describe("I8, beside the same app without the package", () => {
  useClockOfTheTest();

  it.each(CASES)(
    "a login lasts as long: a cookie of %s, %s session, %s store, visits %s",
    async (cookie, setting, store, rhythm) => {
      const options = { ...SETTINGS[setting], cookie: COOKIES[cookie] ?? {} };
      const lifeMs =
        COOKIES[cookie] !== undefined && "maxAge" in COOKIES[cookie] ? Number(COOKIES[cookie].maxAge) : 30 * DAY;
      const gaps = (RHYTHMS[rhythm] ?? []).map((part) => part * lifeMs);
      const open = STORES[store] ?? (() => new MemoryStore());
      const bare = await visits(visitedApp(options, open(), false), gaps);
      expect(await visits(visitedApp(options, open(), true), gaps)).toEqual(bare);
      expect(bare[0]).toEqual({ user: "alice" });
    },
  );

  it("a login lasts as long as a session that is extended later", async () => {
    const options = { cookie: { maxAge: 20 * MINUTE } };
    const gaps = [80 * DAY, 80 * DAY];
    const bare = await visits(visitedApp(options, new MemoryStore(), false), gaps, ["/remember-me"]);
    expect(bare).toEqual([{ user: "alice" }, { user: "alice" }]);
    expect(await visits(visitedApp(options, new MemoryStore(), true), gaps, ["/remember-me"])).toEqual(bare);
  });
});

describe("I8, on a memorystore with a ttl that overrides the cookie", () => {
  useClockOfTheTest();
  const MemoryStoreWithTtl = memorystore(session);
  const TTLS = { "2 hours": 2 * HOUR, "2 hours, by a function": () => 2 * HOUR };

  it.each(Object.entries(TTLS))("a login lasts as long: %s", async (_name, ttl) => {
    const options = { cookie: { maxAge: 20 * MINUTE } };
    const gaps = [1.9 * HOUR, 1.9 * HOUR, 2.1 * HOUR];
    const bare = await visits(visitedApp(options, new MemoryStoreWithTtl({ ttl }), false), gaps);
    expect(bare).toEqual([{ user: "alice" }, { user: "alice" }, { user: null }]);
    expect(await visits(visitedApp(options, new MemoryStoreWithTtl({ ttl }), true), gaps)).toEqual(bare);
  });
});

describe("the list of logins", () => {
  useClockOfTheTest();

  it.each(Object.keys(SETTINGS))(
    "shows an active login as long as it lives, and drops it soon after: %s session",
    async (setting) => {
      const store = new MemoryStore();
      const auth = logout({ store, appId: "shop" });
      const created = express();
      created.use(
        session({
          secret: "s",
          resave: false,
          saveUninitialized: false,
          ...SETTINGS[setting],
          store,
          cookie: { maxAge: HOUR },
        }),
        auth,
      );
      created.post("/login", (req, res) => {
        req.session.userId = "alice";
        res.json({});
      });
      const server = await serve(created);
      const browser = new Browser(server.url);
      await browser.post("/login");
      for (let visit = 1; visit <= 6; visit += 1) {
        jest.setSystemTime(START + visit * 50 * MINUTE);
        await browser.get("/");
        const [login] = (await auth.listLogins("alice")).items;
        expect(login?.began.getTime()).toBe(START);
        expect(login?.lastActive.getTime()).toBe(START + visit * 50 * MINUTE);
      }
      const lastVisit = Date.now();
      jest.setSystemTime(lastVisit + HOUR - 1);
      expect((await auth.listLogins("alice")).items).toHaveLength(1);
      jest.setSystemTime(lastVisit + HOUR + 2 * MINUTE);
      expect((await auth.listLogins("alice")).items).toEqual([]);
      expect(await auth.listActiveUsers()).toEqual({ total: 0, items: [] });
      await server.close();
    },
  );

  it("is updated once a minute, however often the session is read", async () => {
    const registry = new CountingRegistry();
    const store = new MemoryStore();
    const server = await serve(visitedApp({ cookie: { maxAge: HOUR } }, store, true, registry));
    const browser = new Browser(server.url);
    await browser.post("/login");
    for (const minutes of [2, 4]) {
      const before = registry.updates;
      jest.setSystemTime(START + minutes * MINUTE);
      for (let visit = 0; visit < 3; visit += 1) await browser.get("/me");
      expect(registry.updates - before).toBe(1);
    }
    await server.close();
  });
});
