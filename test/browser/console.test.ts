import { describe, expect, it, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import { consolePath, refreshed, useConsoles } from "../support/console-browser.js";
import { serve } from "../support/http.js";

jest.setTimeout(60_000);

const OPENER = "tr[data-user=admin] > td:last-child a";
/** The address of a list that the script asks for. */
const REFRESH = /[?&]shown=/;
const SUBMIT = "[data-confirmation] button.solid";

describe("the console while an administrator uses it", () => {
  const consoleOf = useConsoles();

  /** Holds requests of the script to these addresses until the returned function is called. */
  async function hold(page: Page, url: string | RegExp) {
    let release = (): void => undefined;
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    await page.route(url, async (route) => {
      if (route.request().resourceType() === "fetch") await isReleased;
      await route.continue().catch(() => undefined);
    });
    return release;
  }

  it("keeps the focus on a page number when the table is refreshed", async () => {
    const { site, page } = await consoleOf(Array.from({ length: 24 }, (_value, index) => `user ${String(index)}`));
    await page.focus(".pager button[value='2']");
    await site.login("a late user");
    await refreshed(page);
    expect(await page.locator("[data-live=count]").innerText()).toBe("26 users online");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("value"))).toBe("2");
  });

  it("opens one dialog on a double click", async () => {
    const { page } = await consoleOf();
    const release = await hold(page, /force-offline/);
    await page.dblclick(OPENER);
    release();
    await page.waitForSelector("dialog[open]");
    await page.unrouteAll({ behavior: "wait" });
    expect(await page.locator("dialog").count()).toBe(1);
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.click(OPENER);
    await page.waitForSelector("dialog[open]");
  });

  it("returns the focus if a refresh was pending when the dialog opened", async () => {
    const { page } = await consoleOf();
    const release = await hold(page, REFRESH);
    await page.waitForRequest(REFRESH);
    await page.focus(OPENER);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    const isRefreshed = refreshed(page);
    release();
    await isRefreshed;
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    expect(await page.locator(OPENER).evaluate((element) => element === document.activeElement)).toBe(true);
  });

  it.each([
    ["opening the dialog", [OPENER]],
    ["forcing a user offline", [OPENER, SUBMIT]],
  ])("shows the reason to an administrator who was kicked before %s", async (_action, clicks) => {
    const { site, page } = await consoleOf();
    // Otherwise a refresh could receive the reason first.
    await hold(page, REFRESH);
    for (const before of clicks.slice(0, -1)) {
      await page.click(before);
      await page.waitForSelector("dialog[open]");
    }
    await site.auth.kick("admin", { reason: "Your shift is over" });
    await page.click(clicks.at(-1) ?? "");
    await page.waitForSelector(".notice");
    expect(await page.locator(".notice").innerText()).toMatch(/You have been logged out[^]*Your shift is over/);
    expect(await page.locator("dialog").count()).toBe(0);
  });

  it("sends an administrator who logged out in another tab to the login page, also on another host", async () => {
    const idp = await serve((_req, res) => res.end("the log-in page"));
    try {
      const { site, page, context } = await consoleOf([], { redirects: { login: `${idp.url}/in` } });
      const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
      await site.ask("POST", "/login/profile/logout", { headers: { Cookie: cookies } });
      await page.waitForURL(`${idp.url}/**`);
      expect(page.url()).toBe(`${idp.url}/in?returnTo=${encodeURIComponent(consolePath(site))}`);
    } finally {
      await idp.close();
    }
  });

  it("limits the selection to what an address can carry, and says so", async () => {
    const users = Array.from({ length: 45 }, (_value, index) => `${"x".repeat(400)}${String(index)}`);
    const { site, page } = await consoleOf(users);
    await page.goto(`${site.url}${consolePath(site)}?limit=50`);
    for (const box of await page.locator("tbody input[type=checkbox]").all()) await box.click();
    expect(await page.locator("tbody input:checked").count()).toBe(19);
    expect(await page.locator("[data-selection]").innerText()).toMatch(/19 users selected[^]*The selection is full\./);
    await page.click("[data-selection] button");
    await page.waitForSelector("text=Force 19 users offline?");
    await page.keyboard.press("Escape");
    await page.click("[data-clear]");
    await page.locator("tbody input[type=checkbox]").first().check();
    expect(await page.locator("[data-selection]").innerText()).not.toContain("full");
  });
});
