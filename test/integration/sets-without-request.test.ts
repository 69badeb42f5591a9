import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore, type SessionData } from "express-session";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { sessionId, signedCookie, useSites, type Site } from "../support/site.js";

type Done = (error?: unknown) => void;
type Data = Record<string, unknown>;

const COOKIE = { originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000), path: "/", httpOnly: true };

/** A job that knows only the store. */
class Job {
  readonly #store: MemoryStore;

  constructor(store: MemoryStore) {
    this.#store = store;
  }

  /** As the store has it: `all()` is not hooked. */
  stored(sid: string): Data | undefined {
    const text = (this.#store as unknown as { sessions: Record<string, string | undefined> }).sessions[sid];
    return text === undefined ? undefined : (JSON.parse(text) as Data);
  }

  async set(sid: string, data: Data): Promise<void> {
    await promisify((done: Done) => this.#store.set(sid, data as unknown as SessionData, done))();
  }
}

const openSite = useSites();

/** Sites whose login route hands a copy of its session to a queue, without the stamp that only the store has. */
async function open(old: Readonly<Record<string, string>> = {}) {
  const store = new MemoryStore();
  const job = new Job(store);
  for (const [sid, userId] of Object.entries(old)) await job.set(sid, { cookie: COOKIE, userId });
  const queue = new Map<string, string>();
  const site = await openSite({
    auth: { store },
    after: (app) => {
      app.post("/login/queued", (req, res, next) => {
        req.session.userId = "alice";
        save(req).then(() => {
          queue.set(req.sessionID, JSON.stringify(req.session));
          res.json({});
        }, next);
      });
      app.post("/login/in-place", (req, res) => {
        req.session.userId = "bob";
        res.json({});
      });
    },
  });
  const logInQueued = async () => {
    const browser = new Browser(site.url);
    await browser.post("/login/queued");
    const sid = sessionId(browser);
    return { browser, sid, copy: JSON.parse(queue.get(sid) ?? "null") as Data };
  };
  return { site, store, job, logInQueued };
}

function browserWith(site: Site, sid: string): Browser {
  const [name = "", value = ""] = signedCookie(sid).split("=");
  return new Browser(site.url).withCookie(name, value);
}

const idsOf = async (site: Site, user: string): Promise<string[]> =>
  (await site.auth.listLogins(user)).items.map(({ id }) => id);

describe("a session that is set without a request", () => {
  it("keeps its login", async () => {
    const { site, job } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const before = await idsOf(site, "alice");
    await job.set(sid, { ...job.stored(sid), flag: true });
    expect(await site.user(browser)).toBe("alice");
    expect([await idsOf(site, "alice"), job.stored(sid)?.["flag"]]).toEqual([before, true]);
  });

  it("keeps the stored login if the copy has none, or an older one", async () => {
    const { site, job, logInQueued } = await open();
    const { browser, sid, copy } = await logInQueued();
    const before = await idsOf(site, "alice");
    await job.set(sid, { ...copy, flag: true });
    expect(copy).not.toHaveProperty("expressLogout");
    expect([await site.user(browser), await idsOf(site, "alice")]).toEqual(["alice", before]);
    await job.set(sid, { ...job.stored(sid), expressLogout: "another 0 alice" });
    expect([await site.user(browser), await idsOf(site, "alice")]).toEqual(["alice", before]);
  });

  it.each(["kick", "kickAll"] as const)("does not overwrite the result of a %s", async (kick) => {
    const { site, job, logInQueued } = await open();
    const { browser, sid, copy } = await logInQueued();
    await (kick === "kick" ? site.auth.kick("alice", { reason: "why" }) : site.auth.kickAll({ reason: "why" }));
    const left = job.stored(sid);
    await job.set(sid, copy);
    expect(job.stored(sid)).toEqual(left);
    expect((await browser.get("/me")).status).toBe(401);
  });

  it.each([
    ["a kick whose reason was seen", true],
    ["a kick, from a copy with the stamp", false],
  ])("logs no user in again after %s", async (_what, isSeen) => {
    const { site, job, logInQueued } = await open();
    const { browser, sid, copy } = await logInQueued();
    const stamped = { ...job.stored(sid) };
    const kept = browser.clone();
    await site.auth.kick("alice");
    if (isSeen) await browser.get("/me");
    await job.set(sid, isSeen ? copy : stamped);
    expect(await site.user(kept)).toBeNull();
    expect(await idsOf(site, "alice")).toEqual([]);
  });

  it("logs no user in again after a logout, from a copy with the stamp", async () => {
    const { site, job } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const stamped = { ...job.stored(sid) };
    const kept = browser.clone();
    await browser.get("/login/profile/logout");
    await job.set(sid, stamped);
    expect([await site.user(kept), await idsOf(site, "alice"), job.stored(sid)]).toEqual([null, [], undefined]);
  });

  it("leaves the next user of the session logged in, from a copy of the last user's session", async () => {
    const { site, job } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const stamped = { ...job.stored(sid) };
    await browser.post("/login/in-place");
    expect(sessionId(browser)).toBe(sid);
    await job.set(sid, stamped);
    expect([await site.user(browser), (await idsOf(site, "bob")).length, await idsOf(site, "alice")]).toEqual([
      "bob",
      1,
      [],
    ]);
  });

  it("begins no login for an old session that was kicked", async () => {
    const { site, job } = await open({ old: "alice" });
    await site.auth.kick("alice");
    await job.set("old", { ...job.stored("old"), flag: true });
    expect(job.stored("old")).not.toHaveProperty("flag");
    expect(await site.user(browserWith(site, "old"))).toBeNull();
  });

  it("is adopted if no user was kicked, so that later kicks apply", async () => {
    const { site, job } = await open({ old: "alice" });
    await job.set("old", { ...job.stored("old"), flag: true });
    await job.set("new", { cookie: COOKIE, userId: "bob" });
    expect([await idsOf(site, "alice"), await idsOf(site, "bob")].map(({ length }) => length)).toEqual([1, 1]);
    expect(await site.user(browserWith(site, "new"))).toBe("bob");
    await site.auth.kick(["alice", "bob"]);
    const served = ["old", "new"].map((sid) => site.user(browserWith(site, sid)));
    expect(await Promise.all(served)).toEqual([null, null]);
  });

  it.each(["seen", "not seen"])("resumes no login that was kicked alone, with its reason %s", async (reason) => {
    const { site, job, logInQueued } = await open();
    const { browser, sid, copy } = await logInQueued();
    const kept = browser.clone();
    const [id = ""] = await idsOf(site, "alice");
    expect(await site.auth.kickLogin("alice", id)).toEqual({ users: 1, logins: 1 });
    if (reason === "seen") await browser.get("/me");
    await job.set(sid, copy);
    expect([await site.user(kept), await idsOf(site, "alice")]).toEqual([null, []]);
  });

  it("causes one event for an adopted login that was kicked alone", async () => {
    const { site } = await open({ old: "alice" });
    await site.user(browserWith(site, "old"));
    const loginIds = await idsOf(site, "alice");
    await site.auth.kickLogin("alice", loginIds[0] ?? "");
    await new Promise(setImmediate);
    expect(site.events.filter(({ name }) => name === "kick")).toEqual([expect.objectContaining({ loginIds })]);
  });

  it("removes no login that its browser has adopted if it cannot be written", async () => {
    const { site, store, job } = await open({ old: "alice" });
    const browser = browserWith(site, "old");
    const failing = {
      ...job.stored("old"),
      toJSON: () => {
        throw new Error("cannot be stored");
      },
    };
    const served = site.user(browser);
    await expect(new Job(store).set("old", failing)).rejects.toMatchObject({
      code: "ERR_STORE_UNAVAILABLE",
      cause: { message: "cannot be stored" },
    });
    expect([await served, await site.user(browser)]).toEqual(["alice", "alice"]);
  });

  it("causes an event if it is not written", async () => {
    const { site, job } = await open();
    await site.auth.kick("alice");
    await job.set("new", { cookie: COOKIE, userId: "alice" });
    await new Promise(setImmediate);
    expect(site.events).toEqual([expect.objectContaining({ name: "rejected", userId: "alice" })]);
  });

  it("is not written if old sessions are not adopted", async () => {
    const store = new MemoryStore();
    const job = new Job(store);
    await openSite({ auth: { store, sessions: { adopt: false } } });
    await job.set("new", { cookie: COOKIE, userId: "bob" });
    expect(job.stored("new")).toBeUndefined();
  });

  it("shows the device of an adopted session after the first request of its browser", async () => {
    const { site, job } = await open();
    await job.set("new", { cookie: COOKIE, userId: "alice" });
    await site.user(browserWith(site, "new"));
    const [login] = (await site.auth.listLogins("alice")).items;
    expect(login?.ip).toBe("127.0.0.1");
  });

  it("ends the login of a user who has left it", async () => {
    const { site, job } = await open();
    const sid = sessionId(await site.login("alice"));
    await job.set(sid, { cookie: COOKIE, userId: "bob" });
    expect([await idsOf(site, "alice"), (await idsOf(site, "bob")).length]).toEqual([[], 1]);
    await job.set(sid, { cookie: COOKIE });
    expect(await idsOf(site, "bob")).toEqual([]);
  });

  it("lists no login if it could not be written", async () => {
    const { site, store } = await open();
    const failing = {
      cookie: COOKIE,
      userId: "alice",
      toJSON: () => {
        throw new Error("cannot be stored");
      },
    };
    await expect(new Job(store).set("new", failing)).rejects.toMatchObject({
      code: "ERR_STORE_UNAVAILABLE",
      cause: { message: "cannot be stored" },
    });
    expect(await idsOf(site, "alice")).toEqual([]);
  });
});

describe("a session that is set without a request, with a cookie that has ended", () => {
  it("is logged out, and removed", async () => {
    const { site, job } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const data = job.stored(sid);
    await job.set(sid, { ...data, cookie: { ...COOKIE, originalMaxAge: -1, expires: new Date(Date.now() - 1) } });
    expect([await idsOf(site, "alice"), job.stored(sid)]).toEqual([[], undefined]);
    expect(site.events.map(({ name }) => name)).toEqual(["login", "logout"]);
  });
});

describe("a session that is destroyed without a request", () => {
  it("ends its login on a node that has not seen the session", async () => {
    const store = new MemoryStore();
    const [registry, appId] = [new MemoryLoginRegistry(), "shared"];
    // Another process has a store of its own, with the same data.
    const { sessions } = store as unknown as { sessions: object };
    const other = Object.assign(new MemoryStore(), { sessions });
    const site = await openSite({ auth: { store, registry, appId } });
    await openSite({ auth: { store: other, registry, appId } });
    const sid = sessionId(await site.login("alice"));
    expect(await idsOf(site, "alice")).toHaveLength(1);
    await promisify((done: Done) => other.destroy(sid, done))();
    expect(await idsOf(site, "alice")).toEqual([]);
  });
});

describe("a login after a kick", () => {
  it("removes the tombstone of its browser, and nothing that another process has written in its place", async () => {
    const store = new MemoryStore();
    const { sessions } = store as unknown as { sessions: Record<string, string | undefined> };
    const written = JSON.stringify({ cookie: COOKIE, cart: "full" });
    const places: (string | undefined)[] = [undefined, written];
    const site = await openSite({
      auth: { store, routes: { login: ["/login", "/login/late"] } },
      after: (app) => {
        app.post("/login/late", (req, res, next) => {
          const place = String(req.get("x-place"));
          if (req.get("x-written") !== undefined) sessions[place] = written;
          req.session.userId = "alice";
          save(req).then(() => res.json({}), next);
        });
      },
    });
    const left: (string | undefined)[] = [];
    for (const place of places) {
      const browser = await site.login("alice");
      const sid = sessionId(browser);
      await site.auth.kick("alice", { reason: "closed" });
      const headers = { "x-place": sid, ...(place === undefined ? {} : { "x-written": "yes" }) };
      await browser.post("/login/late", {}, headers);
      expect(await site.user(browser)).toBe("alice");
      left.push(sessions[sid]);
    }
    expect(left).toEqual(places);
  });
});
