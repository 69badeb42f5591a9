import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { LogoutError, logout, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { LiveThings, WAYS, type Live } from "../support/live.js";
import { sessionId, useSites, type Site, type SiteOptions } from "../support/site.js";
import { BACKENDS, memoryBackend } from "../support/stores.js";

const REASON = "The password was changed.";
/** Longer than a test. Only a notification, or the takeover itself, can end a live connection sooner. */
const NEVER_MS = 3_600_000;

const aborted = (signal: AbortSignal): Promise<unknown> => (signal.aborted ? Promise.resolve() : once(signal, "abort"));
const endsOf = (lives: readonly Live[]) => Promise.all(lives.map(({ ended }) => ended));

describe.each(BACKENDS.map((make) => [make().name, make] as const))("a live connection on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();
  const isInProcess = makeBackend === memoryBackend;
  let opened = 0;

  /** An app with one live connection of each kind, and the same app again on its store. */
  async function open(options: SiteOptions = {}) {
    const appId = `takeover-${String(opened++)}`;
    const things = new LiveThings();
    const node = backend.open();
    const create = (auth: Partial<LogoutOptions> = {}): Promise<Site> =>
      openSite({
        ...options,
        auth: { ...node, appId, sessions: { liveCheckIntervalMs: NEVER_MS }, ...options.auth, ...auth },
        after: (app, given) => {
          things.addRoutes(app, given);
        },
        attach: (server, sessions, given) => things.addUpgrades(server, sessions, given),
      });
    const first = await create();
    const alice = await first.login("alice");
    const lives: Live[] = [];
    for (const way of Object.values(WAYS)) lives.push(await way(first, alice, things));
    return { first, alice, lives, signals: things.signals, create };
  }

  it("ends by a kick of the logout() that takes the store over, each time", async () => {
    const { first, lives, signals, create } = await open();
    let site = first;
    for (let times = 0; times < 3; times += 1) {
      await site.auth.close();
      site = await create();
      expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false]);
    }
    await site.auth.kick("alice", { reason: REASON });
    expect(!isInProcess || signals.every((signal) => signal.aborted)).toBe(true);
    expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "kick", reason: REASON })));
  });

  it("ends at the takeover where its login was kicked after the close()", async () => {
    const { first, lives, create } = await open();
    await first.auth.close();
    await first.auth.kick("alice", { reason: REASON });
    await create();
    expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "kick", reason: REASON })));
  });

  it("ends at the takeover by another application, which logs its user out", async () => {
    const { first, lives, create } = await open();
    await first.auth.close();
    await create({ appId: `blog-${first.appId}`, registry: backend.open().registry });
    expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "logout" })));
  });

  it("ends when its login expires after the takeover", async () => {
    const { first, lives, create } = await open({ session: { cookie: { maxAge: 1_500 }, rolling: false } });
    await first.auth.close();
    await create();
    expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "expiry" })));
  });

  it("ends liveCheckIntervalMs after the close() without a takeover, and says that its login may live on", async () => {
    const { first, alice, lives, signals } = await open({ auth: { sessions: { liveCheckIntervalMs: 300 } } });
    const closedAt = performance.now();
    await first.auth.close();
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false, false]);
    expect(await endsOf(lives)).toEqual(lives.map(() => expect.objectContaining({ cause: "close" })));
    expect(performance.now() - closedAt).toBeGreaterThan(250);
    expect(await first.user(alice)).toBe("alice");
    for (const { reason } of signals) {
      expect(reason).toBeInstanceOf(LogoutError);
      expect(reason).toMatchObject({ code: "ERR_LOGIN_ENDED", status: 503, details: { reason: undefined } });
      expect((reason as Error).message).toContain("auth.close()");
    }
  });

  it("keeps its signal across the takeover, from either logout()", async () => {
    const { first, alice, create } = await open();
    const until = new EventEmitter();
    const before = await first.auth.signalOfSession(sessionId(alice), until);
    await first.auth.close();
    expect(await first.auth.signalOfSession(sessionId(alice), until)).toBe(before);
    const next = await create();
    for (const { auth } of [first, next]) expect(await auth.signalOfSession(sessionId(alice), until)).toBe(before);
    expect(until.listenerCount("close")).toBe(1);
    await next.auth.kick("alice");
    await aborted(before);
    expect(before.reason).toMatchObject({ details: { cause: "kick" } });
  });

  it("that begins after the close() ends without a takeover, and by a kick after one", async () => {
    for (const isTakenOver of [false, true]) {
      const { first, create } = await open({
        auth: { sessions: { liveCheckIntervalMs: isTakenOver ? NEVER_MS : 300 } },
      });
      const bob = await first.login("bob");
      await first.auth.close();
      const signal = await first.auth.signalOfSession(sessionId(bob), new EventEmitter());
      if (isTakenOver) await (await create()).auth.kick("bob");
      await aborted(signal);
      expect(signal.reason).toMatchObject({ details: { cause: isTakenOver ? "kick" : "close" } });
    }
  });

  it("that ends before the takeover is not ended by a later kick", async () => {
    const { first, alice, create } = await open();
    const until = new EventEmitter();
    const signal = await first.auth.signalOfSession(sessionId(alice), until);
    await first.auth.close();
    until.emit("close");
    const next = await create();
    await next.auth.kick("alice");
    expect(signal.aborted).toBe(false);
  });
});

