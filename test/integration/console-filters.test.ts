import { describe, expect, it } from "@jest/globals";
import { LogoutError, MemoryLoginRegistry, type ConsoleContext } from "../../lib/index.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import { isRoot, openConsole, userIdsIn, type ConsoleSite } from "../support/console-site.js";
import {
  addressesOf,
  CHROME,
  elementsOf,
  IPHONE,
  selectionOf,
  submit,
  textOf,
  valuesOf,
  visit,
} from "../support/pages.js";
import { useSites } from "../support/site.js";

const open = useSites();
const { en } = LOCALES;
const HOUR = 3_600_000;
/** The headers of the page's script. */
const LINES = { Accept: "application/x-ndjson, text/html;q=0.9" };
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR);
/** As `<input type="datetime-local">` sends a time. */
const localTime = (time: Date): string => time.toISOString().slice(0, 16);

describe("a filter of the list of users", () => {
  const consoleOfDevices = async () => {
    const parts = await openConsole(open);
    await parts.list("alice", { ip: "203.0.113.7", userAgent: CHROME, began: hoursAgo(30) });
    await parts.list("bob", { ip: "203.0.113.200", userAgent: IPHONE, began: hoursAgo(5) });
    for (const ip of ["198.51.100.1", "2001:db8::7"]) {
      await parts.list("carol", { ip, userAgent: CHROME, began: hoursAgo(1) });
    }
    return parts;
  };

  it.each([
    ["an address", "ip=203.0.113.7", ["alice"]],
    ["a range", "ip=203.0.113.0/24", ["alice", "bob"]],
    ["a range of IPv6, for one of several logins", "ip=2001:db8::/32", ["carol"]],
    ["an address with spaces around it", "ip=%20203.0.113.7%20", ["alice"]],
    ["a browser", "device=chrome", ["alice", "carol"]],
    ["a device", "device=iphone", ["bob"]],
    ["a number of logins", "more=1", ["carol"]],
    ["two filters at once", "ip=203.0.113.0/24&device=chrome", ["alice"]],
    ["logins after a time", `after=${localTime(hoursAgo(10))}`, ["bob", "carol", "root"]],
    ["logins before a time", `before=${localTime(hoursAgo(10))}`, ["alice"]],
    ["logins before a time elsewhere", `before=${localTime(hoursAgo(4))}&zone=%2B02:00`, ["alice"]],
    ["a time without activity", "idle=2h", []],
  ])("finds users by %s", async (_what, query, found) => {
    const { site, root, page } = await consoleOfDevices();
    const { status, text } = await visit(site, root, `${page}?sort=name&${query}`);
    expect([status, userIdsIn(text)]).toEqual([200, found]);
    expect(textOf(text)).toContain(en.usersOnline(4));
    expect(textOf(text)).toContain(en.ofWhomMatch(found.length));
  });

  it("finds who has been idle", async () => {
    const { site, registry, root, page, list } = await openConsole(open);
    await list("alice");
    await list("bob");
    const scan = registry.scanLogins.bind(registry);
    registry.scanLogins = async function* (userId) {
      for await (const batch of scan(userId)) {
        yield batch.map((login) => (userId === "bob" ? { ...login, lastActive: hoursAgo(3) } : login));
      }
    };
    expect(userIdsIn((await visit(site, root, `${page}?idle=2h`)).text)).toEqual(["bob"]);
    expect(userIdsIn((await visit(site, root, `${page}?idle=4h`)).text)).toEqual([]);
  });

  it.each([
    ["ip=nonsense", en.address],
    ["ip=203.0.113.0/99", en.address],
    ["idle=soon", en.idle],
    ["after=yesterday", en.loggedIn],
    ["before=2026-13-45T99:99", en.loggedIn],
    ["more=-1", en.logins],
    ["ip=203.0.113.7&more=many", en.logins],
  ])("that is not valid shows everyone, and names the field: %s", async (query, label) => {
    const { site, root, page, list } = await openConsole(open);
    await list("alice", { ip: "198.51.100.1" });
    const { status, text } = await visit(site, root, `${page}?${query}`);
    expect([status, userIdsIn(text).sort()]).toEqual([200, ["alice", "root"]]);
    expect(textOf(text)).toContain(en.filterInvalid(label));
    expect(addressesOf(text).filter((address) => address.includes("found="))).toEqual([]);
  });

  it("stays in its fields, and is removed by a button that keeps the rest", async () => {
    const { site, root, page } = await consoleOfDevices();
    const query = "ip=203.0.113.0/24&device=chrome&sort=name&limit=20";
    const { text } = await visit(site, root, `${page}?${query}`);
    expect([valuesOf(text, "ip"), valuesOf(text, "device")]).toEqual([["203.0.113.0/24"], ["chrome"]]);
    const remove = elementsOf(text, "button").filter(({ attributes }) => attributes["name"] === "without");
    expect(remove.map(({ attributes }) => attributes["value"])).toEqual(["ip", "device"]);
    const rest = (await visit(site, root, `${page}?${query}&without=ip`)).text;
    expect(userIdsIn(rest)).toEqual(["carol", "alice"].sort());
    expect([valuesOf(rest, "ip"), valuesOf(rest, "device")]).toEqual([[""], ["chrome"]]);
  });

  it("says how many users it has looked at, if there was no time for all", async () => {
    class SlowRegistry extends MemoryLoginRegistry {
      override async *scanUsers(): AsyncIterable<readonly string[]> {
        yield ["alice"];
        await new Promise((resolve) => setTimeout(resolve, 2_600));
        yield ["bob"];
      }
    }
    const { site, root, page, list } = await openConsole(open, {}, new SlowRegistry());
    for (const user of ["alice", "bob"]) await list(user, { ip: "203.0.113.7" });
    const { text } = await visit(site, root, `${page}?ip=203.0.113.7`);
    expect(userIdsIn(text)).toEqual(["alice"]);
    expect(textOf(text)).toContain(en.lookedAt(1));
  });
});

