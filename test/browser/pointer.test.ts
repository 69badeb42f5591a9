import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import type { Browser, Page } from "playwright-core";
import type { NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { newLogin } from "../../lib/registry/testing/context.js";
import { mapLimit } from "../../lib/util/map-limit.js";
import { Administrator, type Confirmed } from "../support/administrator.js";
import { launchChromium, openPageAs } from "../support/chromium.js";
import { consolePath } from "../support/console-browser.js";
import { CHROME, IPHONE } from "../support/pages.js";
import { Random } from "../support/random.js";
import { connectTo, startRedis } from "../support/redis-server.js";
import { useSites } from "../support/site.js";
import { Traffic } from "../support/traffic.js";

/** How much is clicked, for how long, and among how many; `npm run test:pages` asks for more, and for the counts in a file. */
const {
  CLICKS = "50",
  CLICKS_SECONDS = "6",
  CLICKS_USERS = "300",
  CLICKS_LOGINS = "60",
  CLICKS_SEED = "7",
} = process.env;
const WANTED = { clicks: Number(CLICKS), ms: Number(CLICKS_SECONDS) * 1_000 };
const HEAVY = "heavy";
/** How long a command may take on a machine that does much else. */
const PATIENCE_MS = 20_000;
/** The page asks for a list every three seconds. */
const LONGEST_LOOK_MS = 5_000;

jest.setTimeout(300_000 + 20 * WANTED.ms);

interface Kick {
  readonly name: string;
  readonly userId: string;
  readonly loginIds: readonly string[];
}

describe("an administrator who clicks while users log in and out", () => {
  let browser: Browser;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let client: Awaited<ReturnType<typeof connectTo>>;
  beforeAll(async () => {
    [browser, redis] = await Promise.all([launchChromium(), startRedis()]);
    client = await connectTo(redis);
  });
  afterAll(async () => {
    await browser.close();
    client.destroy();
    await redis.stop();
  });
  const openSite = useSites();

  it("reaches no other row than the one under the pointer", async () => {
    const random = new Random(Number(CLICKS_SEED));
    const registry = new RedisLoginRegistry({ client, timeoutMs: PATIENCE_MS });
    const site = await openSite({
      auth: {
        store: new RedisStore({ client }),
        registry,
        console: { authorize: (req) => req.session.userId === "admin" },
        pages: { describeUser: (id) => ({ name: `Name of ${id}` }) },
      },
    });
    const users = Array.from({ length: Number(CLICKS_USERS) }, (_value, index) => `user-${String(index)}`);
    const shown = users.slice(-60);
    const devices = { length: Number(CLICKS_LOGINS) };
    // Few at a time: on a busy machine too, none waits for long.
    const list = (logins: readonly NewLogin[]) => mapLimit(16, logins, (login) => registry.add(login));
    await list(users.map((userId) => newLogin(userId)));
    await list(Array.from(devices, (_v, index) => newLogin(HEAVY, { userAgent: index % 2 === 0 ? CHROME : IPHONE })));
    const traffic = new Traffic(site, random);
    for (const user of shown) await traffic.logIn(user, { "User-Agent": CHROME });

    const { page, context, complaints } = await openPageAs(browser, site, "admin", {
      viewport: { width: 1280, height: 900 },
    });
    context.setDefaultTimeout(30_000);
    await Administrator.watch(page);
    await page.goto(`${site.url}${consolePath(site)}?limit=50`);
    let refreshes = 0;
    page.on("request", (request) => (refreshes += Number(request.url().includes("shown="))));

    const began = performance.now();
    // Near the pointer's rows most of the time; sometimes one whom the page has never shown.
    traffic.begin([...shown, ...shown, HEAVY, ...random.shuffled(users).slice(0, 40)], 3);
    let steps = 0;
    const dwell = async (): Promise<void> => {
      steps += 1;
      // The longest look lasts over a refresh, which is when rows could move.
      if (steps % 10 === 0) await lookOverRefresh(page);
      const behind = performance.now() - began - (administrator.clicks / WANTED.clicks) * WANTED.ms;
      await page.waitForTimeout(Math.min(400, Math.max(0, -behind)));
    };
    const administrator = new Administrator(page, random, dwell);
    try {
      while (administrator.clicks < WANTED.clicks || performance.now() - began < WANTED.ms) await administrator.act();
    } finally {
      await traffic.end();
    }
    const seconds = (performance.now() - began) / 1_000;

    const kicks = site.events.filter(({ name }) => name === "kick") as unknown as readonly Kick[];
    const { clicks, late, lost, confirmed, wrong } = administrator;
    wrong.push(...strayKicks(kicks, confirmed));
    const counts = { clicks, seconds, refreshes, late, lost, kicks: kicks.length, wrong: wrong.length };
    const { CLICKS_COUNTS: file } = process.env;
    if (file !== undefined) {
      writeFileSync(
        file,
        JSON.stringify({ ...counts, users: users.length, logins: traffic.logins, logouts: traffic.logouts }),
      );
    }
    expect(wrong).toEqual([]);
    expect(complaints).toEqual([]);
    expect(kicks.length).toBeGreaterThan(0);
    expect(refreshes).toBeGreaterThan(0);
    expect(traffic.logouts).toBeGreaterThan(0);
    await context.close();
  });
});

/** Waits until the script has taken a list over. A slow server is asked for few. */
async function lookOverRefresh(page: Page): Promise<void> {
  const isRefresh = (response: { url(): string }): boolean => response.url().includes("shown=");
  const response = await page.waitForResponse(isRefresh, { timeout: LONGEST_LOOK_MS }).catch(() => undefined);
  await response?.finished();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** The kicks to which the administrator has not said yes. */
function strayKicks(kicks: readonly Kick[], confirmed: readonly Confirmed[]): string[] {
  const open = confirmed.flatMap(({ userIds, loginId }) => userIds.map((userId) => ({ userId, loginId })));
  return kicks.flatMap(({ userId, loginIds }) => {
    const index = open.findIndex(
      (each) => each.userId === userId && (each.loginId === undefined || String(loginIds) === each.loginId),
    );
    if (index === -1) return [`forced ${userId} offline without a yes`];
    open.splice(index, 1);
    return [];
  });
}
