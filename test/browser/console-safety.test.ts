import { describe, expect, it, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import {
  boxOf,
  consolePath,
  order,
  refreshed,
  rowOf,
  SUBMIT,
  ticked,
  useConsoles,
  usersNamed,
} from "../support/console-browser.js";

jest.setTimeout(60_000);

const opener = (user: string): string => `${rowOf(user)} > td:last-child a`;
const pillOf = (user: string): string => `${rowOf(user)} [data-pill]`;
const loginsOf = (user: string): string => `tr[data-logins-of="${user}"] li`;
const CANCEL = "dialog [data-cancel]";
const topOf = async (page: Page, selector: string): Promise<number | undefined> =>
  (await page.locator(selector).boundingBox())?.y;
/** What stands before a text by the style sheet. */
const markOf = (page: Page, selector: string): Promise<string> =>
  page.locator(selector).evaluate((element) => getComputedStyle(element, "::before").content);

describe("the console affects no other user than the one that was meant", () => {
  const consoleOf = useConsoles();

  it("has the same user ticked after Back, though others came before them", async () => {
    const { site, page } = await consoleOf(usersNamed(24));
    await page.check(boxOf("user020"));
    await page.click(".pager button[value='2']");
    await page.waitForURL(/page=2/);
    await site.login("late1");
    await site.login("late2");
    await page.goBack();
    await page.waitForSelector(boxOf("user020"));
    expect(await ticked(page)).toEqual(["user020"]);
    expect(await page.locator("[data-selection]").innerText()).toContain("1 user selected");
    await page.reload();
    expect(await ticked(page)).toEqual(["user020"]);
  });

  it("leaves every row in its place while others come and go", async () => {
    const { site, page } = await consoleOf(["alice", "bob", "carol"]);
    const before = await order(page);
    await page.hover(boxOf("alice"));
    await site.login("dave");
    await site.login("alice");
    await site.auth.kick("carol");
    await refreshed(page);
    expect(await order(page)).toEqual(before);
    expect(await page.locator(`${rowOf("carol")} [data-active]`).innerText()).toBe("offline");
    expect(await page.locator(pillOf("alice")).textContent()).toMatch(/^2 /);
    await page.mouse.down();
    await page.mouse.up();
    expect(await ticked(page)).toEqual(["alice"]);
    expect(await page.locator("[data-newcomers]").innerText()).toBe("1 new: show");
    await page.click("[data-newcomers]");
    await page.waitForSelector(rowOf("dave"));
    expect(await order(page)).toEqual(["alice", "dave", "admin", "bob"]);
    expect(await ticked(page)).toEqual(["alice"]);
    expect(await page.locator("[data-newcomers]").isHidden()).toBe(true);
    await site.login("carol");
    await refreshed(page);
    expect(await page.locator("[data-newcomers]").innerText()).toBe("1 new: show");
  });

  it("moves no row by a tick or a result", async () => {
    const { page } = await consoleOf(["alice", "bob"]);
    const top = await topOf(page, rowOf("bob"));
    await page.check(boxOf("alice"));
    expect(await topOf(page, rowOf("bob"))).toBe(top);
    await page.click(opener("alice"));
    await page.click(SUBMIT);
    await page.waitForSelector("text=1 user forced offline (1 login ended)");
    expect(await markOf(page, "[data-status]")).toBe('"✓ "');
    expect(await topOf(page, rowOf("bob"))).toBe(top);
  });

  it.each([1280, 390, 320])("moves no row by a tick, newcomers or an outage, %i px wide", async (width) => {
    const { site, page } = await consoleOf(["alice", "bob"]);
    await page.setViewportSize({ width, height: 900 });
    const top = await topOf(page, rowOf("bob"));
    await page.check(boxOf("alice"));
    expect(await topOf(page, rowOf("bob"))).toBe(top);
    await site.login("late");
    await page.waitForSelector("[data-newcomers]:visible");
    expect(await topOf(page, rowOf("bob"))).toBe(top);
    await page.route(/[?&]shown=/, (route) => route.abort());
    await page.waitForSelector("[data-trouble]:visible");
    expect(await topOf(page, rowOf("bob"))).toBe(top);
  });

  it("keeps the scroll position and selected text through a refresh", async () => {
    const { site, page } = await consoleOf(usersNamed(60));
    await page.goto(`${page.url().replace(/\?.*$/, "")}?limit=50`);
    await page.focus(boxOf("user030"));
    await page.evaluate(() => {
      scrollTo(0, 1_000);
    });
    const text = await page.evaluate(() => {
      const name = document.querySelector(".name");
      if (name !== null) getSelection()?.selectAllChildren(name);
      return getSelection()?.toString();
    });
    await site.login("user050");
    await refreshed(page);
    expect(await page.evaluate(() => getSelection()?.toString())).toBe(text);
    expect(await page.evaluate(() => scrollY)).toBe(1_000);
  });

  it("keeps the focus on a login whose row changes", async () => {
    const { site, page } = await consoleOf(["alice", "alice"]);
    await page.click(pillOf("alice"));
    await page.focus(`${loginsOf("alice")}:first-child a`);
    const top = await topOf(page, rowOf("admin"));
    await site.login("alice");
    await refreshed(page);
    // The open list keeps its length, as a row more would move those below it.
    expect(await page.locator(pillOf("alice")).textContent()).toMatch(/^3 /);
    expect(await page.locator(loginsOf("alice")).count()).toBe(2);
    expect(await topOf(page, rowOf("admin"))).toBe(top);
    expect(await page.evaluate(() => document.activeElement?.closest(".logins") !== null)).toBe(true);
    await page.click(pillOf("alice"));
    await refreshed(page);
    await page.click(pillOf("alice"));
    expect(await page.locator(loginsOf("alice")).count()).toBe(3);
  });
});

describe("a dialog of the console", () => {
  const consoleOf = useConsoles();

  it("shows how namesakes differ, and counts the users beyond its list", async () => {
    const users = usersNamed(30);
    const { site, page } = await consoleOf(users, {
      pages: { describeUser: (userId) => ({ name: "Wang Wei", email: `${userId}@example.com` }) },
    });
    await page.goto(`${page.url().replace(/\?.*$/, "")}?limit=50`);
    for (const user of users) await page.check(boxOf(user));
    await site.auth.kick(["user003", "user004"]);
    await page.click("[data-selection] button");
    const people = page.locator("dialog .people");
    await people.waitFor();
    expect(await people.innerText()).toContain("user029 · user029@example.com");
    expect(await people.innerText()).toContain("and 10 more");
    expect(await page.locator("dialog").innerText()).toContain("2 of them are offline.");
  });

  it("names the device, address and time of one login", async () => {
    const { site, page } = await consoleOf();
    await site.login("alice", { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0" });
    await site.login("alice", { "User-Agent": "curl/8" });
    await page.reload();
    await page.click(pillOf("alice"));
    const link = page.locator(loginsOf("alice"), { hasText: "Firefox" }).getByRole("link");
    await link.click();
    const words = /Firefox 140 on Linux[^]*127\.0\.0\.1[^]*since \d/;
    await page.waitForSelector("dialog[open]");
    expect(await page.locator("dialog").innerText()).toMatch(words);
    expect(await link.textContent()).toContain("Firefox 140 on Linux");
  });

  it("says that the administrator is among those who will be logged out", async () => {
    const { page } = await consoleOf(["alice"]);
    expect(await page.locator(rowOf("admin")).innerText()).toContain("You");
    await page.check(boxOf("alice"));
    await page.click(opener("alice"));
    await page.waitForSelector("dialog[open]");
    expect(await page.locator("dialog").innerText()).not.toContain("includes you");
    await page.keyboard.press("Escape");
    await page.check(boxOf("admin"));
    await page.click("[data-selection] button");
    await page.waitForSelector("dialog[open]");
    expect(await page.locator("dialog").innerText()).toContain("This includes you. You will be logged out too.");
  });

  it("reports a login that has ended, with no ✓, and drops nothing", async () => {
    const { site, page } = await consoleOf(["alice", "alice", "bob"]);
    await page.check(boxOf("bob"));
    await page.click(pillOf("alice"));
    await site.auth.kick("alice");
    const address = page.url();
    await page.click(`${loginsOf("alice")}:first-child a`);
    await page.waitForSelector("[data-status][data-error]");
    expect(await page.locator("[data-status]").innerText()).toContain("already offline");
    expect(await markOf(page, "[data-status]")).toBe("none");
    expect([page.url(), await ticked(page)]).toEqual([address, ["bob"]]);
  });

  it("leaves the page as it is when the server does not answer", async () => {
    const { page } = await consoleOf(["alice"]);
    await page.check(boxOf("alice"));
    await page.route(/force-offline/, (route) => route.abort());
    await page.click(opener("alice"));
    await page.waitForSelector("[data-status][data-error]");
    expect(await page.locator("[data-status]").innerText()).toBe("Please try again in a moment");
    expect(await ticked(page)).toEqual(["alice"]);
    expect(await page.locator("[aria-busy]").count()).toBe(0);
  });
});

describe("a kick of everyone", () => {
  const consoleOf = useConsoles();

  const ask = async (page: Page, appId: string): Promise<void> => {
    await page.click(".title summary");
    await page.click(".title a.danger");
    await page.fill("dialog [name=everyone]", appId);
  };

  it("spares the administrator, on every device, and shows its result until it is closed", async () => {
    const { site, page } = await consoleOf(["alice", "bob"]);
    const phone = await site.login("admin");
    await ask(page, site.appId);
    expect(await page.locator("dialog").innerText()).toMatch(/Force all 2 users of .* offline\?/);
    await page.click(SUBMIT);
    await page.waitForSelector("text=2 users forced offline (2 logins ended)");
    expect(await page.locator("dialog").innerText()).toMatch(/Users offline\s+2\s+Logins ended\s+2\s+Seconds\s+[\d.]+/);
    expect(await page.locator("dialog button:visible").count()).toBe(0);
    await page.click(CANCEL);
    await page.waitForSelector("dialog", { state: "detached" });
    expect([await site.user(phone), (await site.auth.listActiveUsers()).total]).toEqual(["admin", 1]);
  });

  it("ends the administrator's login as well if that is ticked, and the result is read first", async () => {
    const { site, page } = await consoleOf(["alice"]);
    await ask(page, site.appId);
    await page.check("dialog [name=me]");
    await page.fill("dialog [name=reason]", "Incident 4711");
    await page.click(SUBMIT);
    await page.waitForSelector("text=2 users forced offline (2 logins ended)");
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.click(CANCEL);
    await page.waitForSelector(".notice");
    expect(await page.locator(".notice").innerText()).toMatch(/You have been logged out[^]*Incident 4711/);
    expect(page.url()).toContain(consolePath(site));
    await page.waitForTimeout(3_500);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["the button", (page: Page) => page.click(CANCEL)],
    ["Escape", (page: Page) => page.keyboard.press("Escape")],
  ])("stops at %s, and says how many it has reached", async (_what, stop) => {
    let release = (): void => undefined;
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    let kicked = 0;
    const log = async ({ action }: { action: string }): Promise<void> => {
      if (action === "kick" && (kicked += 1) > 210) await isReleased;
    };
    const { site, page } = await consoleOf(usersNamed(450), { audit: { log } });
    await ask(page, site.appId);
    await page.click(SUBMIT);
    await page.waitForSelector("text=/\\d+ of \\d+ users forced offline/");
    expect(await page.locator(CANCEL).innerText()).toBe("Stop");
    await stop(page);
    await page.waitForSelector("text=Stopped before finishing.");
    expect(await page.locator("dialog").innerText()).toMatch(/\d+ of 45\d users forced offline/);
    expect(await page.locator(SUBMIT).innerText()).toBe("Try again");
    release();
    const { total } = await site.auth.listActiveUsers();
    expect(total).toBeGreaterThan(1);
    await page.waitForTimeout(1_000);
    expect((await site.auth.listActiveUsers()).total).toBe(total);
    await page.click(SUBMIT);
    await page.waitForSelector("text=/\\d+ users forced offline \\(/");
    expect((await site.auth.listActiveUsers()).total).toBe(1);
  });
});
