import { EventEmitter } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { MemoryStore } from "express-session";
import { LogoutError } from "../../lib/index.js";
import { Browser } from "../support/http.js";
import { sessionId, useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const REASON = "The password was changed.";

describe.each(BACKENDS.map((make) => [make().name, make] as const))(
  "auth.signalOfSession() on %s",
  (_name, makeBackend) => {
    const backend = makeBackend();
    beforeAll(() => backend.start());
    afterAll(() => backend.stop());
    const openSite = useSites();

    it("aborts when the login of the session is kicked, with the reason", async () => {
      const site = await openSite({ backend });
      const alice = await site.login("alice");
      const [login] = (await site.auth.listLogins("alice")).items;
      const signal = await site.auth.signalOfSession(sessionId(alice), new EventEmitter());
      expect(signal.aborted).toBe(false);
      const ended = new Promise((resolve) => signal.addEventListener("abort", resolve));
      await site.auth.kick("alice", { reason: REASON });
      await ended;
      expect(signal.reason).toBeInstanceOf(LogoutError);
      expect(signal.reason).toMatchObject({ details: { cause: "kick", reason: REASON, loginId: login?.id } });
    });

    it("is aborted if the session was kicked, and leaves the reason for a page", async () => {
      const site = await openSite({ backend });
      const alice = await site.login("alice");
      await site.auth.kick("alice", { reason: REASON });
      for (let times = 0; times < 2; times += 1) {
        const signal = await site.auth.signalOfSession(sessionId(alice), new EventEmitter());
        expect([signal.aborted, signal.reason?.details]).toEqual([
          true,
          expect.objectContaining({ cause: "kick", reason: REASON }),
        ]);
      }
      const page = await alice.get("/me");
      expect([page.status, page.text]).toEqual([401, expect.stringContaining(REASON)]);
    });

    it("is aborted without a session: logged out, invented, or missing", async () => {
      const site = await openSite({ backend });
      const alice = await site.login("alice");
      await alice.post("/login/profile/logout");
      for (const id of [sessionId(alice), "made-up", "", undefined as unknown as string, {} as unknown as string]) {
        const signal = await site.auth.signalOfSession(id, new EventEmitter());
        expect([signal.aborted, signal.reason?.details]).toEqual([
          true,
          { loginId: "", cause: "logout", at: expect.any(Date), reason: undefined },
        ]);
      }
    });
  },
);

describe("auth.signalOfSession()", () => {
  const openSite = useSites();
  const anonymous = (site: Awaited<ReturnType<typeof openSite>>): Browser => new Browser(site.url);
  const withInPlace = {
    session: { saveUninitialized: true },
    after: (app: Express): unknown =>
      app.post("/in-place/:user", (req, res) => {
        req.session.userId = req.params.user;
        res.json({});
      }),
  };

  it("never aborts for an anonymous session that is served", async () => {
    const site = await openSite(withInPlace);
    const browser = anonymous(site);
    await browser.get("/me");
    const signal = await site.auth.signalOfSession(sessionId(browser), new EventEmitter());
    await site.auth.kickAll();
    expect(signal.aborted).toBe(false);
  });

  it("gives the same signal for the same connection, also when asked twice at once, and after the end", async () => {
    const site = await openSite(withInPlace);
    const [alice, visitor] = [await site.login("alice"), anonymous(site)];
    await visitor.get("/me");
    for (const browser of [alice, visitor]) {
      const until = new EventEmitter();
      const ask = (): Promise<AbortSignal> => site.auth.signalOfSession(sessionId(browser), until);
      const [one, other] = await Promise.all([ask(), ask()]);
      expect(other).toBe(one);
      await site.auth.kick("alice");
      expect(await ask()).toBe(one);
      expect(one.aborted).toBe(browser === alice);
    }
  });

  it("gives a new signal after another login in the same session, or a login after a kick", async () => {
    const site = await openSite(withInPlace);
    const browser = anonymous(site);
    await browser.get("/me");
    const until = new EventEmitter();
    const ask = (): Promise<AbortSignal> => site.auth.signalOfSession(sessionId(browser), until);
    const before = await ask();
    await browser.post("/in-place/alice");
    const during = await ask();
    expect(during).not.toBe(before);
    await site.auth.kick("alice");
    expect([before.aborted, during.aborted]).toEqual([false, true]);
  });

  it("does not abort after the end of the connection", async () => {
    const site = await openSite();
    const alice = await site.login("alice");
    const until = new EventEmitter();
    const signal = await site.auth.signalOfSession(sessionId(alice), until);
    until.emit("close");
    await site.auth.kick("alice");
    expect(signal.aborted).toBe(false);
    expect(until.listenerCount("close")).toBe(0);
  });

  it.each(["one after the other", "at the same time"])(
    "listens to a connection once, however many logins it sees %s, and not after the last",
    async (when) => {
      const site = await openSite();
      const until = new EventEmitter();
      const counts: number[] = [];
      for (let times = 0; times < 14; times += 1) {
        const browser = await site.login(`user-${String(times)}`);
        await site.auth.signalOfSession(sessionId(browser), until);
        counts.push(until.listenerCount("close"));
        if (when === "one after the other") await site.auth.kick(`user-${String(times)}`);
      }
      await site.auth.kickAll();
      expect([new Set(counts), until.listenerCount("close")]).toEqual([new Set([1]), 0]);
    },
  );

  it("adds one listener to a connection that has no off()", async () => {
    const site = await openSite();
    const listeners: (() => void)[] = [];
    const until = { once: (_event: "close", listener: () => void) => listeners.push(listener) };
    const signals: AbortSignal[] = [];
    for (let times = 0; times < 3; times += 1) {
      const user = `user-${String(times)}`;
      signals.push(await site.auth.signalOfSession(sessionId(await site.login(user)), until));
      if (times < 2) await site.auth.kick(user);
    }
    expect(listeners).toHaveLength(1);
    listeners[0]?.();
    await site.auth.kickAll();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
  });

  it("rejects if the store fails, without the session id in the error", async () => {
    const store = new MemoryStore();
    const get = store.get.bind(store);
    const failing = { error: undefined as Error | undefined };
    store.get = (sid, callback) => {
      if (failing.error === undefined) get(sid, callback);
      else callback(new Error(`${failing.error.message} sess:${sid}`));
    };
    const site = await openSite({ auth: { store } });
    const alice = await site.login("alice");
    const sid = sessionId(alice);
    failing.error = new Error("ECONNRESET");
    const error: unknown = await site.auth.signalOfSession(sid, new EventEmitter()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "ERR_STORE_UNAVAILABLE",
      status: 503,
      cause: { message: "ECONNRESET sess:…" },
    });
  });

  it("rejects a connection that cannot report its end", async () => {
    const site = await openSite();
    await expect(site.auth.signalOfSession("a", {} as never)).rejects.toMatchObject({ code: "ERR_ARGUMENT_INVALID" });
  });
});
