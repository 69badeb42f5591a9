import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Request } from "express";
import { MemoryStore } from "express-session";
import { logout, MemoryLoginRegistry, type Login, type LoginFilter, type LogoutError } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { regenerate, save } from "../support/race-app.js";
import { useSites, type Site, type SiteOptions } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

const open = useSites();
const FIREFOX = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" };
const IPHONE = {
  "User-Agent":
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
};
const HOUR_MS = 3_600_000;
const everyone = (site: Site, users: readonly string[]) => Promise.all(users.map((user) => site.login(user)));
const who = (site: Site, browsers: Awaited<ReturnType<typeof everyone>>) =>
  Promise.all(browsers.map((browser) => site.user(browser)));
const rejectionOf = (kick: Promise<unknown>) =>
  kick.then(
    () => {
      throw new Error("it resolved");
    },
    (error: unknown) => error as LogoutError<"ERR_KICK_INCOMPLETE">,
  );

describe.each(BACKENDS.map((backend) => backend()))("kickWhere on $name", (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = (options: SiteOptions = {}) => open({ backend, ...options });

  it("ends the logins that match, and no other", async () => {
    const site = await openSite();
    const [phone, laptop] = [await site.login("alice", IPHONE), await site.login("alice", FIREFOX)];
    const other = await site.login("bob", IPHONE);
    const kick = await site.auth.kickWhere({ device: "iphone" }, { reason: "stolen", by: "ops" });
    expect(kick).toEqual({ users: 2, logins: 2 });
    expect(await who(site, [phone, laptop, other])).toEqual([null, "alice", null]);
    const kicks = site.events.filter(({ name }) => name === "kick");
    const event = (userId: string) => ({
      name: "kick",
      userId,
      loginIds: [expect.any(String)],
      reason: "stolen",
      by: "ops",
    });
    expect(kicks).toEqual(
      expect.arrayContaining([event("alice"), event("bob")].map((each) => expect.objectContaining(each))),
    );
    expect(kicks).toHaveLength(2);
    expect(await site.auth.kickWhere({ device: "iphone" })).toEqual({ users: 0, logins: 0 });
    expect(await site.user(await site.login("alice", IPHONE))).toBe("alice");
  });

  it("counts in a dry run, and changes nothing", async () => {
    const site = await openSite();
    const browsers = await everyone(site, ["alice", "alice", "bob"]);
    const dryRun = await site.auth.kickWhere(() => true, { dryRun: true });
    expect(dryRun).toEqual({ users: 2, logins: 3 });
    expect(await who(site, browsers)).toEqual(["alice", "alice", "bob"]);
    expect(await site.auth.kickWhere(() => true)).toEqual(dryRun);
    expect(await who(site, browsers)).toEqual([null, null, null]);
  });

  it("spares the logins in except", async () => {
    const site = await openSite();
    const browsers = await everyone(site, ["alice", "bob"]);
    const [{ id } = { id: "" }] = (await site.auth.listLogins("alice")).items;
    expect(await site.auth.kickWhere(() => true, { except: [id] })).toEqual({ users: 1, logins: 1 });
    expect(await who(site, browsers)).toEqual(["alice", null]);
  });

  it("ends a login that changes its session id at the time", async () => {
    const gate = new Gate();
    const rotate = async (req: Request): Promise<void> => {
      const { userId } = req.session;
      await regenerate(req);
      await gate.pass();
      req.session.userId = userId;
      await save(req);
    };
    const site = await openSite({
      after: (app) => {
        app.post("/rotate", (req, res, next) => {
          rotate(req).then(() => res.json({}), next);
        });
      },
    });
    const alice = await site.login("alice");
    const rotating = alice.post("/rotate", {});
    await gate.reached;
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect(await site.auth.kickWhere(({ userId }) => userId === "alice")).toEqual({ users: 1, logins: 1 });
    gate.open();
    await rotating;
    expect(await site.user(alice)).toBeNull();
  });

  it("reports progress by users", async () => {
    const site = await openSite();
    await everyone(site, ["alice", "bob"]);
    const steps: { done: number; total: number }[] = [];
    await site.auth.kickWhere({ minLogins: 9 }, { onProgress: (step) => steps.push(step) });
    expect(steps.at(-1)).toEqual({ done: 2, total: 2 });
  });
});

