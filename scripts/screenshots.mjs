// Takes the pictures of the README and the guides from the example app, in light and dark: npm run screenshots.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";

const PORT = "3991";
const origin = `http://localhost:${PORT}`;
const CONSOLE = `${origin}/console/applications/shop/login-management`;
const OLD_FIREFOX = "Mozilla/5.0 (Windows NT 6.1; rv:60.0) Gecko/20100101 Firefox/60.0";
const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

const app = spawn(process.execPath, ["example-app/dist/server.js"], {
  env: { ...process.env, PORT, CUSTOMERS: "24" },
  stdio: ["ignore", "pipe", "inherit"],
});
await once(app.stdout, "data");
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

async function logIn(username, password, options = {}) {
  const page = await (await browser.newContext({ locale: "en-GB", deviceScaleFactor: 2, ...options })).newPage();
  await page.goto(`${origin}/login`);
  await page.fill("[name=username]", username);
  await page.fill("[name=password]", password);
  await page.click("button");
  return page;
}

/** Logs a customer in without a browser. */
async function logInCustomer(number, userAgent) {
  const body = new URLSearchParams({ username: `customer-${number}`, password: "always-right" });
  const headers = { "User-Agent": userAgent, "Sec-Fetch-Site": "same-origin" };
  const { status } = await fetch(`${origin}/login`, { method: "POST", body, headers, redirect: "manual" });
  if (status >= 400) throw new Error(`customer-${number} could not log in: ${status}`);
}

async function takeEveryday() {
  await logIn("alice", "wonderland", { userAgent: PHONE });
  await logIn("bob", "can-we-fix-it", { userAgent: PHONE });
  const alice = await logIn("alice", "wonderland", { viewport: { width: 800, height: 420 } });
  const admin = await logIn("admin", "in-charge", { viewport: { width: 1100, height: 520 } });
  for (const colorScheme of ["light", "dark"]) {
    for (const page of [alice, admin]) await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await alice.goto(`${origin}/u`);
    await alice.click(".menu summary");
    await alice.screenshot({ path: `docs/images/personal-center-${colorScheme}.png` });
    await admin.goto(CONSOLE);
    await admin.check("tr[data-user=alice] input");
    await admin.check("tr[data-user=bob] input");
    await admin.screenshot({ path: `docs/images/login-management-${colorScheme}.png` });
  }
}

/** The pictures of the guide: a filter, its preview, and the result. */
async function takeIncident() {
  for (const colorScheme of ["light", "dark"]) {
    for (let number = 1; number <= 24; number += 1) await logInCustomer(number, number % 2 === 0 ? OLD_FIREFOX : PHONE);
    const options = {
      viewport: { width: 1100, height: 720 },
      deviceScaleFactor: 1,
      colorScheme,
      reducedMotion: "reduce",
    };
    const admin = await logIn("admin", "in-charge", options);
    const take = (name) => admin.screenshot({ path: `docs/images/incident-${name}-${colorScheme}.png` });
    await admin.goto(`${CONSOLE}?device=firefox&sort=name`);
    await take("filter");
    await admin.click("a[href*='found=1']");
    await admin.waitForSelector("dialog[open]");
    await admin.fill("dialog textarea", "This browser is no longer safe. Please update it.");
    await take("preview");
    await admin.click("[data-confirmation] button.solid");
    await admin.waitForSelector("[data-stats]:visible");
    await take("result");
    await admin.context().close();
  }
}

try {
  mkdirSync("docs/images", { recursive: true });
  await takeEveryday();
  await takeIncident();
} finally {
  await browser.close();
  app.kill();
}
