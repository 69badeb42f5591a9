// Takes the pictures of the README from the example app, in light and dark: npm run screenshots.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import process from "node:process";
import { chromium } from "playwright-core";

const PORT = "3991";
const origin = `http://localhost:${PORT}`;
const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1";
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

const app = spawn(process.execPath, ["example-app/dist/server.js"], {
  env: { ...process.env, PORT },
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

try {
  mkdirSync("docs/images", { recursive: true });
  await logIn("alice", "wonderland", { userAgent: PHONE });
  await logIn("bob", "can-we-fix-it", { userAgent: PHONE });
  const alice = await logIn("alice", "wonderland", { viewport: { width: 800, height: 420 } });
  const admin = await logIn("admin", "in-charge", { viewport: { width: 1100, height: 520 } });
  for (const colorScheme of ["light", "dark"]) {
    for (const page of [alice, admin]) await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await alice.goto(`${origin}/u`);
    await alice.click(".menu summary");
    await alice.screenshot({ path: `docs/images/personal-center-${colorScheme}.png` });
    await admin.goto(`${origin}/console/applications/shop/login-management`);
    await admin.check("tr[data-user=alice] input");
    await admin.check("tr[data-user=bob] input");
    await admin.screenshot({ path: `docs/images/login-management-${colorScheme}.png` });
  }
} finally {
  await browser.close();
  app.kill();
}
