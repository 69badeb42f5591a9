import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { anonymousVisits, note, noted } from "../support/anonymous.js";
import { SETTINGS } from "../support/race-app.js";
import { sessionId, useSites } from "../support/site.js";
import { STORES } from "../support/store-packages.js";
import { titleOf } from "../support/stores.js";
import { tried } from "../support/tried.js";
import { MINUTE, RHYTHMS, useClockOfTheTest, visitedApp, visits } from "../support/visits.js";

const openSite = useSites();
const settingNames = Object.keys(SETTINGS);
const COOKIES: Readonly<Record<string, { readonly maxAge?: number }>> = {
  "20 minutes": { maxAge: 20 * MINUTE },
  "the browser's session": {},
};
const OPTIONS = Object.keys(COOKIES).flatMap((cookie) => settingNames.map((setting) => [cookie, setting] as const));

const sessionOptions = (cookie: string, setting: string) => ({ ...SETTINGS[setting], cookie: { ...COOKIES[cookie] } });

describe.each(STORES.map((make) => [titleOf(make()), make] as const))("on %s", (_title, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(async () => {
    await backend.stop();
    const { name, version = "of the tests" } = backend;
    tried({ kind: "store", name, version, what: ["I7", "I8"] });
  });

  describe("I7, an anonymous session", () => {
    it.each(settingNames)("costs what it costs without the package, and stays: %s session", async (setting) => {
      const calls: string[] = [];
      const options = SETTINGS[setting] ?? {};
      const bare = backend.openBare();
      note(bare, calls);
      const expected = await anonymousVisits({ store: bare, options, calls });
      const { store, registry } = backend.open();
      note(store, calls);
      expect(await anonymousVisits({ store, options, registry: noted(registry, calls), calls })).toEqual(expected);
      expect(expected.at(-1)).toMatchObject({ body: { visits: 3 } });
    });
  });

  it("a login with a cookie without an age is listed for as long as the store keeps its session", async () => {
    const site = await openSite({ backend });
    await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    const listedMs = Number(login?.expires) - Date.now();
    const { browserLoginMs = backend.browserSessionMs } = backend;
    expect(listedMs).toBeGreaterThan(browserLoginMs);
    expect(listedMs).toBeLessThanOrEqual(browserLoginMs + MINUTE);
  });

  if (backend.keptMs !== undefined) {
    describe("I8, by the clock of the server", () => {
      it.each(OPTIONS)(
        "a login is listed at least as long as its session is kept: a cookie of %s, %s session",
        async (cookie, setting) => {
          const site = await openSite({ backend, session: sessionOptions(cookie, setting) });
          const browser = await site.login("alice");
          for (let visit = 0; visit < 3; visit += 1) {
            expect(await site.user(browser)).toBe("alice");
            const now = Date.now();
            const keptUntil = now + ((await backend.keptMs?.(sessionId(browser))) ?? 0);
            expect(keptUntil).toBeGreaterThan(now);
            const [login] = (await site.auth.listLogins("alice")).items;
            expect(login?.expires.getTime()).toBeGreaterThanOrEqual(keptUntil);
          }
        },
      );
    });
    return;
  }

  describe("I8, beside the same app without the package", () => {
    useClockOfTheTest();
    const cases = OPTIONS.flatMap((options) => Object.keys(RHYTHMS).map((rhythm) => [...options, rhythm] as const));
    it.each(cases)("a login lasts as long: a cookie of %s, %s session, visits %s", async (cookie, setting, rhythm) => {
      const options = sessionOptions(cookie, setting);
      const lifeMs = options.cookie.maxAge ?? backend.browserSessionMs;
      const gaps = (RHYTHMS[rhythm] ?? []).map((part) => part * lifeMs);
      const bare = await visits(visitedApp(options, backend.openBare(), false), gaps);
      expect(await visits(visitedApp(options, backend.open().store, true), gaps)).toEqual(bare);
      expect(bare[0]).toEqual({ user: "alice" });
    });
  });
});
