import { describe, expect, it } from "@jest/globals";
import type { Express, Request } from "express";
import { MemoryStore } from "express-session";
import { MemoryLoginRegistry, type LoginRegistry } from "../../lib/index.js";
import type { AddOptions, AddResult, EndResult, EndTarget, NewLogin } from "../../lib/registry/index.js";
import { Gate } from "../support/gate.js";
import { Holdable } from "../support/holdable.js";
import { destroy, regenerate, save } from "../support/race-app.js";
import { sessionId, useSites } from "../support/site.js";

/** A registry whose first adoption takes effect, and is then reported as failed. */
class LosesAnswer extends MemoryLoginRegistry {
  afterAdopt: (() => Promise<void>) | undefined;

  override async add(login: NewLogin, options?: AddOptions): Promise<AddResult> {
    const added = await super.add(login, options);
    if (options?.since === undefined) return added;
    const after = this.afterAdopt;
    this.afterAdopt = undefined;
    if (after === undefined) return added;
    await after();
    throw new Error("the answer was lost, as the test wants it");
  }
}

/** A registry in which an event happens between the listing and the next steps of a kick. */
class Interrupts extends MemoryLoginRegistry {
  afterKick: (() => Promise<void>) | undefined;

  override async end(userId: string, target: EndTarget): Promise<EndResult> {
    const result = await super.end(userId, target);
    if (target.loginId === undefined) await this.afterKick?.();
    return result;
  }
}

interface Generates {
  generate(req: Request): void;
}

/** Schedules that have once broken a promise, each as it was found. */
describe("a schedule that once", () => {
  const openSite = useSites();

  async function open(registry?: LoginRegistry) {
    const holdable = new Holdable(new MemoryStore());
    const gates = { a: new Gate(), b: new Gate() };
    const after = (app: Express): void => {
      const route = (path: string, act: (req: Request) => Promise<void>): void => {
        app.post(path, (req, res, next) => {
          act(req).then(() => res.json({}), next);
        });
      };
      route("/null", async (req) => {
        await gates.a.pass();
        (req as { session: unknown }).session = null;
      });
      route("/rotate", async (req) => {
        const { userId } = req.session;
        await regenerate(req);
        await gates.b.pass();
        req.session.userId = userId;
      });
      route("/rotate-by-hand", async (req) => {
        const { userId } = req.session;
        await destroy(req);
        await gates.b.pass();
        (req.sessionStore as unknown as Generates).generate(req);
        req.session.userId = userId;
        await save(req).catch(() => save(req));
      });
      route("/destroy", async (req) => {
        await gates.a.pass();
        await destroy(req);
      });
      route("/become/bob", (req) => {
        req.session.userId = "bob";
        return Promise.resolve();
      });
      route("/later/become/bob", async (req) => {
        await gates.a.pass();
        req.session.userId = "bob";
      });
      route("/visit", (req) => {
        req.session.visits = (req.session.visits ?? 0) + 1;
        return Promise.resolve();
      });
    };
    const site = await openSite({
      auth: { store: holdable.store, registry },
      session: { unset: registry === undefined ? "destroy" : "keep" },
      after,
    });
    return { site, holdable, gates };
  }

  it.each(["/rotate", "/rotate-by-hand"])(
    "lost a logout by req.session = null beside %s keeps that logout",
    async (path) => {
      const { site, gates } = await open();
      const browser = await site.login("alice");
      const out = browser.clone().post("/null");
      await gates.a.reached;
      const rotating = browser.post(path);
      await gates.b.reached;
      gates.a.open();
      await out;
      gates.b.open();
      await rotating;
      expect(await site.user(browser)).toBeNull();
      expect((await site.auth.listLogins("alice")).items).toEqual([]);
    },
  );

  it("undid a kick of one login after a failed write leaves it ended", async () => {
    const { site, holdable, gates } = await open();
    const browser = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    const rotating = browser.post("/rotate-by-hand");
    await gates.b.reached;
    const writing = holdable.hold("set", "then fail");
    gates.b.open();
    await writing.reached;
    await site.auth.kickLogin("alice", login?.id ?? "");
    writing.open();
    await rotating;
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it("undid another request's logout after a lost answer of the registry leaves it ended", async () => {
    const registry = new LosesAnswer();
    const { site, gates } = await open(registry);
    const browser = await site.login("alice");
    const out = browser.clone().post("/destroy");
    await gates.a.reached;
    registry.afterAdopt = async () => {
      gates.a.open();
      await out;
    };
    const rotating = browser.post("/rotate-by-hand");
    await gates.b.reached;
    gates.b.open();
    await rotating;
    expect(await site.user(browser)).toBeNull();
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });

  it("destroyed a new user's session by a read of the old one's leaves it", async () => {
    const { site, holdable } = await open();
    const browser = await site.login("alice");
    const reading = holdable.hold("get", "after");
    const read = browser.clone().get("/me");
    await reading.reached;
    await browser.post("/become/bob");
    reading.open();
    expect((await read).body).toEqual({ user: "bob" });
    expect(await site.user(browser)).toBe("bob");
  });

  it("put the tombstone of a kick over a new user's session keeps that session", async () => {
    const registry = new Interrupts();
    const { site, gates } = await open(registry);
    const browser = await site.login("alice");
    const become = browser.clone().post("/later/become/bob");
    await gates.a.reached;
    registry.afterKick = async () => {
      gates.a.open();
      await become;
    };
    await site.auth.kick("alice");
    expect(await site.user(browser)).toBe("bob");
  });

  it("lost the write of a first request to an old session keeps that write", async () => {
    const { site, holdable } = await open();
    const browser = await site.login("alice");
    const sessions = (holdable.store as unknown as { sessions: Record<string, string> }).sessions;
    const sid = sessionId(browser);
    const { expressLogout: _stamp, ...old } = JSON.parse(sessions[sid] ?? "") as Record<string, unknown>;
    sessions[sid] = JSON.stringify(old);
    const reading = holdable.hold("get", "after");
    const read = browser.clone().get("/me");
    await reading.reached;
    await browser.post("/visit");
    reading.open();
    await read;
    expect(JSON.parse(sessions[sid])).toMatchObject({ visits: 1, userId: "alice" });
  });
});

describe("an interrupted kick of one login", () => {
  const openSite = useSites();

  it("is finished when repeated", async () => {
    const holdable = new Holdable(new MemoryStore());
    const site = await openSite({ auth: { store: holdable.store } });
    const browser = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    holdable.fail("set");
    const kick = () => site.auth.kickLogin("alice", login?.id ?? "", { reason: "lost" });
    await expect(kick()).rejects.toMatchObject({ code: "ERR_KICK_INCOMPLETE", details: { userIds: ["alice"] } });
    expect(await kick()).toEqual({ users: 1, logins: 1 });
    const sessions = (holdable.store as unknown as { sessions: Record<string, string> }).sessions;
    expect(sessions[sessionId(browser)]).not.toContain("alice");
    expect((await browser.get("/me")).body).toEqual({ code: 401, message: "You have been logged out: lost" });
  });
});
