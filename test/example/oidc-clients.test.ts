import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser } from "../../example-app/company/browser.js";
import { buildProcess, World, type BuiltProcess } from "./oidc-clients/world.js";

jest.setTimeout(60_000);

const served = (user: string): string => `200 {"user":"${user}"}`;
const ANONYMOUS = '200 {"user":null}';
const ENDED = '401 {"code":401,"message":"You have been logged out: Logged out at the identity provider"}';

/** Times are compared in whole seconds: a login in the second of a logout is refused. */
const nextSecond = (): Promise<void> => sleep(1_010 - (Date.now() % 1_000));

let built: BuiltProcess;
beforeAll(async () => {
  built = await buildProcess();
});
afterAll(() => {
  built.remove();
});

function useWorld(name: string): () => World {
  let world: World | undefined;
  beforeAll(async () => {
    world = await World.start(built.script, name);
  });
  afterAll(() => world?.stop());
  return () => {
    if (world === undefined) throw new Error("The process has not started.");
    return world;
  };
}

describe.each(["openid-client", "passport-openidconnect", "@okta/oidc-middleware", "keycloak-connect"])(
  "logins by %s at a real identity provider",
  (name) => {
    const running = useWorld(name);
    const usersIn = (browsers: readonly Browser[]): Promise<string[]> =>
      Promise.all(browsers.map((browser) => running().me(browser)));

    it("a logout at the provider ends those of its session, and no other", async () => {
      const world = running();
      const laptop = await world.loggedIn("alice");
      const [phone, tablet] = [await world.loggedIn("alice"), await world.loggedIn("bob")];
      expect(await usersIn([laptop, phone, tablet])).toEqual([served("alice"), served("alice"), served("bob")]);
      expect([await world.logins("alice"), await world.logins("bob")]).toEqual([2, 1]);
      expect(await world.logOutAtProvider(laptop)).toMatch(/^idp .*: 200$/);
      expect(await usersIn([laptop, phone, tablet])).toEqual([ENDED, served("alice"), served("bob")]);
      expect(await world.me(laptop)).toBe(ANONYMOUS);
      await nextSecond();
      expect(await world.startLogin(laptop)).toMatch(/, idp \S+: 200$/);
      expect(await world.finishLogin(laptop, "alice")).toMatch(/, shop \/: 200$/);
      expect(await usersIn([laptop, phone, tablet])).toEqual([served("alice"), served("alice"), served("bob")]);
    });

    it("a logout here ends the login, goes to the provider and comes back", async () => {
      const world = running();
      const [laptop, phone] = [await world.loggedIn("carol"), await world.loggedIn("carol")];
      const { headers } = await laptop.send(`${world.at.shop}/login/profile/logout`);
      expect(await usersIn([laptop, phone])).toEqual([ANONYMOUS, served("carol")]);
      const url = new URL(headers.get("location") ?? "");
      expect(url.origin + url.pathname).toBe(world.at.endSession);
      const [, payload = ""] = url.searchParams.get("id_token_hint")?.split(".") ?? [];
      expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({ sub: "carol", aud: "shop" });
      await laptop.open(url.href);
      const back = await laptop.submit({ logout: "yes" });
      expect(back).toMatch(/^idp .*, shop \/login\/profile\/logout\/return, shop \/: 200$/);
      expect(await world.startLogin(laptop)).toMatch(/, idp \S+: 200$/);
      expect(await usersIn([laptop, phone])).toEqual([ANONYMOUS, served("carol")]);
      expect(await world.logins("carol")).toBe(1);
    });

    describe.each(["tokens", "save"] as const)("while the %s of a login are awaited", (what) => {
      /** A browser whose login waits there. */
      async function waiting(user: string) {
        const world = running();
        const browser = world.browser();
        await world.startLogin(browser);
        const held = world.hold(what);
        const login = world.finishLogin(browser, user);
        await held.reached;
        const goOn = async (): Promise<void> => {
          held.open();
          await login;
          // express-session sends the redirect of the login before it saves, unless the app has saved: as keycloak-connect has not.
          await sleep(100);
        };
        return { world, browser, goOn };
      }

      it("a logout at the provider leaves no one served", async () => {
        const { world, browser, goOn } = await waiting("dave");
        expect(await world.logOutAtProvider(browser)).toMatch(/^idp .*: 200$/);
        await goOn();
        expect([ENDED, ANONYMOUS]).toContain(await world.me(browser));
        expect([await world.me(browser), await world.logins("dave")]).toEqual([ANONYMOUS, 0]);
      });

      it("nothing else happens, and the user is served", async () => {
        const { world, browser, goOn } = await waiting("erin");
        await goOn();
        expect(await world.me(browser)).toBe(served("erin"));
      });
    });
  },
);

describe.each(["@okta/oidc-middleware", "keycloak-connect"])("%s", (name) => {
  const running = useWorld(name);

  it("ends the login by its own logout, too", async () => {
    const world = running();
    const browser = await world.loggedIn("alice");
    const form = name === "keycloak-connect" ? undefined : {};
    expect(await browser.open(`${world.at.shop}/logout`, form)).toMatch(/^shop \/logout, idp \S+: 200$/);
    expect([await world.me(browser), await world.logins("alice")]).toEqual([ANONYMOUS, 0]);
  });
});

describe("Okta's Universal Logout", () => {
  const running = useWorld("@okta/oidc-middleware");

  it("ends all logins of a user", async () => {
    const world = running();
    const browsers = [await world.loggedIn("alice"), await world.loggedIn("alice"), await world.loggedIn("bob")];
    expect(await world.revoke("alice")).toBe(204);
    const [first, second, bob] = await Promise.all(browsers.map((browser) => world.me(browser)));
    expect([first, second].map((answer) => answer?.slice(0, 3))).toEqual(["401", "401"]);
    expect(bob).toBe(served("bob"));
  });
});
