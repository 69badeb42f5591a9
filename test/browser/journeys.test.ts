import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage, type WatchedPage } from "../support/chromium.js";
import { startExample, type Example } from "../support/example-server.js";
import { startRedis } from "../support/redis-server.js";

jest.setTimeout(60_000);

const PASSWORDS = { alice: "wonderland", bob: "can-we-fix-it", admin: "in-charge" } as const;
const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
const CONSOLE = "/console/applications/shop/login-management";

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText();

describe.each(["memory", "Redis"])("the example app on %s", (backend) => {
  let browser: Browser;
  let example: Example;
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    redis = backend === "Redis" ? await startRedis() : undefined;
    [browser, example] = await Promise.all([launchChromium(), startExample(redis && { REDIS_URL: redis.url })]);
  });
  // Logins of earlier tests would be counted.
  beforeEach(() => example.kick(["alice", "bob", "admin"]));
  afterEach(async () => {
    const complaints = opened.flatMap((watched) => watched.complaints);
    await Promise.all(opened.splice(0).map(({ context }) => context.close()));
    if (complaints.length > 0) throw new Error(`The pages complained: ${complaints.join("; ")}`);
  });
  afterAll(async () => {
    await browser.close();
    await example.stop();
    await redis?.stop();
  });

  async function logIn(
    user: keyof typeof PASSWORDS,
    options: Parameters<typeof openPage>[1] = {},
    path = "/login",
  ): Promise<Page> {
    const watched = await openPage(browser, options);
    opened.push(watched);
    const { page } = watched;
    await page.goto(example.origin + path);
    await page.fill("[name=username]", user);
    await page.fill("[name=password]", PASSWORDS[user]);
    await page.click("button[type=submit]");
    return page;
  }

  // Pages without a script do not depend on the registry: one registry is enough.
  describe.each(backend === "memory" ? [true, false] : [true])("with a script: %s", (javaScriptEnabled) => {
    it("a visitor reaches their devices through the login page", async () => {
      const page = await logIn("bob", { javaScriptEnabled }, "/u");
      expect(page.url()).toBe(`${example.origin}/u`);
      expect(await text(page, "h1")).toBe("Where you’re logged in");
    });

    it("a user logs out from the menu with the keyboard alone", async () => {
      const page = await logIn("bob", { javaScriptEnabled });
      await page.goto(`${example.origin}/u`);
      for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
      expect(await page.locator(".popup").isVisible()).toBe(true);
      expect(await text(page, ".popup")).toMatch(/Bob[^]*bob@shop.example[^]*Log out/);
      for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
      await page.waitForURL(`${example.origin}/u/logged-out`);
      expect(await text(page, "h1")).toBe("You are logged out");
      await page.goto(`${example.origin}/me`);
      expect(page.url()).toBe(`${example.origin}/login`);
    });

    it("a user logs out one device, then all others, and these show the reason", async () => {
      const phone = await logIn("bob", { userAgent: PHONE });
      const tablet = await logIn("bob", { userAgent: PHONE });
      const page = await logIn("bob", { javaScriptEnabled });
      await page.goto(`${example.origin}/u`);
      const rows = page.locator(".devices li");
      expect(await rows.count()).toBe(3);
      expect(await rows.first().innerText()).toMatch(/Chrome \d+ on Linux[^]*This device/);
      expect(await rows.nth(1).innerText()).toMatch(/Safari 17 on iPhone/);
      await rows.nth(1).locator("button").click();
      expect(await text(page, "[role=status]")).toContain("1 device logged out.");
      expect(await rows.count()).toBe(2);
      await page.click("button:has-text('Log out everywhere else (1)')");
      expect(await rows.count()).toBe(1);
      for (const device of [phone, tablet]) {
        await device.goto(`${example.origin}/slow`);
        expect(await text(device, "h1")).toBe("You have been logged out");
        expect(await text(device, ".notice p")).toBe("You logged out this device from another device.");
        await device.click("text=Log in again");
        expect(device.url()).toBe(`${example.origin}/login`);
      }
      await page.reload();
      expect(await rows.count()).toBe(1);
    });

    it("a user confirms the password, and is led back", async () => {
      const page = await logIn("bob", { javaScriptEnabled });
      await page.goto(`${example.origin}/confirm?returnTo=%2Fu`);
      await page.fill("[name=password]", "wrong");
      await page.click("button[type=submit]");
      expect(await text(page, "[role=alert]")).toBe("That is not your password.");
      const [before] = await page.context().cookies();
      await page.fill("[name=password]", PASSWORDS.bob);
      await page.click("button[type=submit]");
      expect(page.url()).toBe(`${example.origin}/u`);
      expect(await page.locator(".devices li").count()).toBe(1);
      const [after] = await page.context().cookies();
      expect(after?.value).not.toBe(before?.value);
    });

    it("an administrator forces a user offline, who sees the reason", async () => {
      const alice = await logIn("alice");
      const admin = await logIn("admin", { javaScriptEnabled });
      await admin.goto(example.origin + CONSOLE);
      await admin.click("tr[data-user=alice] > td:last-child a");
      await admin.waitForSelector("[data-confirmation]");
      expect(await text(admin, "[data-confirmation]")).toMatch(/Force Alice Liddell offline\?[^]*This ends 1 login\./);
      await admin.fill("[name=reason]", "Your shift is over");
      await admin.keyboard.press("Enter");
      expect(await admin.locator("[data-confirmation]").isVisible()).toBe(true);
      await admin.click("[data-confirmation] button.solid");
      await admin.waitForSelector("text=1 user forced offline (1 login ended)");
      await admin.waitForSelector("tr[data-user=alice]:not([data-offline])", { state: "detached" });
      await alice.goto(`${example.origin}/u`);
      expect(await text(alice, ".notice")).toMatch(/You have been logged out[^]*Your shift is over/);
    });

    it("an administrator forces the selected users offline, and one login of a user", async () => {
      const [alice, , second] = [await logIn("alice"), await logIn("bob"), await logIn("bob")];
      const admin = await logIn("admin", { javaScriptEnabled });
      await admin.goto(example.origin + CONSOLE);
      await admin.click("tr[data-user=bob] [data-pill]");
      await admin.locator("tr[data-logins-of=bob] li").first().locator("a").click();
      await admin.waitForSelector("text=Force one login of Bob offline?");
      await admin.click("[data-confirmation] button.solid");
      await admin.waitForSelector("text=1 user forced offline (1 login ended)");
      await second.goto(`${example.origin}/u`);
      expect(await text(second, "h1")).toBe("You have been logged out");
      await admin.check("tr[data-user=alice] input");
      await admin.check("tr[data-user=bob] input");
      await admin.click("[data-selection] button");
      await admin.waitForSelector("text=Force 2 users offline?");
      await admin.click("[data-confirmation] button.solid");
      await admin.waitForSelector("text=2 users forced offline (2 logins ended)");
      await alice.goto(`${example.origin}/u`);
      expect(await text(alice, "h1")).toBe("You have been logged out");
    });

    it("an administrator forces everyone offline, themselves included, after typing the application id", async () => {
      const alice = await logIn("alice");
      const admin = await logIn("admin", { javaScriptEnabled });
      await admin.goto(example.origin + CONSOLE);
      await admin.click(".title summary");
      await admin.click("text=Force everyone offline…");
      await admin.waitForSelector("[name=everyone]");
      await admin.fill("[name=everyone]", "shap");
      await admin.click("[data-confirmation] button.solid");
      expect(await admin.locator("[name=everyone]").isVisible()).toBe(true);
      await admin.fill("[name=everyone]", "shop");
      await admin.check("[name=me]");
      await admin.click("[data-confirmation] button.solid");
      await admin.waitForSelector("text=2 users forced offline (2 logins ended)");
      if (javaScriptEnabled) await admin.click("text=Close");
      await admin.waitForSelector("text=You have been logged out");
      await alice.goto(`${example.origin}/u`);
      expect(await text(alice, "h1")).toBe("You have been logged out");
    });
  });

  it("a user who is not an administrator has no access to the console", async () => {
    const page = await logIn("bob");
    const answer = await page.goto(example.origin + CONSOLE);
    expect(answer?.status()).toBe(403);
    expect(await text(page, "h1")).toBe("You don’t have access to this page");
  });

  it("the console follows logins and logouts, and keeps selected users, opened rows and typed text", async () => {
    await logIn("admin");
    const admin = await logIn("admin");
    await admin.goto(example.origin + CONSOLE);
    await admin.check("tr[data-user=admin] input");
    await admin.click("tr[data-user=admin] [data-pill]");
    await admin.fill("[name=q]", "some text");
    const alice = await logIn("alice");
    await admin.click("text=1 new: show");
    await admin.waitForSelector("tr[data-user=alice]");
    await alice.goto(`${example.origin}/login/profile/logout`);
    await admin.waitForSelector("tr[data-user=alice][data-offline]");
    expect(await admin.isChecked("tr[data-user=admin] input")).toBe(true);
    expect(await admin.locator("tr[data-logins-of=admin]").isVisible()).toBe(true);
    expect(await admin.inputValue("[name=q]")).toBe("some text");
    expect(await text(admin, "[data-selection]")).toContain("1 user selected");
  });

  it("the console keeps the list while the server is unreachable, says so, and recovers", async () => {
    const admin = await logIn("admin");
    await admin.goto(example.origin + CONSOLE);
    await admin.context().setOffline(true);
    await admin.waitForSelector("text=This list could not be refreshed.");
    expect(await admin.locator("tr[data-user=admin]").count()).toBe(1);
    await admin.context().setOffline(false);
    await admin.waitForSelector("text=This list could not be refreshed.", { state: "hidden" });
  });

  it("the dialog returns the focus to its opener, on Escape and on Cancel", async () => {
    const admin = await logIn("admin");
    await admin.goto(example.origin + CONSOLE);
    const opener = admin.locator("tr[data-user=admin] > td:last-child a");
    for (const close of [() => admin.keyboard.press("Escape"), () => admin.click("dialog [data-cancel]")]) {
      await opener.focus();
      await admin.keyboard.press("Enter");
      await admin.waitForSelector("dialog[open]");
      expect(await admin.evaluate(() => document.activeElement?.id)).toBe("question");
      await close();
      await admin.waitForSelector("dialog", { state: "detached" });
      expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true);
    }
  });
});
