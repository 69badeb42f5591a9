import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Store } from "express-session";
import { logout } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { HANDLERS, LOGOUTS, SETTINGS, raceApp } from "../support/race-app.js";
import { BACKENDS } from "../support/stores.js";

const settingNames = Object.keys(SETTINGS);
const handlerNames = Object.keys(HANDLERS);
const CASES = settingNames.flatMap((setting) => handlerNames.map((handler) => [setting, handler] as const));

describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  /** Logs alice in, lets a request wait in its handler, ends her login, and lets the request go on. */
  async function race(
    setting: string,
    handler: string,
    end: (app: { browser: Browser; auth: ReturnType<typeof logout> }) => Promise<void>,
  ) {
    const { store, registry } = backend.open();
    const auth = logout({ store, registry, appId: `race-${String(Math.random())}`, userPoolId: "pool" });
    const gate = new Gate();
    const server = await serve(raceApp({ store, settings: SETTINGS[setting] ?? {}, gate, auth }));
    try {
      const browser = new Browser(server.url);
      await browser.post("/login", { user: "alice" });
      const before = await browser.get("/me");
      const old = browser.clone();
      const waiting = browser.clone();
      const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
      await gate.reached;
      await end({ browser: browser.clone(), auth });
      const during = await old.clone().get("/me");
      gate.open();
      const answer = await inFlight;
      const after = await old.clone().get("/me");
      const underNewCookie = await waiting.clone().get("/me");
      const later = await old.clone().get("/me");
      const fresh = new Browser(server.url);
      await fresh.post("/login", { user: "alice" });
      return {
        before: who(before),
        answered: answer.status,
        during: who(during),
        after: who(after),
        underNewCookie: who(underNewCookie),
        later: who(later),
        fresh: who(await fresh.get("/me")),
        logins: (await auth.logins("alice")).length,
      };
    } finally {
      await server.close();
      await auth.close();
    }
  }

  const REFUSED = {
    before: "alice",
    during: null,
    after: null,
    underNewCookie: null,
    later: null,
    fresh: "alice",
    logins: 1,
  };

  describe("a kick while a request is in flight", () => {
    it.each(CASES)("keeps the user out: %s session, %s", async (setting, handler) => {
      const seen = await race(setting, handler, async ({ auth }) => {
        await auth.kick("alice");
      });
      expect(seen).toMatchObject(REFUSED);
    });
  });

  describe.each([...Object.keys(LOGOUTS), "the route"])("a logout by %s while a request is in flight", (way) => {
    it.each(CASES)("keeps the user out: %s session, %s", async (setting, handler) => {
      const seen = await race(setting, handler, async ({ browser }) => {
        if (way === "the route") await browser.get("/login/profile/logout");
        else await browser.post(`/out/${encodeURIComponent(way)}`);
      });
      expect(seen).toMatchObject(REFUSED);
    });
  });

  describe("the naive kick, as a control of this matrix", () => {
    it("lets the user back in ten cases or more", async () => {
      const cameBack: string[] = [];
      for (const [setting, handler] of CASES) {
        const { store } = backend.open();
        const gate = new Gate();
        const server = await serve(raceApp({ store, settings: SETTINGS[setting] ?? {}, gate }));
        try {
          const browser = new Browser(server.url);
          await browser.post("/login", { user: "alice" });
          const waiting = browser.clone();
          const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
          await gate.reached;
          await naiveKick(store, "alice");
          gate.open();
          await inFlight;
          const seen = [who(await browser.get("/me")), who(await waiting.get("/me"))];
          if (seen.includes("alice")) cameBack.push(`${setting}, ${handler}`);
        } finally {
          await server.close();
        }
      }
      expect(cameBack.length).toBeGreaterThanOrEqual(10);
    });
  });
});

function who(response: { body: unknown; status: number }): unknown {
  return response.status === 200 ? (response.body as { user: unknown }).user : null;
}

/** What everybody does without this package: look through all sessions, and destroy those of the user. */
async function naiveKick(store: Store, userId: string): Promise<void> {
  type Found = Record<string, { id?: string; userId?: unknown }>;
  const all = promisify((done: (error: unknown, sessions?: unknown) => void) => store.all?.(done));
  const sessions = (await all()) as Found;
  for (const [key, data] of Object.entries(sessions)) {
    if (data.userId !== userId) continue;
    await promisify((done: (error?: unknown) => void) => store.destroy(data.id ?? key, done))();
  }
}
