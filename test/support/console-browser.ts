import { afterAll, afterEach, beforeAll } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import type { LogoutOptions } from "../../lib/index.js";
import { launchChromium, openPageAs, type WatchedPage } from "./chromium.js";
import { useSites, type Site } from "./site.js";

/** The address of the console on a site. */
export const consolePath = (site: Site): string => `/console/applications/${site.appId}/login-management`;

/** The row of a user in the table, and its tick. */
export const rowOf = (user: string): string => `tr[data-user="${user}"]`;
export const boxOf = (user: string): string => `${rowOf(user)} input[type=checkbox]`;
/** The button that forces those offline whom a dialog or a page has asked about. */
export const SUBMIT = "[data-confirmation] button.solid";

export const usersNamed = (count: number): string[] =>
  Array.from({ length: count }, (_value, index) => `user${String(index).padStart(3, "0")}`);

/** The ids of the users on the page who are ticked, and of all of them, in order. */
export const ticked = (page: Page): Promise<string[]> =>
  page.locator("tbody input:checked").evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value));
export const order = (page: Page): Promise<string[]> =>
  page
    .locator("tbody tr[data-user]")
    .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset["user"] ?? ""));

/** Opens consoles in Chromium for the tests of one file. A test fails if its pages have complained. */
export function useConsoles() {
  let browser: Browser;
  const opened: WatchedPage[] = [];
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    const complaints = opened.flatMap((watched) => watched.complaints);
    await Promise.all(opened.splice(0).map(({ context }) => context.close()));
    if (complaints.length > 0) throw new Error(`The pages complained: ${complaints.join("; ")}`);
  });
  afterAll(() => browser.close());
  const openSite = useSites();

  /** Opens the console of a site on which these users and an administrator are logged in. */
  return async (users: readonly string[] = [], auth: Partial<LogoutOptions> = {}) => {
    const site = await openSite({
      auth: { console: { authorize: (req) => req.session.userId === "admin" }, ...auth },
    });
    for (const user of users) await site.login(user);
    const watched = await openPageAs(browser, site, "admin");
    opened.push(watched);
    const { page } = watched;
    await page.goto(site.url + consolePath(site));
    return { site, page, context: watched.context };
  };
}

/** Waits until the script has taken over a list that was asked for after this call. */
export async function refreshed(page: Page): Promise<void> {
  const response = await page.waitForResponse((each) => each.url().includes("shown="));
  await response.finished();
  // The script handles the response within two frames.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
