import { randomUUID } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { logout, LogoutError, MemoryLoginRegistry, type ConsoleContext, type ConsoleOptions } from "../../lib/index.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import { Holdable } from "../support/holdable.js";
import type { Browser } from "../support/http.js";
import {
  addressesOf,
  CHROME,
  CJK,
  CROSS_ORIGIN,
  elementsOf,
  HTML,
  submit,
  textOf,
  selectionOf,
  valuesOf,
  visit,
} from "../support/pages.js";
import { POOL_ID, sessionId, TOKEN, useSites, type Answer, type Site, type SiteOptions } from "../support/site.js";

type Auth = NonNullable<SiteOptions["auth"]>;

const open = useSites();
const { en, zh } = LOCALES;
const MOUNTS = ["", "/account"] as const;
/** The headers of the page's script. A rejection is answered as a page. */
const LINES = { Accept: "application/x-ndjson, text/html;q=0.9" };
const isRoot: ConsoleOptions["authorize"] = (req) => (req.session as { userId?: unknown }).userId === "root";

/** Opens a site with a console. The administrator root logs in first, then these users. */
async function consoleFor(users: readonly string[] = [], { auth, ...options }: SiteOptions = {}) {
  const site = await open({ ...options, auth: { console: { authorize: isRoot }, ...auth } });
  const root = await site.login("root", { "User-Agent": CHROME });
  const browsers: Browser[] = [];
  for (const user of users) browsers.push(await site.login(user, { "User-Agent": CHROME }));
  const page = `${site.at}/console/applications/${encodeURIComponent(site.appId)}/login-management`;
  return { site, root, browsers, page, force: `${page}/force-offline` };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `user-${String(i + 1)}`);
const byUser = (...users: string[]) => users.map((user) => ["user", user] as const);

/** Returns the ids of the users in the table, in order. */
function idsOf(html: string): string[] {
  return elementsOf(html, "tr").flatMap(({ attributes }) => attributes["data-user"] ?? []);
}

function checkboxesOf(html: string) {
  return elementsOf(html, "input").filter(({ attributes: { type, name } }) => type === "checkbox" && name === "user");
}

function kicksOf(site: Site): object[] {
  return site.events.filter(({ name }) => name === "kick");
}

async function usersOf(site: Site, browsers: readonly Browser[]): Promise<unknown[]> {
  return Promise.all(browsers.map((browser) => site.user(browser)));
}

function linesOf({ text }: Answer): Record<string, unknown>[] {
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A registry that fails to remove the logins of the user `broken`. */
class BrokenRegistry extends MemoryLoginRegistry {
  broken: string | undefined;
  isDown = false;

  override end(...[userId, target]: Parameters<MemoryLoginRegistry["end"]>) {
    if (userId === this.broken) return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down."));
    return super.end(userId, target);
  }

  override activeUsers(page: { offset: number; limit: number }) {
    if (this.isDown) return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down."));
    return super.activeUsers(page);
  }

  /** Yields users one by one, as a large registry yields them in many groups. */
  override async *scanUsers(): AsyncIterable<readonly string[]> {
    for await (const group of super.scanUsers()) for (const userId of group) yield [userId];
  }
}

/** A registry that fails to read the logins of one user. */
class UnreadableRegistry extends MemoryLoginRegistry {
  unreadable: string | undefined;

  override list(...[userId, page]: Parameters<MemoryLoginRegistry["list"]>) {
    if (userId === this.unreadable) return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "Unreadable."));
    return super.list(userId, page);
  }

  override async activeUsers(page: { offset: number; limit: number }) {
    const { items, total } = await super.activeUsers(page);
    return { total, items: items.filter(({ userId }) => userId !== this.unreadable) };
  }
}

/** A registry that counts its reads of users' logins. */
class CountingRegistry extends MemoryLoginRegistry {
  lists = 0;
  mostListsAtOnce = 0;
  #waiting = 0;

  override async list(...of: Parameters<MemoryLoginRegistry["list"]>) {
    this.lists += 1;
    this.#waiting += 1;
    this.mostListsAtOnce = Math.max(this.mostListsAtOnce, this.#waiting);
    const logins = await super.list(...of);
    this.#waiting -= 1;
    return logins;
  }
}

describe("an app without admin.authorize", () => {
  it("has no console: the app handles its paths", async () => {
    const site = await open();
    const browser = await site.login("alice");
    const page = `/console/applications/${site.appId}/login-management`;
    for (const path of [page, `${page}/force-offline?user=alice`]) {
      expect((await visit(site, browser, path)).status).toBe(404);
      expect((await visit(site, undefined, path)).status).toBe(404);
    }
    expect((await submit(site, browser, `${page}/force-offline`, byUser("alice"))).status).toBe(404);
    expect(kicksOf(site)).toEqual([]);
  });

  it.each<[string | readonly string[]]>([["/admin/online"], [["/admin/online"]], [[]]])(
    "cannot set routes.console: %j",
    (loginManagement) => {
      const options = { store: new MemoryStore(), appId: "shop" };
      for (const admin of [undefined, { userPoolId: POOL_ID, tokens: [TOKEN] }]) {
        expect(() => logout({ ...options, admin, routes: { console: loginManagement } })).toThrow(
          expect.objectContaining({
            code: "ERR_OPTION_INVALID",
            message: expect.stringContaining("console.authorize"),
          }),
        );
      }
      expect(() => logout({ ...options, routes: { console: false } })).not.toThrow();
    },
  );
});

describe("a user who is not an administrator", () => {
  it.each(MOUNTS)("is redirected to the login page without a login: under '%s'", async (at) => {
    const { site, page, force } = await consoleFor(["alice"], { at });
    for (const path of [`${page}?page=2&user=a%26b`, `${force}?user=alice`]) {
      const { status, headers } = await visit(site, undefined, path);
      expect([status, headers.location]).toEqual([303, `/login?returnTo=${encodeURIComponent(path)}`]);
    }
    expect((await submit(site, undefined, force, byUser("alice"))).status).toBe(401);
    expect(kicksOf(site)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["false", false],
    ["a promise of false", Promise.resolve(false)],
    ["nothing", undefined],
    ["another value", "yes"],
  ])("gets 403 everywhere and forces no users offline: authorize returns %s", async (_case, answer) => {
    const authorize = () => answer as boolean;
    const { site, root, browsers, page, force } = await consoleFor(["alice"], { auth: { console: { authorize } } });
    for (const { status, headers, text } of [
      await visit(site, root, page),
      await visit(site, root, `${force}?user=alice`),
      await visit(site, root, `${force}?everyone=1`),
      await submit(site, root, force, byUser("alice")),
      await submit(site, root, force, byUser("alice"), LINES),
      await submit(site, root, force, [["everyone", site.appId]]),
    ]) {
      expect([status, headers["content-type"]]).toEqual([403, "text/html; charset=utf-8"]);
      expect(textOf(text)).toContain(en.noAccess);
      expect(textOf(text)).not.toContain("alice");
    }
    expect(kicksOf(site)).toEqual([]);
    expect(await usersOf(site, [root, ...browsers])).toEqual(["root", "alice"]);
  });

  it("is every user while authorize fails", async () => {
    const authorize = () => Promise.reject(new Error("no answer"));
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { console: { authorize } } });
    expect((await visit(site, root, page)).status).toBe(500);
    expect((await submit(site, root, force, byUser("alice"))).status).toBe(500);
    expect(site.errors).toEqual([new Error("no answer"), new Error("no answer")]);
    expect(kicksOf(site)).toEqual([]);
  });

  it("is also a kicked administrator", async () => {
    const { site, root, page, force, browsers } = await consoleFor(["alice"]);
    const other = root.clone();
    await site.auth.kick("root", { reason: "late" });
    expect((await submit(site, root, force, byUser("alice"))).status).toBe(401);
    const { status, headers } = await visit(site, other, page);
    expect([status, headers.location]).toEqual([303, `/login?returnTo=${encodeURIComponent(page)}`]);
    expect(await usersOf(site, browsers)).toEqual(["alice"]);
  });
});

