import { describe, expect, it, jest } from "@jest/globals";
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

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

describe("an incident in the console", () => {
  const consoleOf = useConsoles();

  it("is answered by a filter, a preview, and a result that stays", async () => {
    const { site, page } = await consoleOf(usersNamed(3));
    for (const user of ["user001", "user002"]) await site.login(user, { "User-Agent": FIREFOX });
    await page.click("text=Device");
    await page.fill("[name=device]", "firefox");
    await page.keyboard.press("Enter");
    await page.waitForURL(/device=firefox/);
    expect(await page.locator(".live").first().innerText()).toBe("4 users online, 2 match");
    expect((await order(page)).sort()).toEqual(["user001", "user002"]);
    expect(await page.locator(".chosen").innerText()).toContain("firefox");
    await page.click("text=Force all 2 found offline…");
    const dialog = page.locator("dialog");
    await dialog.waitFor();
    expect(await dialog.innerText()).toMatch(
      /Force 2 users found offline\?[^]*This ends 2 logins[^]*Other logins of these users stay/,
    );
    expect(await dialog.innerText()).toContain("user002");
    await page.click(SUBMIT);
    await page.waitForSelector("h1:has-text('2 users forced offline (2 logins ended)')");
    await page.click("text=Close");
    await page.waitForSelector(`${rowOf("user001")} >> text=now`);
    const { items } = await site.auth.listActiveUsers();
    expect(items.map(({ loginsCount }) => loginsCount)).toEqual([1, 1, 1, 1]);
    await page.click("[name=without]");
    await page.waitForURL(/without=device/);
    expect(await order(page)).toHaveLength(4);
  });

  it("has times in the zone of the reader", async () => {
    const { page } = await consoleOf(["alice"]);
    const zone = await page.evaluate(() => 0 - new Date().getTimezoneOffset());
    await page.click("summary:has-text('Logged in')");
    await page.fill("[name=before]", "2020-01-01T12:00");
    await page.keyboard.press("Enter");
    await page.waitForURL(/before=2020/);
    const asked = new URL(page.url()).searchParams.get("zone") ?? "";
    const [, sign = "", hours = "", minutes = ""] = /^([+-])(\d\d):(\d\d)$/.exec(asked) ?? [];
    expect(Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes))).toBe(zone);
    expect(await page.locator(".blank").innerText()).toBe("No one who is online matches.");
  });

  it("asks the server for a slow list less often", async () => {
    const { page } = await consoleOf(["alice"]);
    await page.route(/[?&]shown=/, async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await route.continue().catch(() => undefined);
    });
    let requests = 0;
    page.on("request", (request) => (requests += Number(request.url().includes("shown="))));
    await refreshed(page);
    await page.waitForTimeout(8_000);
    expect(requests).toBe(1);
  });
});

describe("a selection in the console", () => {
  const consoleOf = useConsoles();

  it("is of a row of users with Shift, of the whole page, or of none by Escape", async () => {
    const { page } = await consoleOf(usersNamed(12));
    const shown = await order(page);
    await page.click(boxOf(shown[1] ?? ""));
    await page.click(boxOf(shown[4] ?? ""), { modifiers: ["Shift"] });
    expect(await ticked(page)).toEqual(shown.slice(1, 5));
    await page.click(boxOf(shown[2] ?? ""));
    await page.click(boxOf(shown[3] ?? ""), { modifiers: ["Shift"] });
    expect(await ticked(page)).toEqual([shown[1], shown[4]]);
    const all = page.locator("[data-all]");
    expect(await all.evaluate((box) => (box as HTMLInputElement).indeterminate)).toBe(true);
    await all.click();
    expect(await ticked(page)).toEqual(shown);
    expect(await page.locator("[data-selection]").innerText()).toContain("10 users selected");
    await page.keyboard.press("Escape");
    expect(await ticked(page)).toEqual([]);
    expect(new URL(page.url()).searchParams.getAll("user")).toEqual([]);
  });

  it("stays when a filter's menu is closed by Escape", async () => {
    const { page } = await consoleOf(["alice"]);
    await page.check(boxOf("alice"));
    await page.click("text=Address");
    await page.keyboard.press("Escape");
    expect(await page.locator(".filter[open]").count()).toBe(0);
    expect(await ticked(page)).toEqual(["alice"]);
  });

  it("is kept through search, filter, order and page size, with and without results", async () => {
    const { page } = await consoleOf(usersNamed(12));
    await page.check(boxOf("user011"));
    await page.keyboard.press("/");
    await page.keyboard.type("user003");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=user003/);
    expect(await order(page)).toEqual(["user003"]);
    expect(await page.locator("[data-selection]").innerText()).toContain("1 user selected");
    await page.click("th button[value=name]");
    await page.waitForURL(/sort=name/);
    await page.click("[data-selection] button");
    await page.waitForSelector("text=Force user011 offline?");
  });
});

