import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Express } from "express";
import type { Browser, Page } from "playwright-core";
import type { LogoutMiddleware } from "../../lib/index.js";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { useSites } from "../support/site.js";

jest.setTimeout(60_000);

const WHY = "Your password was changed.";
const WORKER =
  "onfetch = (e) => e.respondWith(fetch(e.request)); oninstall = () => skipWaiting(); onactivate = (e) => e.waitUntil(clients.claim());";
const page = (script: string): string => `<!doctype html><title>open</title><script>${script}</script>`;

function addPages(app: Express, auth: LogoutMiddleware): void {
  app.get("/worker.js", (_req, res) => res.type("js").send(WORKER));
  app.get("/with-worker", (_req, res) => res.send(page('navigator.serviceWorker.register("/worker.js")')));
  app.get("/events", (req, res) => {
    res.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    res.write("retry: 50\n\ndata: open\n\n");
    auth.signal(req).addEventListener("abort", () => res.end());
  });
  const listen =
    'const e = new EventSource("/events"); e.onerror = () => { if (e.readyState === 2) document.title = "over"; }';
  app.get("/with-events", (_req, res) =>
    res.send(page(`${listen}; e.onmessage = () => { document.title = "listens"; }`)),
  );
  app.post("/beacon", (_req, res) => res.end());
  app.get("/plain", (_req, res) => res.send(page("")));
  app.get("/with-frame", (_req, res) => res.send(`<!doctype html><title>open</title><iframe src="/plain"></iframe>`));
}

describe("in Chromium", () => {
  let browser: Browser;
  const open = useSites();
  const closes: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    await Promise.all(closes.splice(0).map((close) => close()));
  });
  afterAll(() => browser.close());

  async function openAs(path: string) {
    const site = await open({ after: addPages });
    const { page, context } = await openPageAs(browser, site, "alice");
    closes.push(() => context.close());
    await page.goto(site.url + path);
    return { site, page };
  }

  const title = (page: Page, wanted: string): Promise<unknown> =>
    page.waitForFunction((text) => document.title === text, wanted);

  async function expectReason(page: Page, url: string): Promise<void> {
    expect((await page.goto(url))?.status()).toBe(401);
    expect(await page.content()).toContain(WHY);
  }

  it("the logout URL works with a service worker that forwards requests", async () => {
    const { site, page } = await openAs("/with-worker");
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await page.goto(`${site.url}/login/profile/logout`);
    expect((await site.auth.listLogins("alice")).total).toBe(0);
  });

  it("fetch() of the logout URL ends no login, with a service worker", async () => {
    const { site, page } = await openAs("/with-worker");
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    expect(await page.evaluate(async () => (await fetch("/login/profile/logout")).status)).toBe(403);
    expect((await site.auth.listLogins("alice")).total).toBe(1);
  });

  it("an EventSource that reconnects after a kick leaves the reason to the next page", async () => {
    const { site, page } = await openAs("/with-events");
    await title(page, "listens");
    await site.auth.kick("alice", { reason: WHY });
    await title(page, "over");
    await expectReason(page, `${site.url}/plain`);
  });

  it("a frame of the same origin shows the reason, and its link leads out of the frame", async () => {
    const { site, page } = await openAs("/with-frame");
    await site.auth.kick("alice", { reason: WHY });
    await page.evaluate("document.querySelector('iframe').src = '/plain?again'");
    const frame = page.frameLocator("iframe");
    await frame.getByText(WHY).waitFor();
    await frame.getByRole("link", { name: "Log in again" }).click();
    await page.waitForURL(/\/login/);
    expect((await page.goto(`${site.url}/plain`))?.status()).toBe(200);
  });

  it("a frame on another site leaves the reason to the next page", async () => {
    const other = await open({ after: addPages });
    const { site, page } = await openAs("/plain");
    const url = `${site.url}/plain`;
    await site.auth.kick("alice", { reason: WHY });
    // Cookies are the same on every port, and the origin is another one.
    await page.goto(`${other.url}/with-frame`);
    const answered = page.waitForResponse(url);
    await page.evaluate(`document.querySelector('iframe').src = '${url}'`);
    expect((await answered).status()).toBe(401);
    await expectReason(page, url);
  });

  it("a beacon leaves the reason to the next page", async () => {
    const { site, page } = await openAs("/plain");
    await site.auth.kick("alice", { reason: WHY });
    const answered = page.waitForEvent("response", (response) => response.url().endsWith("/beacon"));
    await page.evaluate(() => navigator.sendBeacon("/beacon", "bye"));
    expect((await answered).status()).toBe(401);
    await expectReason(page, `${site.url}/plain`);
  });
});
