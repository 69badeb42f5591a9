import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MemoryStore, type SessionData } from "express-session";
import { MemoryLoginRegistry, type LogoutOptions, type SessionOptions } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { signedCookie, useSites, type Site } from "../support/site.js";
import { unhookedViewOf } from "../support/stores.js";
import { DAY, HOUR, MINUTE, START, useClockOfTheTest } from "../support/visits.js";

declare module "express-session" {
  interface SessionData {
    authenticated?: number;
    since?: Date;
  }
}

type Done = (error?: unknown) => void;

const openSite = useSites();
useClockOfTheTest();

const warnings: { message: string; code: unknown }[] = [];
beforeEach(() => {
  warnings.length = 0;
  jest.spyOn(process, "emitWarning").mockImplementation((message, options) => {
    const { code } = (options ?? {}) as { code?: string };
    warnings.push({ message: String(message), code });
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** A site, and a login service that writes its sessions without the package. */
async function open(sessions: SessionOptions = {}, store = new MemoryStore(), auth: Partial<LogoutOptions> = {}) {
  const bareSet = store.set.bind(store);
  const site = await openSite({ auth: { store, sessions, ...auth } });
  const write = async (sid: string, data: Partial<SessionData>): Promise<Browser> => {
    const cookie: object = { originalMaxAge: DAY, expires: new Date(Date.now() + DAY), path: "/", httpOnly: true };
    await promisify((done: Done) => bareSet(sid, { cookie, ...data } as object as SessionData, done))();
    const [name = "", value = ""] = signedCookie(sid).split("=");
    return new Browser(site.url).withCookie(name, value);
  };
  return { site, store, write };
}

const wait = (ms: number): void => {
  jest.setSystemTime(Date.now() + ms);
};
const stored = (store: MemoryStore): string => JSON.stringify((store as unknown as { sessions: object }).sessions);
const loggedInAt: SessionOptions["loggedInAt"] = ({ authenticated }) => authenticated;
const userAfterKick = async (site: Site, browser: Browser): Promise<unknown> => site.user(browser);

describe("sessions that are older than the installation", () => {
  it("are rejected for good if they are not adopted", async () => {
    const { site, store, write } = await open({ adopt: false });
    const browser = await write("old", { userId: "alice" });
    expect(await site.user(browser)).toBeNull();
    expect([(await site.auth.listLogins("alice")).total, stored(store)]).toEqual([
      0,
      expect.not.stringContaining("alice"),
    ]);
    expect(await site.user(await site.login("alice"))).toBe("alice");
  });

  it("are adopted until a date", async () => {
    const { site, write } = await open({ adopt: new Date(START + HOUR) });
    const [early, late] = [await write("early", { userId: "alice" }), await write("late", { userId: "bob" })];
    expect(await site.user(early)).toBe("alice");
    wait(HOUR);
    expect([await site.user(early), await site.user(late)]).toEqual(["alice", null]);
  });

  it("are rejected after the loss of the registry if they are not adopted", async () => {
    const store = new MemoryStore();
    const lost = await open({ adopt: false }, unhookedViewOf(store));
    const browser = await lost.write("old", { userId: "alice" });
    await lost.site.auth.kick("alice");
    const restarted = await openSite({
      auth: { store, registry: new MemoryLoginRegistry(), sessions: { adopt: false } },
    });
    expect(await restarted.user(browser.clone(restarted.url))).toBeNull();
  });
});

describe("a login by another service", () => {
  it("differs from an old session in the time of the login", async () => {
    const { site, write } = await open({ loggedInAt });
    await site.auth.kick("alice");
    await site.auth.kickAll();
    const kickedAt = Date.now();
    wait(HOUR);
    const before = await write("before", { userId: "alice", authenticated: kickedAt - HOUR });
    const unknown = await write("unknown", { userId: "alice" });
    const after = await write("after", { userId: "alice", authenticated: kickedAt + MINUTE });
    expect([await site.user(before), await site.user(unknown), await site.user(after)]).toEqual([null, null, "alice"]);
    await site.auth.kick("alice");
    expect(await userAfterKick(site, after)).toBeNull();
  });

  it("is rejected within a minute of the kick: two clocks are compared", async () => {
    const { site, write } = await open({ loggedInAt });
    await site.auth.kick("alice");
    const at = Date.now() + MINUTE - 1;
    wait(HOUR);
    expect(await site.user(await write("sid", { userId: "alice", authenticated: at }))).toBeNull();
  });

  it("gets no reason from an earlier kick", async () => {
    const { site, write } = await open({ loggedInAt });
    await site.auth.kick("alice", { reason: "an old one" });
    wait(HOUR);
    const browser = await write("sid", { userId: "alice", authenticated: Date.now() });
    expect(await site.user(browser)).toBe("alice");
    await browser.clone().get("/login/profile/logout");
    // A slow request of the login service writes this session. The login has ended, and not by a kick.
    await write("sid", { userId: "alice", authenticated: Date.now() });
    const { status, body } = await browser.get("/me");
    expect([status, body]).toEqual([200, { user: null }]);
  });

  it("may have a string as its date, as in sessions that are stored as JSON", async () => {
    const { site, write } = await open({ loggedInAt: ({ since }) => since });
    await site.auth.kick("alice");
    wait(HOUR);
    const browser = await write("sid", { userId: "alice", since: new Date() });
    expect(await site.user(browser)).toBe("alice");
  });

  it.each([
    ["undefined", () => undefined],
    ["null", () => null as unknown as undefined],
  ])("is adopted as a session of unknown age if the function returns %s", async (_what, returns) => {
    const { site, write } = await open({ loggedInAt: returns });
    const browser = await write("sid", { userId: "alice" });
    expect([await site.user(browser), warnings]).toEqual(["alice", []]);
    await site.auth.kick("alice");
    expect(await site.user(browser)).toBeNull();
  });

  it("does not outlive later kicks if its date is in the future", async () => {
    const { site, write } = await open({ loggedInAt });
    const browser = await write("sid", { userId: "alice", authenticated: START + 365 * DAY });
    await site.auth.kick("alice");
    expect(await site.user(browser)).toBeNull();
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("a secret");
      },
    ],
    ["returns another text", () => "yesterday" as unknown as Date],
    ["returns no date", () => new Date(NaN)],
  ])("is rejected, and keeps its session, if the function %s; the error is reported once", async (_what, fails) => {
    const { site, store, write } = await open({ loggedInAt: fails });
    const browser = await write("sid", { userId: "alice" });
    expect([await site.user(browser), await site.user(browser)]).toEqual([null, null]);
    expect(stored(store)).toContain("alice");
    expect(warnings).toEqual([
      { code: "EXPRESS_LOGOUT_LOGGED_IN_AT", message: expect.stringContaining("sessions.loggedInAt failed") },
    ]);
    expect(warnings[0]?.message).not.toContain("a secret");
  });
});

describe("auth.adoptSessions()", () => {
  it("lists sessions that are older than the installation, and reports its progress", async () => {
    const { site, write } = await open();
    await site.login("carol");
    for (const user of ["alice", "bob"]) await write(user, { userId: user });
    await write("anonymous", {});
    await site.auth.kick("bob");
    const progress: object[] = [];
    expect(await site.auth.adoptSessions({ onProgress: (each) => progress.push(each) })).toBe(1);
    const totals = ["alice", "bob", "carol"].map(async (user) => (await site.auth.listLogins(user)).total);
    expect(await Promise.all(totals)).toEqual([1, 0, 1]);
    expect(progress.at(-1)).toEqual({ done: 4, total: 4 });
    expect(await site.auth.adoptSessions()).toBe(0);
  });

  it("adopts no session with sessions.adopt: false", async () => {
    const { site, store, write } = await open({ adopt: false });
    await write("old", { userId: "alice" });
    expect([await site.auth.adoptSessions(), stored(store)]).toEqual([0, expect.stringContaining("alice")]);
  });

  it("continues after an error of onProgress, and rejects at the end", async () => {
    const { site, write } = await open();
    for (const user of ["alice", "bob"]) await write(user, { userId: user });
    const failing = (): never => {
      throw new Error("no progress, please");
    };
    await expect(site.auth.adoptSessions({ onProgress: failing })).rejects.toThrow("no progress, please");
    expect((await site.auth.listActiveUsers()).total).toBe(2);
  });

  it("continues after a session that cannot be read, and rejects at the end", async () => {
    const { site, write } = await open({}, new MemoryStore(), { userId: ({ userId }) => userId });
    await write("odd", { userId: {} as string });
    await write("old", { userId: "alice" });
    await expect(site.auth.adoptSessions()).rejects.toMatchObject({ code: "ERR_USER_ID_INVALID" });
    expect((await site.auth.listLogins("alice")).total).toBe(1);
  });

  it.each([
    ["has no all()", { all: undefined }],
    [
      "returns no session ids",
      { all: (done: (error: null, sessions: object[]) => void) => done(null, [{ cookie: {} }]) },
    ],
  ])("rejects for a store that %s", async (_what, methods) => {
    const { site } = await open({}, Object.assign(new MemoryStore(), methods));
    await expect(site.auth.adoptSessions()).rejects.toMatchObject({ code: "ERR_STORE_UNSUPPORTED" });
  });
});

describe("a memory registry beside a store that keeps sessions", () => {
  it("causes a warning at set-up", async () => {
    class FileStore extends MemoryStore {}
    await openSite({ auth: { store: new FileStore(), registry: new MemoryLoginRegistry() } });
    const message = expect.stringContaining('Pass new SqliteLoginRegistry({ database: "logins.db" })');
    expect(warnings).toEqual([{ code: "EXPRESS_LOGOUT_MEMORY_REGISTRY", message }]);
  });

  it("causes no warning if the store is in memory too", async () => {
    await openSite({ auth: { store: new MemoryStore(), registry: new MemoryLoginRegistry() } });
    expect(warnings).toEqual([]);
  });
});
