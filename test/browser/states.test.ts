import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Express } from "express";
import helmet from "helmet";
import type { Browser, Page } from "playwright-core";
import type { LogoutOptions } from "../../lib/index.js";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { useSites, type Site } from "../support/site.js";

jest.setTimeout(60_000);

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const HOSTILE = [
  "<script>alert(1)</script>",
  "\u202eright to left\u202c \u200f",
  "x".repeat(10_000),
  "\ud800 lone",
  `"'><img src=x onerror=alert(1)>`,
  "名字很长的用户名字很长的用户名字很长的用户",
];
const WIDTHS = [320, 768, 1440];
const MANY_SELECTED = Array.from({ length: 900 }, (_value, index) => `user=${String(index + 100)}`).join("&");

interface Axe {
  run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}

describe("every state of the pages", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  const openSite = useSites();

  const consolePath = (site: Site): string => `${site.at}/console/applications/${site.appId}/login-management`;

  async function siteWithUsers(users: readonly string[], auth: Partial<LogoutOptions> = {}): Promise<Site> {
    const site = await openSite({
      at: "/account",
      before: (app: Express) => app.use(helmet({ hsts: false })),
      after: (app, router) => app.use(router.guard),
      auth: {
        console: { authorize: (req) => req.session.userId === "admin" },
        pages: { describeUser: (userId) => ({ name: userId === "admin" ? "Ada Minh" : `Name of ${userId}` }) },
        redirects: { login: false },
        ...auth,
      },
    });
    for (const user of users) await site.login(user, { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0" });
    return site;
  }

  const pageOf = (site: Site, user: string, options: Parameters<typeof openPageAs>[3] = {}) =>
    openPageAs(browser, site, user, options);

  async function expectAccessible(page: Page, complaints: readonly string[]): Promise<void> {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => `${colorScheme} ${id}: ${nodes[0]?.html ?? ""}`)).toEqual([]);
    }
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      const [content, available] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      expect([width, content]).toEqual([width, available]);
    }
    expect(complaints).toEqual([]);
  }

  const STATES: Readonly<Record<string, (site: Site, page: Page) => Promise<unknown>>> = {
    "the personal center": (site, page) => page.goto(`${site.url}/account/u`),
    "the personal center with its menu open": async (site, page) => {
      await page.goto(`${site.url}/account/u`);
      await page.click(".menu summary");
    },
    "the personal center after a device was logged out": (site, page) => page.goto(`${site.url}/account/u?ended=2`),
    "the logged-out page": (site, page) => page.goto(`${site.url}/account/u/logged-out`),
    "the console with many users": (site, page) => page.goto(site.url + consolePath(site)),
    "the console with an open row and a selected user": async (site, page) => {
      await page.goto(site.url + consolePath(site));
      await page.click("[data-pill]");
      await page.check("tbody tr[data-user] input >> nth=2");
    },
    "the console with a full selection": (site, page) => page.goto(`${site.url}${consolePath(site)}?${MANY_SELECTED}`),
    "the console without search results": (site, page) => page.goto(`${site.url}${consolePath(site)}?q=nobody`),
    "the console with an open dialog": async (site, page) => {
      await page.goto(site.url + consolePath(site));
      await page.click("tbody tr[data-user] .kick >> nth=1");
      await page.waitForSelector("dialog[open]");
    },
    "the confirmation page for everyone": (site, page) =>
      page.goto(`${site.url}${consolePath(site)}/force-offline?everyone=1`),
    "an error": (site, page) => page.goto(`${site.url}/account/console/applications/other/login-management`),
  };

  it.each(Object.keys(STATES))("is accessible and fits every width: %s", async (name) => {
    const site = await siteWithUsers([
      ...Array.from({ length: 24 }, (_value, index) => `user ${String(index)}`),
      "admin",
    ]);
    const { page, complaints, context } = await pageOf(site, "admin");
    await STATES[name]?.(site, page);
    await expectAccessible(page, complaints);
    await context.close();
  });

  it.each(["en", "zh"] as const)("is accessible and fits every width with hostile names, in %s", async (locale) => {
    const users = HOSTILE.map((_text, index) => `u${String(index)}`);
    const user = (userId: string) => ({
      name: HOSTILE[Number(userId.slice(1))] ?? "Ada",
      email: HOSTILE[2],
      photo: userId === "u0" ? "javascript:alert(1)" : undefined,
    });
    const site = await siteWithUsers([...users, ...HOSTILE.slice(0, 2)], {
      pages: { describeUser: user, locale, brandName: HOSTILE[0] },
    });
    const { page, complaints, context } = await pageOf(site, "admin");
    await page.goto(site.url + consolePath(site));
    expect(await page.locator("tbody tr[data-user]").count()).toBe(9);
    expect(await page.content()).not.toContain("<script>alert");
    await expectAccessible(page, complaints);
    await site.auth.kick("admin", { reason: HOSTILE[4] ?? "" });
    await page.goto(`${site.url}/account/u`);
    expect(await page.locator(".notice bdi").innerText()).toBe(HOSTILE[4]);
    await expectAccessible(page, complaints);
    await context.close();
  });

  it("styles the 401 page of other routes of the app too, under helmet", async () => {
    const site = await siteWithUsers([]);
    const { page, complaints, context } = await pageOf(site, "alice");
    await site.auth.kick("alice", { reason: "why" });
    expect((await page.goto(`${site.url}/me`))?.status()).toBe(401);
    const align = await page.locator(".notice").evaluate((element) => getComputedStyle(element).textAlign);
    expect(align).toBe("center");
    await expectAccessible(page, complaints);
    await context.close();
  });

  it("keeps the selection across pages", async () => {
    const site = await siteWithUsers(Array.from({ length: 24 }, (_value, index) => `user ${String(index)}`));
    for (const javaScriptEnabled of [true, false]) {
      const { page, context } = await pageOf(site, "admin", { javaScriptEnabled });
      await page.goto(site.url + consolePath(site));
      await page.check("tbody tr[data-user] input >> nth=1");
      await page.click(".pager button:has-text('2')");
      await page.check("tbody tr[data-user] input >> nth=1");
      await page.click(".pager button:has-text('3')");
      expect(await page.locator("[data-selection]").innerText()).toContain("2 users selected");
      await page.click("[data-selection] button");
      await page.waitForSelector("text=Force 2 users offline?");
      await context.close();
    }
  });

  it("shows an application whose only user is the administrator", async () => {
    const site = await siteWithUsers([]);
    const { page, complaints, context } = await pageOf(site, "admin");
    await page.goto(site.url + consolePath(site));
    expect(await page.locator("tbody tr[data-user]").count()).toBe(1);
    await expectAccessible(page, complaints);
    await context.close();
  });
});
