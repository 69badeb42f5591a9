import { describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { POOL_ID, TOKEN, useSites } from "../support/site.js";

const openSite = useSites();
const NAVIGATION = { accept: "text/html,*/*;q=0.8", "sec-fetch-dest": "document", "sec-fetch-mode": "navigate" };
const CONSOLE = "/console/applications/shop/login-management";
const KICK = "/api/applications/shop/kick-active-users";
const POST = { "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded" };

/** Every path that could be one of the package's belongs to the app. */
const appOwns = (app: Express): void => {
  app.all(/^\/(u|console|login\/profile|express-logout)(\/|$)/, (req, res) => {
    res.json({ app: req.method });
  });
};

const PAGES = ["/u", "/u/logged-out", CONSOLE, `${CONSOLE}/force-offline`];
const FORMS = ["/u/logout", "/u/end-login", "/u/end-others", `${CONSOLE}/force-offline`];
const ASSETS = /\/express-logout\/[\w.-]+/g;

/** Returns the addresses of the style sheet and the script. */
async function assetPaths(): Promise<string[]> {
  const site = await openSite({});
  const { text } = await site.ask("GET", "/u/logged-out", { headers: NAVIGATION });
  return text.match(ASSETS) ?? [];
}

describe("routes: false", () => {
  const open = () =>
    openSite({
      auth: { appId: "shop", routes: false, console: { authorize: () => true } },
      after: appOwns,
    });

  it("claims no path", async () => {
    const site = await open();
    const browser = await site.login("alice");
    const assets = await assetPaths();
    expect(assets).toHaveLength(2);
    for (const path of [...PAGES, ...assets, "/login/profile/logout"]) {
      expect((await browser.get(path, NAVIGATION)).body).toEqual({ app: "GET" });
    }
    for (const path of [...FORMS, "/login/profile/logout"]) {
      expect((await site.ask("POST", path, { headers: POST })).body).toEqual({ app: "POST" });
    }
    expect((await site.auth.listLogins("alice")).total).toBe(1);
  });

  it("still rejects kicked logins, with a page that needs no files", async () => {
    const site = await open();
    const browser = await site.login("alice");
    await site.auth.kick("alice", { reason: "why" });
    const rejected = await browser.get("/me", NAVIGATION);
    expect(rejected.status).toBe(401);
    expect(rejected.text).toContain("why");
    expect(rejected.text).not.toMatch(/<link|<script/);
  });

  it("leaves the admin API its own routes", async () => {
    const site = await open();
    await site.login("alice");
    const headers = { authorization: TOKEN, "x-authing-userpool-id": POOL_ID, "content-type": "application/json" };
    const answer = await site.ask("POST", KICK, { headers, body: JSON.stringify({ userIds: ["alice"] }) });
    expect(answer.status).toBe(200);
    expect((await site.auth.listLogins("alice")).total).toBe(0);
  });
});

describe("pages.html: false", () => {
  const open = () =>
    openSite({
      auth: { appId: "shop", pages: { html: false }, console: { authorize: () => true } },
      after: appOwns,
    });

  it("leaves the addresses of pages and their files to the app", async () => {
    const site = await open();
    const browser = await site.login("alice");
    for (const path of [...PAGES, ...(await assetPaths())]) {
      expect((await browser.get(path, NAVIGATION)).body).toEqual({ app: "GET" });
    }
  });

  it("keeps the logout URL, which redirects browsers", async () => {
    const site = await open();
    const browser = await site.login("alice");
    const answer = await browser.get("/login/profile/logout", NAVIGATION);
    expect([answer.status, answer.headers["location"]]).toEqual([302, "/"]);
    expect((await site.auth.listLogins("alice")).total).toBe(0);
  });

  it("keeps the forms, which respond with JSON", async () => {
    const site = await open();
    const browser = await site.login("alice");
    await site.login("alice");
    const headers = { ...NAVIGATION, ...POST };
    const ended = await browser.post("/u/end-others", {}, headers);
    expect([ended.status, ended.body]).toEqual([200, { code: 200, message: "1 device logged out.", ended: 1 }]);
    expect((await site.ask("POST", "/u/end-others", { headers })).body).toMatchObject({ code: 401 });
    const left = await browser.post("/u/logout", {}, headers);
    expect(left.body).toEqual({ code: 200, message: "You are logged out", redirectTo: "/" });
    expect((await site.auth.listLogins("alice")).total).toBe(0);
  });

  it("rejects kicked logins with JSON", async () => {
    const site = await open();
    const browser = await site.login("alice");
    await site.auth.kick("alice", { reason: "why" });
    const rejected = await browser.get("/me", NAVIGATION);
    expect(rejected.body).toEqual({ code: 401, message: "You have been logged out: why" });
  });
});
