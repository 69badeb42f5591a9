import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage, type WatchedPage } from "../support/chromium.js";
import { startExample, type Example } from "../support/example-server.js";
import { freePort } from "../support/free-port.js";

let chromium: Browser;
let example: Example;
let company: string;

beforeAll(async () => {
  const port = String(await freePort());
  company = `http://localhost:${port}`;
  [chromium, example] = await Promise.all([launchChromium(), startExample({ OIDC_PORT: port })]);
}, 60_000);

afterAll(async () => {
  await chromium.close();
  await example.stop();
});

const heading = (page: Page): Promise<string | null> => page.textContent("h1");

/** A browser of its own, logged in with the company account. */
async function logIn(): Promise<WatchedPage> {
  const watched = await openPage(chromium);
  const { page } = watched;
  await page.goto(`${example.origin}/login`);
  await page.click("text=Log in with the company account");
  expect(await heading(page)).toBe("Log in");
  await page.fill("[name=username]", "alice");
  await page.fill("[name=password]", "wonderland");
  await page.click("button[type=submit]");
  await page.waitForURL(`${example.origin}/`);
  expect(await page.textContent("h1")).toBe("Welcome back, Alice Liddell");
  return watched;
}

describe("a user of the example app with a company account", () => {
  it("is logged out here, in one browser alone, by a logout at the company", async () => {
    const [one, other] = [await logIn(), await logIn()];
    await one.page.click("text=Log out at the company");
    expect(await heading(one.page)).toBe("Log out?");
    await one.page.click("button[name=logout]");
    await one.page.waitForURL(`${company}/session/end/success`);
    await one.page.goto(`${example.origin}/u`);
    expect(await one.page.textContent("body")).toContain("Logged out at the identity provider");
    await other.page.goto(`${example.origin}/`);
    expect(await other.page.textContent("h1")).toBe("Welcome back, Alice Liddell");
    expect(other.complaints).toEqual([]);
  }, 60_000);

  it("is logged out at the company by a logout on the page of devices", async () => {
    const { page, complaints } = await logIn();
    await page.goto(`${example.origin}/u`);
    await page.click(".menu summary");
    await page.click(".menu form button");
    await page.waitForURL(`${company}/session/end?**`);
    await page.click("button[name=logout]");
    await page.waitForURL(`${example.origin}/**`);
    await page.goto(`${example.origin}/login/company`);
    expect(await heading(page)).toBe("Log in");
    expect(complaints).toEqual([]);
  }, 60_000);
});