describe("auth.close()", () => {
  /** Counts its subscriptions, whose close() fails as often as it is set to. */
  class Subscribed extends MemoryLoginRegistry {
    subscriptions = 0;
    closings = 0;
    error: Error | undefined;
    errorOfClose: Error | undefined;
    override subscribe(...given: Parameters<MemoryLoginRegistry["subscribe"]>) {
      const subscription = super.subscribe(...given);
      this.subscriptions += 1;
      return {
        close: async () => {
          await subscription.close();
          this.subscriptions -= 1;
          if (this.error !== undefined) throw this.error;
        },
      };
    }
    override close(): Promise<void> {
      this.closings += 1;
      return this.errorOfClose === undefined ? super.close() : Promise.reject(this.errorOfClose);
    }
  }
  const openSite = useSites();

  it("opens no further subscription, even if other methods are called afterwards", async () => {
    const registry = new Subscribed();
    const site = await openSite({ auth: { registry }, listensTo: [] });
    const alice = await site.login("alice");
    await site.auth.signalOfSession(sessionId(alice), new EventEmitter());
    site.auth.on("kick", () => undefined);
    expect(registry.subscriptions).toBe(1);
    await site.auth.close();
    await site.auth.signalOfSession(sessionId(alice), new EventEmitter());
    site.auth.on("kick", () => undefined);
    expect(registry.subscriptions).toBe(0);
  });

  it.each(["the subscription", "the registry", "both"])(
    "does all its steps even if %s cannot be closed",
    async (what) => {
      const registry = new Subscribed();
      const store = new MemoryStore();
      const site = await openSite({ auth: { registry, store, appId: "shop" }, listensTo: ["kick"] });
      if (what !== "the registry") registry.error = new Error("the subscription");
      if (what !== "the subscription") registry.errorOfClose = new Error("the registry");
      const message = what === "the registry" ? what : "the subscription";
      await expect(site.auth.close()).rejects.toThrow(message);
      expect([registry.subscriptions, registry.closings]).toEqual([0, 1]);
      registry.error = registry.errorOfClose = undefined;
      const next = logout({ store, appId: "shop", registry });
      await next.close();
    },
  );

  it("ends no connection by a timer once the store is taken over", async () => {
    const registry = new MemoryLoginRegistry();
    const store = new MemoryStore();
    const auth = { registry, store, appId: "shop", sessions: { liveCheckIntervalMs: 100 } };
    const first = await openSite({ auth });
    const signal = await first.auth.signalOfSession(sessionId(await first.login("alice")), new EventEmitter());
    await first.auth.close();
    await openSite({ auth });
    await delay(300);
    expect(signal.aborted).toBe(false);
  });
});