describe("one user in the console", () => {
  const consoleOf = useConsoles();

  it("has a page from which one login is forced offline", async () => {
    const { site, page } = await consoleOf(["alice"], { audit: { history: {} } });
    await site.login("alice", { "User-Agent": FIREFOX });
    await page.reload();
    await page.click(`${rowOf("alice")} .name`);
    await page.waitForURL(/users\?id=alice/);
    const firefox = page.locator("tr[data-login]", { hasText: "Firefox" });
    await firefox.locator(".kick").click();
    await page.waitForSelector("dialog[open]");
    expect(await page.locator("dialog").innerText()).toMatch(
      /Force one login of alice offline\?[^]*Firefox 140 on Linux/,
    );
    await page.fill("dialog textarea", "Lost device");
    await page.click(SUBMIT);
    await page.waitForSelector("text=1 user forced offline (1 login ended)");
    expect(await firefox.count()).toBe(0);
    expect(await page.locator("tr[data-login]").count()).toBe(1);
    expect(await page.locator(".timeline").innerText()).toMatch(/Forced offline[^]*admin[^]*Lost device/);
    await page.click(".rail a:has-text('Show all')");
    await page.waitForURL(`${site.url}${consolePath(site)}/history?user=alice`);
    expect(await page.locator("table").innerText()).toMatch(/alice[^]*admin[^]*Lost device/);
  });

  it("gives way to the reason when the administrator was kicked meanwhile", async () => {
    const { site, page } = await consoleOf(["alice"]);
    await page.goto(`${site.url}${consolePath(site)}/users?id=alice`);
    await site.auth.kick("admin", { reason: "Your shift is over" });
    await page.click(".title .danger");
    await page.waitForSelector(".notice");
    expect(await page.locator(".notice").innerText()).toMatch(/You have been logged out[^]*Your shift is over/);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
  });

  it("has initials in place of a picture that cannot be loaded", async () => {
    const { page } = await consoleOf(["alice"], {
      pages: { describeUser: (userId) => ({ name: `Mia ${userId}`, photo: "data:image/png;base64,bm90aGluZw==" }) },
    });
    await page.waitForSelector(`${rowOf("alice")} span.avatar`);
    expect(await page.locator(`${rowOf("alice")} .avatar`).innerText()).toBe("MA");
  });
});

describe("the console without JavaScript", () => {
  const consoleOf = useConsoles();

  it("opens logins, filters, sorts and forces all found offline", async () => {
    const { site, page, context } = await consoleOf(["alice", "alice", "bob"]);
    const address = page.url();
    const cookies = await context.cookies();
    const plain = await context.browser()?.newContext({ javaScriptEnabled: false, locale: "en-GB" });
    await plain?.addCookies(cookies);
    const bare = await plain?.newPage();
    if (bare === undefined) throw new Error("no page");
    await bare.goto(address);
    await bare.click("[data-pill]");
    await bare.waitForURL(/open=alice/);
    expect(await bare.locator("tr[data-logins-of=alice] li").count()).toBe(2);
    await bare.click("[data-pill]");
    await bare.waitForURL(/close=alice/);
    expect(await bare.locator("tr[data-logins-of=alice]").isVisible()).toBe(false);
    await bare.click("summary:has-text('Logins')");
    await bare.fill("[name=more]", "1");
    await bare.keyboard.press("Enter");
    await bare.waitForURL(/more=1/);
    expect(await bare.locator("tbody tr[data-user]").count()).toBe(1);
    await bare.click("text=Force the one found offline…");
    await bare.click("button:has-text('Force 1 user offline')");
    await bare.waitForSelector("text=1 user forced offline (2 logins ended)");
    expect((await site.auth.listActiveUsers()).total).toBe(2);
    await plain?.close();
  });
});
