import type { Page } from "playwright-core";
import type { LogoutOptions } from "../../lib/index.js";
import { boxOf, rowOf, SUBMIT } from "./console-browser.js";
import { HOSTILE, hostileProfile, usersOf, type StateSite } from "./state-site.js";

/** A page of a browser in which an administrator is logged in. */
export interface StateVisit {
  readonly site: StateSite;
  readonly page: Page;
  /** Whether the page runs its script. */
  readonly hasScript: boolean;
  /** Logs another user in, in this browser. */
  readonly logInAs: (userId: string) => Promise<void>;
}

/** What a reader may have on the screen. */
export interface PageState {
  readonly name: string;
  /** Whether there is such a state with the script alone, or without it alone. Default: with and without. */
  readonly script?: boolean;
  readonly auth?: Partial<LogoutOptions>;
  /** Whether answers of 503 belong to it. */
  readonly isOutage?: boolean;
  /** Leads there. May be called again on the same site, also in another language. */
  readonly open: (visit: StateVisit) => Promise<unknown>;
}

const LONG_REASON = `Your account was used in two countries at once.\nCall +49 341 000.\n${"Please ask. ".repeat(30)}`;
const ELSEWHERE = Array.from({ length: 900 }, (_value, index) => `user=${String(index + 100)}`).join("&");
const FOUND = "?ip=198.51.100.0/24";
const FORCE_FOUND = "[data-live=force-found] a";
/** More than one batch of a kick. */
const CROWD = 450;

const list =
  (query = "") =>
  ({ site, page }: StateVisit) =>
    page.goto(site.console + query);

/** Presses what opens a dialog; without the script it leads to a page. */
async function ask(page: Page, opener: string): Promise<void> {
  await page.click(opener);
  await page.waitForSelector("[data-confirmation] h1:visible");
}

async function openMenu({ page }: StateVisit): Promise<void> {
  await page.click(".title summary");
}

async function askAboutEveryone(visit: StateVisit): Promise<void> {
  await list()(visit);
  await openMenu(visit);
  await ask(visit.page, ".title a.danger");
}

/** Asks about users whom the filter finds: others than in the list. */
async function askAboutFound(visit: StateVisit, userIds: readonly string[]): Promise<void> {
  await visit.site.list(userIds, { ip: "198.51.100.7" });
  await list(FOUND)(visit);
  await ask(visit.page, FORCE_FOUND);
}

async function runUntilHalf(visit: StateVisit): Promise<void> {
  await visit.site.list(usersOf("crowd", CROWD));
  await askAboutEveryone(visit);
  await visit.page.fill("[name=everyone]", visit.site.appId);
  visit.page.once("close", visit.site.registry.holdAfter(210));
  await visit.page.click(SUBMIT);
  await visit.page.waitForSelector("progress[max]");
}

const LISTS: readonly PageState[] = [
  { name: "the console with many users", open: list() },
  {
    name: "the console with selected users",
    open: async (visit) => {
      await list()(visit);
      for (const user of ["bob", "grace"]) await visit.page.check(boxOf(user));
    },
  },
  { name: "the console with a full selection", open: list(`?${ELSEWHERE}`) },
  {
    name: "the console with the filter of times open",
    open: async (visit) => {
      await list()(visit);
      await visit.page.click(".filter >> nth=3");
    },
  },
  { name: "the console with filters", open: list(`?device=chrome&more=1&after=2020-01-01T00:00&idle=1m`) },
  { name: "the console with a filter that is not valid", open: list("?ip=nonsense&sort=name") },
  {
    name: "the console with the logins of a user",
    open: async (visit) => {
      await list()(visit);
      await visit.page.click("[data-pill]");
      await visit.page.waitForSelector("tr.logins:visible");
    },
  },
  {
    name: "the console with newcomers and a user who has left",
    script: true,
    open: async (visit) => {
      await list()(visit);
      await visit.site.list([`late-${String(Date.now())}`]);
      await visit.site.auth.kick("user-023");
      await visit.page.waitForSelector("[data-newcomers]:visible");
      await visit.site.list(["user-023"]);
    },
  },
  { name: "the console with search results", open: list("?q=user-00") },
  { name: "the console without search results", open: list("?q=nobody") },
  { name: "the console with the result of a kick", open: list("?users=1&logins=2") },
  {
    name: "the console that cannot be refreshed",
    isOutage: true,
    script: true,
    open: async (visit) => {
      await list()(visit);
      visit.site.registry.isDown = true;
      await visit.page.waitForSelector("[data-trouble]:visible");
      visit.site.registry.isDown = false;
      await visit.page.route(/[?&]shown=/, (route) => route.abort());
    },
  },
  {
    name: "the console after a login that had ended was to be forced offline",
    script: true,
    open: async (visit) => {
      await visit.site.list(["gone", "gone"]);
      await list()(visit);
      await visit.page.click(`${rowOf("gone")} [data-pill]`);
      await visit.site.auth.kick("gone");
      await visit.page.click("tr[data-logins-of=gone] li a");
      await visit.page.waitForSelector("[data-status][data-error]");
    },
  },
  {
    name: "the console whose only user is the administrator",
    open: async (visit) => {
      await visit.site.auth.kick([...usersOf("user", 24), "grace", "bob"]);
      await list()(visit);
    },
  },
  {
    name: "the console with hostile names",
    auth: { pages: { describeUser: hostileProfile, brandName: HOSTILE[0] } },
    open: async (visit) => {
      await visit.site.list([...usersOf("hostile", HOSTILE.length), ...HOSTILE.slice(0, 2)]);
      await list("?limit=50")(visit);
    },
  },
];

