import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { useSites } from "../support/site.js";

jest.setTimeout(60_000);

const GUIDE = readFileSync(join(__dirname, "../../docs/guides/own-screens.md"), "utf8");
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const APP = `
import { createRoot } from "react-dom/client";
const onLoggedOut = (message) => { document.body.dataset.loggedOut = message; };
createRoot(document.querySelector("main")).render(<Devices onLoggedOut={onLoggedOut} />);`;

/** The component of the guide, as it stands there, in an app. */
async function bundled(): Promise<string> {
  const [, component = ""] = /^```jsx\n([\s\S]*?)^```$/m.exec(GUIDE) ?? [];
  const { outputFiles } = await build({
    stdin: { contents: component + APP, loader: "jsx", resolveDir: join(__dirname, "../..") },
    bundle: true,
    write: false,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0]?.text ?? "";
}

describe("a screen of the app's own", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  const openSite = useSites();

  it("lists and ends logins, and learns of a kick: with React", async () => {
    const script = await bundled();
    const site = await openSite({
      auth: { pages: { html: false }, redirects: { login: false } },
      after: (app) => {
        app.get("/app.js", (_req, res) => res.type("js").send(script));
        app.get("/u", (_req, res) => res.send(`<!doctype html><main></main><script src="/app.js"></script>`));
      },
    });
    const phone = await site.login("alice", { "User-Agent": IPHONE });
    const other = await site.login("alice", { "User-Agent": "curl/8.5.0" });
    const { page, complaints } = await openPageAs(browser, site, "alice");
    // The browser prefers HTML: the page is the app's.
    await page.goto(`${site.url}/u`);
    await page.getByText("This device").waitFor();
    expect(await page.locator("li").count()).toBe(3);
    await page.getByRole("button", { name: "Log out Safari 18 on iPhone" }).click();
    await page.getByText("1 device logged out.").waitFor();
    expect(await page.locator("li").count()).toBe(2);
    expect([await site.user(phone), await site.user(other)]).toEqual([null, "alice"]);
    await page.getByRole("button", { name: "Log out everywhere else" }).click();
    await page.locator("li").nth(1).waitFor({ state: "detached" });
    expect(await site.user(other)).toBeNull();
    await site.auth.kick("alice", { reason: "Your password has changed." });
    await page.getByRole("button", { name: "Log out everywhere else" }).click();
    await page.locator("body[data-logged-out]").waitFor();
    expect(await page.evaluate(() => document.body.dataset["loggedOut"])).toContain("Your password has changed.");
    expect(complaints).toEqual([]);
  });
});
