import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { MemoryStore } from "express-session";
import { MemoryLoginRegistry } from "../../lib/index.js";
import type { EndResult, EndTarget } from "../../lib/registry/index.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { sessionId, useSites, type Site } from "../support/site.js";

/** A registry that records how logins end. */
class WatchedRegistry extends MemoryLoginRegistry {
  readonly ends: EndResult[] = [];

  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    const result = await super.end(userId, target);
    this.ends.push(result);
    return result;
  }
}

const openSite = useSites();

/** A site with mass assignment: a client that may write any property of a session may write a stamp. */
async function open(): Promise<{ site: Site; registry: WatchedRegistry; store: MemoryStore }> {
  const registry = new WatchedRegistry();
  const store = new MemoryStore();
  const after = (app: Express): void => {
    app.post("/assign", (req, res, next) => {
      Object.assign(req.session, JSON.parse(req.query["data"] as string));
      save(req).then(() => res.json({}), next);
    });
  };
  return { site: await openSite({ auth: { registry, store }, after }), registry, store };
}

const forge = (browser: Browser, stamp: string) =>
  browser.post(`/assign?data=${encodeURIComponent(JSON.stringify({ expressLogout: stamp, visits: 1 }))}`);

describe("a copy of a kicked session in another session", () => {
  it("logs no user in", async () => {
    const { site, store } = await open();
    const alice = await site.login("alice");
    const all = await promisify(store.all.bind(store) as (done: (error: unknown, all: object) => void) => void)();
    const copy = (all as unknown as Record<string, object>)[sessionId(alice)];
    await site.auth.kick("alice");
    const browser = new Browser(site.url);
    const { cookie: _own, ...data } = copy as { cookie: object };
    await browser.post(`/assign?data=${encodeURIComponent(JSON.stringify(data))}`);
    expect(await site.user(browser)).not.toBe("alice");
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });
});

describe("a stamp that a client has written into a session", () => {
  it.each(["alice", "anonymous"])("ends no login of another user: %s", async (who) => {
    const { site, registry } = await open();
    const victim = await site.login("victim");
    const [login] = (await site.auth.listLogins("victim")).items;
    const browser = who === "anonymous" ? new Browser(site.url) : await site.login(who);
    await forge(browser, `${login?.id ?? ""} 0 victim`);
    expect(await site.user(browser)).toBe(who === "anonymous" ? null : who);
    expect(await site.user(victim)).toBe("victim");
    expect(registry.ends.map(({ endCount }) => endCount)).not.toContain(1);
  });

  it("leaves no trace of a login that was never listed", async () => {
    const { site, registry } = await open();
    const browser = new Browser(site.url);
    await forge(browser, `~${"A".repeat(22)} 0 nobody`);
    await browser.get("/me");
    expect(registry.ends).toEqual(registry.ends.map(() => ({ ended: [], endCount: 0 })));
    expect(registry.ends.length).toBeGreaterThan(0);
  });

  it("does not end the login that it names when the session is destroyed without its request", async () => {
    const { site, store } = await open();
    const victim = await site.login("victim");
    const [login] = (await site.auth.listLogins("victim")).items;
    const browser = await site.login("victim");
    const sid = sessionId(browser);
    const { sessions } = store as unknown as { sessions: Record<string, string> };
    const data = JSON.parse(sessions[sid] ?? "") as object;
    sessions[sid] = JSON.stringify({ ...data, expressLogout: `${login?.id ?? ""} 0 victim` });
    await promisify((done: (error?: unknown) => void) => store.destroy(sid, done))();
    expect(await site.user(victim)).toBe("victim");
  });
});
