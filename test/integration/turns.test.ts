import { describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore } from "express-session";
import { MemoryLoginRegistry, type LogoutMiddleware } from "../../lib/index.js";
import type { AddOptions, AddResult, LoginChange, NewLogin, UpdateResult } from "../../lib/registry/index.js";
import { Browser } from "../support/http.js";
import { destroy, regenerate, save } from "../support/race-app.js";
import { generationOf } from "../support/registry-calls.js";
import { sessionId, signedCookie, useSites, type Site } from "../support/site.js";

const COOKIE = { originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000), path: "/", httpOnly: true };
const REASON = "The password was changed.";

/** A store that other processes write to, and that fails on demand. */
class SharedStore extends MemoryStore {
  /** Called with how often this session has been read. */
  onRead: ((sid: string, times: number) => void) | undefined;
  failsToWrite = false;
  readonly #reads = new Map<string, number>();

  override get(sid: string, callback: Parameters<MemoryStore["get"]>[1]): void {
    const times = (this.#reads.get(sid) ?? 0) + 1;
    this.#reads.set(sid, times);
    this.onRead?.(sid, times);
    super.get(sid, callback);
  }

  override set(sid: string, data: object, callback?: (error?: unknown) => void): void {
    if (this.failsToWrite) setImmediate(() => callback?.(new Error("the disk is full")));
    else super.set(sid, data as never, callback);
  }

  /** Writes a session, as another process. */
  put(sid: string, data: object): void {
    this.#texts[sid] = JSON.stringify({ cookie: COOKIE, ...data });
  }

  /** Removes a session, as another process. */
  drop(sid: string): void {
    this.#texts[sid] = undefined;
  }

  get #texts(): Record<string, string | undefined> {
    return (this as unknown as { sessions: Record<string, string | undefined> }).sessions;
  }
}

/** A registry whose answers may be lost. */
class LossyRegistry extends MemoryLoginRegistry {
  losesAnswers = false;

  override async add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    const added = await super.add(login, options);
    this.#answer();
    return added;
  }

  override async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    const isListed = await super.update(userId, loginId, change);
    if (change.addSid !== undefined) this.#answer();
    return isListed;
  }

  #answer(): void {
    if (this.losesAnswers) throw new Error("the answer was lost");
  }
}

/** The steps of a request on its session, in order. */
const TURNS: Readonly<Record<string, (req: Request) => void | Promise<void>>> = {
  visit: async (req) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    await save(req);
  },
  "out-twice-and-back": async (req) => {
    const { userId } = req.session;
    delete req.session.userId;
    await save(req);
    await save(req);
    req.session.userId = userId;
    await save(req);
  },
  rotate: async (req) => {
    const { userId } = req.session;
    await regenerate(req);
    req.session.userId = userId;
    await save(req);
  },
  "out-and-back": async (req) => {
    const { userId } = req.session;
    await destroy(req);
    (req.sessionStore as unknown as { generate(req: Request): void }).generate(req);
    req.session.userId = userId;
    await save(req);
  },
  "bob-and-back": async (req) => {
    const { userId } = req.session;
    req.session.userId = "bob";
    await save(req);
    req.session.userId = userId;
    await save(req);
  },
  "bob-with-carols-stamp": async (req) => {
    Object.assign(req.session, { userId: "bob", expressLogout: `${req.query["loginId"] as string} 0 carol` });
    await save(req);
  },
};

const openSite = useSites();

async function open({ at = "" } = {}) {
  const store = new SharedStore();
  const registry = new LossyRegistry();
  const after = (app: Express, auth: LogoutMiddleware): void => {
    for (const [name, act] of Object.entries(TURNS)) {
      app.post(`/${name}`, (req, res, next) => {
        Promise.resolve(act(req)).then(() => res.json({}), next);
      });
    }
    app.get("/reason", (req, res) => {
      res.json({ reason: auth.rejection(req)?.reason ?? null });
    });
  };
  const site = await openSite({ at, auth: { store, registry }, after });
  return { site, store, registry };
}

function browserWith(site: Site, sid: string): Browser {
  const [name = "", value = ""] = signedCookie(sid).split("=");
  return new Browser(site.url).withCookie(name, value);
}

async function loginIds(site: Site, userId: string): Promise<string[]> {
  return (await site.auth.listLogins(userId)).items.map(({ id }) => id);
}