describe("authorize", () => {
  it("receives the action and the application", async () => {
    const asked: ConsoleContext[] = [];
    const authorize = (req: Parameters<typeof isRoot>[0], context: ConsoleContext): boolean => {
      asked.push(context);
      return req.method !== "PUT";
    };
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { console: { authorize } } });
    const context = { appId: site.appId, isMassKick: false };
    await visit(site, root, page);
    expect(asked).toMatchObject([{ ...context, action: "list" }]);
    await visit(site, root, `${force}?user=alice`);
    await submit(site, root, force, byUser("alice"));
    expect(asked.slice(1)).toEqual([
      { ...context, action: "kick", userIds: ["alice"] },
      { ...context, action: "kick", userIds: ["alice"] },
    ]);
  });

  it("receives everyone if the form names everyone and users", async () => {
    const asked: ConsoleContext[] = [];
    // Allows a kick of alice alone.
    const authorize = (_req: unknown, context: ConsoleContext): boolean => {
      asked.push(context);
      return context.userIds?.every((userId) => userId === "alice") === true;
    };
    const { site, root, force, browsers } = await consoleFor(["alice", "bob"], { auth: { console: { authorize } } });
    const context = { appId: site.appId, action: "kick", isMassKick: true };
    for (const others of [[], byUser("alice"), byUser("")]) {
      for (const everyone of [site.appId, "mistyped", ""]) {
        const form = [...others, ["everyone", everyone] as const];
        expect((await submit(site, root, force, form)).status).toBe(403);
        const query = form.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
        expect((await visit(site, root, `${force}?${query}`)).status).toBe(403);
      }
    }
    for (const each of asked) expect(each).toEqual(context);
    expect((await submit(site, root, force, byUser("alice", "bob"))).status).toBe(403);
    expect(await usersOf(site, browsers)).toEqual(["alice", "bob"]);
    expect((await submit(site, root, force, byUser("alice"))).status).toBe(303);
    expect(await usersOf(site, browsers)).toEqual([null, "bob"]);
  });

  it("is not called for a cross-origin POST or without a login", async () => {
    let asked = 0;
    const authorize = (): boolean => (asked++, true);
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { console: { authorize } } });
    await visit(site, undefined, page);
    await submit(site, undefined, force, byUser("alice"));
    await submit(site, root, force, byUser("alice"), { "Sec-Fetch-Site": "cross-site" });
    expect(asked).toBe(0);
  });
});

describe("the address of another application", () => {
  it("responds with 404 and forces no users offline", async () => {
    const { site, root, browsers } = await consoleFor(["alice"]);
    const page = "/console/applications/another/login-management";
    for (const { status } of [
      await visit(site, root, page),
      await visit(site, undefined, page),
      await visit(site, root, `${page}/force-offline?user=alice`),
      await submit(site, root, `${page}/force-offline`, byUser("alice")),
      await submit(site, root, `${page}/force-offline`, [["everyone", "another"]]),
    ]) {
      expect(status).toBe(404);
    }
    expect(await usersOf(site, browsers)).toEqual(["alice"]);
  });

  it("does not include other spellings of this application", async () => {
    const { site, root } = await consoleFor([], { auth: { appId: "my shop/é" } });
    const page = `/console/applications/${encodeURIComponent("my shop/é")}/login-management`;
    const { status, text } = await visit(site, root, page);
    expect(status).toBe(200);
    for (const address of addressesOf(text).filter((each) => each.startsWith("/console/"))) {
      expect(address.startsWith(page)).toBe(true);
    }
  });
});

