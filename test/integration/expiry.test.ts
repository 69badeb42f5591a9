import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import express, { type Express } from "express";
import session, { MemoryStore, type SessionOptions, type Store } from "express-session";
import { logout, MemoryLoginRegistry } from "../../lib/index.js";
import { Browser, serve } from "../support/http.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);

/** A store that never moves an expiry: it lacks `touch`. */
class UntouchedStore extends MemoryStore {
  override touch = undefined as unknown as MemoryStore["touch"];
}

const COOKIES: Readonly<Record<string, SessionOptions["cookie"]>> = {
  "20 minutes": { maxAge: 20 * MINUTE },
  "10 seconds": { maxAge: 10_000 },
  "90 days": { maxAge: 90 * DAY },
  "the browser's session": {},
};
const SETTINGS: Readonly<Record<string, Partial<SessionOptions>>> = {
  lazy: { resave: false, saveUninitialized: false },
  eager: { resave: true, saveUninitialized: true },
  rolling: { resave: false, saveUninitialized: false, rolling: true },
};
const STORES: Readonly<Record<string, () => Store>> = {
  sliding: () => new MemoryStore(),
  fixed: () => new UntouchedStore(),
};
/** Times between requests, as parts of a session's life: always in time, just in time, just too late, and by turns. */
const RHYTHMS: Readonly<Record<string, readonly number[]>> = {
  often: [0.05, 0.05, 0.05, 0.3, 0.3, 0.3, 0.05, 0.3],
  "just in time": [0.99, 0.99, 0.99],
  "too late": [0.5, 0.5, 1.01],
};
const CASES = Object.keys(COOKIES).flatMap((cookie) =>
  Object.keys(SETTINGS).flatMap((setting) =>
    Object.keys(STORES).flatMap((store) =>
      Object.keys(RHYTHMS).map((rhythm) => [cookie, setting, store, rhythm] as const),
    ),
  ),
);

function app(options: Partial<SessionOptions>, store: Store, hooked: boolean): Express {
  const created = express();
  if (hooked) {
    const auth = logout({ store, registry: new MemoryLoginRegistry(), appId: "shop", userPoolId: "acme" });
    created.use(session({ secret: "s", resave: false, saveUninitialized: false, ...options, store }), auth);
  } else {
    created.use(session({ secret: "s", resave: false, saveUninitialized: false, ...options, store }));
  }
  created.post("/login", (req, res) => {
    req.session.userId = "alice";
    res.json({});
  });
  created.post("/another", (req, res) => {
    req.session.userId = "bob";
    res.json({});
  });
  created.post("/remember-me", (req, res) => {
    req.session.cookie.maxAge = 90 * DAY;
    req.session.visits = 1;
    res.json({});
  });
  created.get("/me", (req, res) => {
    res.json({ user: req.session.userId ?? null });
  });
  return created;
}

/** Whom the app serves at each visit of a browser that comes in this rhythm. */
async function visits(created: Express, gaps: readonly number[], road: readonly string[] = []): Promise<unknown[]> {
  jest.setSystemTime(START);
  const server = await serve(created);
  try {
    const browser = new Browser(server.url);
    await browser.post("/login");
    for (const path of road) await browser.post(path);
    const seen: unknown[] = [];
    for (const gap of gaps) {
      jest.setSystemTime(Date.now() + gap);
      // Somebody else comes: what has expired meanwhile is swept from the registry.
      await new Browser(server.url).post("/another");
      seen.push((await browser.get("/me")).body);
    }
    return seen;
  } finally {
    await server.close();
  }
}

/** Time goes on only where the test says so; what waits for answers does as ever. */
function useClockOfTheTest(): void {
  beforeEach(() => {
    jest.useFakeTimers({
      now: START,
      doNotFake: [
        "nextTick",
        "setImmediate",
        "clearImmediate",
        "setTimeout",
        "clearTimeout",
        "setInterval",
        "clearInterval",
        "queueMicrotask",
        "hrtime",
        "performance",
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
}

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
      const bare = await visits(app(options, open(), false), gaps);
      expect(await visits(app(options, open(), true), gaps)).toEqual(bare);
      expect(bare[0]).toEqual({ user: "alice" });
    },
  );

  it("a login lasts as long as a session that was made longer later", async () => {
    const options = { cookie: { maxAge: 20 * MINUTE } };
    const gaps = [80 * DAY, 80 * DAY];
    const bare = await visits(app(options, new MemoryStore(), false), gaps, ["/remember-me"]);
    expect(bare).toEqual([{ user: "alice" }, { user: "alice" }]);
    expect(await visits(app(options, new MemoryStore(), true), gaps, ["/remember-me"])).toEqual(bare);
  });
});

describe("the list of logins", () => {
  useClockOfTheTest();

  it.each(Object.keys(SETTINGS))(
    "shows an active login as long as it lives, and drops it soon after: %s session",
    async (setting) => {
      const store = new MemoryStore();
      const auth = logout({ store, appId: "shop", userPoolId: "acme" });
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
        const [login] = await auth.logins("alice");
        expect(login?.began.getTime()).toBe(START);
        expect(login?.lastActive.getTime()).toBe(START + visit * 50 * MINUTE);
      }
      const lastVisit = Date.now();
      jest.setSystemTime(lastVisit + HOUR - 1);
      expect(await auth.logins("alice")).toHaveLength(1);
      jest.setSystemTime(lastVisit + HOUR + 2 * MINUTE);
      expect(await auth.logins("alice")).toEqual([]);
      expect(await auth.activeUsers()).toEqual({ totalCount: 0, users: [] });
      await server.close();
    },
  );
});
