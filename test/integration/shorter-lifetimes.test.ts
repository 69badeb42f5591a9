import { describe, expect, it, jest } from "@jest/globals";
import type { Express } from "express";
import session, { MemoryStore, type Cookie } from "express-session";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { sessionId, signedCookie, useSites } from "../support/site.js";
import { DAY, HOUR, MINUTE, useClockOfTheTest } from "../support/visits.js";

/** How an app takes a long lifetime back. */
const ENDS: Readonly<Record<string, (cookie: Cookie) => void>> = {
  "maxAge = 0": (cookie) => {
    cookie.maxAge = 0;
  },
  "maxAge = -1": (cookie) => {
    cookie.maxAge = -1;
  },
  "expires in the past": (cookie) => {
    Object.assign(cookie, { expires: new Date(0) });
  },
};

type Answer = (error?: unknown, session?: session.SessionData | null) => void;

/** A store that is known, by its name and shape, to read its last write. Its next write waits for the test. */
const HesitatingStore = (() => {
  class MemoryStore extends session.Store {
    readonly #sessions = new Map<string, string>();
    readonly gate = new Gate();
    /** The id of the session whose write waits. */
    writing = "";

    override get(sid: string, callback: Answer): void {
      const text = this.#sessions.get(sid);
      setImmediate(callback, null, text === undefined ? null : (JSON.parse(text) as session.SessionData));
    }

    override set(sid: string, data: session.SessionData, callback?: Answer): void {
      this.writing = sid;
      void this.gate.pass().then(() => {
        this.#sessions.set(sid, JSON.stringify(data));
        callback?.(null);
      });
    }

    override destroy(sid: string, callback?: Answer): void {
      this.#sessions.delete(sid);
      setImmediate(() => callback?.(null));
    }
  }
  return MemoryStore;
})();

/** A store whose reads may come from a replica. */
class LaggingStore extends MemoryStore {
  lags = false;

  override get(sid: string, callback: Answer): void {
    if (this.lags) setImmediate(callback, null, null);
    else super.get(sid, callback);
  }
}

const openSite = useSites();
useClockOfTheTest();

async function open(rolling: boolean, store: session.Store = new MemoryStore()) {
  const after = (app: Express): void => {
    app.post("/shorten/:way", (req, res, next) => {
      const { way } = req.params;
      if (way.endsWith("ms")) req.session.cookie.maxAge = parseInt(way);
      else ENDS[way]?.(req.session.cookie);
      // Such a session is saved when the response ends, and not touched.
      if (req.query["changed"] !== undefined) Object.assign(req.session, { cart: way });
      if (req.query["saved"] === undefined) res.json({});
      else save(req).then(() => res.json({}), next);
    });
  };
  return openSite({
    auth: { store, registry: new MemoryLoginRegistry() },
    session: { rolling, cookie: { maxAge: 30 * DAY } },
    after,
  });
}

describe.each([false, true])("a session with a rolling cookie: %s", (rolling) => {
  it.each(Object.keys(ENDS).flatMap((way) => ["", "?saved", "?changed"].map((query) => [way, query] as const)))(
    "is logged out for good by %s%s",
    async (way, query) => {
      const site = await open(rolling);
      const browser = await site.login("alice");
      const kept = browser.clone();
      await browser.post(`/shorten/${encodeURIComponent(way)}${query}`);
      expect([await site.user(kept), (await site.auth.listLogins("alice")).items]).toEqual([null, []]);
      expect(site.events.map(({ name }) => name)).toEqual(["login", "logout"]);
    },
  );

  it.each(["?saved", ""])("is shown for its whole lifetime when the lifetime becomes shorter%s", async (query) => {
    const site = await open(rolling);
    const browser = await site.login("alice");
    await browser.post(`/shorten/${String(HOUR)}ms${query}`);
    const { items, total } = await site.auth.listLogins("alice");
    expect([items.length, total]).toEqual([1, 1]);
    expect(Math.abs(Number(items[0]?.expires) - Date.now() - HOUR)).toBeLessThanOrEqual(MINUTE);
    expect((await site.auth.listActiveUsers()).total).toBe(1);
    jest.setSystemTime(Date.now() + HOUR + 2 * MINUTE);
    expect(await site.auth.listLogins("alice")).toEqual({ items: [], total: 0 });
    expect((await site.auth.listActiveUsers()).total).toBe(0);
    // It counts for a kick: a slow request may have written it with its longer lifetime.
    expect(await site.auth.kick("alice")).toEqual({ users: 1, logins: 1 });
  });

  it("is served for its whole lifetime, and shown again, when the lifetime becomes longer again", async () => {
    const site = await open(rolling);
    const browser = await site.login("alice");
    await browser.post(`/shorten/${String(HOUR)}ms?saved`);
    await browser.post(`/shorten/${String(DAY)}ms?saved`);
    jest.setSystemTime(Date.now() + 2 * HOUR);
    expect((await site.auth.listLogins("alice")).total).toBe(1);
    expect(await site.user(browser)).toBe("alice");
  });
});

describe("a session that is missing from the store", () => {
  const drop = (store: MemoryStore, sid: string): void => {
    const { sessions } = store as unknown as { sessions: Record<string, string | undefined> };
    sessions[sid] = undefined;
  };

  it("is not shown once a process that knew the session has read it again", async () => {
    const store = new MemoryStore();
    const site = await open(false, store);
    const browser = await site.login("alice");
    const [other] = [await site.login("alice")];
    drop(store, sessionId(browser));
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("alice")).total).toBe(1);
    expect(await site.user(other)).toBe("alice");
  });

  it("removes no login that a request is about to write", async () => {
    const store = new HesitatingStore();
    const site = await open(false, store);
    const login = site.login("alice");
    await store.gate.reached;
    // The browser may have the cookie before its session is written: headers go out first.
    const [name = "", value = ""] = signedCookie(store.writing).split("=");
    expect(await site.user(new Browser(site.url).withCookie(name, value))).toBeNull();
    store.gate.open();
    expect(await site.user(await login)).toBe("alice");
  });

  it("removes no login if the store's reads may lag behind its writes", async () => {
    const store = new LaggingStore();
    const site = await open(false, store);
    const browser = await site.login("alice");
    expect(await site.user(browser)).toBe("alice");
    store.lags = true;
    expect(await site.user(browser)).toBeNull();
    store.lags = false;
    expect(await site.user(browser)).toBe("alice");
  });
});