describe("the table", () => {
  it("shows online users by latest activity, each with their logins", async () => {
    const { site, root, page } = await consoleFor(["alice", "bob", "alice"]);
    const { status, text } = await visit(site, root, page);
    expect(status).toBe(200);
    expect(idsOf(text)).toEqual(["alice", "bob", "root"]);
    expect(textOf(text)).toContain(en.usersOnline(3));
    expect(textOf(text)).toMatch(/Chrome 126/);
    expect(textOf(text)).toContain("127.0.0.1");
    const [alice = ""] = text.split("<tr data-user=").slice(1);
    const links = addressesOf(alice);
    const ids = (await site.auth.listLogins("alice")).items.map(({ id }) => id);
    for (const id of ids) expect(links.some((link) => link.endsWith(`?user=alice&login=${id}`))).toBe(true);
    expect(links).toContain(`${page}/force-offline?user=alice`);
    const pill = elementsOf(alice, "button").filter(({ attributes }) => attributes["name"] === "open");
    expect(pill).toMatchObject([{ attributes: { value: "alice", "aria-expanded": "false" } }]);
    expect(textOf(alice)).toContain(en.loginsOf(2, "alice"));
  });

  it("shows no user who is offline", async () => {
    const { site, root, page, browsers } = await consoleFor(["alice", "bob"]);
    await site.auth.kick("alice");
    await browsers[1]?.get("/login/profile/logout");
    const { text } = await visit(site, root, page);
    expect(idsOf(text)).toEqual(["root"]);
    expect(textOf(text)).toContain(en.usersOnline(1));
  });

  it("shows the profiles that the app supplies", async () => {
    const user: NonNullable<Auth["pages"]>["describeUser"] = (id) =>
      id === "alice"
        ? Promise.resolve({ name: "Alice Liddell", email: "alice@acme.example", photo: "/a.png" })
        : undefined;
    const { site, root, page } = await consoleFor(["alice", "bob"], { auth: { pages: { describeUser: user } } });
    const { text } = await visit(site, root, page);
    for (const shown of ["Alice Liddell", "alice", "alice@acme.example", "bob"]) expect(textOf(text)).toContain(shown);
    expect(elementsOf(text, "img").map(({ attributes }) => attributes["src"])).toEqual(["/a.png"]);
  });

  it("shows at most 10 logins of a user, and a link to all", async () => {
    const { site, root, page } = await consoleFor(Array.from({ length: 53 }, () => "alice"));
    const { text } = await visit(site, root, page);
    const shown = addressesOf(text).flatMap((address) => /&login=(.*)$/.exec(address)?.[1] ?? []);
    const ofAlice = (await site.auth.listLogins("alice")).items.map(({ id }) => id);
    expect(shown.filter((id) => ofAlice.includes(id))).toEqual(ofAlice.slice(0, 10));
    expect(textOf(text)).toContain(en.allLoginsOf(53, "alice"));
    expect(addressesOf(text)).toContain(`${page}/users?id=alice`);
  });

  it("comes in pages of 10, 20, 50 or 100", async () => {
    const { site, root, page } = await consoleFor(numbered(53));
    const all = [...numbered(53).reverse(), "root"];
    for (const [query, from, to] of [
      ["", 0, 10],
      ["?page=2", 10, 20],
      ["?limit=20", 0, 20],
      ["?limit=20&page=3", 40, 54],
      ["?limit=50", 0, 50],
      ["?limit=50&page=2", 50, 54],
      ["?limit=100", 0, 54],
      ["?page=6", 50, 54],
      ["?page=7", 50, 54],
      ["?page=999999999", 50, 54],
      ["?page=0", 0, 10],
      ["?page=-1", 0, 10],
      ["?page=x&limit=x", 0, 10],
      ["?limit=11", 0, 10],
      ["?limit=0", 0, 10],
      ["?limit=1000", 0, 10],
      ["?page=2&page=3", 0, 10],
    ] as const) {
      const { status, text } = await visit(site, root, page + query);
      expect({ query, status, ids: idsOf(text) }).toEqual({ query, status: 200, ids: all.slice(from, to) });
      expect(textOf(text)).toContain(en.usersOnline(54));
    }
  });

  it("marks the current page and links to the others", async () => {
    const { site, root, page } = await consoleFor(numbered(53));
    const { text } = await visit(site, root, `${page}?page=3`);
    const pages = elementsOf(text, "button").filter(({ attributes }) => attributes["name"] === "page");
    expect(pages.filter(({ attributes }) => "aria-current" in attributes)).toMatchObject([
      { attributes: { value: "3", "aria-current": "page" } },
    ]);
    const values = pages.map(({ attributes }) => attributes["value"]);
    for (const number of ["1", "2", "4", "6"]) expect(values).toContain(number);
    for (const number of ["0", "7"]) expect(values).not.toContain(number);
    const chosen = elementsOf(text, "option").filter(({ attributes }) => "selected" in attributes);
    expect(chosen.map(({ attributes }) => attributes["value"])).toEqual(["active", "10"]);
  });

  it("has no page numbers if there is one page", async () => {
    const { site, root, page } = await consoleFor(numbered(9));
    const { text } = await visit(site, root, page);
    expect(elementsOf(text, "button").filter(({ attributes }) => attributes["name"] === "page")).toEqual([]);
  });

  it("says that no users are online", async () => {
    const registry = new MemoryLoginRegistry();
    const { site, root, page } = await consoleFor([], { auth: { registry } });
    registry.activeUsers = () => Promise.resolve({ total: 0, items: [] });
    const { status, text } = await visit(site, root, page);
    expect(status).toBe(200);
    expect(textOf(text)).toContain(en.noUsersOnline(site.appId));
    expect(idsOf(text)).toEqual([]);
  });

  it("is not cached, not framed and has nothing inline", async () => {
    const { site, root, page, force } = await consoleFor(["alice"]);
    for (const path of [page, `${force}?user=alice`]) {
      const { headers, text } = await visit(site, root, path);
      expect(headers).toMatchObject({
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/),
      });
      expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?! src=")/i);
    }
  });

  it("is in the browser's language", async () => {
    const { site, root, page, force } = await consoleFor(["alice"]);
    const ZH = { "Accept-Language": "zh-CN" };
    for (const path of [page, `${force}?user=alice`, `${force}?everyone=1`, `${page}?q=nobody`]) {
      const { text } = await visit(site, root, path, ZH);
      expect(elementsOf(text, "html")).toMatchObject([{ attributes: { lang: "zh-CN" } }]);
      for (const english of Object.values(en).filter((each) => typeof each === "string" && each.length > 6)) {
        expect(textOf(text)).not.toContain(english);
      }
    }
    expect(textOf((await visit(site, root, page, ZH)).text)).toContain(zh.usersOnline(2));
  });

  it("shows errors in the browser's language", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice"]);
    const ZH = { "Accept-Language": "zh-CN" };
    const heading = (html: string): string => /<h1[^>]*>(.*?)<\/h1>/s.exec(html)?.[1] ?? "";
    const refusals = [
      await visit(site, browsers[0], page, ZH),
      await submit(site, root, force, [["everyone", "x"]], ZH),
      await submit(site, root, force, byUser("alice"), { ...ZH, "Sec-Fetch-Site": "cross-site" }),
      await visit(site, root, "/console/applications/another/login-management", ZH),
    ];
    expect(refusals.map(({ status, text }) => [status, CJK.test(heading(text))])).toEqual(
      [403, 400, 403, 404].map((status) => [status, true]),
    );
  });
});

