import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import type { Site } from "./site.js";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * Debian's Chromium, without its talk to the outside.
 *
 * @param ignoreDefaultArgs - the features that Playwright turns off and a test needs.
 */
export function launchChromium(ignoreDefaultArgs: string[] = []): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (executablePath === undefined)
    throw new Error("Chromium is not installed: node scripts/services.mjs installs it.");
  const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"];
  const args = ["--no-sandbox", "--disable-gpu", "--disable-sync", ...quiet];
  return chromium.launch({ executablePath, args, ignoreDefaultArgs });
}

/** A page, and its problems: errors of the script, violations of the policy, answers of 5xx. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  context.setDefaultTimeout(8_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) complaints.push(message.text());
  });
  page.on("response", (response) => {
    if (response.status() >= 500) complaints.push(`${String(response.status())} ${response.url()}`);
  });
  return { page, context, complaints };
}

/** A page of a browser in which this user is logged in. */
export async function openPageAs(
  browser: Browser,
  site: Site,
  user: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const watched = await openPage(browser, options);
  await logInAs(watched.context, site, user);
  return watched;
}

/** Logs a user in, in place of the one before. */
export async function logInAs(context: BrowserContext, site: Site, user: string): Promise<void> {
  const [name = "", ...value] = (await site.login(user)).cookies.split("=");
  await context.addCookies([{ name, value: value.join("="), url: site.url }]);
}
