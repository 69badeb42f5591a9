import { describe, expect, it } from "@jest/globals";
import { MemoryStore, type SessionData } from "express-session";
import { LogoutError, MemoryLoginRegistry, type LogoutOptions, type MaxLogins } from "../../lib/index.js";
import type { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { sessionId, useSites, type Site } from "../support/site.js";

const openSite = useSites();
const NAVIGATION = { Accept: "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };

const limited = (max: number | MaxLogins, more: Partial<LogoutOptions> = {}) =>
  openSite({ auth: { logins: { max }, ...more } });

const served = async (site: Site, browsers: readonly Browser[]): Promise<unknown[]> => {
  const users: unknown[] = [];
  for (const browser of browsers) users.push(await site.user(browser));
  return users;
};

/** Logs in once for each browser, at different milliseconds. */
async function loginsOf(site: Site, count: number, user = "alice"): Promise<Browser[]> {
  const browsers: Browser[] = [];
  for (let number = 0; number < count; number += 1) {
    browsers.push(await site.login(user));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  return browsers;
}

describe("logins.max", () => {
  it("ends the least recently active login at the login that is too much", async () => {
    const site = await limited(2);
    const [first, second, third] = (await loginsOf(site, 3)) as [Browser, Browser, Browser];
    const bob = await site.login("bob");
    expect(await served(site, [second, third, bob])).toEqual(["alice", "alice", "bob"]);
    expect((await first.get("/me")).status).toBe(401);
    expect((await site.auth.listLogins("alice")).total).toBe(2);
  });

  it("shows the reason, or else the rule, and reports a kick and a rejection by the limit", async () => {
    for (const [reason, shown] of [
      ["You use another device.", "You use another device."],
      [undefined, "You have logged in on another device."],
    ] as const) {
      const site = await limited({ count: 1, reason });
      const [first] = (await loginsOf(site, 1)) as [Browser];
      const [{ id: loginId } = { id: "" }] = (await site.auth.listLogins("alice")).items;
      await loginsOf(site, 1);
      const page = await first.get("/me", NAVIGATION);
      expect([page.status, page.text]).toEqual([401, expect.stringContaining(shown)]);
      const ended = { cause: "limit", reason };
      expect(site.events).toEqual([
        expect.objectContaining({ name: "login" }),
        expect.objectContaining({ name: "kick", userId: "alice", loginIds: [loginId], ...ended }),
        expect.objectContaining({ name: "login" }),
        expect.objectContaining({ name: "rejected", loginId, ...ended }),
      ]);
    }
  });

  it("leaves no data of the ended login in the store", async () => {
    const store = new MemoryStore() as MemoryStore & { sessions: Record<string, string> };
    const site = await limited(1, { store });
    const [first] = (await loginsOf(site, 2)) as [Browser];
    expect(store.sessions[sessionId(first)]).not.toContain("alice");
  });

  it("aborts the signals of the ended login", async () => {
    const site = await limited(1);
    const [first] = (await loginsOf(site, 1)) as [Browser];
    const signal = await site.auth.signalOfSession(sessionId(first), { once: () => undefined });
    await loginsOf(site, 1);
    expect(signal.reason?.details).toMatchObject({ cause: "limit" });
  });

  it("counts logins of a browser that logs in twice without a logout as one", async () => {
    const site = await limited(2);
    const [phone, desk] = (await loginsOf(site, 2)) as [Browser, Browser];
    await phone.post("/login", { user: "alice" });
    expect(await served(site, [phone, desk])).toEqual(["alice", "alice"]);
    await desk.post("/login", { user: "alice" });
    expect(await served(site, [phone, desk])).toEqual(["alice", "alice"]);
  });

  it("counts adopted sessions, and converges: none ends another in turn", async () => {
    const store = new MemoryStore() as MemoryStore & { sessions: Record<string, string> };
    const before = await openSite({ auth: { store } });
    const browsers = await loginsOf(before, 3);
    await before.auth.close();
    for (const [sid, text] of Object.entries(store.sessions)) {
      const session = JSON.parse(text) as Record<string, unknown>;
      store.sessions[sid] = JSON.stringify({ ...session, expressLogout: undefined });
    }
    const site = await limited(1, { store, registry: new MemoryLoginRegistry() });
    const cookies = browsers.map((browser) => ({ headers: { Cookie: browser.cookies } }));
    const statuses: number[][] = [];
    for (let times = 0; times < 2; times += 1) {
      const answers: number[] = [];
      for (const asked of cookies) answers.push((await site.ask("HEAD", "/me", asked)).status);
      statuses.push(answers);
    }
    expect(statuses).toEqual([
      [200, 200, 200],
      [401, 401, 200],
    ]);
    expect(site.events.filter(({ name }) => name === "kick")).toHaveLength(2);
  });

  it("takes effect at the next login if the number is lowered, and may depend on the user and the session", async () => {
    let most = 3;
    const seen: unknown[] = [];
    const count = (userId: string, session: SessionData): Promise<number> => {
      seen.push([userId, session.userId]);
      return Promise.resolve(most);
    };
    const site = await limited({ count });
    const browsers = await loginsOf(site, 3);
    most = 1;
    expect(await served(site, browsers)).toEqual(["alice", "alice", "alice"]);
    const [last] = (await loginsOf(site, 1)) as [Browser];
    expect(await served(site, [...browsers, last])).toEqual([null, null, null, "alice"]);
    expect(new Set(seen.map((each) => JSON.stringify(each)))).toEqual(new Set(['["alice","alice"]']));
  });

  it("is 1,000 by default, and Infinity switches it off", async () => {
    for (const [logins, total] of [
      [undefined, 1_000],
      [{ max: Infinity }, 1_004],
    ] as const) {
      const registry = new MemoryLoginRegistry();
      const site = await openSite({ auth: { registry, logins } });
      for (let number = 0; number < 1_003; number += 1) {
        await registry.add({ id: String(number), userId: "alice", sid: String(number), ttlMs: 60_000 });
      }
      await site.login("alice");
      expect((await site.auth.listLogins("alice")).total).toBe(total);
    }
  });
});

describe("logins.max with refuseNew", () => {
  const refusing = (count: number, more: Partial<LogoutOptions> = {}) =>
    limited({ count, whenFull: "refuseNew" }, more);
  const tryToLogIn = (site: Site) => site.ask("POST", "/login", { headers: JSON_TYPE, body: '{"user":"alice"}' });
  const JSON_TYPE = { "Content-Type": "application/json" };

  it("refuses the login with 409 and ends none, until another has ended", async () => {
    const store = new MemoryStore() as MemoryStore & { sessions: Record<string, string> };
    const site = await refusing(1, { store });
    const [first] = (await loginsOf(site, 1)) as [Browser];
    const refused = await tryToLogIn(site);
    expect([refused.status, refused.body]).toEqual([409, { error: "ERR_TOO_MANY_LOGINS" }]);
    expect(site.errors).toEqual([expect.objectContaining({ details: { userId: "alice", max: 1 } })]);
    expect(Object.keys(store.sessions)).toEqual([sessionId(first)]);
    expect(site.events.map(({ name }) => name)).toEqual(["login"]);
    expect(await site.user(first)).toBe("alice");
    await first.get("/login/profile/logout");
    expect((await tryToLogIn(site)).status).toBe(200);
  });

  it("ends the login of another user whose session the request has left: it would take a place", async () => {
    const site = await refusing(1);
    const [phone] = (await loginsOf(site, 1)) as [Browser];
    await site.login("bob");
    expect((await phone.post("/login", { user: "bob" })).status).toBe(409);
    expect(site.events.map(({ name }) => name)).toEqual(["login", "login", "logout"]);
    expect((await tryToLogIn(site)).status).toBe(200);
  });

  it("says so on a page", async () => {
    const site = await openSite({
      auth: { logins: { max: { count: 1, whenFull: "refuseNew" } } },
      after: (app, auth) => {
        app.get("/enter", (req, res, next) => {
          req.session.userId = "alice";
          save(req).then(() => res.json({}), next);
        });
        app.use(auth.errorHandler);
      },
    });
    await site.login("alice");
    const page = await site.ask("GET", "/enter", { headers: NAVIGATION });
    expect([page.status, page.text]).toEqual([409, expect.stringContaining("You are logged in on too many devices")]);
  });

  it("keeps a login that was confirmed by its write for as long as its session lives", async () => {
    const registry = new MemoryLoginRegistry();
    const site = await refusing(1, { registry });
    await loginsOf(site, 1);
    const [login] = (await site.auth.listLogins("alice")).items;
    expect(Number(login?.expires) - Date.now()).toBeGreaterThan(3_600_000);
  });

  it("locks no user out for long if a process dies between listing and writing", async () => {
    class Dying extends MemoryStore {
      override set = (_sid: string, _session: unknown, callback?: (error?: unknown) => void): void => {
        callback?.(new Error("the process dies"));
      };
    }
    const registry = new (class extends MemoryLoginRegistry {
      override end = () => new Promise<never>(() => undefined);
    })();
    const site = await refusing(1, { registry, store: new Dying() });
    tryToLogIn(site).catch(() => undefined);
    const find = async () => (await registry.list("alice", { offset: 0, limit: 9 })).items;
    for (let left = 1_000; left > 0 && (await find()).length === 0; left -= 1) await new Promise(setImmediate);
    const [login] = await find();
    expect(Number(login?.expires) - Date.now()).toBeLessThanOrEqual(120_000);
  });
});

describe("a function in logins.max", () => {
  it.each([
    ["0", 0, 500],
    ["a text", "3", 500],
    ["NaN", NaN, 500],
    ["undefined", undefined, 500],
    ["an error", new Error("its own database"), 503],
    ["nothing, ever", new Promise(() => undefined), 503],
  ])("that answers %s: the request gets an error, and no login is listed or ended", async (_what, answer, status) => {
    let isRight = true;
    const count = (): number => {
      if (isRight) return 2;
      if (answer instanceof Error) throw answer;
      return answer as number;
    };
    const site = await limited({ count }, { sessions: { storeTimeoutMs: 100 } });
    const browsers = await loginsOf(site, 2);
    isRight = false;
    await expect(site.login("alice")).rejects.toThrow(String(status));
    const [error] = site.errors;
    expect(LogoutError.is(error, "ERR_OPTION_INVALID")).toBe(true);
    expect(await served(site, browsers)).toEqual(["alice", "alice"]);
    expect((await site.auth.listLogins("alice")).total).toBe(2);
  });
});