describe("a search", () => {
  const NO_MATCHES = "No one matching";

  it("without a match says what it looked for, in English and in Chinese", async () => {
    const { site, root, page } = await consoleFor([]);
    const search = `${page}?q=${encodeURIComponent("<b>\u202e$&")}`;
    expect((await visit(site, root, search)).text).toContain(
      "No one matching “<bdi>&lt;b>\u202e$&amp;</bdi>” is online.",
    );
    expect((await visit(site, root, search, { "Accept-Language": "zh" })).text).toContain(
      "没有与“<bdi>&lt;b>\u202e$&amp;</bdi>”匹配的在线用户。",
    );
  });

  it("finds a user by their exact id", async () => {
    const { site, root, page } = await consoleFor(["alice", "alice2", "ali", "x&y=z +"]);
    for (const [search, found] of [
      ["alice", ["alice"]],
      ["ali", ["ali"]],
      ["x&y=z +", ["x&y=z +"]],
      ["ALICE", []],
      ["alic", []],
    ] as const) {
      const { status, text } = await visit(site, root, `${page}?q=${encodeURIComponent(search)}`);
      expect([status, idsOf(text)]).toEqual([200, found]);
      expect(valuesOf(text, "q")).toEqual([search]);
      expect(textOf(text).includes(NO_MATCHES)).toBe(found.length === 0);
    }
  });

  it("finds the online users among the results of searchUsers", async () => {
    const asked: string[] = [];
    const searchUsers = (text: string): Promise<string[]> => {
      asked.push(text);
      return Promise.resolve(["u1", "u2", "u1", "offline"]);
    };
    const { site, root, page } = await consoleFor(["u1", "u2", "u3", "lid"], {
      auth: { console: { authorize: isRoot, searchUsers } },
    });
    expect(idsOf((await visit(site, root, `${page}?q=lid`)).text).sort()).toEqual(["lid", "u1", "u2"]);
    expect(idsOf((await visit(site, root, `${page}?q=Liddell&page=4`)).text).sort()).toEqual(["u1", "u2"]);
    expect(asked).toEqual(["lid", "Liddell"]);
    await visit(site, root, `${page}?q=`);
    expect(asked).toHaveLength(2);
  });

  it("finds one online user behind many offline ones", async () => {
    const searchUsers = () => [...numbered(998), "last"];
    const { site, root, page } = await consoleFor(["last"], { auth: { console: { authorize: isRoot, searchUsers } } });
    const { text } = await visit(site, root, `${page}?q=Liddell`);
    expect(idsOf(text)).toEqual(["last"]);
    expect(textOf(text)).not.toContain(NO_MATCHES);
  });

  it("comes in pages, with the number of all matches beside that of everyone", async () => {
    const found = numbered(51);
    const searchUsers = () => found;
    const { site, root, page } = await consoleFor(found, { auth: { console: { authorize: isRoot, searchUsers } } });
    const first = (await visit(site, root, `${page}?q=all&sort=name`)).text;
    expect(idsOf(first)).toEqual(found.slice(0, 10));
    expect(textOf(first)).toContain(en.usersOnline(52));
    expect(textOf(first)).toContain(en.ofWhomMatch(51));
    expect(textOf(first)).not.toMatch(/narrow them down/);
    expect(idsOf((await visit(site, root, `${page}?q=all&sort=name&limit=50&page=2`)).text)).toEqual(["user-51"]);
    expect(idsOf((await visit(site, root, `${page}?q=all&sort=name&page=99`)).text)).toEqual(["user-51"]);
  });

  it("ignores spaces around what was typed or pasted", async () => {
    const { site, root, page } = await consoleFor(["alice"]);
    const { text } = await visit(site, root, `${page}?q=${encodeURIComponent(" alice\t")}`);
    expect([idsOf(text), valuesOf(text, "q")]).toEqual([["alice"], ["alice"]]);
  });

  it("looks up at most 1,000 users, and does not claim that there are no matches", async () => {
    const registry = new CountingRegistry();
    const searchUsers = () => [...numbered(5_000), "last"];
    const { site, root, page } = await consoleFor(["last"], {
      auth: { console: { authorize: isRoot, searchUsers }, registry },
    });
    const { text } = await visit(site, root, `${page}?q=Liddell`);
    expect(textOf(text)).toContain(en.tooManyMatches);
    expect(textOf(text)).not.toContain(NO_MATCHES);
    expect([registry.lists, registry.mostListsAtOnce]).toEqual([1_000, 50]);
  });

  it("accepts numbers as ids, as apps in JavaScript may return", async () => {
    const searchUsers = (() => [7, 8]) as ConsoleOptions["searchUsers"];
    const { site, root, page } = await consoleFor(["7"], { auth: { console: { authorize: isRoot, searchUsers } } });
    const { status, text } = await visit(site, root, `${page}?q=Liddell`);
    expect([status, idsOf(text)]).toEqual([200, ["7"]]);
  });

  it("keeps the selection, and links back to all users", async () => {
    const { site, root, page } = await consoleFor(["alice", "bob"]);
    const { text } = await visit(site, root, `${page}?q=alice&user=bob&user=alice`);
    expect(valuesOf(text, "user").sort()).toEqual(["alice", "bob"]);
    expect(textOf(text)).toContain(en.showAll);
  });

  it.each([
    ["fails", () => Promise.reject(new Error("no directory"))],
    [
      "throws",
      () => {
        throw new Error("no directory");
      },
    ],
    ["hangs", () => new Promise<never>(() => undefined)],
  ])("finds ids alone if searchUsers %s, without waiting for it", async (_how, searchUsers) => {
    const { site, root, page } = await consoleFor(["alice"], { auth: { console: { authorize: isRoot, searchUsers } } });
    const began = performance.now();
    const { status, text } = await visit(site, root, `${page}?q=alice`);
    expect([status, idsOf(text)]).toEqual([200, ["alice"]]);
    expect(textOf(text)).toContain(en.searchFailed);
    expect(addressesOf(text).filter((address) => address.includes("found="))).toEqual([]);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(site.errors).toEqual([]);
  });
});

describe("selected users", () => {
  it("are checked on their page, and hidden fields on the others", async () => {
    const { site, root, page } = await consoleFor(numbered(15));
    const query = "user=user-15&user=user-1&user=gone&user=user-15";
    const { text } = await visit(site, root, `${page}?${query}`);
    const checked = checkboxesOf(text).filter(({ attributes }) => "checked" in attributes);
    expect(checked.map(({ attributes }) => attributes["value"])).toEqual(["user-15"]);
    const hidden = elementsOf(text, "input").filter(
      ({ attributes: { type, name } }) => type === "hidden" && name === "user",
    );
    expect(hidden.map(({ attributes }) => attributes["value"])).toEqual(["user-1", "gone"]);
    expect(textOf(text)).toContain(en.selected(3));
    const second = (await visit(site, root, `${page}?${query}&page=2`)).text;
    const there = checkboxesOf(second).filter(({ attributes }) => "checked" in attributes);
    expect(there.map(({ attributes }) => attributes["value"])).toEqual(["user-1"]);
  });

  it("are none on a fresh page", async () => {
    const { site, root, page } = await consoleFor(["alice"]);
    const { text } = await visit(site, root, page);
    expect(checkboxesOf(text)).toHaveLength(2);
    expect(checkboxesOf(text).filter(({ attributes }) => "checked" in attributes)).toEqual([]);
  });

  it("are limited to what an address can carry, and the page says so", async () => {
    const { site, root, page, force } = await consoleFor(["alice"]);
    const ids: string[] = Array.from({ length: 300 }, () => randomUUID());
    const queryOf = (users: readonly string[]) => new URLSearchParams(byUser(...users).map((each) => [...each]));
    const { status, text } = await visit(site, root, `${page}?${queryOf(ids).toString()}`);
    const kept = valuesOf(text, "user").filter((user) => ids.includes(user));
    expect([status, kept]).toEqual([200, ids.slice(0, 178)]);
    expect(queryOf(kept).toString().length).toBeLessThan(7_500);
    expect(textOf(text)).toContain(en.selectionFull);
    const again = await visit(site, root, `${page}?${queryOf(kept).toString()}`);
    expect(valuesOf(again.text, "user").filter((user) => ids.includes(user))).toEqual(kept);
    expect(textOf(again.text)).not.toContain(en.selectionFull);
    const asked = await visit(site, root, `${force}?${queryOf(kept).toString()}`);
    expect(textOf(asked.text)).toContain(en.forceUsersQuestion(178));
  });

  it.each([21, 120, 750])("may be many: %i", async (count) => {
    const { site, root, page, force } = await consoleFor(["alice", "bob"]);
    const ids = [...Array.from({ length: count - 1 }, (_, i) => String(i)), "alice"];
    const query = ids.map((id) => `user=${id}`).join("&");
    const { status, text } = await visit(site, root, `${page}?${query}`);
    expect(status).toBe(200);
    const checked = checkboxesOf(text).filter(({ attributes }) => "checked" in attributes);
    expect(checked.map(({ attributes }) => attributes["value"])).toEqual(["alice"]);
    expect(textOf(text)).toContain(en.selected(count));
    const asked = textOf((await visit(site, root, `${force}?${query}`)).text);
    for (const shown of [en.forceUsersQuestion(count), en.endsLogins(1)]) expect(asked).toContain(shown);
    const { headers } = await submit(site, root, force, byUser(...ids));
    expect(headers.location).toBe(`${page}?users=1&logins=1`);
  });
});

