import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser } from "../../../example-app/company/browser.js";
import { reportTried } from "../support/field.js";
import { buildProcess, World, type BuiltProcess } from "./oidc-clients/world.js";

jest.setTimeout(60_000);

const PACKAGES = ["openid-client", "passport-openidconnect", "@okta/oidc-middleware", "keycloak-connect"];
reportTried("middleware", PACKAGES);

const served = (user: string): string => `200 {"user":"${user}"}`;
const ANONYMOUS = '200 {"user":null}';
const ENDED = '401 {"code":401,"message":"You have been logged out: Logged out at the identity provider"}';

/** Times are compared in whole seconds: a login in the second of a logout is refused. */
const nextSecond = (): Promise<void> => sleep(1_010 - (Date.now() % 1_000));

let built: BuiltProcess;
const worlds = new Map<string, Promise<World>>();
beforeAll(async () => {
  built = await buildProcess();
});
afterAll(async () => {
  for (const world of worlds.values()) await (await world).stop();
  built.remove();
});

/** The process of a package, which is started at its first test. */
function worldOf(name: string): Promise<World> {
  const world = worlds.get(name) ?? World.start(built.script, name);
  worlds.set(name, world);
  return world;
}

describe.each(PACKAGES)("logins by %s at a real identity provider", (name) => {
  const usersIn = async (browsers: readonly Browser[]): Promise<string[]> => {
    const world = await worldOf(name);
    return Promise.all(browsers.map((browser) => world.me(browser)));
  };

  it("a logout at the provider ends the login of its session, and no other", async () => {
    const world = await worldOf(name);
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

  it("a login gets a new session id", async () => {
    const world = await worldOf(name);
    const browser = world.browser();
    await world.startLogin(browser);
    const cookie = await world.cookie(browser);
    await world.finishLogin(browser, "ivan");
    expect(await world.me(browser)).toBe(served("ivan"));
    expect(await world.cookie(browser)).not.toBe(cookie);
    const other = await fetch(`${world.at.shop}/me`, { headers: { cookie } });
    expect(await other.json()).toEqual({ user: null });
  });

  it("a logout here ends the login, goes to the provider and comes back", async () => {
    const world = await worldOf(name);
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

  describe.each(["tokens", "save"] as const)("while a login waits for its %s", (what) => {
    /** A browser whose login waits there. */
    async function waiting(user: string) {
      const world = await worldOf(name);
      const browser = world.browser();
      await world.startLogin(browser);
      const { finish } = await world.untilHeld(what, () => world.finishLogin(browser, user));
      return { world, browser, finish };
    }

    it("a logout at the provider leaves no one served", async () => {
      const { world, browser, finish } = await waiting("dave");
      expect(await world.logOutAtProvider(browser)).toMatch(/^idp .*: 200$/);
      await finish();
      expect([ENDED, ANONYMOUS]).toContain(await world.me(browser));
      expect([await world.me(browser), await world.logins("dave")]).toEqual([ANONYMOUS, 0]);
    });

    it("nothing else happens, and the user is served", async () => {
      const { world, browser, finish } = await waiting("erin");
      await finish();
      expect(await world.me(browser)).toBe(served("erin"));
    });
  });
});

describe("an identity provider that has rotated its keys", () => {
  it("ends logins of before and after", async () => {
    const world = await World.start(built.script, "openid-client");
    try {
      const [laptop, tablet] = [await world.loggedIn("lily"), await world.loggedIn("mallory")];
      await world.rotateKeys();
      expect(await world.logOutAtProvider(laptop)).toMatch(/^idp .*: 200$/);
      expect([await world.me(laptop), await world.me(tablet)]).toEqual([ENDED, served("mallory")]);
      const phone = await world.loggedIn("lily");
      expect(await world.me(phone)).toBe(served("lily"));
      await world.logOutAtProvider(phone);
      expect(await world.me(phone)).toBe(ENDED);
    } finally {
      await world.stop();
    }
  });
});

describe("an identity provider with two apps", () => {
  it("logs out of both, of all the user's logins where its logout tokens have no sid", async () => {
    const world = await worldOf("openid-client");
    const { portal } = world.at;
    const [laptop, phone, other] = [
      await world.loggedIn("judy"),
      await world.loggedIn("judy"),
      await world.loggedIn("ken"),
    ];
    for (const browser of [laptop, phone, other])
      expect(await world.startLogin(browser, portal)).toMatch(/^portal .*, portal \/: 200$/);
    const users = async (): Promise<string[][]> => {
      const all = [laptop, phone, other];
      return Promise.all(all.map((each) => Promise.all([world.me(each), world.me(each, portal)])));
    };
    expect(await users()).toEqual(["judy", "judy", "ken"].map((user) => [served(user), served(user)]));
    await world.logOutAtProvider(laptop);
    expect(await users()).toEqual([
      [ENDED, ENDED],
      [served("judy"), ENDED],
      [served("ken"), served("ken")],
    ]);
  });
});

describe("logouts that a package or its provider has of its own", () => {
  it.each<[string, Readonly<Record<string, string>> | undefined]>([
    ["@okta/oidc-middleware", {}],
    ["keycloak-connect", undefined],
  ])("the logout of %s ends the login, too", async (name, form) => {
    const world = await worldOf(name);
    const browser = await world.loggedIn("frank");
    expect(await browser.open(`${world.at.shop}/logout`, form)).toMatch(/^shop \/logout, idp \S+: 200$/);
    expect([await world.me(browser), await world.logins("frank")]).toEqual([ANONYMOUS, 0]);
  });

  it("Okta's Universal Logout ends all logins of a user", async () => {
    const world = await worldOf("@okta/oidc-middleware");
    const [phone, laptop] = [await world.loggedIn("grace"), await world.loggedIn("grace")];
    const other = await world.loggedIn("heidi");
    expect(await world.revoke("grace")).toBe(204);
    for (const browser of [phone, laptop]) expect(await world.me(browser)).toMatch(/^401 /);
    expect(await world.me(other)).toBe(served("heidi"));
  });
});