describe("a filter", () => {
  /** Which of these users' logins a filter finds. */
  async function found(filter: LoginFilter): Promise<string[]> {
    const registry = new MemoryLoginRegistry();
    const auth = logout({ store: new MemoryStore(), registry, appId: "shop" });
    const login = (userId: string, more: object) =>
      registry.add({ id: userId.padEnd(22, "0"), userId, sid: userId, ttlMs: HOUR_MS, ...more });
    await login("v4", { ip: "203.0.113.9", userAgent: FIREFOX["User-Agent"], began: new Date(1_000) });
    await login("v6", { ip: "2001:db8::1", userAgent: IPHONE["User-Agent"], began: new Date(2_000) });
    await login("none", { userAgent: "curl/8.0", began: new Date(3_000) });
    await registry.add({ id: "twice1".padEnd(22, "0"), userId: "twice", sid: "1", ttlMs: HOUR_MS, ip: "spoofed" });
    await registry.add({ id: "twice2".padEnd(22, "0"), userId: "twice", sid: "2", ttlMs: HOUR_MS });
    await auth.kickWhere(filter);
    const left = (await auth.listActiveUsers()).items.map(({ userId }) => userId);
    await auth.close();
    return ["v4", "v6", "none", "twice"].filter((userId) => !left.includes(userId));
  }

  it.each<[LoginFilter, string[]]>([
    [{ ip: "203.0.113.9" }, ["v4"]],
    [{ ip: "203.0.113.0/24" }, ["v4"]],
    [{ ip: "203.0.113.128/25" }, []],
    [{ ip: "0.0.0.0/0" }, ["v4"]],
    [{ ip: "2001:db8::/32" }, ["v6"]],
    [{ ip: "2001:DB8:0::1" }, ["v6"]],
    [{ device: "FIREFOX" }, ["v4"]],
    [{ device: "ios" }, ["v6"]],
    [{ device: "iPhone" }, ["v6"]],
    [{ device: "gecko" }, []],
    [{ device: "curl" }, ["none"]],
    [{ idleForMs: HOUR_MS }, []],
    [{ loggedInBefore: new Date(2_000) }, ["v4"]],
    [{ loggedInAfter: new Date(2_000) }, ["none", "twice"]],
    [{ loggedInAfter: new Date(1_000), loggedInBefore: new Date(3_000) }, ["v6"]],
    [{ minLogins: 2 }, ["twice"]],
    [{ minLogins: 3 }, []],
    [{ ip: "203.0.113.9", device: "ios" }, []],
    [{ ip: "203.0.113.9", device: undefined }, ["v4"]],
  ])("%j finds %j", async (filter, users) => {
    expect(await found(filter)).toEqual(users);
  });

  it("finds who made no request for a time", async () => {
    const site = await open();
    const browsers = await everyone(site, ["alice", "bob"]);
    const [{ lastActive } = { lastActive: new Date() }] = (await site.auth.listLogins("alice")).items;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await site.auth.kickWhere({ idleForMs: Date.now() - +lastActive + HOUR_MS })).toEqual({
      users: 0,
      logins: 0,
    });
    expect(await site.auth.kickWhere({ idleForMs: 1 })).toEqual({ users: 2, logins: 2 });
    expect(await who(site, browsers)).toEqual([null, null]);
  });

  it.each([
    [undefined, /filter, or a function/],
    [null, /filter, or a function/],
    ["alice", /filter, or a function/],
    [{}, /empty filter/],
    [{ ip: undefined }, /empty filter/],
    [[], /empty filter/],
    [{ ips: ["::1"] }, /Unknown member ips.*Known: ip, device, idleForMs/],
    [{ ip: "::1", toString: "" }, /Unknown member toString/],
    ...["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/a", "::ffff:10.0.0.1", 7].map(
      (ip) => [{ ip }, /member ip/] as const,
    ),
    ...["", 7, null].map((device) => [{ device }, /member device/] as const),
    ...[0, -1, NaN, Infinity, "1"].map((idleForMs) => [{ idleForMs }, /member idleForMs/] as const),
    ...[0, 1.5, -1, Infinity, "2"].map((minLogins) => [{ minLogins }, /member minLogins/] as const),
    ...[new Date(NaN), 0, "2026-01-01", null].flatMap((date) => [
      [{ loggedInBefore: date }, /member loggedInBefore/] as const,
      [{ loggedInAfter: date }, /member loggedInAfter/] as const,
    ]),
  ] as const)("is refused if it is %j", async (filter, words) => {
    const site = await open();
    const [alice] = await everyone(site, ["alice"]);
    const error = await rejectionOf(site.auth.kickWhere(filter as LoginFilter));
    expect(error).toMatchObject({ code: "ERR_ARGUMENT_INVALID", message: expect.stringMatching(words) });
    expect(
      await who(
        site,
        [alice].flatMap((each) => each ?? []),
      ),
    ).toEqual(["alice"]);
  });
});

