import { describe, expect, it } from "@jest/globals";
import type { ConsoleContext } from "../../lib/index.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import { isRoot, openConsole } from "../support/console-site.js";
import { addressesOf, elementsOf, HTML, linksOf, textOf, visit } from "../support/pages.js";
import { useSites } from "../support/site.js";

const open = useSites();
const { en } = LOCALES;
const HISTORY = { audit: { history: {} } };

/** The ids of the logins in the table, in order. */
const loginsIn = (html: string): string[] =>
  elementsOf(html, "tr").flatMap(({ attributes }) => attributes["data-login"] ?? []);

describe("the page of one user", () => {
  it("shows every login, in pages, each with its own button", async () => {
    const { site, root, page, force, list } = await openConsole(open);
    const ids: string[] = [];
    for (let index = 0; index < 120; index += 1) {
      ids.push(await list("alice", { ip: "203.0.113.7", began: new Date(Date.now() - index * 60_000) }));
    }
    const first = (await visit(site, root, `${page}/users?id=alice`)).text;
    expect(loginsIn(first)).toEqual(ids.slice(0, 50));
    expect(textOf(first)).toContain(en.loginsCount(120));
    expect(addressesOf(first)).toContain(`${force}?user=alice`);
    expect(addressesOf(first)).toContain(`${force}?user=alice&login=${ids[3] ?? ""}`);
    expect(loginsIn((await visit(site, root, `${page}/users?id=alice&page=3`)).text)).toEqual(ids.slice(100));
    expect(loginsIn((await visit(site, root, `${page}/users?id=alice&page=99`)).text)).toEqual(ids.slice(100));
    expect(loginsIn((await visit(site, root, `${page}/users?id=alice&page=x`)).text)).toEqual(ids.slice(0, 50));
  });

  it.each(["..", "a/b", "%2F", "x&y=z +", "<script>alert(1)</script>", "名字", "id?q=#1"])(
    "is linked from the list, for the id %s",
    async (userId) => {
      const { site, root, page, list } = await openConsole(open);
      const login = await list(userId);
      const links = linksOf((await visit(site, root, page)).text).filter((link) => link.includes("/users?id="));
      const [link = ""] = links.filter((each) => new URL(each, "http://site").searchParams.get("id") === userId);
      const { status, text } = await visit(site, root, link);
      expect([status, loginsIn(text)]).toEqual([200, [login]]);
      expect(textOf(text)).toContain(userId);
      expect(text).not.toContain("<script>alert");
    },
  );

  it("says that a user is not logged in", async () => {
    const { site, root, page } = await openConsole(open);
    const { status, text } = await visit(site, root, `${page}/users?id=gone`);
    expect(status).toBe(200);
    expect(textOf(text)).toContain(en.notLoggedIn("gone"));
    expect(linksOf(text).filter((link) => link.includes("force-offline"))).toEqual([]);
  });

  it("is a 404 without an id", async () => {
    const { site, root, page } = await openConsole(open);
    for (const query of ["", "?id="]) expect((await visit(site, root, `${page}/users${query}`)).status).toBe(404);
  });

  it("is for those whom authorize lets see this user", async () => {
    const asked: ConsoleContext[] = [];
    const authorize = (...[req, context]: Parameters<typeof isRoot>) => {
      asked.push(context);
      return isRoot(req, context) && context.userIds?.includes("alice") === true;
    };
    const { site, root, page } = await openConsole(open, { console: { authorize } });
    expect((await visit(site, root, `${page}/users?id=bob`)).status).toBe(403);
    expect((await visit(site, root, `${page}/users?id=alice`)).status).toBe(200);
    expect(asked).toMatchObject(["bob", "alice"].map((id) => ({ action: "list", isMassKick: false, userIds: [id] })));
    expect((await visit(site, undefined, `${page}/users?id=alice`)).status).toBe(303);
  });

  it("shows what the history has of the user, and a link to all of it", async () => {
    const { site, root, page, list } = await openConsole(open, HISTORY);
    await list("alice");
    await site.auth.kick("alice", { by: "root", reason: "lost device" });
    await site.auth.kick("bob", { by: "root", reason: "another" });
    const { text } = await visit(site, root, `${page}/users?id=alice`);
    expect(textOf(text)).toContain("lost device");
    expect(textOf(text)).not.toContain("another");
    expect(linksOf(text)).toContain(`${page}/history?user=alice`);
  });
});

