import { EventEmitter } from "node:events";
import { inspect, promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { MemoryStore, type SessionData } from "express-session";
import { MemoryLoginRegistry, type LogoutMiddleware } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { sessionId, useSites } from "../support/site.js";

const openSite = useSites();

const withOwnRoutes = (app: Express, auth: LogoutMiddleware): void => {
  app.get("/current", (req, res, next) => {
    auth.currentLogin(req).then((login) => res.json({ login: login ?? null }), next);
  });
  app.post("/sign-out", (req, res, next) => {
    auth.logout(req, res).then(() => res.json({ user: req.session.userId ?? null }), next);
  });
};

/** Returns the users in groups of one, as a registry returns many users in several groups. */
class OneByOne extends MemoryLoginRegistry {
  override async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const group of super.scanUsers()) for (const userId of group) yield [userId];
  }
}

describe("the controls", () => {
  it("list a user's logins with their devices, and no session id", async () => {
    const site = await openSite();
    const phone = await site.login("alice", { "User-Agent": "Phone/1.0" });
    await site.login(7);
    const [login, ...others] = (await site.auth.listLogins("alice")).items;
    expect(others).toEqual([]);
    expect(login).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      userId: "alice",
      began: expect.any(Date),
      lastActive: expect.any(Date),
      expires: expect.any(Date),
      ip: expect.stringMatching(/127\.0\.0\.1$/),
      userAgent: "Phone/1.0",
    });
    expect(JSON.stringify(await site.auth.listActiveUsers())).not.toContain(sessionId(phone));
    expect((await site.auth.listLogins(7)).items).toEqual((await site.auth.listLogins("7")).items);
  });

  it("kick one login and leave the user's others", async () => {
    const site = await openSite();
    const [phone, laptop] = [await site.login("alice"), await site.login("alice")];
    const ids = (await site.auth.listLogins("alice")).items.map(({ id }) => id);
    expect(await site.auth.kickLogin("alice", ids[0] ?? "", { reason: "lost" })).toEqual({ users: 1, logins: 1 });
    expect(await site.auth.kickLogin("alice", ids[0] ?? "")).toEqual({ users: 0, logins: 0 });
    expect(await site.auth.kickLogin("bob", ids[1] ?? "")).toEqual({ users: 0, logins: 0 });
    const users = [await site.user(phone), await site.user(laptop)];
    expect(users.filter((user) => user === "alice")).toHaveLength(1);
  });

  it("kickLogin() finds no login for an ill-formed id", async () => {
    const site = await openSite();
    const browser = await site.login("alice");
    for (const loginId of ["", "*", "x".repeat(10_000), "a".repeat(21), undefined as unknown as string]) {
      expect(await site.auth.kickLogin("alice", loginId)).toEqual({ users: 0, logins: 0 });
    }
    expect(await site.user(browser)).toBe("alice");
  });

  it("kick() spares the login in `except`, and ends all if that has ended", async () => {
    const site = await openSite();
    const here = await site.login("alice");
    const [current] = (await site.auth.listLogins("alice")).items;
    const [there, bob] = [await site.login("alice"), await site.login("bob")];
    const options = { reason: "Log out everywhere else", by: "alice" };
    expect(await site.auth.kick("alice", { ...options, except: current?.id })).toEqual({ users: 1, logins: 1 });
    expect(await Promise.all([here, there, bob].map((browser) => site.user(browser)))).toEqual(["alice", null, "bob"]);
    expect(await site.auth.kick(["alice", "carol"], { except: current?.id })).toEqual({ users: 0, logins: 0 });
    expect(await site.user(here)).toBe("alice");
    await here.post("/login/profile/logout");
    const again = await site.login("alice");
    expect(await site.auth.kick("alice", { except: current?.id })).toEqual({ users: 1, logins: 1 });
    expect(await site.user(again)).toBeNull();
  });

  it("kickOthers() ends every login of the request's user but its own", async () => {
    const site = await openSite({
      after: (app, auth) => {
        app.post("/others", (req, res, next) => {
          auth.kickOthers(req, { reason: "Log out everywhere else" }).then((result) => res.json(result), next);
        });
      },
    });
    const [here, there, bob] = [await site.login("alice"), await site.login("alice"), await site.login("bob")];
    expect((await here.post("/others")).body).toEqual({ users: 1, logins: 1 });
    expect(await Promise.all([here, there, bob].map((browser) => site.user(browser)))).toEqual(["alice", null, "bob"]);
    const anonymous = await new Browser(site.url).post("/others");
    expect([anonymous.status, anonymous.body]).toEqual([401, { error: "ERR_LOGIN_REQUIRED" }]);
  });

  it("say how a call of an older release is written now", async () => {
    const { auth } = await openSite();
    const old = auth as unknown as {
      on(name: string, listener: () => void): void;
      kickOthers(userId: string, loginId: string): Promise<unknown>;
    };
    expect(() => {
      old.on("refused", () => undefined);
    }).toThrow('auth.on: unknown event "refused". Known: login, logout, kick, rejected.');
    await expect(old.kickOthers("alice", "a login")).rejects.toMatchObject({
      code: "ERR_ARGUMENT_INVALID",
      message: "kickOthers(req) takes a request. By ids: kick(userId, { except: loginId }).",
    });
  });

  it("kick everyone, and report progress", async () => {
    const site = await openSite();
    const browsers = await Promise.all(["ann", "ben", "cid", "cid"].map((user) => site.login(user)));
    const progress: unknown[] = [];
    expect(await site.auth.kickAll({ onProgress: (step) => progress.push(step) })).toEqual({ users: 3, logins: 4 });
    expect(progress.at(-1)).toEqual({ done: 3, total: 3 });
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null, null, null]);
    expect(await site.auth.listActiveUsers()).toEqual({ total: 0, items: [] });
  });

  it("kick everyone even if onProgress throws, and reject with its error afterwards", async () => {
    const site = await openSite({ auth: { registry: new OneByOne() } });
    const browsers = await Promise.all(["ann", "ben"].map((user) => site.login(user)));
    const failing = (): never => {
      throw new Error("the progress bar is gone");
    };
    await expect(site.auth.kickAll({ onProgress: failing })).rejects.toThrow("the progress bar is gone");
    expect(await Promise.all(browsers.map((browser) => site.user(browser)))).toEqual([null, null]);
    expect(await site.auth.listActiveUsers()).toEqual({ total: 0, items: [] });
  });

  it("return the login of a request", async () => {
    const site = await openSite({ after: withOwnRoutes });
    const browser = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    expect((await browser.get("/current")).body).toMatchObject({ login: { id: login?.id, userId: "alice" } });
    expect((await new Browser(site.url).get("/current")).body).toEqual({ login: null });
  });

  it("log out the user of a request from a route of the app", async () => {
    const site = await openSite({ after: withOwnRoutes });
    const browser = await site.login("alice");
    const old = browser.clone();
    expect((await browser.post("/sign-out")).body).toEqual({ user: null });
    expect(browser.cookies).toBe("");
    expect(await site.user(old)).toBeNull();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect((await new Browser(site.url).post("/sign-out")).body).toEqual({ user: null });
  });

  it.each([
    ["an empty user id", (auth: LogoutMiddleware) => auth.kick("")],
    ["a user id that is null", (auth: LogoutMiddleware) => auth.kick([null] as unknown as string)],
    [
      "a user id that is an object",
      (auth: LogoutMiddleware) => auth.kick([{}] as unknown as string),
      "ERR_USER_ID_INVALID",
    ],
    ["a reason that is not a string", (auth: LogoutMiddleware) => auth.kick("a", { reason: 1 as unknown as string })],
    ["a reason that is too long", (auth: LogoutMiddleware) => auth.kick("a", { reason: "x".repeat(501) })],
    ["a limit of 0", (auth: LogoutMiddleware) => auth.listActiveUsers({ limit: 0 })],
    ["a limit of 1,001", (auth: LogoutMiddleware) => auth.listActiveUsers({ limit: 1_001 })],
    ["an unknown cursor", (auth: LogoutMiddleware) => auth.listActiveUsers({ cursor: "2" })],
    ["an except that is no id of a login", (auth: LogoutMiddleware) => auth.kick("alice", { except: "here" })],
  ])("reject %s", async (_what, act, code = "ERR_ARGUMENT_INVALID") => {
    const { auth } = await openSite();
    await expect(act(auth)).rejects.toMatchObject({ name: "LogoutError", code });
  });

  it("kick no user if one of several user ids is invalid", async () => {
    const site = await openSite();
    await site.login("alice");
    await expect(site.auth.kick(["alice", ""])).rejects.toMatchObject({ code: "ERR_ARGUMENT_INVALID" });
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });
});