describe("a function", () => {
  it("sees a login without its session ids", async () => {
    const site = await open();
    await site.login("alice", FIREFOX);
    const seen: Login[] = [];
    await site.auth.kickWhere((login) => seen.push(login) > 1);
    expect(seen).toEqual((await site.auth.listLogins("alice")).items);
  });

  it.each([
    ["is async", () => Promise.resolve(false), /true or false, and not a promise/],
    ["returns nothing", () => undefined, /true or false/],
    [
      "throws",
      () => {
        throw new Error("a bug");
      },
      /failed: see the cause/,
    ],
  ])("is refused if it %s, and no login ends", async (_case, where, words) => {
    const site = await open();
    const browsers = await everyone(site, ["alice", "bob"]);
    const error = await rejectionOf(site.auth.kickWhere(where as unknown as () => boolean));
    expect(error).toMatchObject({ code: "ERR_ARGUMENT_INVALID", message: expect.stringMatching(words) });
    expect(await who(site, browsers)).toEqual(["alice", "bob"]);
  });
});

describe("a kick that does not finish", () => {
  class Failing extends MemoryLoginRegistry {
    fails: "scan" | "finish" | undefined;
    override async *scanLogins(userId: string) {
      if (this.fails === "scan" && userId === "bob") throw new Error("unreadable");
      yield* super.scanLogins(userId);
    }
    override async finishKick(userId: string, loginIds: readonly string[]): Promise<void> {
      if (this.fails === "finish" && userId === "bob") throw new Error("unavailable");
      await super.finishKick(userId, loginIds);
    }
  }

  it.each(["scan", "finish"] as const)("names the users, ends the others, and is continued: %s", async (fails) => {
    const registry = new Failing();
    const site = await open({ auth: { registry } });
    const browsers = await everyone(site, ["alice", "bob", "bob"]);
    registry.fails = fails;
    const error = await rejectionOf(site.auth.kickWhere({ minLogins: 1 }));
    expect(error).toMatchObject({ code: "ERR_KICK_INCOMPLETE", details: { userIds: ["bob"] } });
    const isLeft = fails === "scan";
    expect(await who(site, browsers)).toEqual([null, ...(isLeft ? ["bob", "bob"] : [null, null])]);
    registry.fails = undefined;
    expect(await site.auth.kickWhere({ minLogins: 2 })).toEqual({ users: 1, logins: 2 });
    expect(await who(site, browsers)).toEqual([null, null, null]);
  });

  it("needs a registry that can scan logins", async () => {
    const registry = Object.assign(new MemoryLoginRegistry(), {
      scanLogins: undefined,
    }) as unknown as MemoryLoginRegistry;
    const site = await open({ auth: { registry } });
    const error = await rejectionOf(site.auth.kickWhere({ minLogins: 1 }));
    expect(error).toMatchObject({ code: "ERR_REGISTRY_UNSUPPORTED", message: expect.stringContaining("scanLogins") });
  });
});

describe("a signal", () => {
  const USERS = Array.from({ length: 450 }, (_each, number) => `u${String(number)}`);
  const KICKS = {
    kickAll: (site: Site, signal: AbortSignal) => site.auth.kickAll({ signal }),
    kickWhere: (site: Site, signal: AbortSignal) => site.auth.kickWhere(() => true, { signal }),
  };

  it.each(["kickAll", "kickWhere"] as const)("stops %s, whose error names who is left", async (name) => {
    const controller = new AbortController();
    const registry = new MemoryLoginRegistry();
    const log = (): void => {
      controller.abort(new Error("Cancel"));
    };
    const site = await open({ auth: { registry, audit: { log } }, listensTo: [] });
    for (const userId of USERS) await registry.add({ id: userId.padEnd(22, "0"), userId, sid: userId, ttlMs: HOUR_MS });
    const error = await rejectionOf(KICKS[name](site, controller.signal));
    expect(error).toMatchObject({
      code: "ERR_KICK_INCOMPLETE",
      message: expect.stringContaining("stopped by its signal"),
    });
    expect(error.cause).toBe(controller.signal.reason);
    const left = new Set(error.details.userIds);
    expect(left.size).toBeGreaterThan(0);
    expect(left.size).toBeLessThan(USERS.length);
    const online = (await site.auth.listActiveUsers({ limit: 1_000 })).items.map(({ userId }) => userId);
    expect(new Set(online)).toEqual(left);
    expect(await KICKS[name](site, new AbortController().signal)).toEqual({ users: left.size, logins: left.size });
    expect((await site.auth.listActiveUsers()).total).toBe(0);
  });

  it.each(["kickAll", "kickWhere"] as const)("that has aborted already keeps %s from beginning", async (name) => {
    const site = await open();
    const browsers = await everyone(site, ["alice"]);
    const cancel = new Error("Cancel");
    await expect(KICKS[name](site, AbortSignal.abort(cancel))).rejects.toBe(cancel);
    const wrong = KICKS[name](site, new AbortController() as unknown as AbortSignal);
    await expect(wrong).rejects.toMatchObject({ code: "ERR_ARGUMENT_INVALID" });
    expect(await who(site, browsers)).toEqual(["alice"]);
  });
});
