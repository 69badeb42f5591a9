import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage } from "../../support/chromium.js";
import { useShops, type OpenShop } from "../support/field.js";
import { tried } from "../../support/tried.js";
import { greet, type Parts } from "../support/shop.js";

const WORKER = `
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));
`;
const REGISTER = `navigator.serviceWorker.register("/worker.js");`;

const PAGES: Parts = {
  first: (app) => {
    app.get("/worker.js", (_req, res) => res.type("js").send(WORKER));
    app.get("/register.js", (_req, res) => res.type("js").send(REGISTER));
  },
  routes: (app) => {
    app.get("/installs", (_req, res) => res.send(`<script src="/register.js"></script>`));
    app.get("/private", (req, res) => res.set("Cache-Control", "no-store").send(greet(req.session.userId)));
    app.get("/kept", (req, res) => res.send(greet(req.session.userId)));
    app.get("/", (req, res) => res.send(greet(req.session.userId)));
  },
};

describe("in Chromium", () => {
  const openShop = useShops();
  let chromium: Browser;
  let opened: Awaited<ReturnType<typeof openPage>> | undefined;
  beforeAll(async () => {
    // Playwright turns the back/forward cache off.
    chromium = await launchChromium(["--disable-back-forward-cache"]);
  });
  afterEach(async () => {
    await opened?.context.close();
    opened = undefined;
  });
  afterAll(async () => {
    tried({
      kind: "field",
      name: "Chromium",
      version: chromium.version().split(".")[0] ?? "",
      what: ["field suite: a service worker, the back/forward cache"],
    });
    await chromium.close();
  });

  async function loggedIn(parts: Parts = PAGES): Promise<{ shop: OpenShop; page: Page }> {
    const shop = await openShop(parts);
    opened = await openPage(chromium, { baseURL: shop.url });
    const { page } = opened;
    await page.goto("/login");
    await page.fill("input[name=user]", "alice");
    await page.click("button");
    await page.waitForURL("**/me");
    return { shop, page };
  }

  async function behindWorker(): ReturnType<typeof loggedIn> {
    const given = await loggedIn();
    await given.page.goto("/installs");
    await given.page.waitForFunction("navigator.serviceWorker.controller !== null");
    return given;
  }

  it("behind a service worker that forwards every request, a visit to the logout address logs out", async () => {
    const { shop, page } = await behindWorker();
    await page.goto("/login/profile/logout");
    expect((await shop.auth.listLogins("alice")).total).toBe(0);
    expect(await page.textContent("h1")).toBe("Welcome");
  });

  it("behind a service worker, the page after a kick shows the reason, and the user logs in in one step", async () => {
    const { shop, page } = await behindWorker();
    await shop.auth.kick("alice", { reason: "Your password was changed." });
    const rejection = await page.goto("/me");
    expect([rejection?.status(), await page.textContent("main")]).toEqual([
      401,
      expect.stringContaining("Your password was changed."),
    ]);
    await page.goto("/login");
    await page.fill("input[name=user]", "alice");
    await page.click("button");
    await page.waitForURL("**/me");
    expect(await page.textContent("h1")).toBe("Hello alice");
  });

  it("behind a service worker, the forms of the personal center work", async () => {
    const { shop, page } = await behindWorker();
    await shop.device("alice");
    await page.goto("/u");
    await page.click("form[action$='/end-others'] button");
    await page.waitForURL("**/u?ended=1");
    expect((await shop.auth.listLogins("alice")).total).toBe(1);
  });

  /** A page that comes from the back/forward cache is not loaded again. */
  async function goBack(page: Page): Promise<void> {
    await page.goBack({ waitUntil: "commit" });
    await page.waitForFunction("document.readyState === 'complete'");
  }

  it.each(["/u", "/private"])("after a logout the Back button does not show %s, which is no-store", async (path) => {
    const { page } = await loggedIn();
    await page.goto(path);
    expect(await page.textContent("body")).toMatch(/alice/);
    await page.goto("/login/profile/logout");
    await goBack(page);
    expect(await page.textContent("body")).not.toMatch(/alice/);
  });

  it("after a logout the Back button shows pages that the browser may keep, and the next request is anonymous", async () => {
    const { page } = await loggedIn();
    await page.goto("/kept");
    await page.evaluate("addEventListener('pageshow', (event) => { document.title = String(event.persisted); })");
    await page.goto("/login/profile/logout");
    await goBack(page);
    // From the back/forward cache. A private page of the app must be no-store.
    expect([await page.title(), await page.textContent("h1")]).toEqual(["true", "Hello alice"]);
    await page.reload();
    expect(await page.textContent("h1")).toBe("Welcome");
  });
});