describe("a kick that the store does not answer", () => {
  class FileStore extends MemoryStore {
    isBroken = false;

    override get(sid: string, callback: Parameters<MemoryStore["get"]>[1]): void {
      if (!this.isBroken) {
        super.get(sid, callback);
        return;
      }
      const path = `/sessions/${sid}.json`;
      const broken = new Error(`ENOSPC: no space left on device, open '${path}'`);
      callback(Object.assign(broken, { code: "ENOSPC", path, command: { args: [sid] } }));
    }
  }

  it("rejects with the cause, without the session id", async () => {
    const store = new FileStore();
    const site = await openSite({ auth: { store } });
    const sid = sessionId(await site.login("alice"));
    store.isBroken = true;
    const error: unknown = await site.auth.kick("alice").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_KICK_INCOMPLETE", details: { userIds: ["alice"] } });
    expect(error).toHaveProperty("cause.code", "ERR_STORE_UNAVAILABLE");
    expect(error).toHaveProperty("cause.cause.code", "ENOSPC");
    expect(error).toHaveProperty("cause.cause.message", "ENOSPC: no space left on device, open '/sessions/….json'");
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(sid);
  });
});

describe("the events", () => {
  it("report logins, logouts, kicks and rejections", async () => {
    const site = await openSite();
    const alice = await site.login("alice");
    const bob = await site.login("bob");
    const [[a], [b]] = [(await site.auth.listLogins("alice")).items, (await site.auth.listLogins("bob")).items];
    await bob.get("/login/profile/logout");
    await site.auth.kick("alice", { reason: "why", by: "ops" });
    await alice.get("/me");
    expect(site.events.map(({ name }) => name)).toEqual(["login", "login", "logout", "kick", "rejected"]);
    expect(site.events).toMatchObject([
      { userId: "alice", loginId: a?.id },
      { userId: "bob", loginId: b?.id },
      { userId: "bob", loginId: b?.id },
      { userId: "alice", loginIds: [a?.id], cause: "kick", reason: "why", by: "ops", at: expect.any(Date) },
      { loginId: a?.id, cause: "kick", reason: "why" },
    ]);
    const [kicked, rejected] = site.events.slice(3) as { at?: Date }[];
    expect(rejected?.at).toEqual(kicked?.at);
  });

  it.each(["limit", "lifetime"] as const)(
    "name a %s as the cause, as auth.rejection(req) and signals do",
    async (cause) => {
      const registry = new MemoryLoginRegistry();
      const seen: unknown[] = [];
      const site = await openSite({
        auth: { registry, onRejected: (req, res) => void res.json(seen.push(site.auth.rejection(req))) },
        listensTo: ["kick", "rejected"],
      });
      const alice = await site.login("alice");
      const { items } = await site.auth.listLogins("alice");
      const [loginId = ""] = items.map(({ id }) => id);
      const at = new Date();
      await registry.end("alice", { loginId, kick: { id: "a kick", at, cause, reason: "why" } });
      const signal = await site.auth.signalOfSession(sessionId(alice), new EventEmitter());
      await alice.get("/me");
      const ended = { loginId, cause, at, reason: "why" };
      expect(signal.reason?.details).toEqual(ended);
      expect(seen).toEqual([ended]);
      expect(site.events).toEqual([
        expect.objectContaining({ name: "kick", loginIds: [loginId], cause }),
        expect.objectContaining({ name: "rejected", ...ended }),
        expect.objectContaining({ name: "rejected", ...ended }),
      ]);
    },
  );

  it("report the time of the kick, also of a session whose data came back", async () => {
    const store = new MemoryStore() as MemoryStore & { sessions: Record<string, string> };
    const site = await openSite({ auth: { store }, listensTo: ["rejected"] });
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const data = String(store.sessions[sid]);
    const before = Date.now();
    await site.auth.kick("alice", { reason: "why" });
    const after = Date.now();
    store.sessions[sid] = data;
    await browser.get("/me");
    const [{ at, ...event }] = site.events as unknown as [{ at: Date }];
    expect(event).toMatchObject({ userId: "alice", cause: "kick", reason: "why" });
    expect(+at).toBeGreaterThanOrEqual(before);
    expect(+at).toBeLessThanOrEqual(after);
  });

  it("report the rejection of a login without a known kick as a logout, now", async () => {
    const store = new MemoryStore();
    const site = await openSite({ auth: { store, sessions: { adopt: false } }, listensTo: ["rejected"] });
    const session = { cookie: { originalMaxAge: 60_000 }, userId: "alice" } as unknown as SessionData;
    await promisify((done: (error?: unknown) => void) => {
      store.set("of-a-job", session, done);
    })();
    await new Promise(setImmediate);
    expect(site.events).toEqual([
      {
        name: "rejected",
        loginId: expect.any(String),
        userId: "alice",
        cause: "logout",
        at: expect.any(Date),
        reason: undefined,
      },
    ]);
  });

  it("are not passed to a removed listener", async () => {
    const site = await openSite();
    const received: unknown[] = [];
    const listener = (event: unknown): void => void received.push(event);
    const remove = site.auth.on("login", listener);
    site.auth.on("login", listener);
    await site.login("alice");
    remove();
    remove();
    await site.login("alice");
    expect(received).toHaveLength(3);
  });
});
