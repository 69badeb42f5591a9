import { describe, expect, it } from "@jest/globals";
import { logout } from "../../lib/index.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import { openConsole, userIdsIn } from "../support/console-site.js";
import { addressesOf, CHROME, elementsOf, IPHONE, linksOf, textOf, visit } from "../support/pages.js";
import { useSites } from "../support/site.js";
import { MemoryStore } from "express-session";

const open = useSites();
const { en } = LOCALES;
const HOSTILE = `<img src=x onerror=alert(1)>"'`;
const DAY = 86_400_000;

describe("what the app says of users and logins", () => {
  const FAILING = {
    throws: () => {
      throw new Error("no directory");
    },
    rejects: () => Promise.reject(new Error("no directory")),
    hangs: () => new Promise<never>(() => undefined),
  } as const;

  it("is shown as text, on every page that shows logins", async () => {
    const { site, root, page, force, list } = await openConsole(open, {
      pages: {
        describeIp: (ip) => Promise.resolve(`place of ${ip} ${HOSTILE}`),
        describeLogin: ({ userId }) => `method of ${userId} ${HOSTILE}`,
      },
    });
    await list("alice", { ip: "203.0.113.7" });
    const login = await list("alice", { ip: "203.0.113.7" });
    for (const path of [page, `${page}/users?id=alice`, `${force}?user=alice&login=${login}`]) {
      const { status, text } = await visit(site, root, path);
      expect(status).toBe(200);
      expect(textOf(text)).toContain(`place of 203.0.113.7 ${HOSTILE}`);
      expect(textOf(text)).toContain(`method of alice ${HOSTILE}`);
      expect(text).not.toContain("<img src=x");
    }
    expect(textOf((await visit(site, root, "/u")).text)).toContain("method of root");
  });

  it.each(Object.entries(FAILING))("is left out if its function %s", async (_how, fails) => {
    const pages = { describeUser: fails, describeIp: fails, describeLogin: fails };
    const { site, root, page, list } = await openConsole(open, { pages });
    await list("alice", { ip: "203.0.113.7" });
    for (const path of ["/u", page, `${page}/users?id=alice`]) {
      const began = performance.now();
      const { status } = await visit(site, root, path);
      expect(status).toBe(200);
      // The frame and the content wait one after the other, half a second each at most.
      expect(performance.now() - began).toBeLessThan(3_000);
    }
    expect(userIdsIn((await visit(site, root, page)).text).sort()).toEqual(["alice", "root"]);
    expect(site.errors).toEqual([]);
  });
});

describe("a login from a device that is new to its user", () => {
  it("is marked, with a way to secure the account", async () => {
    const { site, root, list } = await openConsole(open, { pages: { securityUrl: "/security" } });
    const began = new Date(Date.now() - 3 * DAY);
    await list("root", { userAgent: CHROME, began });
    await list("root", { userAgent: IPHONE, began: new Date(Date.now() - DAY / 2) });
    const { text } = await visit(site, root, "/u", { "User-Agent": CHROME });
    expect(elementsOf(text, "span").filter(({ attributes }) => attributes["class"] === "badge new")).toHaveLength(1);
    expect(textOf(text)).toContain(en.notYou);
    expect(linksOf(text)).toContain("/security");
  });

  it.each([
    ["the first login of all", [{ userAgent: IPHONE, began: new Date(Date.now() - DAY / 2) }]],
    [
      "one whose browser was updated",
      [
        { userAgent: CHROME, began: new Date(Date.now() - 3 * DAY) },
        { userAgent: CHROME.replace("126", "127"), began: new Date(Date.now() - DAY / 2) },
      ],
    ],
    [
      "one of the day before",
      [
        { userAgent: CHROME, began: new Date(Date.now() - 3 * DAY) },
        { userAgent: IPHONE, began: new Date(Date.now() - 2 * DAY) },
      ],
    ],
  ])("is not %s", async (_what, logins) => {
    const { site, root, page, list } = await openConsole(open, { pages: { securityUrl: "/security" } });
    for (const login of logins) await list("alice", login);
    expect(textOf((await visit(site, root, `${page}/users?id=alice`)).text)).not.toMatch(/\bNew\b/);
  });

  it("has no link without an address for it", async () => {
    const { site, root, list } = await openConsole(open);
    await list("root", { userAgent: CHROME, began: new Date(Date.now() - 3 * DAY) });
    await list("root", { userAgent: IPHONE, began: new Date(Date.now() - DAY / 2) });
    const { text } = await visit(site, root, "/u");
    expect(textOf(text)).toMatch(/\bNew\b/);
    expect(textOf(text)).not.toContain(en.notYou);
  });
});

describe("the frame of the pages", () => {
  it("has the logo, the home page and the style sheet of the app", async () => {
    const pages = { logo: "/logo.svg", stylesheet: "/theme.css", homeUrl: "https://shop.example/" };
    const { site, root } = await openConsole(open, { pages });
    const { text, headers } = await visit(site, root, "/u");
    const [brand] = elementsOf(text, "a").filter(({ attributes }) => attributes["class"] === "brand");
    expect(brand?.attributes).toMatchObject({ href: "https://shop.example/", target: "_top" });
    expect(addressesOf(text)).toContain("/logo.svg");
    const links = elementsOf(text, "link");
    expect(links.find(({ attributes }) => attributes["rel"] === "icon")?.attributes["href"]).toBe("/logo.svg");
    const sheets = links
      .filter(({ attributes }) => attributes["rel"] === "stylesheet")
      .map(({ attributes }) => attributes["href"] ?? "");
    expect(sheets).toEqual([expect.stringMatching(/^\/express-logout\//), "/theme.css"]);
    expect(headers["content-security-policy"]).toMatch(/style-src 'self'/);
  });

  it.each([
    ["logo", "https://elsewhere.example/logo.svg"],
    ["logo", "//elsewhere.example/logo.svg"],
    ["stylesheet", "https://elsewhere.example/theme.css"],
    ["stylesheet", "theme.css"],
    ["homeUrl", "javascript:alert(1)"],
    ["homeUrl", "//elsewhere.example"],
    ["securityUrl", "/\\elsewhere.example"],
    ["securityUrl", 7],
    ["describeIp", "Leipzig"],
    ["describeLogin", {}],
  ])("refuses %s: %j", (name, value) => {
    expect(() => logout({ store: new MemoryStore(), appId: "shop", pages: { [name]: value } })).toThrow(
      expect.objectContaining({ code: "ERR_OPTION_INVALID" }),
    );
  });
});
