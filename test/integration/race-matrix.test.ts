import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { logout } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { HANDLERS, LOGOUTS, SETTINGS, raceApp } from "../support/race-app.js";
import { sessionId } from "../support/site.js";
import { STORES } from "../support/store-packages.js";
import { BACKENDS, titleOf, type Node } from "../support/stores.js";
import { tried } from "../support/tried.js";

const settingNames = Object.keys(SETTINGS);
const handlerNames = Object.keys(HANDLERS);
const ENDS = ["a kick", "the route", ...Object.keys(LOGOUTS)];

/** Setting, handler, and the way in which the login ends. */
type Case = readonly [string, string, string];
const EVERY_CASE: readonly Case[] = settingNames.flatMap((setting) =>
  handlerNames.flatMap((handler) => ENDS.map((end) => [setting, handler, end] as const)),
);
/**
 * Each handler with each end, and each pair of a setting with one of those: what a setting does to a handler *and* an end is
 * express-session's doing, not the store's. So every case runs on the two stores that each suite runs on, these on the others.
 */
const EVERY_PAIR: readonly Case[] = handlerNames.flatMap((handler, row) =>
  ENDS.map((end, column) => [settingNames[(row + column) % settingNames.length] ?? "", handler, end] as const),
);

describe.each(STORES.map((make, index) => [titleOf(make()), make, index] as const))(
  "on %s",
  (_title, makeBackend, index) => {
    const backend = makeBackend();
    const isEverySuites = index < BACKENDS.length;
    beforeAll(() => backend.start());
    afterAll(async () => {
      await backend.stop();
      const { name, version = "of the tests" } = backend;
      tried({ kind: "store", name, version, what: ["race matrix"] });
      if (backend.server !== undefined) tried({ kind: "server", ...backend.server, what: [name] });
    });

    async function openNode(appId: string, setting: string, beside?: Node) {
      const node = backend.open(beside);
      const auth = logout({ ...node, appId });
      const gate = new Gate();
      const errors: unknown[] = [];
      const settings = SETTINGS[setting] ?? {};
      const server = await serve(raceApp({ store: node.store, settings, gate, auth, errors }));
      return { node, auth, gate, errors, server };
    }

    /**
     * Logs alice in, lets a request wait in its handler, ends her login, and lets the request go on; on another node than her
     * login is ended, where there can be two.
     */
    async function race(setting: string, handler: string, end: string) {
      const appId = `race-${String(Math.random())}`;
      const there = await openNode(appId, setting);
      const here = backend.isShared ? await openNode(appId, setting, there.node) : there;
      try {
        const browser = new Browser(there.server.url);
        await browser.post("/login", { user: "alice" });
        const before = await browser.get("/me");
        const old = (): Browser => browser.clone(here.server.url);
        const waiting = browser.clone();
        const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
        await there.gate.reached;
        if (end === "a kick") await here.auth.kick("alice");
        else if (end === "the route") await old().get("/login/profile/logout");
        else await old().post(`/out/${encodeURIComponent(end)}`);
        const during = await old().get("/me");
        there.gate.open();
        const answered = await inFlight;
        const after = await old().get("/me");
        const underNewCookie = await waiting.clone(here.server.url).get("/me");
        const later = await browser.clone().get("/me");
        const fresh = new Browser(there.server.url);
        await fresh.post("/login", { user: "alice" });
        return {
          before: who(before),
          answered: answered.status,
          errors: [...there.errors, ...here.errors],
          during: who(during),
          after: who(after),
          underNewCookie: who(underNewCookie),
          later: who(later),
          fresh: who(await fresh.clone(here.server.url).get("/me")),
          logins: (await here.auth.listLogins("alice")).items.length,
        };
      } finally {
        for (const { server, auth } of new Set([there, here])) {
          await server.close();
          await auth.close();
        }
      }
    }

    const REFUSED = {
      before: "alice",
      answered: 200,
      errors: [],
      during: null,
      after: null,
      underNewCookie: null,
      later: null,
      fresh: "alice",
      logins: 1,
    };

    describe.each(ENDS)("%s while a request is in flight", (way) => {
      const cases = (isEverySuites ? EVERY_CASE : EVERY_PAIR).filter(([, , end]) => end === way);
      it.each(cases)("keeps the user out: %s session, %s", async (setting, handler, end) => {
        expect(await race(setting, handler, end)).toEqual(REFUSED);
      });
    });

    describe("the naive kick, as a control of this matrix", () => {
      it("lets the user back in ten cases or more", async () => {
        const cameBack: string[] = [];
        const cases = settingNames.flatMap((setting) => handlerNames.map((handler) => [setting, handler] as const));
        for (const [setting, handler] of cases) {
          const store = backend.openBare();
          const gate = new Gate();
          const server = await serve(raceApp({ store, settings: SETTINGS[setting] ?? {}, gate }));
          try {
            const browser = new Browser(server.url);
            await browser.post("/login", { user: "alice" });
            const waiting = browser.clone();
            const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
            await gate.reached;
            await promisify((done: (error?: unknown) => void) => store.destroy(sessionId(browser), done))();
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
  },
);

function who(response: { body: unknown; status: number }): unknown {
  return response.status === 200 ? (response.body as { user: unknown }).user : null;
}
