import { describe, expect, it, jest } from "@jest/globals";
import { MemoryStore } from "express-session";
import { LogoutError, type LoginOptions } from "../../lib/index.js";
import type { Browser } from "../support/http.js";
import { sessionId, useSites, type Site } from "../support/site.js";
import { DAY, HOUR, MINUTE, useClockOfTheTest } from "../support/visits.js";

const openSite = useSites();
const NAVIGATION = { Accept: "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };

const lasting = (lifetime: LoginOptions["lifetime"], store = new MemoryStore()) =>
  openSite({ auth: { store, logins: { lifetime } }, session: { cookie: { maxAge: 30 * DAY } } });

function later(ms: number): void {
  jest.setSystemTime(Date.now() + ms);
}

/** Whether a browser that asks at each of these intervals is served. */
async function servedEvery(site: Site, browser: Browser, ms: number, times: number): Promise<boolean[]> {
  const served: boolean[] = [];
  for (let time = 0; time < times; time += 1) {
    later(ms);
    served.push((await site.user(browser)) === "alice");
  }
  return served;
}

describe("logins.lifetime", () => {
  useClockOfTheTest();

  it("ends a login after the absolute time, however active it is", async () => {
    const site = await lasting({ absoluteMs: 12 * HOUR });
    const browser = await site.login("alice");
    expect(await servedEvery(site, browser, HOUR - 1, 12)).toEqual(Array(12).fill(true));
    expect(await servedEvery(site, browser, 12, 1)).toEqual([false]);
    await browser.post("/login", { user: "alice" });
    expect(await site.user(browser)).toBe("alice");
  });

  it("counts from the login, not from a new session id", async () => {
    const site = await lasting({ absoluteMs: 2 * HOUR });
    const browser = await site.login("alice");
    later(HOUR);
    site.gate.open();
    await browser.post("/slow/regenerate and copy the user id");
    expect(await servedEvery(site, browser, 59 * MINUTE, 1)).toEqual([true]);
    expect(await servedEvery(site, browser, 2 * MINUTE, 1)).toEqual([false]);
  });

  it("ends an idle login, never early, and at most a minute late", async () => {
    const site = await lasting({ idleMs: 30 * MINUTE });
    const [active, idle] = [await site.login("alice"), await site.login("alice")];
    expect(await servedEvery(site, active, 30 * MINUTE - 1, 6)).toEqual(Array(6).fill(true));
    expect(await site.user(idle)).toBe(null);
    expect(await servedEvery(site, active, 31 * MINUTE, 1)).toEqual([false]);
  });

  it("keeps a login that is always active, also between two records of its activity", async () => {
    const site = await lasting({ idleMs: 10_000 });
    const browser = await site.login("alice");
    expect(await servedEvery(site, browser, 9_999, 20)).toEqual(Array(20).fill(true));
    expect(await servedEvery(site, browser, 10_000 + MINUTE, 1)).toEqual([false]);
  });

  it("may depend on the session and the user", async () => {
    const seen: unknown[] = [];
    const site = await lasting((session, userId) => {
      seen.push([userId, session.userId]);
      return Promise.resolve(userId === "alice" ? { absoluteMs: HOUR } : {});
    });
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    later(2 * HOUR);
    expect([await site.user(alice), await site.user(bob)]).toEqual([null, "bob"]);
    expect(seen).toEqual([
      ["alice", "alice"],
      ["bob", "bob"],
    ]);
  });

  it("shows why, reports it, and leaves a tombstone", async () => {
    const store = new MemoryStore() as MemoryStore & { sessions: Record<string, string> };
    const site = await lasting({ absoluteMs: HOUR }, store);
    const browser = await site.login("alice");
    const at = new Date(Date.now() + HOUR);
    later(2 * HOUR);
    const signal = await site.auth.signalOfSession(sessionId(browser), { once: () => undefined });
    expect(signal.reason?.details).toMatchObject({ cause: "lifetime", at });
    expect(store.sessions[sessionId(browser)]).not.toContain("alice");
    const page = await browser.get("/me", NAVIGATION);
    expect([page.status, page.text]).toEqual([401, expect.stringContaining("Your login has expired.")]);
    expect(site.events.filter(({ name }) => name === "rejected")).toEqual([
      expect.objectContaining({ cause: "lifetime", at, userId: "alice" }),
      expect.objectContaining({ cause: "lifetime", at }),
    ]);
  });

  it("is in the lists: when a login ends, and that it has ended", async () => {
    const site = await lasting({ absoluteMs: HOUR });
    await site.login("alice");
    const { items } = await site.auth.listLogins("alice");
    expect(items.map(({ expires }) => expires)).toEqual([new Date(Date.now() + HOUR)]);
    later(HOUR + 1);
    expect(await site.auth.listLogins("alice")).toMatchObject({ total: 0, items: [] });
    expect(await site.auth.listActiveUsers()).toMatchObject({ total: 0, items: [] });
    expect(await site.auth.kick("alice")).toEqual({ users: 0, logins: 0 });
  });

  it.each([
    ["a text", "1h", 500],
    ["0", { absoluteMs: 0 }, 500],
    ["a misspelled name", { absolute: 1 }, 500],
    ["nothing", undefined, 500],
    ["an error", new Error("its own"), 503],
  ])("is a function that answers %s: the login gets an error, and is not listed", async (_what, answer, status) => {
    const site = await lasting(() => {
      if (answer instanceof Error) throw answer;
      return answer as object;
    });
    await expect(site.login("alice")).rejects.toThrow(String(status));
    expect(LogoutError.is(site.errors[0])).toBe(true);
    expect((await site.auth.listLogins("alice")).total).toBe(0);
  });
});

describe("a live connection", () => {
  it("ends with the lifetime", async () => {
    const site = await lasting({ absoluteMs: 400 });
    const browser = await site.login("alice");
    const signal = await site.auth.signalOfSession(sessionId(browser), { once: () => undefined });
    expect(signal.aborted).toBe(false);
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    expect(signal.reason?.details).toMatchObject({ cause: "lifetime" });
  });
});