describe("the history page", () => {
  it("shows who forced whom offline, when and why", async () => {
    const { site, root, page, list } = await openConsole(open, HISTORY);
    for (const user of ["alice", "bob", "carol", "dave", "erin"]) await list(user);
    await site.auth.kick("alice", { by: "root", reason: "lost <b>device</b>" });
    await site.auth.kick(["bob", "carol", "dave", "erin"], { by: "ops", reason: "incident" });
    const { status, text } = await visit(site, root, `${page}/history`);
    expect(status).toBe(200);
    const rows = text.split("<tr").slice(2).map(textOf);
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/4 users .*and 1 more .*ops .*incident .*4 .*Forced offline/);
    expect(rows[1]).toMatch(/alice .*root .*lost <b>device<\/b> .*1 .*Forced offline/);
  });

  it("is filtered by user and by who did it", async () => {
    const { site, root, page } = await openConsole(open, HISTORY);
    await site.auth.kick("alice", { by: "root", reason: "first" });
    await site.auth.kick("bob", { by: "ops", reason: "second" });
    const shown = async (query: string): Promise<string[]> => {
      const { text } = await visit(site, root, `${page}/history${query}`);
      return ["first", "second"].filter((reason) => textOf(text).includes(reason));
    };
    expect(await shown("")).toEqual(["first", "second"]);
    expect(await shown("?user=alice")).toEqual(["first"]);
    expect(await shown("?by=ops")).toEqual(["second"]);
    expect(await shown("?user=alice&by=ops")).toEqual([]);
    expect(await shown("?user=&by=")).toEqual(["first", "second"]);
  });

  it("comes in pages; an address of none shows the first one, and says so", async () => {
    const { site, root, page } = await openConsole(open, HISTORY);
    for (let index = 0; index < 60; index += 1) await site.auth.kick(`user-${String(index)}`, { by: "root" });
    const first = (await visit(site, root, `${page}/history`)).text;
    const [next] = elementsOf(first, "button").filter(({ attributes }) => attributes["name"] === "cursor");
    const rest = (await visit(site, root, `${page}/history?cursor=${next?.attributes["value"] ?? ""}`)).text;
    expect([textOf(first).includes("user-59"), textOf(first).includes("user-5 ")]).toEqual([true, false]);
    expect([textOf(rest).includes("user-59"), textOf(rest).includes("user-5 ")]).toEqual([false, true]);
    const wrong = await visit(site, root, `${page}/history?cursor=nonsense`);
    expect([wrong.status, textOf(wrong.text).includes("user-59")]).toEqual([200, true]);
    expect(textOf(wrong.text)).toContain(en.pageNotFound);
  });

  it("is there only if a history is kept, and for those who may see the console", async () => {
    const without = await openConsole(open);
    expect((await visit(without.site, without.root, `${without.page}/history`)).status).toBe(404);
    expect(linksOf((await visit(without.site, without.root, without.page)).text)).not.toContain(
      `${without.page}/history`,
    );
    const { site, root, page } = await openConsole(open, HISTORY);
    expect(linksOf((await visit(site, root, page)).text)).toContain(`${page}/history`);
    const bob = await site.login("bob");
    expect((await visit(site, bob, `${page}/history`)).status).toBe(403);
    expect((await visit(site, undefined, `${page}/history`, HTML)).status).toBe(303);
  });
});