const DIALOGS: readonly PageState[] = [
  {
    name: "the question about one user",
    open: async (visit) => {
      await list()(visit);
      await ask(visit.page, `${rowOf("bob")} > .act a`);
    },
  },
  {
    name: "the question about many users",
    open: async (visit) => {
      const users = usersOf("user", 23).map((id) => `user=${id}`);
      await list(`?${users.join("&")}&user=admin&user=offline`)(visit);
      await ask(visit.page, "[data-selection] button");
    },
  },
  {
    name: "the question about one login",
    open: async (visit) => {
      await list("?open=bob")(visit);
      await ask(visit.page, "tr[data-logins-of=bob] li >> nth=2 >> a");
    },
  },
  { name: "the question about those who are found", open: (visit) => askAboutFound(visit, usersOf("found", 30)) },
  { name: "the question about everyone", open: askAboutEveryone },
  {
    name: "the question about everyone, with every tick",
    open: async (visit) => {
      await askAboutEveryone(visit);
      for (const box of ["me", "administrators"]) await visit.page.check(`[name=${box}]`);
    },
  },
  { name: "a kick that is running", script: true, open: runUntilHalf },
  {
    name: "a kick that was stopped",
    script: true,
    open: async (visit) => {
      await runUntilHalf(visit);
      await visit.page.click("[data-cancel]");
      await visit.page.waitForSelector(".run.halted");
    },
  },
  {
    name: "the result of a kick of many",
    open: async (visit) => {
      await askAboutFound(visit, usersOf("found", 3));
      await visit.page.click(SUBMIT);
      await visit.page.waitForSelector(visit.hasScript ? "[data-asked][hidden]" : ".status:not(:empty)", {
        state: "attached",
      });
    },
  },
  {
    name: "a kick that has not reached everyone",
    isOutage: true,
    open: async (visit) => {
      visit.site.registry.unreachable = "found-001";
      await askAboutFound(visit, usersOf("found", 3));
      await visit.page.click(SUBMIT);
      await visit.page.waitForSelector(visit.hasScript ? ".run.halted" : ".notice");
    },
  },
];

const OTHERS: readonly PageState[] = [
  { name: "the page of a user with many logins", open: ({ site, page }) => page.goto(`${site.console}/users?id=bob`) },
  {
    name: "the page of a user with a history",
    open: async ({ site, page }) => {
      await site.auth.kick("user-001", { reason: LONG_REASON, by: "admin" });
      await site.list(["user-001"]);
      await page.goto(`${site.console}/users?id=user-001`);
    },
  },
  { name: "the page of a user who is offline", open: ({ site, page }) => page.goto(`${site.console}/users?id=nobody`) },
  {
    name: "the history",
    open: async ({ site, page }) => {
      await site.auth.kick(["user-002", "user-003"], { reason: LONG_REASON, by: "admin" });
      await site.list(["user-002", "user-003"]);
      await page.goto(`${site.console}/history`);
    },
  },
  { name: "the history without entries", open: ({ site, page }) => page.goto(`${site.console}/history?by=nobody`) },
];

const CENTERS: readonly PageState[] = [
  {
    name: "the personal center",
    open: async ({ site, page, logInAs }) => {
      await logInAs("bob");
      await page.goto(site.center);
    },
  },
  {
    name: "the personal center with its menu open",
    open: async ({ site, page }) => {
      await page.goto(site.center);
      await page.click(".menu summary");
    },
  },
  {
    name: "the personal center after a device was logged out",
    open: ({ site, page }) => page.goto(`${site.center}?ended=2`),
  },
  { name: "the logged-out page", open: ({ site, page }) => page.goto(`${site.center}/logged-out`) },
];

const REFUSALS: readonly PageState[] = [
  {
    name: "the 401 page, with a reason",
    open: async ({ site, page, logInAs }) => {
      await logInAs("carol");
      await site.auth.kick("carol", { reason: LONG_REASON });
      await page.goto(site.center);
      await page.waitForSelector(".reason");
    },
  },
  {
    name: "the 401 page of another route of the app, with a hostile reason",
    auth: { pages: { brandName: HOSTILE[0] } },
    open: async ({ site, page, logInAs }) => {
      await logInAs("carol");
      await site.auth.kick("carol", { reason: HOSTILE[4] ?? "" });
      await page.goto(`${site.url}/me`);
      await page.waitForSelector(".notice");
    },
  },
  {
    name: "the 403 page",
    open: async ({ site, page, logInAs }) => {
      await logInAs("carol");
      await page.goto(site.console);
    },
  },
  {
    name: "the 404 page",
    open: ({ site, page }) => page.goto(`${site.url}/account/console/applications/other/login-management`),
  },
  {
    name: "the 503 page",
    isOutage: true,
    open: async ({ site, page }) => {
      site.registry.isDown = true;
      await page.goto(site.console);
      site.registry.isDown = false;
    },
  },
];

/** Every state of the pages. */
export const PAGE_STATES: readonly PageState[] = [...LISTS, ...DIALOGS, ...OTHERS, ...CENTERS, ...REFUSALS];
