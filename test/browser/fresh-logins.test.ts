import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage, type WatchedPage } from "../support/chromium.js";
import { startExample, type Example } from "../support/example-server.js";

jest.setTimeout(60_000);

/** Short enough to wait for, and long enough for what is done after a confirmation. */
const FRESH_MS = 6_000;
const PASSWORDS = { alice: "wonderland", admin: "in-charge" } as const;
const CONSOLE = "/console/applications/shop/login-management";
const FORCE_ALICE = `${CONSOLE}/force-offline?user=alice`;

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText();

describe.each([true, false])("a login that has aged, with a script: %s", (javaScriptEnabled) => {
  let browser: Browser;
  let example: Example;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    [browser, example] = await Promise.all([launchChromium(), startExample({ FRESH_MS: String(FRESH_MS) })]);
  });
  afterEach(async () => {
    const complaints = opened.flatMap((watched) => watched.complaints);
    await Promise.all(opened.splice(0).map(({ context }) => context.close()));
    if (complaints.length > 0) throw new Error(`The pages complained: ${complaints.join("; ")}`);
    await example.kick(["alice", "admin"]);
  });
  afterAll(async () => {
    await browser.close();
    await example.stop();
  });

  async function logIn(user: keyof typeof PASSWORDS): Promise<Page> {
    const watched = await openPage(browser, { javaScriptEnabled });
    opened.push(watched);
    const { page } = watched;
    await page.goto(`${example.origin}/login`);
    await page.fill("[name=username]", user);
    await confirm(page, user);
    return page;
  }

  async function confirm(page: Page, user: keyof typeof PASSWORDS): Promise<void> {
    await page.fill("[name=password]", PASSWORDS[user]);
    await page.click("button[type=submit]");
  }

  /** Waits until the app wants the password of a login once more, without opening a page. */
  async function aged(page: Page): Promise<void> {
    const asks = async (): Promise<boolean> => {
      const headers = { accept: "text/html" };
      const response = await page.request.get(example.origin + FORCE_ALICE, { headers, maxRedirects: 0 });
      return response.headers()["location"]?.startsWith("/confirm") === true;
    };
    while (!(await asks())) await new Promise((resolve) => setTimeout(resolve, 100));
  }

  const confirmUrl = (back: string): string => `${example.origin}/confirm?returnTo=${encodeURIComponent(back)}`;

  it("confirms the password, comes back to the page that was wanted, and forces a user offline", async () => {
    const [alice, admin] = [await logIn("alice"), await logIn("admin")];
    await admin.goto(example.origin + CONSOLE);
    await aged(admin);
    await admin.click("tr[data-user=alice] > td:last-child a");
    await admin.waitForURL(confirmUrl(FORCE_ALICE));
    expect(await text(admin, "h1")).toBe("Confirm your password");
    await confirm(admin, "admin");
    expect(admin.url()).toBe(example.origin + FORCE_ALICE);
    await admin.click("[data-confirmation] button.solid");
    await admin.waitForSelector("text=1 user forced offline (1 login ended)");
    await alice.goto(`${example.origin}/u`);
    expect(await text(alice, "h1")).toBe("You have been logged out");
  });

  it("confirms the password, comes back to the page of a form, and logs out the other devices", async () => {
    const [tablet, page] = [await logIn("admin"), await logIn("admin")];
    await page.goto(`${example.origin}/u`);
    await aged(page);
    const button = "button:has-text('Log out everywhere else (1)')";
    await page.click(button);
    await page.waitForURL(confirmUrl("/u"));
    // Nothing has ended before the confirmation.
    await tablet.goto(`${example.origin}/me`);
    expect(await text(tablet, "body")).toBe('{"user":"admin"}');
    await confirm(page, "admin");
    expect(page.url()).toBe(`${example.origin}/u`);
    await page.click(button);
    expect(await text(page, "[role=status]")).toContain("1 device logged out.");
    await tablet.goto(`${example.origin}/u`);
    expect(await text(tablet, "h1")).toBe("You have been logged out");
  });
});
