import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { useSites } from "../support/site.js";
import { openStateSite, type StateSite } from "../support/state-site.js";

jest.setTimeout(120_000);

/** A sheet of A4 at 96 pixels an inch, without its margins. */
const SHEET = { width: 718, height: 1_047 };
/** Where the sheets are kept to look at. Default: nowhere. */
const { PRINTS } = process.env;
/** What no paper needs. The number of logins is a button on screen, and a number on paper. */
const CONTROLS =
  "button:not(.pill), .pill .icon, .button, input, select, textarea, summary, .popup, .bar, [data-newcomers]";

const PAGES: readonly (readonly [string, (site: StateSite) => string, string])[] = [
  ["the list", (site) => `${site.console}?limit=50&open=bob&user=grace`, "tr[data-user]"],
  ["the page of a user", (site) => `${site.console}/users?id=bob`, "tr[data-login]"],
  ["the history", (site) => `${site.console}/history`, ".events tbody tr"],
  ["the personal center", (site) => site.center, ".devices li"],
];

describe("on paper", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  const openSite = useSites();

  it.each(PAGES)("%s has its rows and no controls, dark on white", async (name, addressOf, rows) => {
    const site = await openStateSite(openSite);
    await site.auth.kick(["user-001", "user-002"], { reason: "Lost device", by: "admin" });
    const { page, context, complaints } = await openPageAs(browser, site, "admin", {
      colorScheme: "dark",
      viewport: SHEET,
    });
    await page.goto(addressOf(site));
    const shown = await page.locator(rows).count();
    expect(shown).toBeGreaterThan(0);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    expect(await visible(page, CONTROLS)).toEqual([]);
    expect(await page.locator(`${rows} >> visible=true`).count()).toBe(shown);
    expect(await page.locator("h1").isVisible()).toBe(true);
    expect(await unreadableOn(page, rows)).toEqual([]);
    if (PRINTS !== undefined)
      await page.pdf({
        path: join(PRINTS, `${name}.pdf`),
        format: "A4",
        margin: { top: "1cm", bottom: "1cm", left: "1cm", right: "1cm" },
      });
    expect(complaints).toEqual([]);
    await context.close();
  });
});

function visible(page: Page, selector: string): Promise<string[]> {
  return page
    .locator(`:is(${selector}) >> visible=true`)
    .evaluateAll((elements) => elements.map((element) => element.outerHTML.slice(0, 100)));
}

/** Texts in rows that are cut off, or too pale for white paper: browsers print no backgrounds. */
function unreadableOn(page: Page, rows: string): Promise<string[]> {
  return page.locator(`:is(${rows}) *`).evaluateAll((elements) =>
    elements.flatMap((element) => {
      const text = [...element.childNodes].some(
        ({ nodeType, textContent }) => nodeType === 3 && textContent?.trim() !== "",
      );
      const style = getComputedStyle(element);
      if (!text || !element.checkVisibility() || style.clipPath !== "none") return [];
      const cut = element.closest(".cut");
      if (cut !== null && cut.scrollWidth > cut.clientWidth + 1) return [`cut off: ${cut.outerHTML.slice(0, 100)}`];
      const [red = 0, green = 0, blue = 0] = (style.color.match(/[\d.]+/g) ?? []).map(Number);
      const brightness = (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
      return brightness > 0.5 ? [`pale: ${style.color} ${element.outerHTML.slice(0, 100)}`] : [];
    }),
  );
}
