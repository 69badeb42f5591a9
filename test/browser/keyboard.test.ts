import { describe, expect, it, jest } from "@jest/globals";
import type { Page } from "playwright-core";
import { SUBMIT, ticked, useConsoles, usersNamed } from "../support/console-browser.js";

jest.setTimeout(120_000);

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const MOST_STOPS = 90;

/** Presses a key until the focus is on such an element, and expects that it was seen at each stop. */
async function moveTo(page: Page, selector: string, key = "Tab"): Promise<void> {
  for (let stops = 0; stops < MOST_STOPS; stops += 1) {
    await page.keyboard.press(key);
    expect(await unseenFocus(page)).toBeUndefined();
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
  }
  throw new Error(`${key} does not lead to ${selector}`);
}

/** What has the focus without showing it: it has no outline, is out of sight, or something covers it. */
function unseenFocus(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return undefined;
    const name = element.outerHTML.slice(0, 120);
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) return `no outline: ${name}`;
    const { x, y, width, height } = element.getBoundingClientRect();
    const at = [x + width / 2, y + Math.min(height, innerHeight) / 2] as const;
    const top = document.elementFromPoint(...at);
    const isOnTop = top !== null && (element.contains(top) || top.closest("label")?.contains(element) === true);
    return isOnTop ? undefined : `covered by ${top?.outerHTML.slice(0, 120) ?? "the edge of the window"}: ${name}`;
  });
}

describe("with the keyboard alone", () => {
  const consoleOf = useConsoles();

  it("an administrator filters, selects, confirms, and reads the result", async () => {
    const { site, page } = await consoleOf(usersNamed(3));
    for (const user of ["user001", "user002"]) await site.login(user, { "User-Agent": FIREFOX });
    await moveTo(page, ".filter:nth-of-type(2) > summary");
    await page.keyboard.press("Enter");
    await moveTo(page, "[name=device]");
    await page.keyboard.type("firefox");
    await page.keyboard.press("Enter");
    await page.waitForURL(/device=firefox/);

    await moveTo(page, "[data-all]");
    await page.keyboard.press("Space");
    expect((await ticked(page)).sort()).toEqual(["user001", "user002"]);
    await moveTo(page, "[data-selection] button", "Shift+Tab");
    expect(await unseenFocus(page)).toBeUndefined();
    expect(await page.evaluate(() => document.activeElement?.matches("[data-selection] button"))).toBe(true);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open]");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("question");

    await moveTo(page, "dialog .people");
    await moveTo(page, "dialog textarea");
    await page.keyboard.type("Lost");
    await page.keyboard.press("Enter");
    await page.keyboard.type("device");
    expect(await page.inputValue("dialog textarea")).toBe("Lost\ndevice");
    await moveTo(page, "dialog [data-cancel]");
    await moveTo(page, SUBMIT);
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=/2 users forced offline/");
    expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-status"))).toBe(true);
    expect((await site.auth.listActiveUsers()).total).toBe(2);
  });

  it("a user opens the menu, and leaves it by Escape", async () => {
    const { site, page } = await consoleOf();
    await page.goto(`${site.url}/u`);
    await moveTo(page, ".menu summary");
    await page.keyboard.press("Enter");
    await moveTo(page, ".popup button");
    await page.keyboard.press("Escape");
    expect(await page.locator(".popup").isVisible()).toBe(false);
    expect(await page.evaluate(() => document.activeElement?.matches(".menu summary"))).toBe(true);
  });

  it.each([
    ["a wide window", 1280],
    ["a phone", 390],
  ])("no sticky bar covers what has the focus, in %s", async (_where, width) => {
    const { page } = await consoleOf(usersNamed(12));
    await page.setViewportSize({ width, height: 480 });
    await page.check("tbody .tick input >> nth=1");
    await moveTo(page, ".pager button");
    await moveTo(page, "[data-selection] button", "Shift+Tab");
    expect(await unseenFocus(page)).toBeUndefined();
  });
});
