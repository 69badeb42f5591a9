import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { build } from "esbuild";
import { Browser } from "../../example-app/company/browser.js";

jest.setTimeout(60_000);

const ROOT = join(__dirname, "../..");
const ENDED = '401 {"code":401,"message":"You have been logged out: Logged out at the identity provider"}';

let folder: string;
let script: string;

/** Builds the process for a folder in which `express-logout` is the built package, and each other one the installed one. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "express-logout-clients-"));
  mkdirSync(join(folder, "app/node_modules"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "app/node_modules/express-logout"));
  script = join(folder, "app/process.mjs");
  const entryPoints = [join(__dirname, "oidc-clients/process.ts")];
  const options = { bundle: true, packages: "external", platform: "node", format: "esm", target: "node20" } as const;
  await build({ entryPoints, outfile: script, absWorkingDir: ROOT, logLevel: "error", ...options });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Origins {
  readonly shop: string;
  readonly idp: string;
  /** Where users log out at the provider. */
  readonly endSession: string;
}

/** The app of one package and its provider, and what a person does in a browser. */
class World {
  readonly #child: ChildProcess;
  readonly origins: Origins;

  private constructor(child: ChildProcess, origins: Origins) {
    this.#child = child;
    this.origins = origins;
  }

  static async start(name: string): Promise<World> {
    const child = fork(script, [name], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let errors = "";
    child.stderr?.on("data", (chunk) => (errors += String(chunk)));
    const ended = once(child, "exit").then(([code]) => {
      throw new Error(`The process ended with ${String(code)}: ${errors.slice(-2_000)}`);
    });
    const [origins] = (await Promise.race([once(child, "message"), ended])) as [Origins];
    ended.catch(() => undefined);
    return new World(child, origins);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  browser(): Browser {
    return new Browser({ [this.origins.shop]: "shop", [this.origins.idp]: "idp" });
  }

  /** @returns what the app answers */
  async me(browser: Browser): Promise<string> {
    const response = await browser.send(`${this.origins.shop}/me`);
    return `${String(response.status)} ${await response.text()}`;
  }

  startLogin(browser: Browser): Promise<string> {
    return browser.open(`${this.origins.shop}/login`);
  }

  async logIn(user: string, browser = this.browser()): Promise<Browser> {
    await this.startLogin(browser);
    expect(await browser.submit({ login: user, password: "any" })).toMatch(/, shop \/: 200$/);
    return browser;
  }

  /** Logs out on the pages of the provider, which posts its logout tokens before it answers. */
  async logOutAtProvider(browser: Browser): Promise<void> {
    await browser.open(this.origins.endSession);
    expect(await browser.submit({ logout: "yes" })).toMatch(/^idp .*: 200$/);
  }

  /** The next save of a session, or answer with tokens, waits. @returns what resolves when it does, and what lets it go on */
  hold(what: "save" | "tokens"): { reached: Promise<unknown>; open: () => void } {
    this.#child.send(`hold ${what}`);
    return { reached: once(this.#child, "message"), open: () => void this.#child.send("open") };
  }
}

/** Times are compared in whole seconds: a login in the second of a logout is refused. */
const nextSecond = (): Promise<void> => sleep(1_010 - (Date.now() % 1_000));

const served = (user: string): string => `200 {"user":"${user}"}`;
const ANONYMOUS = "200 {\"user\":null}";

describe.each(["openid-client", "passport-openidconnect", "@okta/oidc-middleware", "keycloak-connect"])(
  "logins by %s at a real identity provider",
  (name) => {
    let world: World;
    beforeAll(async () => {
      world = await World.start(name);
    });
    afterAll(() => world.stop());
    const usersIn = (browsers: readonly Browser[]): Promise<string[]> =>
      Promise.all(browsers.map((browser) => world.me(browser)));

    it("a logout at the provider ends those of its session, and no other", async () => {
      const [laptop, phone, tablet] = [await world.logIn("alice"), await world.logIn("alice"), await world.logIn("bob")];
      expect(await usersIn([laptop, phone, tablet])).toEqual([served("alice"), served("alice"), served("bob")]);
      await world.logOutAtProvider(laptop);
      expect(await usersIn([laptop, phone, tablet])).toEqual([ENDED, served("alice"), served("bob")]);
      expect(await world.me(laptop)).toBe(ANONYMOUS);
      await nextSecond();
      await world.logIn("alice", laptop);
      expect(await usersIn([laptop, phone, tablet])).toEqual([served("alice"), served("alice"), served("bob")]);
    });

    it("a logout here ends the login, goes to the provider and comes back", async () => {
      const [laptop, phone] = [await world.logIn("alice"), await world.logIn("alice")];
      const { shop, endSession } = world.origins;
      const { headers } = await laptop.send(`${shop}/login/profile/logout`);
      expect(await usersIn([laptop, phone])).toEqual([ANONYMOUS, served("alice")]);
      const url = new URL(headers.get("location") ?? "");
      expect(url.origin + url.pathname).toBe(endSession);
      const [, payload = ""] = url.searchParams.get("id_token_hint")?.split(".") ?? [];
      expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({ sub: "alice", aud: "shop" });
      await laptop.open(url.href);
      const way = await laptop.submit({ logout: "yes" });
      expect(way).toMatch(/^idp .*, shop \/login\/profile\/logout\/return, shop \/: 200$/);
      expect(await world.startLogin(laptop)).toMatch(/, idp \S+: 200$/);
      expect(await usersIn([laptop, phone])).toEqual([ANONYMOUS, served("alice")]);
    });

    it.each(["tokens", "save"] as const)(
      "a logout at the provider while the %s of a login is under way leaves no one served",
      async (what) => {
        const browser = world.browser();
        await world.startLogin(browser);
        const held = world.hold(what);
        const login = browser.submit({ login: "alice", password: "any" });
        await held.reached;
        await world.logOutAtProvider(browser);
        held.open();
        await login;
        expect(await world.me(browser)).toMatch(/^401|"user":null/);
        expect(await world.me(browser)).toBe(ANONYMOUS);
      },
    );
  },
);
