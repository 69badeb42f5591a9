import { randomBytes } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { MemoryLoginRegistry, type PageOptions } from "../../lib/index.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import type { Browser } from "../support/http.js";
import {
  addressesOf,
  CHROME,
  CJK,
  CROSS_ORIGIN,
  decode,
  elementsOf,
  HTML,
  IPHONE,
  submit,
  textOf,
  visit,
  linksOf,
} from "../support/pages.js";
import { sessionId, useSites, type Site, type SiteOptions } from "../support/site.js";

const open = useSites();
const CLEARED = expect.stringMatching(/^connect\.sid=;.*Expires=Thu, 01 Jan 1970 00:00:00 GMT/);
const MOUNTS = ["", "/account"] as const;
const END_ROUTES = ["/u/end-login", "/u/end-others"] as const;
const BY_USER = LOCALES.en.loggedOutByYourself;

/** Opens a site. alice is logged in on three devices, of which the second (`mine`) views the pages; bob on one. */
async function devices(options: SiteOptions = {}) {
  const site = await open(options);
  const oldest = await site.login("alice", { "User-Agent": IPHONE });
  const [oldestLogin] = (await site.auth.listLogins("alice")).items;
  const mine = await site.login("alice", { "User-Agent": CHROME });
  const [myLogin] = (await site.auth.listLogins("alice")).items;
  const newest = await site.login("alice");
  const [newestLogin] = (await site.auth.listLogins("alice")).items;
  const bob = await site.login("bob");
  const [bobsLogin] = (await site.auth.listLogins("bob")).items;
  const ids = [oldestLogin, myLogin, newestLogin, bobsLogin].map((login) => login?.id ?? "");
  const [oldestId = "", myId = "", newestId = "", bobsId = ""] = ids;
  return { site, oldest, mine, newest, bob, oldestId, myId, newestId, bobsId };
}

function expectNoKick(site: Site): void {
  expect(site.events.filter(({ name }) => name === "kick")).toEqual([]);
}

async function expectServed(site: Site, browsers: readonly Browser[]): Promise<void> {
  for (const browser of browsers) expect(await site.user(browser)).not.toBeNull();
}