describe("a user whose logins cannot be read", () => {
  it("is missing from the list and from search results; the others are shown", async () => {
    const registry = new UnreadableRegistry();
    const searchUsers = () => ["alice", "bob"];
    const { site, root, page } = await consoleFor(["alice", "bob"], {
      auth: { registry, console: { authorize: isRoot, searchUsers } },
    });
    registry.unreadable = "alice";
    expect(idsOf((await visit(site, root, page)).text)).toEqual(["bob", "root"]);
    expect(idsOf((await visit(site, root, `${page}?q=li`)).text)).toEqual(["bob"]);
  });

  it("causes a 503 page if no other user was requested", async () => {
    const registry = new UnreadableRegistry();
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { registry } });
    registry.unreadable = "alice";
    expect((await visit(site, root, `${force}?user=alice`)).status).toBe(503);
    registry.list = () => Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down."));
    expect((await visit(site, root, `${page}?q=bob`)).status).toBe(503);
  });
});

describe("the confirmation page", () => {
  const user: NonNullable<Auth["pages"]>["describeUser"] = (id) => ({ name: `${id.toUpperCase()} the user` });

  const formOf = (html: string): string => /<main.*<\/main>/s.exec(html)?.[0] ?? "";

  function expectAsks(html: string, force: string): void {
    const form = formOf(html);
    expect(elementsOf(form, "form")).toMatchObject([{ attributes: { method: "post", action: force } }]);
    const [first, ...others] = elementsOf(form, "button");
    expect(first?.attributes).toMatchObject({ type: "submit", disabled: "" });
    expect(others).toMatchObject([{ attributes: { type: "submit" } }]);
    expect(others[0]?.attributes).not.toHaveProperty("disabled");
    expect(elementsOf(form, "textarea")).toMatchObject([{ attributes: { name: "reason", maxlength: "480" } }]);
    expect(addressesOf(form)).toContain(force.replace("/force-offline", ""));
  }

  it("names the user and the number of logins that end", async () => {
    const { site, root, force } = await consoleFor(["alice", "bob", "alice"], {
      auth: { pages: { describeUser: user } },
    });
    const { status, text } = await visit(site, root, `${force}?user=alice`);
    expect(status).toBe(200);
    expectAsks(text, force);
    for (const shown of [en.forceUserQuestion("ALICE the user"), en.endsLogins(2)]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(textOf(text)).not.toContain("BOB");
    expect(selectionOf(text)).toEqual({ userIds: ["alice"] });
    expect(kicksOf(site)).toEqual([]);
  });

  it("names each of several users once, also one without a listed login", async () => {
    const { site, root, force } = await consoleFor(["alice", "bob", "alice"], {
      auth: { pages: { describeUser: user } },
    });
    const { text } = await visit(site, root, `${force}?user=alice&user=bob&user=gone&user=alice`);
    expectAsks(text, force);
    for (const shown of [en.forceUsersQuestion(3), en.endsLogins(3), "ALICE the user", "BOB the user"]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(selectionOf(text)).toEqual({ userIds: ["alice", "bob", "gone"] });
  });

  it("covers a user whose only login is changing its session id", async () => {
    const registry = new MemoryLoginRegistry();
    const { site, root, page, force } = await consoleFor(["alice"], {
      auth: { pages: { describeUser: user }, registry },
    });
    const [login] = (await site.auth.listLogins("alice")).items;
    const id = login?.id ?? "";
    const removeSid = (await registry.find("alice", id))?.sids[0];
    await registry.update("alice", id, { removeSid });
    for (const query of ["?user=alice", `?user=alice&login=${id}`]) {
      const { status, text } = await visit(site, root, force + query);
      expect(status).toBe(200);
      expectAsks(text, force);
      expect(textOf(text)).toContain("ALICE the user");
      expect(textOf(text)).not.toContain(en.endsLogins(0));
    }
    const { headers } = await submit(site, root, force, byUser("alice"));
    expect(headers.location).toBe(`${page}?users=1&logins=1`);
    expect(await registry.update("alice", id, { addSid: "new" })).toBe(false);
  });

  it("counts the logins that can be read", async () => {
    const registry = new UnreadableRegistry();
    const { site, root, force } = await consoleFor(["alice", "bob"], { auth: { registry } });
    registry.unreadable = "alice";
    const { text } = await visit(site, root, `${force}?user=alice&user=bob`);
    for (const shown of [en.forceUsersQuestion(2), en.endsLogins(1)]) expect(textOf(text)).toContain(shown);
  });

  it("names the one login", async () => {
    const { site, root, force } = await consoleFor(["alice", "alice"], { auth: { pages: { describeUser: user } } });
    const [, older] = (await site.auth.listLogins("alice")).items;
    const { text } = await visit(site, root, `${force}?user=alice&login=${older?.id ?? ""}`);
    expectAsks(text, force);
    for (const shown of [en.forceLoginQuestion("ALICE the user"), en.endsLogins(1)]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(selectionOf(text)).toEqual({ userIds: ["alice"], loginId: older?.id });
  });

  it("shows the number of all other users, and asks for the application id", async () => {
    const { site, root, force } = await consoleFor(["alice", "bob", "alice"]);
    const { text } = await visit(site, root, `${force}?everyone=1`);
    expectAsks(text, force);
    for (const shown of [en.forceEveryoneQuestion(2, site.appId), en.typeApplicationId(site.appId)]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(valuesOf(text, "everyone")).toEqual([""]);
    expect(selectionOf(text)).toEqual({});
    const field = elementsOf(text, "input").find(({ attributes }) => attributes["name"] === "everyone")?.attributes;
    expect(field).toMatchObject({ required: "" });
    expect(site.appId).toMatch(new RegExp(`^(?:${field?.["pattern"] ?? ""})$`, "v"));
  });

  it.each(["a.b", "shop (test)", "a/b", "[x]{2}|^$", "a-b", "a\\b", "é&&~~!!"])(
    "has a pattern that browsers accept for the application id: %s",
    async (appId) => {
      const { site, root, force } = await consoleFor([], { auth: { appId } });
      const { text } = await visit(site, root, `${force}?everyone=1`);
      const field = elementsOf(text, "input").find(({ attributes }) => attributes["name"] === "everyone");
      const pattern = field?.attributes["pattern"];
      // Without a pattern the server alone checks.
      expect(pattern === undefined || new RegExp(`^(?:${pattern})$`, "v").test(appId)).toBe(true);
      expect((await submit(site, root, force, [["everyone", appId]])).status).toBe(303);
    },
  );

  it.each(["", "?user=", "?user=alice&login=unknown", "?user=gone&login=unknown", "?login=x"])(
    "is skipped for an empty selection or an ended login: '%s'",
    async (query) => {
      const { site, root, page, force } = await consoleFor(["alice"]);
      const { status, text } = await visit(site, root, force + query);
      expect([status, textOf(text)]).toEqual([409, expect.stringContaining(en.noneSelected)]);
      expect(addressesOf(text)).toContain(page);
    },
  );
});

describe("an administrator who forces users offline", () => {
  it("ends every login of one user alone, who sees the reason", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob", "alice"]);
    const [first, bob, second] = browsers as [Browser, Browser, Browser];
    const answer = await submit(site, root, force, [...byUser("alice"), ["reason", "because <it> is late"]]);
    expect([answer.status, answer.headers.location]).toEqual([303, `${page}?users=1&logins=2`]);
    expect(kicksOf(site)).toEqual([
      expect.objectContaining({ userId: "alice", by: "root", reason: "because <it> is late" }),
    ]);
    for (const browser of [first, second]) {
      const { status, text } = await visit(site, browser, "/me");
      expect(status).toBe(401);
      expect(textOf(text)).toContain("because <it> is late");
      expect(text).not.toContain("root");
    }
    expect(await usersOf(site, [root, bob])).toEqual(["root", "bob"]);
    const { text } = await visit(site, root, answer.headers.location ?? "");
    expect(textOf(text)).toContain(en.forced(1, 2));
    expect(elementsOf(text).some(({ attributes }) => attributes["role"] === "status")).toBe(true);
    expect(idsOf(text)).toEqual(["bob", "root"]);
  });

  it("ends the logins of several users", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob", "carol", "alice"]);
    const { headers } = await submit(site, root, force, byUser("alice", "bob", "gone", "alice"));
    expect(headers.location).toBe(`${page}?users=2&logins=3`);
    expect(await usersOf(site, [root, ...browsers])).toEqual(["root", null, null, "carol", null]);
    expect(await usersOf(site, browsers)).toEqual([null, null, "carol", null]);
  });

  it("ends one login alone", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "alice", "bob"]);
    const [older, newer, bob] = browsers as [Browser, Browser, Browser];
    const [, olderLogin] = (await site.auth.listLogins("alice")).items;
    const fields = [...byUser("alice"), ["login", olderLogin?.id ?? ""], ["reason", "late"]] as const;
    const { headers } = await submit(site, root, force, fields);
    expect(headers.location).toBe(`${page}?users=1&logins=1`);
    const refused = await visit(site, older, "/me");
    expect([refused.status, refused.text.includes("late")]).toEqual([401, true]);
    expect(await usersOf(site, [newer, bob, root])).toEqual(["alice", "bob", "root"]);
    expect((await submit(site, root, force, fields)).status).toBe(303);
    expect(kicksOf(site)).toEqual([expect.objectContaining({ loginIds: [olderLogin?.id], by: "root" })]);
  });

  it("ends no login of a user who was not named", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob"]);
    const [bobs] = (await site.auth.listLogins("bob")).items;
    const { headers } = await submit(site, root, force, [...byUser("alice"), ["login", bobs?.id ?? ""]]);
    expect(headers.location).toBe(`${page}?users=0&logins=0`);
    expect(await usersOf(site, browsers)).toEqual(["alice", "bob"]);
  });

  it("ends every login but their own with the application id", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob", "alice", "root"]);
    const { status, headers } = await submit(site, root, force, [["everyone", site.appId]]);
    expect([status, headers.location]).toEqual([303, `${page}?users=2&logins=3`]);
    expect(await usersOf(site, [root, ...browsers])).toEqual(["root", null, null, null, "root"]);
  });

  it("ends every login, their own included, if that is ticked", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob", "alice"]);
    const fields = [
      ["everyone", site.appId],
      ["me", "1"],
      ["reason", "new release"],
    ] as const;
    const { status, text } = await submit(site, root, force, fields);
    expect([status, textOf(text)]).toEqual([200, expect.stringContaining(en.forced(3, 4))]);
    for (const browser of [root, ...browsers]) {
      const refused = await visit(site, browser, page);
      expect([refused.status, refused.text.includes("new release")]).toEqual([401, true]);
    }
    expect((await site.auth.listActiveUsers()).total).toBe(0);
  });

  it.each(["wrong", "SHOP", " ", "1", "shop-", ""])(
    "ends no login with a wrong application id: '%s'",
    async (typed) => {
      const { site, root, browsers, force } = await consoleFor(["alice"]);
      const { status, headers, text } = await submit(site, root, force, [["everyone", typed]]);
      expect([status, headers["content-type"]]).toEqual([400, "text/html; charset=utf-8"]);
      expect(textOf(text)).toContain(en.wrongApplicationId);
      expect(kicksOf(site)).toEqual([]);
      expect(await usersOf(site, [root, ...browsers])).toEqual(["root", "alice"]);
    },
  );

  it("gets the error about a wrong application id in the browser's language", async () => {
    const { site, root, force } = await consoleFor();
    const fields = [["everyone", "wrong"]] as const;
    const { status, text } = await submit(site, root, force, fields, { "Accept-Language": "zh-CN" });
    expect(status).toBe(400);
    expect(textOf(text)).toContain(zh.wrongApplicationId);
  });

  it("ends no login if a field is missing", async () => {
    const { site, root, browsers, page, force } = await consoleFor(["alice"]);
    const { status, headers } = await submit(site, root, force, [["reason", "late"]]);
    expect([status, headers.location?.startsWith(`${page}?`)]).toEqual([303, true]);
    expect(await usersOf(site, [root, ...browsers])).toEqual(["root", "alice"]);
  });

  it("has a long reason cut", async () => {
    const { site, root, browsers, force } = await consoleFor(["alice"]);
    const reason = "<script>alert(1)</script>" + "x".repeat(10_000);
    expect((await submit(site, root, force, [...byUser("alice"), ["reason", reason]])).status).toBe(303);
    const [alice] = browsers;
    const { status, text } = await visit(site, alice, "/me");
    expect(status).toBe(401);
    expect(textOf(text)).toContain("<script>alert(1)</script>xxx");
    expect(text).not.toMatch(/<script>alert/);
    expect(text.length).toBeLessThan(10_000);
  });

  it.each(["", "   "])("may leave the reason empty: '%s'", async (reason) => {
    const { site, root, browsers, force } = await consoleFor(["alice"]);
    expect((await submit(site, root, force, [...byUser("alice"), ["reason", reason]])).status).toBe(303);
    expect((await visit(site, browsers[0], "/me")).status).toBe(401);
  });

  it("may have an id of any length", async () => {
    const id = `${"x".repeat(499)}\u{1f600}`;
    const { site, browsers, force } = await consoleFor(["alice"], { auth: { console: { authorize: () => true } } });
    const admin = await site.login(id);
    const { status } = await submit(site, admin, force, [...byUser("alice"), ["reason", id]]);
    expect([status, await usersOf(site, browsers)]).toEqual([303, [null]]);
    const cut = `${"x".repeat(499)}\ufffd`;
    expect(kicksOf(site)).toEqual([expect.objectContaining({ by: cut, reason: cut })]);
  });

  it("may force themselves offline", async () => {
    const { site, root, page, force } = await consoleFor(["alice"]);
    expect((await submit(site, root, force, byUser("root"))).status).toBe(303);
    expect((await visit(site, root, page)).status).toBe(401);
  });
});

