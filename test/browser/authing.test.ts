import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { build } from "esbuild";
import express from "express";
import type { Browser, Page } from "playwright-core";
import { authing } from "../../lib/authing/index.js";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { serve, type TestServer } from "../support/http.js";
import { POOL_ID, useSites, type Site } from "../support/site.js";

jest.setTimeout(60_000);

const SCRIPT = `
import { AuthenticationClient } from "authing-js-sdk";
window.logOut = (call, appId, appHost) => new AuthenticationClient({ appId, appHost })[call]();`;

/** `authing-js-sdk`, as an app bundles it for its pages. */
async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: join(__dirname, "../..") },
    bundle: true,
    write: false,
    mainFields: ["browser", "module", "main"],
    define: { global: "window" },
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

/** A front end on an origin of its own. */
async function serveFrontEnd(script: string): Promise<TestServer> {
  const app = express();
  app.get("/sdk.js", (_req, res) => res.type("js").send(script));
  app.get("/", (_req, res) => res.send(`<!doctype html><script src="/sdk.js"></script>`));
  return serve(app);
}

describe.each(["logout", "logoutCurrent"])("%s of authing-js-sdk in Chromium", (call) => {
  let browser: Browser;
  let frontEnd: TestServer;
  beforeAll(async () => {
    browser = await launchChromium();
    frontEnd = await serveFrontEnd(await bundled());
  });
  afterAll(async () => {
    await browser.close();
    await frontEnd.close();
  });
  const openSite = useSites();

  const openPool = (origins: readonly string[]): Promise<Site> =>
    openSite({
      before: (app, auth) => app.use(authing({ applications: [auth], userPoolId: POOL_ID, origins })),
    });

  /** Calls the client in a page of the front end. @returns how it ended */
  async function callIn(page: Page, { appId, url }: Site): Promise<string> {
    await page.goto(frontEnd.url);
    const given = [call, appId, url] as const;
    return page.evaluate(async (args) => {
      const { logOut } = window as unknown as { logOut: (...all: readonly string[]) => Promise<void> };
      return logOut(...args).then(
        () => "done",
        (error: unknown) => (error as Error).message,
      );
    }, given);
  }

  const isServed = async (page: Page, { url }: Site): Promise<boolean> => {
    await page.goto(`${url}/me`);
    return (await page.content()).includes('"user":"alice"');
  };

  it("logs the visitor of a listed origin out", async () => {
    const site = await openPool([frontEnd.url]);
    const { page } = await openPageAs(browser, site, "alice");
    expect(await isServed(page, site)).toBe(true);
    expect(await callIn(page, site)).toBe("done");
    expect(await isServed(page, site)).toBe(false);
    expect(await callIn(page, site)).toBe("done");
  });

  it("logs no visitor of another origin out", async () => {
    const site = await openPool(["https://www.shop.example"]);
    const { page } = await openPageAs(browser, site, "alice");
    expect(await callIn(page, site)).toBe("Network Error");
    expect(await isServed(page, site)).toBe(true);
  });
});
