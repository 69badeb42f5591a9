import { gzipSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import { openConsole, userIdsIn } from "../support/console-site.js";
import { addressesOf, CHROME, visit } from "../support/pages.js";
import { useSites } from "../support/site.js";

const open = useSites();
const MAX_BYTES = 40_000;

describe("the console with 50 users of three logins each", () => {
  it("weighs at most 40 kB compressed, with its style sheet and script", async () => {
    const { site, root, page, list } = await openConsole(open, {
      pages: { describeUser: (userId) => ({ name: `Name of ${userId}`, email: `${userId}@mail.example` }) },
    });
    for (let index = 0; index < 60; index += 1) {
      for (const last of [1, 2, 3]) {
        await list(`user-${String(index)}`, { ip: `203.0.113.${String(index * last)}`, userAgent: CHROME });
      }
    }
    const { text } = await visit(site, root, `${page}?limit=50`);
    expect(userIdsIn(text)).toHaveLength(50);
    const assets = addressesOf(text).filter((address) => address.startsWith("/express-logout/"));
    const texts = await Promise.all(assets.map(async (path) => (await site.ask("GET", path)).text));
    expect(texts).toHaveLength(2);
    const bytes = [text, ...texts].reduce((sum, each) => sum + gzipSync(each).length, 0);
    expect(bytes).toBeGreaterThan(5_000);
    expect(bytes).toBeLessThan(MAX_BYTES);
  });
});