describe("a script that forces users offline", () => {
  it("gets the result in the last line", async () => {
    const { site, root, browsers, force } = await consoleFor(["alice", "bob", "alice"]);
    const answer = await submit(site, root, force, [...byUser("alice", "bob"), ["reason", "late"]], LINES);
    expect([answer.status, answer.headers["content-type"], answer.headers["cache-control"]]).toEqual([
      200,
      "application/x-ndjson; charset=utf-8",
      "no-store",
    ]);
    expect(linesOf(answer)).toEqual([expect.objectContaining({ code: 200, message: en.forced(2, 3) })]);
    expect(kicksOf(site)).toMatchObject([
      { by: "root", reason: "late" },
      { by: "root", reason: "late" },
    ]);
    expect(await usersOf(site, browsers)).toEqual([null, null, null]);
  });

  it("gets progress lines for everyone", async () => {
    const { site, root, force } = await consoleFor(numbered(4), { auth: { registry: new BrokenRegistry() } });
    const answer = await submit(site, root, force, [["everyone", site.appId]], LINES);
    const lines = linesOf(answer);
    const last = lines.pop();
    expect(last).toEqual({
      code: 200,
      message: en.forced(4, 4),
      users: 4,
      logins: 4,
      seconds: expect.any(Number),
    });
    const done = lines.map((line) => Number((line as { done?: number }).done));
    expect(lines).toEqual(done.map((count) => ({ done: count, total: 5, message: en.forcing(count, 5) })));
    // A line a user, also for the one who is spared.
    expect([...new Set(done)].filter((count) => count > 0)).toEqual([1, 2, 3, 4]);
    expect(lines).toHaveLength(5);
  });

  it("gets an error line for a wrong application id", async () => {
    const { site, root, force, browsers } = await consoleFor(["alice"]);
    const answer = await submit(site, root, force, [["everyone", "wrong"]], LINES);
    expect(linesOf(answer)).toEqual([{ code: 400, message: en.wrongApplicationId }]);
    expect(await usersOf(site, browsers)).toEqual(["alice"]);
  });

  it("gets messages in the browser's language", async () => {
    const { site, root, force } = await consoleFor(["alice"]);
    const answer = await submit(site, root, force, byUser("alice"), { ...LINES, "Accept-Language": "zh-CN" });
    expect(linesOf(answer)).toEqual([expect.objectContaining({ code: 200, message: zh.forced(1, 1) })]);
  });

  it.each(["text/html", HTML.Accept, "*/*", ""])("is recognized by Accept alone, other than '%s'", async (Accept) => {
    const { site, root, force } = await consoleFor(["alice"]);
    expect((await submit(site, root, force, byUser("alice"), { Accept })).status).toBe(303);
  });
});