describe("an order of the list of users", () => {
  it.each([
    ["active", ["carol", "bob", "alice", "root"]],
    ["-active", ["alice", "bob", "carol", "root"]],
    ["login", ["root", "alice", "bob", "carol"]],
    ["-login", ["carol", "bob", "alice", "root"]],
    ["logins", ["bob", "root", "carol", "alice"]],
    ["-logins", ["alice", "carol", "root", "bob"]],
    ["name", ["carol", "alice", "bob", "root"]],
    ["-name", ["root", "bob", "alice", "carol"]],
  ])("is by %s", async (sort, order) => {
    const names: Readonly<Record<string, string>> = { alice: "Mia", bob: "Zoe", carol: "Ada 2" };
    const { site, registry, root, page, list } = await openConsole(open, {
      pages: { describeUser: (userId) => ({ name: names[userId] ?? `zz ${userId}` }) },
    });
    const idleHours: Readonly<Record<string, number>> = { alice: 4, bob: 3, carol: 2 };
    const listed = registry.list.bind(registry);
    registry.list = async (userId, asked) => {
      const { items, total } = await listed(userId, asked);
      return { items: items.map((login) => ({ ...login, lastActive: hoursAgo(idleHours[userId] ?? 0) })), total };
    };
    await list("alice", { began: hoursAgo(1) });
    await list("bob", { began: hoursAgo(2) });
    await list("bob", { began: hoursAgo(9) });
    await list("carol", { began: hoursAgo(3) });
    await visit(site, root, page);
    const { text } = await visit(site, root, `${page}?sort=${sort}`);
    expect(userIdsIn(text)).toEqual(order);
    const [head] = elementsOf(text, "th").filter(({ attributes }) => "aria-sort" in attributes);
    const isUp = (sort.replace("-", "") === "name") !== sort.startsWith("-");
    expect(head?.attributes["aria-sort"]).toBe(isUp ? "ascending" : "descending");
  });

  it("is the usual one for a value that is none, and the page says so", async () => {
    const { site, root, page } = await openConsole(open);
    const { status, text } = await visit(site, root, `${page}?sort=age`);
    expect([status, userIdsIn(text)]).toEqual([200, ["root"]]);
    expect(textOf(text)).toContain(en.notSorted);
  });

  it("is by the heading that was pressed, which comes after the field that keeps the order", async () => {
    const { site, root, page, list } = await openConsole(open);
    for (const user of ["alice", "zoe"]) await list(user);
    expect(userIdsIn((await visit(site, root, `${page}?sort=active&sort=name`)).text)).toEqual([
      "alice",
      "root",
      "zoe",
    ]);
  });

  it("by name describes at most 1,000 users", async () => {
    const { site, registry, root, page } = await openConsole(open);
    for (let index = 0; index < 1_001; index += 1) {
      await registry.add({ id: `login${String(index)}`, userId: `u${String(index)}`, sid: String(index), ttlMs: HOUR });
    }
    const { text } = await visit(site, root, `${page}?sort=name`);
    expect(userIdsIn(text)).toHaveLength(10);
    expect(textOf(text)).toContain(en.notSorted);
  });
});

