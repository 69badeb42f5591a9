import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium, logInAs, openPage, openPageAs } from "../support/chromium.js";
import { CONDITIONS, isPossibleCondition, ScriptSwitch, setCondition } from "../support/page-conditions.js";
import { PAGE_STATES, type PageState } from "../support/page-states.js";
import { allCombinations, pairwise, type Combination, type IsPossible } from "../support/pairwise.js";
import { useSites } from "../support/site.js";
import { HOSTILE, hostileProfile, openStateSite, type StateSite } from "../support/state-site.js";

/**
 * `npm run test:pages` tries all combinations of states and conditions, `npm test` every pair. A share such as `0/2` is half of the
 * states; the counts go to a file.
 */
const { PAGES, PAGES_SHARE = "0/1", PAGES_COUNTS } = process.env;
const IS_WHOLE = PAGES === "all";
const [SHARE = 0, SHARES = 1] = PAGES_SHARE.split("/").map(Number);
jest.setTimeout(IS_WHOLE ? 3_600_000 : 180_000);

const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
/** What Chromium writes about any answer of 4xx or 5xx. */
const ANY_ANSWER = "Failed to load resource";

interface Axe {
  run(options: object): Promise<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  }>;
}

const STATES = PAGE_STATES.filter((_state, index) => index % SHARES === SHARE);
const FACTORS = { state: STATES, ...CONDITIONS };
type Row = Combination<typeof FACTORS>;

const isPossible: IsPossible<typeof FACTORS> = (row) =>
  isPossibleCondition(row) &&
  (row.script === undefined || row.state?.script === undefined || row.state.script === row.script);

const ROWS: readonly Row[] = (IS_WHOLE ? allCombinations : pairwise)(FACTORS, isPossible);

/** The combinations of a state, by what cannot be changed on an open page. */
function groupsOf(state: PageState): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of ROWS.filter((each) => each.state === state)) {
    const key = `${String(row.script)} ${row.language}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

describe("every state of the pages", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  const counts = { states: STATES.length, combinations: 0, problems: 0 };
  afterAll(async () => {
    await browser.close();
    if (PAGES_COUNTS !== undefined) writeFileSync(PAGES_COUNTS, JSON.stringify(counts));
  });
  const openSite = useSites();

  /** Opens a state in one language, with or without its script, and returns what is wrong in these conditions. */
  async function problemsOf(site: StateSite, state: PageState, rows: readonly Row[]): Promise<string[]> {
    const [first] = rows;
    if (first === undefined) return [];
    const { script: hasScript, language } = first;
    const watched = await openPage(browser, {
      locale: language === "zh" ? "zh-CN" : "en-GB",
    });
    const { page, context, complaints } = watched;
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith(ANY_ANSWER)) complaints.push(message.text());
    });
    const scripts = await ScriptSwitch.of(page);
    await scripts.set(hasScript);
    await setCondition(page, first);
    await logInAs(context, site, "admin");
    await state.open({
      site,
      page,
      hasScript,
      logInAs: (userId) => logInAs(context, site, userId),
    });
    await scripts.set(true);
    const problems: string[] = [];
    for (const row of rows) {
      await setCondition(page, row);
      const { state: _state, ...condition } = row;
      const found = [...(await violationsOn(page)), ...(await overflowOf(page)), await languageOf(page, row)];
      problems.push(...found.filter((each) => each !== "").map((each) => `${JSON.stringify(condition)}: ${each}`));
    }
    await context.close();
    const isExpected = (complaint: string): boolean => state.isOutage === true && complaint.startsWith("503 ");
    return [...problems, ...complaints.filter((complaint) => !isExpected(complaint))];
  }

  it.each(STATES)("is accessible, and fits every width and zoom: $name", async (state) => {
    const site = await openStateSite(openSite, state.auth);
    const problems: string[] = [];
    for (const rows of groupsOf(state)) problems.push(...(await problemsOf(site, state, rows)));
    counts.combinations += ROWS.filter((row) => row.state === state).length;
    counts.problems += problems.length;
    expect(problems).toEqual([]);
  });

  it("has tried each state in every width, zoom, language and colour", () => {
    for (const state of STATES) {
      const rows = ROWS.filter((row) => row.state === state);
      const tried = (name: keyof typeof CONDITIONS) => new Set(rows.map((row) => row[name])).size;
      expect([tried("width"), tried("zoom"), tried("colours"), tried("language")]).toEqual([5, 3, 3, 2]);
      expect(tried("script")).toBe(state.script === undefined ? 2 : 1);
    }
  });
});

describe("the pages", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());
  const openSite = useSites();

  it.each([true, false])("keep the selection across pages, with a script: %s", async (javaScriptEnabled) => {
    const site = await openStateSite(openSite);
    const { page, context } = await openPageAs(browser, site, "admin", { javaScriptEnabled });
    await page.goto(site.console);
    await page.check("tbody tr[data-user] input >> nth=1");
    await page.click(".pager button:has-text('2')");
    await page.check("tbody tr[data-user] input >> nth=1");
    await page.click(".pager button:has-text('3')");
    expect(await page.locator("[data-selection]").innerText()).toContain("2 users selected");
    await page.click("[data-selection] button");
    await page.waitForSelector("text=Force 2 users offline?");
    await context.close();
  });

  it("show a hostile reason as text, also on other routes of the app", async () => {
    const site = await openStateSite(openSite, { pages: { brandName: HOSTILE[0], describeUser: hostileProfile } });
    const { page, context, complaints } = await openPageAs(browser, site, "admin");
    await page.goto(site.console);
    expect(await page.content()).not.toContain("<script>alert");
    await site.auth.kick("admin", { reason: HOSTILE[4] ?? "" });
    expect((await page.goto(`${site.url}/me`))?.status()).toBe(401);
    expect(await page.locator(".notice bdi").innerText()).toBe(HOSTILE[4]);
    const align = await page.locator(".notice").evaluate((element) => getComputedStyle(element).textAlign);
    expect([align, complaints]).toEqual(["center", []]);
    await context.close();
  });
});

async function violationsOn(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: Axe }).axe.run({
      resultTypes: ["violations"],
    }),
  );
  return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html.slice(0, 300) ?? ""}`);
}

/** What makes the page scroll sideways. */
async function overflowOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("body *")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 0.5,
    );
    const names = wide.slice(-3).map((element) => element.outerHTML.slice(0, 120));
    return [`${String(scrollWidth)} px wide instead of ${String(clientWidth)}: ${names.join(" | ")}`];
  });
}

async function languageOf(page: Page, { language }: Row): Promise<string> {
  const lang = (await page.getAttribute("html", "lang")) ?? "";
  return lang.startsWith(language) ? "" : `the page is in ${lang}`;
}