describe("a POST from another origin to the console", () => {
  it.each(CROSS_ORIGIN.flatMap((headers) => [headers, { ...headers, ...LINES }]))(
    "gets 403 and forces no users offline: %j",
    async (headers) => {
      const { site, root, browsers, force } = await consoleFor(["alice"]);
      for (const fields of [byUser("alice"), [["everyone", site.appId]] as const]) {
        expect((await submit(site, root, force, fields, headers)).status).toBe(403);
      }
      expect(kicksOf(site)).toEqual([]);
      expect(await usersOf(site, [root, ...browsers])).toEqual(["root", "alice"]);
    },
  );

  it("does not include POSTs from the same origin", async () => {
    const { site, root, force } = await consoleFor(["alice"]);
    const headers = { Origin: site.url, "Sec-Fetch-Site": "same-origin" };
    expect((await submit(site, root, force, byUser("alice"), headers)).status).toBe(303);
  });
});

describe("an interrupted kick from the console", () => {
  const WAYS: [string, (site: Site) => (readonly [string, string])[]][] = [
    ["one user", () => byUser("alice")],
    ["several", () => byUser("bob", "alice")],
    ["everyone", (site) => [["everyone", site.appId]]],
  ];

  it.each(WAYS)("is a 503 page and can be repeated, after a store failure: %s", async (_way, fields) => {
    const holdable = new Holdable(new MemoryStore());
    const { site, root, browsers, page, force } = await consoleFor(["alice", "bob"], {
      auth: { store: holdable.store, registry: new MemoryLoginRegistry() },
    });
    holdable.fail("set");
    const { status, headers, text } = await submit(site, root, force, fields(site));
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([
      503,
      "text/html; charset=utf-8",
      "no-store",
    ]);
    expect(textOf(text)).toContain(en.stopped);
    expect(addressesOf(text)).toContain(page);
    const admin = await site.login("root");
    expect((await submit(site, admin, force, fields(site))).status).toBe(303);
    expect((await usersOf(site, browsers))[0]).toBeNull();
    const kicked = (kicksOf(site) as { userId: string }[]).map(({ userId }) => userId);
    expect(kicked).toContain("alice");
  });

  it.each(WAYS)(
    "is an error in the last line and can be repeated, after a registry failure: %s",
    async (_way, fields) => {
      const registry = new BrokenRegistry();
      const { site, root, browsers, force } = await consoleFor(["bob", "alice"], { auth: { registry } });
      registry.broken = "alice";
      const fails = linesOf(await submit(site, root, force, fields(site), LINES));
      expect(fails.at(-1)).toMatchObject({
        code: 503,
        message: en.stopped,
        detail: en.notForced("alice"),
        notForced: ["alice"],
      });
      expect(fails.slice(0, -1).every((line) => !("code" in line))).toBe(true);
      registry.broken = undefined;
      const admin = (await site.user(root)) === null ? await site.login("root") : root;
      expect(linesOf(await submit(site, admin, force, fields(site), LINES)).at(-1)).toMatchObject({ code: 200 });
      expect((await usersOf(site, browsers))[1]).toBeNull();
    },
  );

  it("is a 503 page after a registry failure", async () => {
    const registry = new BrokenRegistry();
    const { site, root, browsers, force } = await consoleFor(["alice", "bob"], { auth: { registry } });
    registry.broken = "alice";
    const { status, text } = await submit(site, root, force, byUser("alice", "bob"));
    expect([status, textOf(text).includes(en.stopped)]).toEqual([503, true]);
    expect(await usersOf(site, browsers)).toEqual(["alice", null]);
  });

  it("is a 503 page if the table cannot be read", async () => {
    const registry = new BrokenRegistry();
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { registry } });
    registry.isDown = true;
    for (const path of [page, `${force}?everyone=1`]) {
      const { status, headers } = await visit(site, root, path);
      expect([status, headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"]);
    }
    registry.isDown = false;
    expect((await visit(site, root, page)).status).toBe(200);
  });
});