describe("all who are found", () => {
  const RANGE = "ip=203.0.113.0/24";
  /** The fields of the form that asks about those whom this query finds. */
  const fieldsOf = async (
    { site, root, force }: Pick<ConsoleSite, "site" | "root" | "force">,
    query = RANGE,
  ): Promise<[string, string][]> => {
    const { text } = await visit(site, root, `${force}?found=1&${query}`);
    return valuesOf(text, "selection").map((value) => ["selection", value]);
  };

  const consoleOfRange = async (auth = {}) => {
    const parts = await openConsole(open, auth);
    const { list } = parts;
    const inRange = { ip: "203.0.113.7" };
    await list("alice", inRange);
    await list("bob", inRange);
    const stays = await list("bob", { ip: "198.51.100.1" });
    await list("carol", { ip: "198.51.100.2" });
    await list("root", inRange);
    await list("ops", inRange);
    return { ...parts, stays };
  };
  const online = async (site: Awaited<ReturnType<typeof consoleOfRange>>["site"]): Promise<string[]> =>
    (await site.auth.listActiveUsers()).items
      .map(({ userId, loginsCount }) => `${userId} ${String(loginsCount)}`)
      .sort();

  it("are shown before they are forced offline, without the administrators", async () => {
    const { site, root, page, force } = await consoleOfRange({
      console: { authorize: isRoot, administrators: () => ["root", "ops", "another"] },
    });
    const list = (await visit(site, root, `${page}?${RANGE}`)).text;
    const [link = ""] = addressesOf(list).filter((address) => address.includes("found="));
    expect(link).toBe(`${force}?found=1&ip=203.0.113.0%2F24`);
    const { status, text } = await visit(site, root, link);
    expect(status).toBe(200);
    for (const shown of [en.forceFoundQuestion(2), en.endsLogins(2), en.onlyMatchingLogins, en.forceUsers(2)]) {
      expect(textOf(text)).toContain(shown);
    }
    expect(textOf(text)).toContain(en.includeAdministrators(1));
    expect(selectionOf(text)).toMatchObject({ filter: { ip: ["203.0.113.0/24"] }, isEveryone: false });
  });

  it("lose the logins that match, and no others", async () => {
    const parts = await consoleOfRange();
    const { site, root, force, page } = parts;
    const { status, headers } = await submit(site, root, force, [...(await fieldsOf(parts)), ["reason", "why"]]);
    expect([status, headers.location]).toEqual([303, `${page}?users=3&logins=3`]);
    expect(await online(site)).toEqual(["bob 1", "carol 1", "root 2"]);
    expect(site.events.filter(({ name }) => name === "kick")).toMatchObject(
      ["alice", "bob", "ops"].map((userId) => ({ userId, reason: "why", by: "root" })),
    );
  });

  it("do not include administrators, unless they are ticked", async () => {
    const console = { authorize: isRoot, administrators: () => Promise.resolve(["ops", "root"]) };
    const first = await consoleOfRange({ console });
    await submit(first.site, first.root, first.force, await fieldsOf(first));
    expect(await online(first.site)).toEqual(["bob 1", "carol 1", "ops 1", "root 2"]);
    const second = await consoleOfRange({ console });
    const ticks = [
      ["administrators", "1"],
      ["me", "1"],
    ] as const;
    await submit(second.site, second.root, second.force, [...(await fieldsOf(second)), ...ticks]);
    expect(await online(second.site)).toEqual(["bob 1", "carol 1", "root 1"]);
  });

  it("do not include who has logged in since the page was made", async () => {
    const parts = await consoleOfRange();
    const { site, root, force, list } = parts;
    const fields = await fieldsOf(parts);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await list("late", { ip: "203.0.113.9" });
    await submit(site, root, force, fields);
    expect(await online(site)).toEqual(["bob 1", "carol 1", "late 1", "root 2"]);
  });

  it("are a mass kick, of which authorize is asked, and a list", async () => {
    let mayKick = true;
    const asked: ConsoleContext[] = [];
    const authorize = (...[req, context]: Parameters<typeof isRoot>) => {
      asked.push(context);
      return (context.action === "list" || mayKick) && isRoot(req, context);
    };
    const parts = await consoleOfRange({ console: { authorize } });
    const { site, root, force } = parts;
    const fields = await fieldsOf(parts);
    const kick = { appId: site.appId, action: "kick", isMassKick: true };
    expect(asked).toEqual([{ appId: site.appId, action: "list", isMassKick: false }, kick]);
    mayKick = false;
    expect((await visit(site, root, `${force}?found=1&${RANGE}`)).status).toBe(403);
    expect((await submit(site, root, force, fields)).status).toBe(403);
    expect(asked.at(-1)).toEqual(kick);
    expect(await online(site)).toHaveLength(5);
  });

  it.each(["", "ip=nonsense", "ip=203.0.113.7&more=x", "q=alice&ip=nonsense", "more=0"])(
    "are no one with a filter that is none: %s",
    async (query) => {
      const { site, root, page, force } = await consoleOfRange();
      expect((await visit(site, root, `${force}?found=1&${query}`)).status).toBe(400);
      const links = addressesOf((await visit(site, root, `${page}?${query}`)).text);
      expect(links.filter((address) => address.includes("found="))).toEqual([]);
      expect(await online(site)).toHaveLength(5);
    },
  );

  it.each([
    ["another filter", { filter: { ip: ["nonsense"] }, asOf: 1, isEveryone: false }],
    ["an empty filter", { filter: {}, asOf: 1, isEveryone: false }],
    ["a filter of another kind", { filter: { ip: "203.0.113.7" }, asOf: 1, isEveryone: false }],
    ["no time", { filter: { ip: ["203.0.113.7"] }, isEveryone: false }],
    ["users of another kind", { filter: { ip: ["203.0.113.7"] }, userIds: "alice", asOf: 1, isEveryone: false }],
  ])("are no one by a field with %s", async (_what, selection) => {
    const { site, root, force } = await consoleOfRange();
    const field = Buffer.from(JSON.stringify(selection)).toString("base64url");
    expect((await submit(site, root, force, [["selection", field]])).status).toBe(400);
    expect(await online(site)).toHaveLength(5);
  });

  it("need the application's id, if they are all who are online", async () => {
    const parts = await consoleOfRange();
    const { site, root, force } = parts;
    const ALL = `after=${localTime(hoursAgo(24))}`;
    expect(textOf((await visit(site, root, `${force}?found=1&${ALL}`)).text)).toContain(
      en.typeApplicationId(site.appId),
    );
    const fields = await fieldsOf(parts, ALL);
    for (const typed of [[], [["everyone", "another"]]] as const) {
      expect((await submit(site, root, force, [...fields, ...typed])).status).toBe(400);
    }
    expect(await online(site)).toHaveLength(5);
    expect((await submit(site, root, force, [...fields, ["everyone", site.appId]])).status).toBe(303);
    expect(await online(site)).toEqual(["root 2"]);
  });

  it("spare every login of the administrators, and end none if that is not possible", async () => {
    const console = { authorize: isRoot, administrators: () => ["ops"] };
    const parts = await consoleOfRange({ console });
    const { site, registry, root, force, list } = parts;
    for (let index = 0; index < 60; index += 1) await list("ops", { ip: "203.0.113.8" });
    const hidden = await list("ops", { ip: "203.0.113.8" });
    await registry.update("ops", hidden, { removeSid: `session of ${hidden}` });
    const fields = await fieldsOf(parts);
    const scan = registry.scanLogins.bind(registry);
    registry.scanLogins = (userId) => {
      if (userId === "ops") throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down.");
      return scan(userId);
    };
    expect((await submit(site, root, force, fields)).status).toBe(503);
    registry.scanLogins = scan;
    expect(await online(site)).toContain("alice 1");
    await submit(site, root, force, fields);
    expect(await online(site)).toEqual(["bob 1", "carol 1", "ops 61", "root 2"]);
    expect(await registry.find("ops", hidden)).toBeDefined();
  });

  it("are not forced offline while administrators have more logins than a kick can spare", async () => {
    const console = { authorize: isRoot, administrators: () => ["ops"] };
    const parts = await consoleOfRange({ console, logins: { max: Infinity } });
    const { site, root, force, list } = parts;
    const fields = await fieldsOf(parts);
    for (let index = 0; index < 1_000; index += 1) await list("ops", { ip: "203.0.113.8" });
    expect((await submit(site, root, force, fields)).status).toBe(409);
    const lines = await submit(site, root, force, [["everyone", site.appId]], LINES);
    expect(lines.text).toContain(en.tooManySpared(1_000));
    expect(await online(site)).toHaveLength(5);
  });

  it("by a search and a filter lose the logins that match", async () => {
    const searchUsers = () => ["alice", "bob", "root"];
    const parts = await consoleOfRange({ console: { authorize: isRoot, searchUsers } });
    const { site, root, force } = parts;
    await parts.list("alice", { ip: "198.51.100.9" });
    const query = `q=any&${RANGE}`;
    const { text } = await visit(site, root, `${force}?found=1&${query}`);
    for (const shown of [en.forceFoundQuestion(2), en.endsLogins(2), en.onlyMatchingLogins]) {
      expect(textOf(text)).toContain(shown);
    }
    const fields = await fieldsOf(parts, query);
    await submit(site, root, force, fields);
    expect(await online(site)).toEqual(["alice 1", "bob 1", "carol 1", "ops 1", "root 2"]);
    await submit(site, root, force, [...fields, ["me", "1"]]);
    expect(await online(site)).toEqual(["alice 1", "bob 1", "carol 1", "ops 1", "root 1"]);
  });

  it("by a search are named one by one", async () => {
    const searchUsers = () => ["alice", "bob", "root"];
    const { site, root, page, force } = await consoleOfRange({ console: { authorize: isRoot, searchUsers } });
    const [link = ""] = addressesOf((await visit(site, root, `${page}?q=any`)).text).filter((each) =>
      each.includes("found="),
    );
    const { text } = await visit(site, root, link);
    expect(textOf(text)).toContain(en.forceUsersQuestion(2));
    expect(selectionOf(text).userIds?.toSorted()).toEqual(["alice", "bob"]);
    await submit(site, root, force, [["selection", valuesOf(text, "selection")[0] ?? ""]]);
    expect(await online(site)).toEqual(["carol 1", "ops 1", "root 2"]);
  });

  it("are forced offline line by line for the script, which counts those who were looked at", async () => {
    const parts = await consoleOfRange();
    const { site, root, force } = parts;
    const { text } = await submit(site, root, force, await fieldsOf(parts), LINES);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { code?: number; message: string });
    expect(lines[0]).toMatchObject({ message: en.checked(5, 5) });
    expect(lines.at(-1)).toMatchObject({ code: 200, message: en.forced(3, 3) });
  });
});