/** Returns the rows of the list, each with the id of its login. */
function rowsOf(html: string): { id: string; html: string }[] {
  return html
    .split(/(?=<li data-login=")/)
    .slice(1)
    .map((row) => ({ id: /data-login="([^"]*)"/.exec(row)?.[1] ?? "", html: row.split("</li>")[0] ?? "" }));
}

describe("a visitor of the personal center who is not logged in", () => {
  it.each(MOUNTS)("is redirected to the login page with a return path: under '%s'", async (at) => {
    const site = await open({ at });
    const { status, headers } = await visit(site, undefined, `${at}/u?a=1&b=%2F`);
    const returnTo = encodeURIComponent(`${at}/u?a=1&b=%2F`);
    expect({ status, location: headers.location, cache: headers["cache-control"] }).toEqual({
      status: 303,
      location: `/login?returnTo=${returnTo}`,
      cache: "no-store",
    });
  });

  it.each(MOUNTS)("gets a return path without the host of the request line: under '%s'", async (at) => {
    const site = await open({ at });
    const { headers } = await visit(site, undefined, `http://evil.example${at}/u?a=http://evil.example`);
    expect(headers.location).toBe(`/login?returnTo=${encodeURIComponent(`${at}/u?a=http://evil.example`)}`);
  });

  it("is redirected to a redirects.login with a query string", async () => {
    const site = await open({ auth: { redirects: { login: "https://id.example/in?app=shop" } } });
    const { headers } = await visit(site, undefined, "/u");
    expect(headers.location).toBe("https://id.example/in?app=shop&returnTo=%2Fu");
  });

  it("gets a 401 page without redirects.login", async () => {
    const site = await open({ auth: { redirects: { login: false } } });
    const { status, headers, text } = await visit(site, undefined, "/u");
    expect([status, headers["content-type"]]).toEqual([401, "text/html; charset=utf-8"]);
    expect(textOf(text)).toContain(LOCALES.en.logInFirst);
    expect(linksOf(text)).toEqual([]);
  });

  it("gets a 401 for HEAD and for each POST", async () => {
    const site = await open();
    expect((await site.ask("HEAD", "/u", { headers: HTML })).status).toBe(401);
    const data = await site.ask("GET", "/u", { headers: { Accept: "application/json" } });
    expect([data.status, data.headers.location, data.body]).toEqual([
      401,
      undefined,
      expect.objectContaining({ code: 401 }),
    ]);
    for (const path of END_ROUTES) {
      const { status, text } = await submit(site, undefined, path, [["loginId", "x"]]);
      expect(status).toBe(401);
      expect(linksOf(text)).toEqual(["/login"]);
    }
  });

  it("is not logged in with a forged cookie", async () => {
    const site = await open();
    const headers = { Cookie: "connect.sid=s%3Aforged.forged" };
    expect((await visit(site, undefined, "/u", headers)).status).toBe(303);
  });
});

describe("a user who views their logins", () => {
  it("sees the current device first and marked, then the newest logins", async () => {
    const { site, mine, oldestId, myId, newestId } = await devices();
    const { status, text } = await visit(site, mine, "/u");
    const rows = rowsOf(text);
    expect(status).toBe(200);
    expect(rows.map(({ id }) => id)).toEqual([myId, newestId, oldestId]);
    expect(rows.map((row) => row.html.includes(LOCALES.en.thisDevice))).toEqual([true, false, false]);
    expect(rows.map((row) => elementsOf(row.html, "form").length)).toEqual([0, 1, 1]);
    expect(textOf(rows[0]?.html ?? "")).toMatch(/Chrome.* on Linux/);
    expect(textOf(rows[2]?.html ?? "")).toMatch(/Safari.* on iOS|iPhone/);
    expect(textOf(rows[0]?.html ?? "")).toContain("127.0.0.1");
    expect(textOf(text)).toContain(LOCALES.en.logOutEverywhereElse(2));
  });

  it("sees no login of another user and no session id", async () => {
    const { site, oldest, mine, newest, bob, bobsId } = await devices();
    const { text } = await visit(site, mine, "/u");
    for (const secret of [bobsId, ...[oldest, mine, newest, bob].map(sessionId)]) {
      expect(secret.length).toBeGreaterThan(10);
      expect(text).not.toContain(secret);
    }
  });

  it("has no button to end logins on their only device", async () => {
    const site = await open();
    const { text } = await visit(site, await site.login("alice"), "/u");
    expect(rowsOf(text)).toHaveLength(1);
    expect(elementsOf(text, "form").map(({ attributes }) => attributes["action"])).toEqual(["/u/logout"]);
  });

  it("sees the rows in the same order after session ids rotate", async () => {
    const { site, oldest, mine, newest } = await devices();
    const before = rowsOf((await visit(site, mine, "/u")).text).map(({ id }) => id);
    site.gate.open();
    for (const browser of [oldest, mine, newest]) {
      const sid = sessionId(browser);
      await browser.post("/slow/regenerate and copy the user id".replaceAll(" ", "%20"));
      expect(sessionId(browser)).not.toBe(sid);
    }
    expect(rowsOf((await visit(site, mine, "/u")).text).map(({ id }) => id)).toEqual(before);
  });

  it("sees times with a machine-readable value and a title", async () => {
    const { site, mine } = await devices();
    const { text } = await visit(site, mine, "/u");
    const times = elementsOf(rowsOf(text)[0]?.html ?? "", "time");
    expect(times).toHaveLength(2);
    for (const { attributes } of times) {
      expect(Date.parse(attributes["datetime"] ?? "")).toBeLessThanOrEqual(Date.now());
      expect(attributes["title"]).not.toBe("");
    }
  });

  it("gets a page that is not cached, not framed and has nothing inline", async () => {
    const { site, mine } = await devices();
    const { headers, text } = await visit(site, mine, "/u");
    const policy = String(headers["content-security-policy"]);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy.split("; ")).toContain(part);
    }
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?! src=")/i);
  });

  it("has a menu with their name, e-mail address and photo", async () => {
    const user = () => ({ name: "Alice Liddell", email: "alice@acme.example", photo: "/alice.png" });
    const { site, mine } = await devices({ auth: { pages: { describeUser: user, brandName: "Acme" } } });
    const { text } = await visit(site, mine, "/u");
    const { accountMenu, logOut } = LOCALES.en;
    for (const shown of ["Alice Liddell", "alice@acme.example", "Acme", logOut]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(elementsOf(text, "img")).toMatchObject([{ attributes: { src: "/alice.png", alt: "" } }]);
    expect(/<summary.*?<\/summary>/s.exec(text)?.[0]).toContain(accountMenu);
  });
});

describe("a user who ends one of their logins", () => {
  it("logs out that device alone, which shows the reason", async () => {
    const { site, oldest, mine, newest, bob, oldestId } = await devices();
    const { status, headers } = await submit(site, mine, "/u/end-login", [["loginId", oldestId]]);
    expect([status, headers.location]).toEqual([303, "/u?ended=1"]);
    const refused = await visit(site, oldest, "/me");
    expect(refused.status).toBe(401);
    expect(textOf(refused.text)).toContain(BY_USER);
    await expectServed(site, [mine, newest, bob]);
    expect(site.events.filter(({ name }) => name === "kick")).toEqual([
      expect.objectContaining({ userId: "alice", loginIds: [oldestId], by: "alice", reason: BY_USER }),
    ]);
    const page = await visit(site, mine, headers.location ?? "");
    expect(textOf(page.text)).toContain(LOCALES.en.devicesLoggedOut(1));
    expect(page.text).not.toContain(oldestId);
  });

  it("logs out no other device on a repeated request", async () => {
    const { site, mine, newest, bob, oldestId } = await devices();
    const once = () => submit(site, mine, "/u/end-login", [["loginId", oldestId]]);
    expect((await once()).headers.location).toBe("/u?ended=1");
    expect((await once()).headers.location).toBe("/u?ended=0");
    const answers = await Promise.all([once(), once()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    await expectServed(site, [mine, newest, bob]);
    expect(site.events.filter(({ name }) => name === "kick")).toHaveLength(1);
  });

  it.each([
    ["the current device's", ({ myId }: Record<"myId" | "bobsId", string>) => [["loginId", myId] as const]],
    ["another user's", ({ bobsId }: Record<"myId" | "bobsId", string>) => [["loginId", bobsId] as const]],
    ["an unknown one", () => [["loginId", "unknown"] as const]],
    ["an empty one", () => [["loginId", ""] as const]],
    ["none", () => []],
    ["a property of every object", () => [["loginId", "__proto__"] as const]],
  ])("ends no login with an id other than that of another own device: %s", async (_case, fields) => {
    const all = await devices();
    const { site, oldest, mine, newest, bob } = all;
    const { status, headers } = await submit(site, mine, "/u/end-login", fields(all));
    expect([status, headers.location]).toEqual([303, "/u?ended=0"]);
    expectNoKick(site);
    await expectServed(site, [oldest, mine, newest, bob]);
  });
});

describe("a user who ends all their other logins", () => {
  it("stays logged in, and only their other devices are logged out", async () => {
    const { site, oldest, mine, newest, bob, myId } = await devices();
    const { status, headers } = await submit(site, mine, "/u/end-others");
    expect([status, headers.location]).toEqual([303, "/u?ended=2"]);
    for (const browser of [oldest, newest]) {
      expect((await visit(site, browser, "/u")).text).toContain(BY_USER);
    }
    await expectServed(site, [mine, bob]);
    expect((await site.auth.listLogins("alice")).items.map(({ id }) => id)).toEqual([myId]);
    expect(textOf((await visit(site, mine, "/u?ended=2")).text)).toContain(LOCALES.en.devicesLoggedOut(2));
  });

  it("may have an id of any length", async () => {
    const id = `${"x".repeat(499)}\u{1f600}`;
    const site = await open();
    const [other, browser] = [await site.login(id), await site.login(id)];
    expect((await submit(site, browser, "/u/end-others")).headers.location).toBe("/u?ended=1");
    expect([await site.user(other), await site.user(browser)]).toEqual([null, id]);
    const by = `${"x".repeat(499)}\ufffd`;
    expect(site.events.filter(({ name }) => name === "kick")).toEqual([expect.objectContaining({ by })]);
  });

  it("stays logged in after a double click", async () => {
    const { site, mine, bob } = await devices();
    await Promise.all([submit(site, mine, "/u/end-others"), submit(site, mine, "/u/end-others")]);
    expect((await submit(site, mine, "/u/end-others")).headers.location).toBe("/u?ended=0");
    await expectServed(site, [mine, bob]);
  });
});

describe("a POST from another origin", () => {
  // A logout accepts Origin: null, which the site's own forms send under Referrer-Policy: no-referrer.
  const routes = ({ Origin }: Readonly<Record<string, string>>): readonly string[] =>
    Origin === "null" ? END_ROUTES : [...END_ROUTES, "/u/logout"];
  it.each(CROSS_ORIGIN.flatMap((headers) => routes(headers).map((path) => [path, headers] as const)))(
    "is answered 403 and ends nothing: %s %j",
    async (path, headers) => {
      const { site, oldest, mine, newest, bob, oldestId } = await devices();
      const answer = await submit(site, mine, path, [["loginId", oldestId]], headers);
      expect(answer.status).toBe(403);
      expect(answer.setCookies).toEqual([]);
      expect(answer.headers["content-type"]).toBe("text/html; charset=utf-8");
      expectNoKick(site);
      await expectServed(site, [oldest, mine, newest, bob]);
    },
  );

  it("explains the fix for own forms under Referrer-Policy: no-referrer", async () => {
    const { site, mine } = await devices();
    const headers = { Origin: "null", Accept: "application/json" };
    const { status, text } = await submit(site, mine, "/u/end-others", [], headers);
    expect([status, text]).toEqual([403, expect.stringContaining("Referrer-Policy: same-origin")]);
  });

  it("does not include POSTs from the same origin", async () => {
    const { site, mine, oldestId } = await devices();
    const headers = { Origin: site.url, "Sec-Fetch-Site": "same-origin" };
    expect((await submit(site, mine, "/u/end-login", [["loginId", oldestId]], headers)).status).toBe(303);
    expect((await submit(site, mine, "/u/end-others", [], { Origin: site.url })).status).toBe(303);
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });
});

describe("confirmIdentity", () => {
  type Confirm = NonNullable<PageOptions["confirmIdentity"]>;

  describe.each(END_ROUTES)("for %s", (path) => {
    it.each<[string, Confirm]>([
      ["true", () => true],
      ["a promise of true", () => Promise.resolve(true)],
    ])("allows the request with %s", async (_case, confirmIdentity) => {
      const { site, oldest, mine, oldestId } = await devices({ auth: { pages: { confirmIdentity } } });
      expect((await submit(site, mine, path, [["loginId", oldestId]])).status).toBe(303);
      expect((await visit(site, oldest, "/me")).status).toBe(401);
    });

    it.each<[string, Confirm]>([
      ["false", () => false],
      ["a promise of false", () => Promise.resolve(false)],
      ["another value", (() => 1) as unknown as Confirm],
      ["nothing", (() => undefined) as unknown as Confirm],
    ])("rejects the request with %s, and ends nothing", async (_case, confirmIdentity) => {
      const { site, oldest, mine, newest, bob, oldestId } = await devices({ auth: { pages: { confirmIdentity } } });
      const { status, text } = await submit(site, mine, path, [["loginId", oldestId]]);
      expect(status).toBe(403);
      expect(textOf(text)).toContain(LOCALES.en.confirmIdentity);
      expectNoKick(site);
      await expectServed(site, [oldest, mine, newest, bob]);
    });

    it("redirects to a returned address, and ends nothing", async () => {
      const confirmIdentity: Confirm = () => "/confirm?back=%2Fu";
      const { site, oldest, mine, newest, bob, oldestId } = await devices({ auth: { pages: { confirmIdentity } } });
      const { status, headers } = await submit(site, mine, path, [["loginId", oldestId]]);
      expect([status, headers.location]).toEqual([303, "/confirm?back=%2Fu"]);
      expectNoKick(site);
      await expectServed(site, [oldest, mine, newest, bob]);
    });

    it.each<[string, Confirm]>([
      ["rejects", () => Promise.reject(new Error("no answer"))],
      [
        "throws",
        () => {
          throw new Error("no answer");
        },
      ],
    ])("passes the error to the app if it %s, and ends nothing", async (_case, confirmIdentity) => {
      const { site, oldest, mine, newest, bob, oldestId } = await devices({ auth: { pages: { confirmIdentity } } });
      expect((await submit(site, mine, path, [["loginId", oldestId]])).status).toBe(500);
      expect(site.errors).toEqual([new Error("no answer")]);
      expectNoKick(site);
      await expectServed(site, [oldest, mine, newest, bob]);
    });

    it("is not called for a cross-origin POST or without a login", async () => {
      let asked = 0;
      const confirmIdentity: Confirm = () => {
        asked += 1;
        return true;
      };
      const { site, mine } = await devices({ auth: { pages: { confirmIdentity } } });
      await submit(site, mine, path, [], { "Sec-Fetch-Site": "cross-site" });
      await submit(site, undefined, path);
      expect(asked).toBe(0);
      await submit(site, mine, path);
      expect(asked).toBe(1);
    });
  });
});

describe("Log out in the menu", () => {
  it.each(MOUNTS)("logs out this device and leads to a page that says so: under '%s'", async (at) => {
    const { site, oldest, mine, newest, bob } = await devices({ at });
    const { status, headers, setCookies } = await submit(site, mine, `${at}/u/logout`);
    expect([status, headers.location]).toEqual([303, `${at}/u/logged-out`]);
    expect(setCookies).toEqual([CLEARED]);
    expect(await site.user(mine)).toBeNull();
    expect(site.events.filter(({ name }) => name === "logout")).toHaveLength(1);
    await expectServed(site, [oldest, newest, bob]);
  });

  it("succeeds for users already kicked or logged out", async () => {
    const { site, mine } = await devices();
    await site.auth.kick("alice", { reason: "late" });
    for (let i = 0; i < 2; i++) {
      const { status, headers } = await submit(site, mine, "/u/logout");
      expect([status, headers.location]).toEqual([303, "/u/logged-out"]);
    }
  });

  it("does not accept GET", async () => {
    const { site, mine } = await devices();
    expect((await visit(site, mine, "/u/logout")).status).toBe(404);
    expect(await site.user(mine)).toBe("alice");
  });

  it.each([
    ["/bye", "form-action 'self'"],
    ["https://www.acme.example/bye?a=1", "form-action 'self' https://www.acme.example"],
    ["HTTPS://www.acme.example/bye", "form-action 'self' https://www.acme.example"],
  ])("leads to redirects.default, which the policy of the page allows: %s", async (defaultRedirect, policy) => {
    const { site, mine } = await devices({ auth: { redirects: { default: defaultRedirect } } });
    const page = await visit(site, mine, "/u");
    expect(String(page.headers["content-security-policy"]).split("; ")).toContain(policy);
    const { status, headers, setCookies } = await submit(site, mine, "/u/logout");
    expect([status, headers.location]).toEqual([303, defaultRedirect]);
    expect(setCookies).toEqual([CLEARED]);
  });

  it.each(MOUNTS)("has a final page with a link to log in again: under '%s'", async (at) => {
    const site = await open({ at });
    const { status, headers, text } = await visit(site, undefined, `${at}/u/logged-out`);
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([
      200,
      "text/html; charset=utf-8",
      "no-store",
    ]);
    expect(textOf(text)).toContain(LOCALES.en.loggedOut);
    expect(linksOf(text)).toEqual(["/login"]);
  });

  it("has a final page without a link if redirects.login is false", async () => {
    const site = await open({ auth: { redirects: { login: false } } });
    expect(linksOf((await visit(site, undefined, "/u/logged-out")).text)).toEqual([]);
  });
});

describe("a kicked visitor of the personal center", () => {
  it.each(MOUNTS)("gets the 401 page once: under '%s'", async (at) => {
    const { site, mine } = await devices({ at });
    await site.auth.kick("alice", { reason: "because it is late" });
    const { status, headers, text, setCookies } = await visit(site, mine, `${at}/u`);
    expect([status, headers["content-type"]]).toEqual([401, "text/html; charset=utf-8"]);
    for (const shown of [LOCALES.en.haveBeenLoggedOut, "because it is late", LOCALES.en.logInAgain]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(setCookies).toEqual([CLEARED]);
    expect((await visit(site, mine, `${at}/u`)).status).toBe(303);
  });

  it.each(END_ROUTES)("ends no login with %s", async (path) => {
    const { site, newest, oldestId, mine, myId } = await devices();
    await site.auth.kickLogin("alice", myId, { reason: "late" });
    expect((await submit(site, mine, path, [["loginId", oldestId]])).status).toBe(401);
    expect(await site.user(newest)).toBe("alice");
    expect((await site.auth.listLogins("alice")).items).toHaveLength(2);
  });
});

describe("routes.personalCenter", () => {
  it.each(MOUNTS)("renames every address of the page: under '%s'", async (at) => {
    const { site, mine, oldestId } = await devices({ at, auth: { routes: { personalCenter: "/my/devices" } } });
    const { status, text } = await visit(site, mine, `${at}/my/devices`);
    expect(status).toBe(200);
    const actions = elementsOf(text, "form").map(({ attributes }) => attributes["action"]);
    expect(new Set(actions)).toEqual(
      new Set(["logout", "end-login", "end-others"].map((part) => `${at}/my/devices/${part}`)),
    );
    const { headers } = await submit(site, mine, `${at}/my/devices/end-login`, [["loginId", oldestId]]);
    expect(headers.location).toBe(`${at}/my/devices?ended=1`);
    expect((await visit(site, mine, `${at}/u`)).status).toBe(404);
    const out = await submit(site, mine, `${at}/my/devices/logout`);
    expect(out.headers.location).toBe(`${at}/my/devices/logged-out`);
  });

  it("takes several paths, each of which links to itself alone", async () => {
    const { site, mine } = await devices({ auth: { routes: { personalCenter: ["/u", "/devices"] } } });
    for (const path of ["/u", "/devices", "/devices/"]) {
      const { status, text } = await visit(site, mine, path);
      expect(status).toBe(200);
      const actions = elementsOf(text, "form").map(({ attributes }) => attributes["action"]);
      expect(actions).toContain(`${path.replace(/\/$/, "")}/end-others`);
    }
    expect((await submit(site, mine, "/devices/end-others/")).headers.location).toBe("/devices?ended=2");
  });

  it("removes the page and its parts if false", async () => {
    const { site, mine, oldest, oldestId } = await devices({ auth: { routes: { personalCenter: false } } });
    expect((await visit(site, mine, "/u")).status).toBe(404);
    expect((await visit(site, mine, "/u/logged-out")).status).toBe(404);
    for (const path of [...END_ROUTES, "/u/logout"]) {
      expect((await submit(site, mine, path, [["loginId", oldestId]])).status).toBe(404);
    }
    await expectServed(site, [mine, oldest]);
  });

  it("may equal the mount path of the middleware", async () => {
    const { site, mine } = await devices({ at: "/account", auth: { routes: { personalCenter: "/" } } });
    const { status, text } = await visit(site, mine, "/account");
    expect(status).toBe(200);
    const actions = new Set(elementsOf(text, "form").map(({ attributes }) => attributes["action"] ?? ""));
    expect(actions).toEqual(new Set(["/account/logout", "/account/end-login", "/account/end-others"]));
    expect((await submit(site, mine, "/account/end-others")).headers.location).toMatch(/^\/account\/?\?ended=2$/);
  });
});

describe("the personal center at the root of the site", () => {
  it("shows the result of a POST", async () => {
    const { site, mine } = await devices({ auth: { routes: { personalCenter: "/" } } });
    const { text } = await visit(site, mine, "/");
    const actions = new Set(elementsOf(text, "form").map(({ attributes }) => attributes["action"] ?? ""));
    expect(actions).toEqual(new Set(["/logout", "/end-login", "/end-others"]));
    const { headers } = await submit(site, mine, "/end-others");
    expect(headers.location).toBe("/?ended=2");
    expect(textOf((await visit(site, mine, "/?ended=2")).text)).toContain(LOCALES.en.devicesLoggedOut(2));
    const out = await submit(site, mine, "/logout");
    expect(out.headers.location).toBe("/logged-out");
  });
});

describe("a page under a mount path", () => {
  it("links and loads only below the mount path", async () => {
    const { site, mine } = await devices({ at: "/account" });
    const addresses = addressesOf((await visit(site, mine, "/account/u")).text);
    expect(addresses.length).toBeGreaterThanOrEqual(6);
    // The brand leads to where users land who have logged out.
    for (const address of addresses) expect(address).toMatch(/^\/account\/|^\/$/);
  });
});

describe("the files that a page loads", () => {
  it.each(MOUNTS)("are linked from the page and cached forever: under '%s'", async (at) => {
    const { site, mine } = await devices({ at, auth: { pages: { accentColor: "rebeccapurple" } } });
    const { text } = await visit(site, mine, `${at}/u`);
    const style = elementsOf(text, "link").map(({ attributes }) => attributes["href"] ?? "");
    const script = elementsOf(text, "script").map(({ attributes }) => attributes["src"] ?? "");
    expect([style.length, script.length]).toEqual([1, 1]);
    for (const [[path = ""], type] of [
      [style, "text/css; charset=utf-8"],
      [script, "text/javascript; charset=utf-8"],
    ] as const) {
      expect(path.startsWith(`${at}/express-logout/`)).toBe(true);
      const { status, headers, text: body } = await site.ask("GET", path);
      expect({ status, type: headers["content-type"], cache: headers["cache-control"] }).toEqual({
        status: 200,
        type,
        cache: "public, max-age=31536000, immutable",
      });
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(body.length).toBeGreaterThan(100);
      expect(body.includes("rebeccapurple")).toBe(path === style[0]);
      const head = await site.ask("HEAD", path);
      expect([head.status, head.text, head.headers["content-type"]]).toEqual([200, "", type]);
      expect((await site.ask("POST", path)).status).toBe(404);
      expect((await site.ask("GET", path.replace(/\.[\w-]+\.(css|js)$/, ".AAAAAAAAAAAA.$1"))).status).toBe(404);
    }
  });

  it("change their name with their content", async () => {
    const names = async (accentColor: string): Promise<string[]> => {
      const { site, mine } = await devices({ auth: { pages: { accentColor } } });
      const { text } = await visit(site, mine, "/u");
      return addressesOf(text).filter((address) => address.startsWith("/express-logout/"));
    };
    const [[style, script], [otherStyle, otherScript]] = [await names("red"), await names("blue")];
    expect(otherStyle).not.toBe(style);
    expect(otherScript).toBe(script);
  });

  it("are served under routes.assets, also to kicked users", async () => {
    const { site, mine } = await devices({ auth: { routes: { assets: "/static/logout" } } });
    await site.auth.kick("alice", { reason: "late" });
    const { text } = await visit(site, mine, "/u");
    const paths = addressesOf(text).filter((address) => address.startsWith("/static/logout/"));
    expect(paths).toHaveLength(2);
    for (const path of paths) expect((await visit(site, mine, path)).status).toBe(200);
  });

  it.each(["/", "/static/"])("stay on this host if routes.assets ends with a slash: %s", async (assets) => {
    const { site, mine } = await devices({ auth: { routes: { assets } } });
    const files = addressesOf((await visit(site, mine, "/u")).text).filter((address) => /\.(css|js)$/.test(address));
    expect(files).toHaveLength(2);
    for (const file of files) {
      expect(file.startsWith("//")).toBe(false);
      expect((await visit(site, mine, file)).status).toBe(200);
    }
  });

  it("leave other names to the app", async () => {
    const site = await open();
    for (const path of ["/express-logout/", "/express-logout/style.css", "/express-logout/..%2fpackage.json"]) {
      expect((await site.ask("GET", path)).status).toBe(404);
    }
  });
});

describe("hostile texts", () => {
  const TEXTS = [
    "<script>alert(1)</script>",
    `"><script>alert(1)</script>`,
    `'"></title></textarea><img src=x onerror=alert(1)>`,
    "&lt;script&gt;alert(1)",
    "\u202eevil \u2066name\u2069",
    "\ud83d and \ude00",
    "x\0y\r\nz",
    "</script><!--<script>",
    "x".repeat(10_000),
    "<script>alert(1)</script>".repeat(400),
    "\u{1f600}".repeat(5_000),
  ];
  const CASES = TEXTS.map((text) => [JSON.stringify(text).slice(0, 40), text] as const);
  /** Returns the well-formed beginning of a text, which pages always show. */
  const shown = (text: string, length = 40): string =>
    text
      .toWellFormed()
      .slice(0, length)
      .toWellFormed()
      .replace(/\s+/g, " ")
      .replace(/\ufffd$/, "")
      .trim();

  function expectHarmless(html: string): void {
    expect(html).not.toMatch(/<script>alert/i);
    expect(html).not.toMatch(/<img src=x/i);
    expect(elementsOf(html, "script")).toHaveLength(1);
    expect(Buffer.byteLength(html)).toBeLessThan(100_000);
    expect(html.toLowerCase().split("</title>")).toHaveLength(2);
  }

  it.each(CASES)("in a user profile are escaped: %s", async (_shown, text) => {
    const user = () => ({ name: text, email: text, username: text, nickname: text, phone: text });
    const { site, mine } = await devices({ auth: { pages: { describeUser: user } } });
    const page = await visit(site, mine, "/u");
    expect(page.status).toBe(200);
    expectHarmless(page.text);
    expect(textOf(page.text)).toContain(shown(text));
  });

  it.each(CASES)("in a user id are escaped: %s", async (_shown, text) => {
    const site = await open();
    const page = await visit(site, await site.login(text), "/u");
    expect(page.status).toBe(200);
    expectHarmless(page.text);
    expect(textOf(page.text)).toContain(shown(text));
  });

  it.each(CASES)("in brandName and appId are escaped: %s", async (_shown, text) => {
    for (const auth of [{ pages: { brandName: text } }, { appId: text }]) {
      const { site, mine } = await devices({ auth });
      for (const path of ["/u", "/u/logged-out"]) {
        const page = await visit(site, mine, path);
        expect(page.status).toBe(200);
        expectHarmless(page.text);
        expect(textOf(page.text)).toContain(shown(text));
      }
    }
  });

  it.each([
    "<script>alert(1)</script>",
    `Mozilla/5.0 "><script>alert(1)</script>`,
    "Mozilla/5.0 (<img src=x onerror=alert(1)>; Android 9) <script>alert(1)</script>/1 Chrome/<script>alert(1)",
    "<script>alert(1)</script>/1.0 (compatible; bot)",
    "x".repeat(10_000),
    "\u00e2\u0080\u00aeevil",
    " ",
    "constructor",
    "__proto__/1",
  ])("in a user agent are escaped: %s", async (userAgent) => {
    const site = await open();
    const browser = await site.login("alice", { "User-Agent": userAgent });
    await site.login("alice", { "User-Agent": userAgent });
    const page = await visit(site, browser, "/u");
    expect(page.status).toBe(200);
    expectHarmless(page.text);
    expect(rowsOf(page.text)).toHaveLength(2);
  });

  it.each(CASES.filter(([, text]) => !text.includes("\ud83d")))(
    "in a requested login id end no login: %s",
    async (_shown, text) => {
      const { site, oldest, mine, newest, bob } = await devices();
      const { status } = await submit(site, mine, "/u/end-login", [["loginId", text]]);
      expect(status).toBe(303);
      await expectServed(site, [oldest, mine, newest, bob]);
    },
  );

  it("in the query show no status", async () => {
    const { site, mine } = await devices();
    const none = (await visit(site, mine, "/u")).text;
    for (const ended of ["<script>alert(1)</script>", "-1", "1e3", "", "9".repeat(20), "1&ended=2"]) {
      const { status, text } = await visit(site, mine, `/u?ended=${ended}`);
      expect(status).toBe(200);
      expect(textOf(text)).toBe(textOf(none));
    }
  });
});

describe("a user with many logins", () => {
  it("sees 100 of 300 logins, and the number of the rest in both languages", async () => {
    const site = await open();
    const browser = await site.login("alice");
    await Promise.all(Array.from({ length: 300 }, () => site.login("alice", { "User-Agent": IPHONE })));
    const { status, text } = await visit(site, browser, "/u");
    expect(status).toBe(200);
    const { items } = await site.auth.listLogins("alice", { limit: 1_000 });
    const newest = items.slice(0, 99);
    const oldest = items.at(-1);
    expect(rowsOf(text).map(({ id }) => id)).toEqual([oldest, ...newest].map((login) => login?.id));
    expect(textOf(rowsOf(text)[0]?.html ?? "")).toContain(LOCALES.en.thisDevice);
    for (const shown of [LOCALES.en.andMore(201), LOCALES.en.logOutEverywhereElse(300)]) {
      expect(textOf(text)).toContain(shown);
    }
    const chinese = await visit(site, browser, "/u", { "Accept-Language": "zh" });
    expect(textOf(chinese.text)).toContain(LOCALES.zh.andMore(201));
    expect((await submit(site, browser, "/u/end-others")).headers.location).toBe("/u?ended=300");
  });

  it("sees the newest hundred, which alone are read, and the number of all", async () => {
    const asked: object[] = [];
    class Asked extends MemoryLoginRegistry {
      override list(...[userId, page]: Parameters<MemoryLoginRegistry["list"]>) {
        asked.push(page);
        return super.list(userId, page);
      }
    }
    const registry = new Asked();
    const site = await open({ auth: { registry } });
    for (let count = 0; count < 500; count += 1) {
      const began = new Date(Date.now() - count - 1_000);
      await registry.add({ id: `older ${String(count)}`, userId: "alice", sid: String(count), ttlMs: 60_000, began });
    }
    const browser = await site.login("alice");
    const { text } = await visit(site, browser, "/u");
    expect(asked).toEqual([{ offset: 0, limit: 100 }]);
    expect(rowsOf(text)).toHaveLength(100);
    for (const shown of [LOCALES.en.andMore(401), LOCALES.en.logOutEverywhereElse(500)]) {
      expect(textOf(text)).toContain(shown);
    }
  });

  it("has the current login counted, even if it is not listed", async () => {
    const registry = new MemoryLoginRegistry();
    const site = await open({ auth: { registry } });
    const others = [await site.login("alice"), await site.login("alice")];
    const mine = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    await registry.update("alice", login?.id ?? "", { ttlMs: 1 });
    while ((await site.auth.listLogins("alice")).total > others.length) await new Promise(setImmediate);
    const { text } = await visit(site, mine, "/u");
    expect(rowsOf(text)).toHaveLength(3);
    expect(textOf(text)).toContain(LOCALES.en.logOutEverywhereElse(2));
  });
});

describe("an invented login id", () => {
  it("leaves nothing in the registry", async () => {
    const registry = new MemoryLoginRegistry();
    const site = await open({ auth: { registry } });
    const browser = await site.login("alice");
    for (let count = 0; count < 20; count += 1) {
      const loginId = randomBytes(16).toString("base64url");
      const { headers } = await submit(site, browser, "/u/end-login", [["loginId", loginId]]);
      expect(headers.location).toBe("/u?ended=0");
      expect((await registry.end("alice", { loginId, ifListed: true })).endCount).toBe(0);
      expect(await registry.kickOf("alice", loginId, "")).toBeUndefined();
    }
    expect(await site.user(browser)).toBe("alice");
  });
});

describe("an interrupted logout of a device", () => {
  it("is completed by a repeated request", async () => {
    const store = new MemoryStore();
    const set = store.set.bind(store);
    const failing = { on: false };
    store.set = (sid, data, done) => {
      if (failing.on) done?.(new Error("disk full"));
      else set(sid, data, done);
    };
    const site = await open({ auth: { store } });
    const phone = await site.login("alice");
    const [login] = (await site.auth.listLogins("alice")).items;
    const mine = await site.login("alice");
    const end = () => submit(site, mine, "/u/end-login", [["loginId", login?.id ?? ""]]);
    failing.on = true;
    expect((await end()).status).toBe(503);
    failing.on = false;
    expect(await site.user(phone)).toBeNull();
    const data = (): string =>
      (store as unknown as { sessions: Record<string, string> }).sessions[sessionId(phone)] ?? "";
    expect((await end()).headers.location).toBe("/u?ended=1");
    expect(data()).not.toContain("alice");
    expect((await end()).headers.location).toBe("/u?ended=0");
  });
});

describe("the avatar", () => {
  const imagesWith = async (photo: string | undefined, name = "Alice Liddell"): Promise<string> => {
    const { site, mine } = await devices({ auth: { pages: { describeUser: () => ({ photo, name }) } } });
    return (await visit(site, mine, "/u")).text;
  };

  it.each([
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "vbscript:x",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "blob:https://shop.example/1",
    "",
  ])("is not an image with an unsafe address: %j", async (photo) => {
    const html = await imagesWith(photo);
    expect(elementsOf(html, "img")).toEqual([]);
    expect(html).not.toMatch(/javascript:/i);
    expect(html).toContain(">AL</span>");
  });

  it("is not an image if photo is null, and shows the initials of the known name", async () => {
    const user = () => ({ name: null, email: null, photo: null }) as unknown as Record<string, undefined>;
    const { site, mine } = await devices({ auth: { pages: { describeUser: user } } });
    const { status, text } = await visit(site, mine, "/u");
    expect([status, elementsOf(text, "img")]).toEqual([200, []]);
    expect(text).toContain(">AL</span>");
  });

  it.each(["https://cdn.example/a.png?x=1&y=2", "/a.png", "a.png", "data:image/png;base64,AAAA", `/a.png"onerror="x`])(
    "is an image with a safe address: %j",
    async (photo) => {
      const images = elementsOf(await imagesWith(photo), "img");
      expect(images.map(({ attributes }) => attributes["src"])).toEqual([photo]);
    },
  );

  it.each([
    ["Alice Liddell", "AL"],
    ["bob", "BO"],
    ["alice@acme.example", "AA"],
    ["王小明", "王"],
    ["<b>", ""],
    ["a\u{1f600}", "A"],
    ["!!!", "?"],
  ])("shows initials of whole letters: %j", async (name, initials) => {
    const html = await imagesWith(undefined, name);
    const [, shownInitials = ""] = /<span class="avatar[ "][^>]*>(.*?)<\/span>/s.exec(html) ?? [];
    expect(decode(shownInitials)).not.toContain("\ufffd");
    expect(decode(shownInitials)).toContain(initials);
  });
});

describe("a browser that prefers Chinese", () => {
  const ZH = { "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8" };

  it.each(["zh-CN,zh;q=0.9,en;q=0.8", "zh", "zh-SG", "it, zh;q=0.5"])("gets pages in Chinese: %s", async (language) => {
    const { site, mine } = await devices();
    const { text } = await visit(site, mine, "/u?ended=1", { "Accept-Language": language });
    expect(elementsOf(text, "html")).toMatchObject([{ attributes: { lang: "zh-CN" } }]);
    const { whereLoggedIn, thisDevice, logOut, devicesIntro } = LOCALES.zh;
    for (const shown of [whereLoggedIn, thisDevice, logOut, devicesIntro, LOCALES.zh.devicesLoggedOut(1)]) {
      expect(textOf(text)).toContain(shown);
    }
  });

  it.each([undefined, "en", "it", "nl-NL,nl", "*", "en,zh;q=0.9", "not a language"])(
    "is recognized by Accept-Language alone: %s",
    async (language) => {
      const { site, mine } = await devices();
      const { text } = await visit(site, mine, "/u", language === undefined ? {} : { "Accept-Language": language });
      expect(elementsOf(text, "html")).toMatchObject([{ attributes: { lang: "en" } }]);
    },
  );

  it("is overruled by the option locale", async () => {
    for (const [locale, lang] of [
      ["en", "en"],
      ["zh", "zh-CN"],
    ] as const) {
      const { site, mine } = await devices({ auth: { pages: { locale } } });
      for (const language of ["zh", "en"]) {
        const { text } = await visit(site, mine, "/u", { "Accept-Language": language });
        expect(elementsOf(text, "html")).toMatchObject([{ attributes: { lang } }]);
      }
    }
  });

  it("gets no English text, device names included", async () => {
    const { site, mine } = await devices();
    const { text } = await visit(site, mine, "/u", ZH);
    const shown = textOf(text);
    for (const english of Object.values(LOCALES.en).filter((each) => typeof each === "string" && each.length > 6)) {
      expect(shown).not.toContain(english);
    }
    expect(shown).not.toMatch(/ on (Linux|iOS)/);
  });

  it("gets reasons and errors in Chinese", async () => {
    const { site, oldest, mine, oldestId } = await devices({ auth: { pages: { confirmIdentity: () => false } } });
    const heading = (html: string): string => /<h1[^>]*>(.*?)<\/h1>/s.exec(html)?.[1] ?? "";
    const refusals = [
      await submit(site, mine, "/u/end-others", [], ZH),
      await submit(site, undefined, "/u/end-others", [], ZH),
      await submit(site, mine, "/u/end-others", [], { ...ZH, "Sec-Fetch-Site": "cross-site" }),
      await visit(site, undefined, "/u/logged-out", ZH),
    ];
    await site.auth.kickLogin("alice", oldestId);
    refusals.push(await visit(site, oldest, "/u", ZH));
    expect(refusals.map(({ status, text }) => [status, CJK.test(heading(text))])).toEqual(
      [403, 401, 403, 200, 401].map((status) => [status, true]),
    );
  });

  it("writes the reason for the other device in Chinese", async () => {
    const { site, oldest, mine, oldestId } = await devices();
    await submit(site, mine, "/u/end-login", [["loginId", oldestId]], ZH);
    expect((await visit(site, oldest, "/u")).text).toContain(LOCALES.zh.loggedOutByYourself);
  });
});
