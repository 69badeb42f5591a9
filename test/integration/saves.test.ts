import { describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore, type SessionData } from "express-session";
import { MemoryLoginRegistry } from "../../lib/index.js";
import type { AddOptions, AddResult, LoginChange, NewLogin, UpdateResult } from "../../lib/registry/index.js";
import { stampOf } from "../../lib/session/stamp.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { save } from "../support/race-app.js";
import { sessionId, useSites } from "../support/site.js";

const HOUR_MS = 3_600_000;

/** Keeps each session as the text that was written. */
class RecordingStore extends MemoryStore {
  readonly written: SessionData[] = [];

  override set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.written.push(JSON.parse(JSON.stringify(session)) as SessionData);
    super.set(sid, session, callback);
  }

  get texts(): Record<string, string> {
    return (this as unknown as { sessions: Record<string, string> }).sessions;
  }
}

/** A registry that waits on demand. */
class SlowRegistry extends MemoryLoginRegistry {
  beforeAdd: (() => Promise<void>) | undefined;
  beforeUpdate: (() => Promise<void>) | undefined;

  override async add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    if (options?.since === undefined) await this.beforeAdd?.();
    return super.add(login, options);
  }

  override async update(userId: string, loginId: string, change: LoginChange): Promise<UpdateResult> {
    await this.beforeUpdate?.();
    return super.update(userId, loginId, change);
  }
}

describe("saves of one session", () => {
  const openSite = useSites();

  async function open() {
    const store = new RecordingStore();
    const registry = new SlowRegistry();
    const gate = new Gate();
    const after = (app: Express): void => {
      const route = (path: string, act: (req: Request) => void | Promise<void>): void => {
        app.post(path, (req, res, next) => {
          Promise.resolve(act(req)).then(() => res.json({}), next);
        });
      };
      route("/login/twice", (req) => {
        req.session.userId = "alice";
        req.session.save();
        req.session.visits = 1;
      });
      route("/login/hesitating", async (req) => {
        req.session.userId = "alice";
        req.session.save();
        await gate.pass();
        req.session.userId = "bob";
      });
      route("/login/saved", async (req) => {
        req.session.userId = "alice";
        await save(req);
      });
      route("/visit", (req) => {
        req.session.visits = (req.session.visits ?? 0) + 1;
      });
    };
    const site = await openSite({ auth: { store, registry }, session: { cookie: { maxAge: HOUR_MS } }, after });
    /** Of the hour that a session lives, ten minutes are left. */
    const age = (sid: string): void => {
      const stored = JSON.parse(store.texts[sid] ?? "") as { cookie: { expires: string } };
      stored.cookie.expires = new Date(Date.now() + HOUR_MS / 6).toISOString();
      store.texts[sid] = JSON.stringify(stored);
    };
    const expiryOf = (sid: string): number =>
      +new Date((JSON.parse(store.texts[sid] ?? "") as { cookie: { expires: string } }).cookie.expires);
    return { site, store, registry, gate, age, expiryOf };
  }

  it("begin one login if the app does not wait for the first save", async () => {
    const { site } = await open();
    await new Browser(site.url).post("/login/twice");
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });

  it("write no user with another user's login if the app changes the user meanwhile", async () => {
    const { site, store, registry, gate } = await open();
    const browser = new Browser(site.url);
    registry.beforeAdd = async () => {
      registry.beforeAdd = undefined;
      gate.open();
      await new Promise(setImmediate);
    };
    await browser.post("/login/hesitating");
    expect(store.written).not.toHaveLength(0);
    for (const data of store.written) {
      expect(stampOf({ ...data })?.userId).toBe(data.userId);
    }
    expect(await site.user(browser)).toBe("bob");
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it("keep a login as long as a session that is touched after the first save", async () => {
    const { site, age, expiryOf } = await open();
    const browser = new Browser(site.url);
    await browser.post("/visit");
    const sid = sessionId(browser);
    age(sid);
    await browser.post("/login/saved");
    const [login] = (await site.auth.listLogins("alice")).items;
    expect(+(login?.expires ?? 0)).toBeGreaterThanOrEqual(expiryOf(sid));
  });

  it("keep a login as long as the session if the request that updates the registry is still running", async () => {
    const { site, store, registry, gate, expiryOf } = await open();
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const stored = JSON.parse(store.texts[sid] ?? "") as { cookie: object };
    store.texts[sid] = JSON.stringify({ ...stored, cookie: { ...stored.cookie, originalMaxAge: 2 * HOUR_MS } });
    registry.beforeUpdate = async () => {
      registry.beforeUpdate = undefined;
      await gate.pass();
    };
    const visit = browser.clone().post("/visit");
    await gate.reached;
    await browser.get("/me");
    const [login] = (await site.auth.listLogins("alice")).items;
    expect(+(login?.expires ?? 0)).toBeGreaterThanOrEqual(expiryOf(sid));
    gate.open();
    await visit;
  });
});