describe("the administrators of an application", () => {
  it("stay logged in when everyone is forced offline, unless they are ticked", async () => {
    const console = { authorize: isRoot, administrators: () => ["ops", 7] };
    const { site, root, force } = await openConsole(open, { console });
    const browsers = [await site.login("alice"), await site.login("ops"), await site.login("7")];
    const asked = textOf((await visit(site, root, `${force}?everyone=1`)).text);
    for (const shown of [en.forceEveryoneQuestion(1, site.appId), en.includeAdministrators(2)])
      expect(asked).toContain(shown);
    await submit(site, root, force, [["everyone", site.appId]]);
    const users = () => Promise.all(browsers.map((browser) => site.user(browser)));
    expect(await users()).toEqual([null, "ops", "7"]);
    await submit(site, root, force, [
      ["everyone", site.appId],
      ["administrators", "1"],
    ]);
    expect(await users()).toEqual([null, null, null]);
    expect(await site.user(root)).toBe("root");
  });

  it.each([
    ["fail", () => Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down.")), 503],
    [
      "throw",
      () => {
        throw new Error("no directory");
      },
      500,
    ],
  ])("who cannot be named (%s) keep everyone logged in", async (_how, administrators, status) => {
    const { site, root, force } = await openConsole(open, { console: { authorize: isRoot, administrators } });
    const alice = await site.login("alice");
    expect((await submit(site, root, force, [["everyone", site.appId]])).status).toBe(status);
    expect((await visit(site, root, `${force}?found=1&ip=127.0.0.1`)).status).toBe(status);
    expect(await site.user(alice)).toBe("alice");
  });
});
