// The main journeys in Debian's Firefox: `npm run test:firefox`. The browser tests of `npm test` run in Chromium.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { firefox } from "playwright-core";

const FIREFOX = process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr";
const CONSOLE = "/console/applications/shop/login-management";
const SUBMIT = "[data-confirmation] button.solid";
/** A browser that has just been installed may take a minute to start on a busy machine. */
const START_MS = 300_000;
const STEP_MS = 60_000;

if (!existsSync(FIREFOX)) install();
const port = await freePort();
const origin = `http://localhost:${port}`;
const app = spawn(process.execPath, ["example-app/dist/server.js"], {
  env: { ...process.env, PORT: String(port), CUSTOMERS: "24" },
  stdio: ["ignore", "pipe", "inherit"],
});
process.once("exit", () => app.kill());
await once(app.stdout, "data");
const browser = await firefox.launch({
  channel: "moz-firefox",
  executablePath: fileURLToPath(new URL("firefox-bidi.mjs", import.meta.url)),
  timeout: START_MS,
});
console.log(`Firefox ${browser.version()}`);

const complaints = [];

async function logIn(username, password) {
  const context = await browser.newContext({ locale: "en-GB" });
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("console", (message) => {
    if (/Content-Security-Policy/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${origin}/login`);
  await page.fill("[name=username]", username);
  await page.fill("[name=password]", password);
  await page.click("button[type=submit]");
  return page;
}

// A page in the background is not refreshed, and Firefox draws it no more: each journey brings the page to the front that it uses.
const text = (page, selector) => page.locator(selector).first().innerText();

const JOURNEYS = {
  "the list follows logins, and keeps its rows in place": async () => {
    const admin = await logIn("admin", "in-charge");
    await admin.goto(origin + CONSOLE);
    assert.equal(await text(admin, "h1"), "Login management");
    await logIn("alice", "wonderland");
    await admin.bringToFront();
    await admin.click("[data-newcomers]:visible");
    await admin.waitForSelector("tr[data-user=alice]");
  },
  "users are selected, and Escape and Cancel close the dialog": async () => {
    const admin = await logIn("admin", "in-charge");
    await logIn("alice", "wonderland");
    await admin.goto(origin + CONSOLE);
    await admin.check("tr[data-user=alice] input");
    assert.match(await text(admin, "[data-selection]"), /1 user selected/);
    for (const close of [() => admin.keyboard.press("Escape"), () => admin.click("dialog [data-cancel]")]) {
      await admin.click("[data-selection] button");
      await admin.waitForSelector("dialog[open]");
      assert.match(await text(admin, "dialog"), /Force Alice Liddell offline\?/);
      assert.equal(await admin.evaluate(() => document.activeElement?.id), "question");
      await close();
      await admin.waitForSelector("dialog", { state: "detached" });
    }
    assert.equal(await admin.isChecked("tr[data-user=alice] input"), true);
  },
  "a tick is not restored onto another row by Back": async () => {
    const admin = await logIn("admin", "in-charge");
    await logIn("alice", "wonderland");
    await admin.goto(origin + CONSOLE);
    await admin.check("tr[data-user=alice] input");
    await admin.goto(`${origin}/u`);
    await logIn("bob", "can-we-fix-it");
    await admin.bringToFront();
    await admin.goBack();
    await admin.waitForSelector("tr[data-user=alice] input:checked");
    assert.equal(await admin.locator("tbody input:checked").count(), 1);
  },
  "a user is forced offline with the keyboard, and sees the reason": async () => {
    const alice = await logIn("alice", "wonderland");
    const admin = await logIn("admin", "in-charge");
    await admin.goto(origin + CONSOLE);
    await admin.focus("tr[data-user=alice] > td:last-child a");
    await admin.keyboard.press("Enter");
    await admin.waitForSelector("dialog[open]");
    await admin.fill("[name=reason]", "Your shift is over");
    await admin.keyboard.press("Enter");
    assert.equal(await admin.locator("dialog[open]").count(), 1);
    await admin.focus(SUBMIT);
    await admin.keyboard.press("Enter");
    await admin.waitForSelector("text=/1 user forced offline/");
    await alice.bringToFront();
    await alice.goto(`${origin}/u`);
    assert.match(await text(alice, ".notice"), /You have been logged out[^]*Your shift is over/);
  },
  "a user logs out another device, and then themselves from the menu": async () => {
    const phone = await logIn("bob", "can-we-fix-it");
    const bob = await logIn("bob", "can-we-fix-it");
    await bob.goto(`${origin}/u`);
    assert.match(await text(bob, ".devices li"), /Firefox \d+ on Linux[^]*This device/);
    await bob.click("button:has-text('Log out everywhere else')");
    await bob.waitForFunction(() => document.querySelectorAll(".devices li").length === 1);
    await phone.bringToFront();
    await phone.goto(`${origin}/u`);
    assert.equal(await text(phone, "h1"), "You have been logged out");
    await bob.bringToFront();
    await bob.click(".menu summary");
    await bob.click(".popup button");
    await bob.waitForURL(`${origin}/u/logged-out`);
    assert.equal(await text(bob, "h1"), "You are logged out");
  },
};

let failed = 0;
try {
  for (const [name, journey] of Object.entries(JOURNEYS)) {
    const began = Date.now();
    try {
      await journey();
      assert.deepEqual(complaints.splice(0), []);
      console.log(`passed  ${name}  (${((Date.now() - began) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      failed += 1;
      console.error(`FAILED  ${name}\n`, error);
    }
    await Promise.all(browser.contexts().map((context) => context.close()));
  }
} finally {
  await browser.close();
}
console.log(`${Object.keys(JOURNEYS).length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function install() {
  console.log("Installing firefox-esr …");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  spawnSync("apt-get", ["update"], { stdio: "ignore", env });
  spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "firefox-esr"], { stdio: "ignore", env });
  if (existsSync(FIREFOX)) return;
  console.error("Firefox is missing: install Debian's firefox-esr, or name another in FIREFOX_PATH.");
  process.exit(2);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