describe("a request that changes the user of its session repeatedly", () => {
  it("ends its login once, however often it saves, and may bring it back", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const before = await loginIds(site, "alice");
    await browser.post("/out-twice-and-back");
    expect(await loginIds(site, "alice")).toEqual(before);
    expect(await site.user(browser)).toBe("alice");
  });

  it("knows its first login again after another user's", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    const before = await loginIds(site, "alice");
    await browser.post("/bob-and-back");
    expect(await loginIds(site, "alice")).toEqual(before);
    expect(await loginIds(site, "bob")).toEqual([]);
    expect(await site.user(browser)).toBe("alice");
  });

  it("ends only its own login if the session has the stamp of a login in another session", async () => {
    const { site } = await open();
    const browser = await site.login("alice");
    await site.login("carol");
    const [carols = ""] = await loginIds(site, "carol");
    await browser.post(`/bob-with-carols-stamp?loginId=${carols}`);
    expect(await loginIds(site, "alice")).toEqual([]);
    expect(await loginIds(site, "carol")).toEqual([carols]);
    expect(await loginIds(site, "bob")).toHaveLength(1);
  });
});

describe("a save that fails", () => {
  it("is an outage of the store, and the login continues", async () => {
    const { site, store } = await open();
    const browser = await site.login("alice");
    store.failsToWrite = true;
    expect(await browser.post("/visit")).toMatchObject({ status: 503, body: { error: "ERR_STORE_UNAVAILABLE" } });
    store.failsToWrite = false;
    expect(await site.user(browser)).toBe("alice");
  });

  it("lists no login if the session of a new login could not be written", async () => {
    const { site, store } = await open();
    store.failsToWrite = true;
    const { status } = await new Browser(site.url).post("/login", { user: "alice" });
    expect(status).toBe(503);
    expect(await loginIds(site, "alice")).toEqual([]);
  });

  it("lists no login whose listing was not confirmed", async () => {
    const { site, registry } = await open();
    registry.losesAnswers = true;
    const { status } = await new Browser(site.url).post("/login", { user: "alice" });
    expect(status).toBe(500);
    await new Promise(setImmediate);
    expect(await loginIds(site, "alice")).toEqual([]);
  });

  it.each(["rotate", "out-and-back"])("shows no login whose new session id was not confirmed: %s", async (turn) => {
    const { site, registry } = await open();
    const browser = await site.login("alice");
    registry.losesAnswers = true;
    expect((await browser.post(`/${turn}`)).status).toBe(500);
    await new Promise(setImmediate);
    expect(await loginIds(site, "alice")).toEqual([]);
    registry.losesAnswers = false;
    expect(await site.user(browser)).toBeNull();
  });
});

describe("the reason of a rejected session", () => {
  it("is kept until it is shown, even if the app writes to the new session meanwhile", async () => {
    const { site } = await open({ at: "/auth" });
    const browser = await site.login("alice");
    await site.auth.kick("alice", { reason: REASON });
    await browser.clone().post("/visit");
    expect((await browser.get("/reason")).body).toEqual({ reason: REASON });
  });

  it("rejects no user who has since logged in through a process without the hook", async () => {
    const { site, store } = await open();
    store.put("sid", { userId: "alice", expressLogout: { kicked: { loginId: "a login", at: Date.now() } } });
    expect(await site.user(browserWith(site, "sid"))).toBe("alice");
    expect(await loginIds(site, "alice")).toHaveLength(1);
  });
});

describe("a session that another process writes while it is adopted", () => {
  const BEGUN = "a-login-that-has-begun";

  it("belongs to the user who was written", async () => {
    const { site, store } = await open();
    store.put("sid", { userId: "alice" });
    store.onRead = (sid, times) => {
      if (times === 2) store.put(sid, { userId: "bob" });
    };
    expect(await site.user(browserWith(site, "sid"))).toBe("bob");
    expect(await loginIds(site, "bob")).toHaveLength(1);
  });

  it("keeps the login that has begun in that process", async () => {
    const { site, store, registry } = await open();
    store.put("sid", { userId: "alice" });
    const begun = await registry.add({ id: BEGUN, userId: "alice", sid: "sid", ttlMs: 60_000 });
    const generation = generationOf(begun) ?? "";
    store.onRead = (sid, times) => {
      const expressLogout = `${BEGUN} ${String(generation.length)} ${generation}alice`;
      if (times === 2) store.put(sid, { userId: "alice", expressLogout });
    };
    const browser = browserWith(site, "sid");
    expect(await site.user(browser)).toBe("alice");
    await site.auth.kickLogin("alice", BEGUN);
    expect(await site.user(browser)).toBeNull();
  });

  it("is missing if that process has destroyed it", async () => {
    const { site, store } = await open();
    store.put("sid", { userId: "alice" });
    store.onRead = (sid, times) => {
      if (times === 2) store.drop(sid);
    };
    const browser = browserWith(site, "sid");
    expect(await site.user(browser)).toBeNull();
    expect(sessionId(browser)).toBe("sid");
    expect(await loginIds(site, "alice")).toEqual([]);
  });
});
