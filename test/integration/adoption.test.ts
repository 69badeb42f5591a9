import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { MemoryStore, type SessionData, type Store } from "express-session";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { signedCookie, useSites, type Site } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

type Done = (error?: unknown) => void;

const cookie: object = {
  originalMaxAge: 3_600_000,
  expires: new Date(Date.now() + 3_600_000),
  path: "/",
  httpOnly: true,
};

/** Session data as a process without this package writes it. */
const oldSession = (userId: string): SessionData => ({ cookie, userId }) as object as SessionData;

function browserWith(site: Site, sid: string): Browser {
  const [name = "", value = ""] = signedCookie(sid).split("=");
  return new Browser(site.url).withCookie(name, value);
}

describe.each(BACKENDS.map((make) => [make().name, make] as const))(
  "a session from before, on %s",
  (_name, makeBackend) => {
    const backend = makeBackend();
    beforeAll(() => backend.start());
    afterAll(() => backend.stop());
    const openSite = useSites();

    /** A site whose store has sessions that were written before it was hooked. */
    async function siteWith(
      sessions: Readonly<Record<string, string>>,
      wrap: (store: Store) => Store = (store) => store,
    ) {
      const { store, registry } = backend.open();
      for (const [sid, userId] of Object.entries(sessions)) {
        await promisify((done: Done) => store.set(sid, oldSession(userId), done))();
      }
      return openSite({ auth: { store: wrap(store), registry } });
    }

    it("stays logged in, and is one login from then on", async () => {
      const site = await siteWith({ "old-1": "alice" });
      const browser = browserWith(site, "old-1");
      expect(await site.user(browser)).toBe("alice");
      expect(await site.user(browser)).toBe("alice");
      const logins = (await site.auth.listLogins("alice")).items;
      expect(logins).toHaveLength(1);
      expect(JSON.stringify(logins)).not.toContain("old-1");
    });

    it("is adopted once by many first requests", async () => {
      const site = await siteWith({ "old-2": "alice" });
      const browsers = Array.from({ length: 8 }, () => browserWith(site, "old-2"));
      const users = await Promise.all(browsers.map((browser) => site.user(browser)));
      expect(new Set(users)).toEqual(new Set(["alice"]));
      expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    });

    it("is rejected with the reason if its user was kicked before the first request", async () => {
      const site = await siteWith({ "old-3": "alice", "old-4": "bob" });
      await site.auth.kick("alice", { reason: "cleaning up" });
      const { status, body } = await browserWith(site, "old-3").get("/me");
      expect({ status, body }).toEqual({
        status: 401,
        body: { code: 401, message: "You have been logged out: cleaning up" },
      });
      expect(await site.user(browserWith(site, "old-4"))).toBe("bob");
    });

    it("is rejected if everyone was kicked before the first request", async () => {
      const site = await siteWith({ "old-5": "alice" });
      await site.auth.kickAll({ reason: "an incident" });
      expect((await browserWith(site, "old-5").get("/me")).status).toBe(401);
      expect(await site.user(browserWith(site, "old-5"))).toBeNull();
    });

    it("is one login under the session id that it is rotated to", async () => {
      const site = await siteWith({ "old-6": "alice" });
      const browser = browserWith(site, "old-6");
      await browser.post("/login", { user: "alice" });
      expect(await site.user(browser)).toBe("alice");
      expect(await site.user(browserWith(site, "old-6"))).toBeNull();
      expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    });

    it("is not adopted after a logout by a request that has read it before", async () => {
      const gate = new Gate();
      let holdReads = false;
      const site = await siteWith({ "old-7": "alice" }, (store) => {
        const get = store.get.bind(store);
        store.get = (sid, callback) => {
          const isHeld = holdReads;
          holdReads = false;
          get(sid, (error, data) => {
            if (isHeld) void gate.pass().then(() => callback(error, data));
            else callback(error, data);
          });
        };
        return store;
      });
      holdReads = true;
      const slow = site.user(browserWith(site, "old-7"));
      await gate.reached;
      const browser = browserWith(site, "old-7");
      expect(await site.user(browser)).toBe("alice");
      await browser.get("/login/profile/logout");
      gate.open();
      expect(await slow).toBeNull();
      expect(await site.user(browserWith(site, "old-7"))).toBeNull();
      expect((await site.auth.listLogins("alice")).items).toEqual([]);
    });
  },
);

/** An adopted session's login has an id that comes from the session id: it is the same for both users. */
describe.each([
  ["a session", false],
  ["an adopted session", true],
])("%s in which a process without the hook has changed the user", (_what, isAdopted) => {
  const openSite = useSites();

  /** Alice's session, which now has another user, or none. */
  async function changedTo(userId: string | undefined) {
    const store = new MemoryStore();
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    if (isAdopted) sessions["old"] = JSON.stringify(oldSession("alice"));
    const gate = new Gate();
    const site = await openSite({
      auth: { store },
      after: (app) => {
        app.post("/slow-save", async (req, res) => {
          await gate.pass();
          req.session.visits = 1;
          res.json({});
        });
      },
    });
    const browser = isAdopted ? browserWith(site, "old") : await site.login("alice");
    expect(await site.user(browser)).toBe("alice");
    for (const [sid, json] of Object.entries(sessions)) {
      sessions[sid] = JSON.stringify({ ...(JSON.parse(json) as object), userId });
    }
    return { site, browser, sessions, gate };
  }

  it("ends the login of the first user, with an event", async () => {
    const { site, browser, sessions } = await changedTo(undefined);
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect(site.events.at(-1)).toMatchObject({ name: "logout", userId: "alice" });
    expect(JSON.stringify(sessions)).not.toContain("expressLogout");
  });

  it("belongs to the new user alone", async () => {
    const { site, browser } = await changedTo("bob");
    expect(await site.user(browser)).toBe("bob");
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    await site.auth.kick("alice");
    expect(await site.user(browser)).toBe("bob");
    await site.auth.kick("bob");
    expect(await site.user(browser)).toBeNull();
  });

  it("is ended by a kick of the new user, even if it is saved later", async () => {
    const { site, browser, gate } = await changedTo("bob");
    expect(await site.user(browser)).toBe("bob");
    const slow = browser.clone().post("/slow-save", {});
    await gate.reached;
    expect(await site.auth.kick("bob")).toEqual({ users: 1, logins: 1 });
    gate.open();
    await slow;
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("bob")).items).toEqual([]);
  });

  it("is not changed by a late kick of the first user", async () => {
    const { site, browser } = await changedTo("bob");
    expect(await site.user(browser)).toBe("bob");
    await site.auth.kick("alice");
    expect(await site.user(browser)).toBe("bob");
  });

  it("is ended by the logout route", async () => {
    const { site, browser } = await changedTo("bob");
    expect(await site.user(browser)).toBe("bob");
    await browser.get("/login/profile/logout");
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("bob")).items).toEqual([]);
  });
});
