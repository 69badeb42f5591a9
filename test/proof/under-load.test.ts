import { afterEach, describe, expect, it } from "@jest/globals";
import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import { serve } from "../support/http.js";
import { startRedis } from "../support/redis-server.js";
import { check } from "./under-load/check.js";
import { Load } from "./under-load/load.js";
import { emptyLog } from "./under-load/log.js";
import { createNaiveShop } from "./under-load/naive-shop.js";
import { Random } from "../support/random.js";
import { countsOf } from "./under-load/report.js";
import { run } from "./under-load/run.js";
import { SiteClient } from "./under-load/site-client.js";

/** The resources to close, the latest first. */
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

describe("two nodes under load, while every part fails", () => {
  it("serve no ended login, and recover after each fault", async () => {
    const seed = Date.now() % 2 ** 32;
    const story: string[] = [`seed ${String(seed)}`];
    const report = await run({ seed, lastsMs: 10_000, longestFaultMs: 800, onProgress: (line) => story.push(line) });
    expect({ story, violations: report.violations }).toEqual({ story, violations: [] });
    expect(report.log.faults.length).toBeGreaterThanOrEqual(11);
    expect(countsOf(report)).toMatch(/^requests \d{3,} .*violations = 0$/);
  }, 120_000);
});

describe("a shop with the obvious kick under the same load", () => {
  it("is detected", async () => {
    const redis = await startRedis();
    open.push(() => redis.stop());
    const client = await createClient({ url: redis.url }).connect();
    open.push(() => {
      client.destroy();
    });
    const shop = await serve(createNaiveShop(new RedisStore({ client })));
    open.push(() => shop.close());
    const node = new SiteClient(shop.url);
    open.push(() => node.close());
    const log = emptyLog();
    const users = Array.from({ length: 20 }, (_, index) => `customer-${String(index)}`);
    const common = { password: "", adminToken: "", devices: 24, random: new Random(1) };
    const load = new Load({ nodes: [node], users, log, ...common });
    load.start();
    const found = (): boolean => check(log).some(({ rule }) => rule === "served after its end");
    while (!found()) await new Promise((resolve) => setTimeout(resolve, 200));
    await load.stop();
    expect(found()).toBe(true);
  }, 60_000);
});