describe("a page of the console", () => {
  const everyPage = ({ page, force }: { page: string; force: string }, appId: string): string[] => [
    page,
    `${page}?q=alice`,
    `${page}?user=alice&users=1&logins=1`,
    `${force}?user=alice&user=bob`,
    `${force}?everyone=${appId}`,
  ];

  it("contains no session id", async () => {
    const { site, root, browsers, ...paths } = await consoleFor(["alice", "bob", "alice"]);
    for (const path of everyPage(paths, site.appId)) {
      const { status, text } = await visit(site, root, path);
      expect(status).toBe(200);
      for (const browser of [root, ...browsers]) expect(text).not.toContain(sessionId(browser));
    }
  });

  it("links and loads only below the mount path", async () => {
    const { site, root, ...paths } = await consoleFor(["alice", "bob", ...numbered(12)], { at: "/account" });
    for (const path of everyPage(paths, site.appId)) {
      const addresses = addressesOf((await visit(site, root, path)).text);
      expect(addresses.length).toBeGreaterThanOrEqual(5);
      // The brand leads to where users land who have logged out.
      for (const address of addresses) expect(address).toMatch(/^\/account\/|^\/$/);
    }
    const { headers } = await submit(site, root, paths.force, byUser("alice"));
    expect(headers.location).toBe(`${paths.page}?users=1&logins=1`);
  });

  it("is served under routes.console", async () => {
    const routes = { console: ["/admin/online", "/:appId/online"], personalCenter: false as const };
    const { site, root } = await consoleFor(["alice"], { auth: { routes } });
    for (const page of ["/admin/online", `/${site.appId}/online`, "/admin/online/"]) {
      const { status, text } = await visit(site, root, page);
      expect(status).toBe(200);
      const forms = elementsOf(text, "form").map(({ attributes }) => attributes["action"]);
      expect(forms).toEqual(["/login/profile/logout", page.replace(/\/$/, "")]);
    }
    const { headers } = await submit(site, root, "/admin/online/force-offline", byUser("alice"));
    expect(headers.location).toBe("/admin/online?users=1&logins=1");
    expect((await visit(site, root, "/another/online")).status).toBe(404);
  });

  it("may be the root of the site", async () => {
    const routes = { console: "/", personalCenter: false as const };
    const { site, root } = await consoleFor(["alice"], { auth: { routes } });
    const { text } = await visit(site, root, "/");
    expect(addressesOf(text)).toContain("/force-offline?user=alice");
    const question = await visit(site, root, "/force-offline?user=alice");
    expect(elementsOf(question.text, "form").at(-1)?.attributes).toMatchObject({ action: "/force-offline" });
    expect(addressesOf(question.text)).toContain("/");
    expect(addressesOf((await visit(site, root, "/force-offline")).text)).toContain("/");
    const { headers } = await submit(site, root, "/force-offline", byUser("alice"));
    expect(headers.location).toBe("/?users=1&logins=1");
    expect(textOf((await visit(site, root, "/?users=1&logins=1")).text)).toContain(en.forced(1, 1));
  });

  it("is removed with false", async () => {
    const { site, root, page, force } = await consoleFor(["alice"], { auth: { routes: { console: false } } });
    expect((await visit(site, root, page)).status).toBe(404);
    expect((await submit(site, root, force, byUser("alice"))).status).toBe(404);
  });
});

describe("hostile texts in the console", () => {
  const TEXTS = [
    "<script>alert(1)</script>",
    `"><script>alert(1)</script>`,
    `'"></title></textarea><img src=x onerror=alert(1)>`,
    "&lt;script&gt;alert(1)&amp;user=root",
    "\u202eevil \u2066name\u2069",
    "../../u?x=1#y",
    "a b+c%20d&user=root",
    "__proto__",
    "x\0y",
  ];
  const shown = (text: string): string => text.replace(/\s+/g, " ").slice(0, 40).trim();

  function expectHarmless(html: string): void {
    expect(html).not.toMatch(/<script>alert/i);
    expect(html).not.toMatch(/<img src=x/i);
    expect(elementsOf(html, "script")).toHaveLength(1);
    expect(html.toLowerCase().split("</title>")).toHaveLength(2);
  }

  it.each(TEXTS)("in a user id are escaped, and the right user is forced offline: %j", async (id) => {
    const { site, root, browsers, page, force } = await consoleFor([id, "bob"]);
    const table = await visit(site, root, page);
    expectHarmless(table.text);
    expect(idsOf(table.text)).toEqual(["bob", id, "root"]);
    expect(textOf(table.text)).toContain(shown(id));
    const link = addressesOf(table.text.split("<tr data-user=")[2] ?? "").at(-1) ?? "";
    const question = await visit(site, root, link);
    expect(question.status).toBe(200);
    expectHarmless(question.text);
    expect(textOf(question.text)).toContain(shown(id));
    expect(selectionOf(question.text)).toEqual({ userIds: [id] });
    const found = await visit(site, root, `${page}?q=${encodeURIComponent(id)}&user=${encodeURIComponent(id)}`);
    expectHarmless(found.text);
    expect(idsOf(found.text)).toEqual([id]);
    expect((await submit(site, root, force, byUser(id))).headers.location).toBe(`${page}?users=1&logins=1`);
    expect(await usersOf(site, [root, ...browsers])).toEqual(["root", null, "bob"]);
  });

  it.each([...TEXTS, "\ud83d and \ude00", "x".repeat(10_000), "<script>alert(1)</script>".repeat(400)])(
    "in a name, user agent and application id are escaped: %j",
    async (text) => {
      const user = () => ({ name: text, email: text, photo: "javascript:alert(1)" });
      const { site, root, page, force } = await consoleFor(numbered(9), {
        auth: { pages: { describeUser: user, brandName: text }, appId: text.toWellFormed().slice(0, 200) },
      });
      await site.login("agent", { "User-Agent": text.replace(/[^ -~]/g, "?") });
      for (const path of [page, `${force}?user=agent&user=user-1`, `${force}?everyone=1`, `${page}?q=agent`]) {
        const { status, text: html } = await visit(site, root, path);
        expect(status).toBe(200);
        expectHarmless(html);
        expect(html).not.toMatch(/javascript:/i);
        expect(Buffer.byteLength(html)).toBeLessThan(200_000);
        expect(textOf(html)).toContain(shown(text.toWellFormed()));
      }
    },
  );

  it("in an ill-formed id are shown, and lead to no other user", async () => {
    const ids = ["\ud83d", "\ufffd", "\ude00x"];
    const { site, root, browsers, page } = await consoleFor(ids);
    const { status, text } = await visit(site, root, page);
    expect(status).toBe(200);
    expect(idsOf(text)).toHaveLength(4);
    // The row of "\ud83d", which becomes "\ufffd" when sent: the id of another user.
    const link = addressesOf(text.split("<tr data-user=")[3] ?? "").at(-1) ?? "";
    expect(selectionOf((await visit(site, root, link)).text).userIds ?? []).not.toContain("\ufffd");
    expect(await usersOf(site, browsers)).toEqual(ids);
  });

  it("in the query show no status and cause no error", async () => {
    const { site, root, page, force } = await consoleFor(["alice"]);
    for (const query of [
      "q[]=a&user[]=b&limit[]=10&page[]=1",
      "q[a]=1&user[__proto__]=x&users[x]=1&logins=2",
      "user=%ed%a0%80&q=%ff",
      "users=<script>alert(1)</script>&logins=1",
      `q=${"x".repeat(5_000)}`,
      `user=${"%3Cscript%3Ealert(1)".repeat(200)}`,
    ]) {
      const { status, text } = await visit(site, root, `${page}?${encodeURI(query).replaceAll("%25", "%")}`);
      expect([query.slice(0, 40), status]).toEqual([query.slice(0, 40), 200]);
      expectHarmless(text);
      expect(textOf(text)).not.toContain("forced offline (");
      const asked = await visit(site, root, `${force}?${encodeURI(query).replaceAll("%25", "%")}`);
      expect([200, 409]).toContain(asked.status);
      expectHarmless(asked.text);
    }
    expect(site.errors).toEqual([]);
  });
});
