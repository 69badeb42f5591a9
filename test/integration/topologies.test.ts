import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Response } from "supertest";
import { logout } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Browser, serve } from "../support/http.js";
import { HANDLERS, LOGOUTS, SETTINGS, raceApp } from "../support/race-app.js";
import { clientPackage, stopSharedServers } from "../support/redis-clients.js";
import { tried } from "../support/tried.js";
import { REDIS_TOPOLOGIES } from "../support/redis-topologies.js";
import { sessionId } from "../support/site.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

const handlers = Object.keys(HANDLERS);
const settings = Object.keys(SETTINGS);
const logouts = ["the route", ...Object.keys(LOGOUTS)];

/** Every handler against a kick and against a logout; the settings and the ways to log out take turns. */
const CASES = handlers.flatMap((handler, turn) =>
  ["a kick", logouts[turn % logouts.length] ?? ""].map(
    (end, column) => [end, settings[(turn + column) % settings.length] ?? "", handler] as const,
  ),
);

afterAll(stopSharedServers);

describe.each(REDIS_TOPOLOGIES.map((backend) => [backend.name, backend] as const))(
  "two nodes on %s",
  (name, backend) => {
    beforeAll(() => backend.start());
    afterAll(() => backend.stop());
    afterAll(() => {
      tried({ kind: "client", ...clientPackage(name), what: ["race matrix"] });
    });

    async function openNode(appId: string, setting: string) {
      const { store, registry } = backend.open();
      const auth = logout({ store, registry, appId });
      const gate = new Gate();
      const server = await serve(raceApp({ store, settings: SETTINGS[setting] ?? {}, gate, auth }));
      const close = async (): Promise<void> => {
        await server.close();
        await auth.close();
      };
      return { auth, gate, url: server.url, close };
    }

    it.each(CASES)(
      "%s keeps the user out although a request is in flight: %s session, %s",
      async (end, setting, handler) => {
        const appId = `${name} ${end} ${handler}`;
        const there = await openNode(appId, setting);
        const here = await openNode(appId, setting);
        try {
          const browser = new Browser(there.url);
          await browser.post("/login", { user: "alice" });
          expect(who(await browser.clone(here.url).get("/me"))).toBe("alice");
          const old = (): Browser => browser.clone(here.url);
          const waiting = browser.clone();
          const inFlight = waiting.post(`/waiting/${encodeURIComponent(handler)}`);
          await there.gate.reached;
          if (end === "a kick") await here.auth.kick("alice");
          else if (end === "the route") await old().get("/login/profile/logout");
          else await old().post(`/out/${encodeURIComponent(end)}`);
          const during = who(await old().get("/me"));
          there.gate.open();
          await inFlight;
          const after = [
            await browser.clone().get("/me"),
            await old().get("/me"),
            await waiting.clone(here.url).get("/me"),
          ];
          expect([during, ...after.map(who)]).toEqual([null, null, null, null]);
          const fresh = new Browser(there.url);
          await fresh.post("/login", { user: "alice" });
          expect(who(await fresh.clone(here.url).get("/me"))).toBe("alice");
          expect((await here.auth.listLogins("alice")).items).toHaveLength(1);
        } finally {
          await there.close();
          await here.close();
        }
      },
    );
  },
);

describe("destroying the session in the store alone, as a control of this matrix", () => {
  const [onCluster] = REDIS_TOPOLOGIES;
  beforeAll(() => onCluster?.start());
  afterAll(() => onCluster?.stop());

  it("lets the user back in ten cases or more", async () => {
    const back: string[] = [];
    for (const handler of handlers) {
      for (const setting of settings) {
        const { store } = onCluster?.open() ?? {};
        if (store === undefined) throw new Error("no backend");
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
          if (seen.includes("alice")) back.push(`${setting}, ${handler}`);
        } finally {
          await server.close();
        }
      }
    }
    expect(back.length).toBeGreaterThanOrEqual(10);
  });
});

function who({ status, body }: Response): unknown {
  return status === 200 ? (body as { user: unknown }).user : null;
}
