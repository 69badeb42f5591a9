import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import type { Request } from "express";
import type { AuditEntry, LogoutError, LogoutOptions } from "../../lib/index.js";
import { Secrets } from "../support/secrets.js";
import { POOL_ID, sessionId, TOKEN, useSites, type Asked, type Site } from "../support/site.js";

const open = useSites();
const NAMED = "the token of billing, 4712";
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const JSON_BODY = { "Content-Type": "application/json" };
const AGENT = { "User-Agent": "the browser of a test" };
const DEVICE = { ip: expect.any(String), userAgent: AGENT["User-Agent"] };

interface Audited {
  readonly site: Site;
  readonly entries: AuditEntry[];
  /** What the log does; nothing by default. */
  readonly sink: { log: (entry: AuditEntry) => unknown };
  readonly ofAction: (...actions: AuditEntry["action"][]) => AuditEntry[];
}

async function audited(auth: Partial<LogoutOptions> = {}): Promise<Audited> {
  const entries: AuditEntry[] = [];
  const sink = { log: (_entry: AuditEntry): unknown => undefined };
  const log = (entry: AuditEntry): unknown => {
    const written = sink.log(entry);
    if (written === undefined) entries.push(entry);
    return written;
  };
  const site = await open({ auth: { appId: "shop", audit: { log }, ...auth } });
  return { site, entries, sink, ofAction: (...actions) => entries.filter(({ action }) => actions.includes(action)) };
}

const named = (options: object = {}): Partial<LogoutOptions> => ({
  admin: { userPoolId: POOL_ID, tokens: [TOKEN, { name: "billing", sha256: digest(NAMED), ...options }] },
});

function kickByApi(site: Site, token: string, userIds: readonly string[]) {
  const headers = { Authorization: token, "x-authing-userpool-id": POOL_ID, ...JSON_BODY, ...AGENT };
  return site.ask("POST", "/api/applications/shop/kick-active-users", { headers, body: JSON.stringify({ userIds }) });
}

function listByApi(site: Site, token: string) {
  const headers = { Authorization: token, "x-authing-userpool-id": POOL_ID };
  return site.ask("GET", "/api/applications/shop/active-users", { headers });
}

describe("the audit log", () => {
  it("has one entry for a login, a logout, a kick and a rejected request", async () => {
    const { site, entries } = await audited();
    const alice = await site.login("alice", AGENT);
    const [{ id } = { id: "" }] = (await site.auth.listLogins("alice")).items;
    await site.auth.kick("alice", { reason: "a\nb", by: "ops\nfake" });
    expect(await site.user(alice)).toBeNull();
    const bob = await site.login("bob", AGENT);
    await bob.post("/login/profile/logout", {}, { "Sec-Fetch-Site": "same-origin" });
    const about = { appId: "shop", userId: "alice", loginIds: [id] };
    const kicked = { reason: "a b", by: "ops fake" };
    const bobs = { userId: "bob", outcome: "success", ...DEVICE };
    expect(entries).toMatchObject([
      { ...about, action: "login", outcome: "success", ...DEVICE },
      { ...about, ...kicked, action: "kick", outcome: "success", logins: 1 },
      { loginIds: [id], action: "rejected", outcome: "failure", code: "ERR_LOGIN_ENDED", reason: "a b" },
      { ...bobs, action: "login" },
      { ...bobs, action: "logout" },
    ]);
  });

  it("has one entry for the login that a limit has ended, with the reason", async () => {
    const { site, ofAction } = await audited({ logins: { max: { count: 1, reason: "One device." } } });
    await site.login("alice");
    const [{ id } = { id: "" }] = (await site.auth.listLogins("alice")).items;
    await site.login("alice");
    const limit = { action: "limit", outcome: "success", userId: "alice", loginIds: [id], logins: 1 };
    expect(ofAction("limit", "kick")).toMatchObject([{ ...limit, reason: "One device." }]);
  });

  it("has an entry for each user of a kick, also of one who was not logged in", async () => {
    const { site, ofAction } = await audited();
    await site.login("alice");
    await site.auth.kick(["alice", "carol"]);
    await site.auth.kickLogin("alice", "x".repeat(22));
    const kicks = ofAction("kick");
    expect(kicks.map(({ userId, logins }) => [userId, logins])).toEqual([
      ["carol", 0],
      ["alice", 1],
      ["alice", 0],
    ]);
    expect(kicks[0]?.id).toBe(kicks[1]?.id);
  });

  it("has an entry for a kick of everyone, and one for each user who was logged in", async () => {
    const { site, ofAction } = await audited();
    await Promise.all(["alice", "bob"].map((user) => site.login(user)));
    await site.auth.kickAll({ by: "ops" });
    await site.auth.kickAll({ by: "ops" });
    expect(ofAction("kick", "kick-everyone").map(({ action, userId, logins }) => [action, userId, logins])).toEqual([
      ["kick", expect.any(String), 1],
      ["kick", expect.any(String), 1],
      ["kick-everyone", undefined, 2],
      ["kick-everyone", undefined, 0],
    ]);
  });

  it("has the device of the user who logs out the other logins, and nothing for an id that is made up", async () => {
    const { site, ofAction } = await audited();
    const [alice] = [await site.login("alice", AGENT), await site.login("alice")];
    const form = { "Sec-Fetch-Site": "same-origin", ...AGENT };
    await alice.post("/u/end-login", { loginId: "x".repeat(22) }, form);
    expect(ofAction("kick")).toEqual([]);
    await alice.post("/u/end-others", {}, form);
    expect(ofAction("kick")).toMatchObject([{ userId: "alice", by: "alice", logins: 1, ...DEVICE }]);
  });

  it("is complete once auth.close() resolves", async () => {
    const { site, sink, entries } = await audited();
    const written: string[] = [];
    sink.log = async ({ action }) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      written.push(action);
    };
    await site.login("alice");
    expect([written, entries]).toEqual([[], []]);
    await site.auth.close();
    expect(written).toEqual(["login"]);
  });

  describe("that fails", () => {
    it.each([
      [
        "throws",
        (): never => {
          throw new Error("full");
        },
      ],
      ["rejects", () => Promise.reject(new Error("full"))],
    ])("rejects a kick, whose repetition is recorded: it %s", async (_case, log) => {
      const { site, entries, sink } = await audited();
      const alice = await site.login("alice");
      entries.length = 0;
      sink.log = log;
      const kick = site.auth.kick(["alice", "carol"]);
      const error = (await kick.catch((thrown: unknown) => thrown)) as LogoutError<"ERR_AUDIT_FAILED">;
      expect(error).toMatchObject({ code: "ERR_AUDIT_FAILED", status: 503 });
      expect([...error.details.userIds].sort()).toEqual(["alice", "carol"]);
      expect(error.cause).toEqual(new Error("full"));
      expect(await site.user(alice)).toBeNull();
      await expect(site.auth.kickAll()).rejects.toMatchObject({
        code: "ERR_AUDIT_FAILED",
        details: { userIds: ["alice"] },
      });
      sink.log = () => undefined;
      expect(await site.auth.kick(["alice", "carol"])).toEqual({ users: 1, logins: 1 });
      const recorded = entries.filter(({ outcome }) => outcome === "success");
      expect(recorded.map(({ userId, logins }) => [userId, logins])).toEqual([
        ["carol", 0],
        ["alice", 1],
      ]);
    });

    it("fails no login, logout or rejection", async () => {
      const { site, sink } = await audited();
      sink.log = () => Promise.reject(new Error("full"));
      const alice = await site.login("alice");
      expect(await site.user(alice)).toBe("alice");
      await alice.post("/login/profile/logout", {}, { "Sec-Fetch-Site": "same-origin" });
      expect(await site.user(alice)).toBeNull();
      expect(site.errors).toEqual([]);
    });
  });
});

describe("a named token", () => {
  it("is who a kick is by", async () => {
    const { site, ofAction } = await audited(named());
    await site.login("alice");
    expect((await kickByApi(site, NAMED, ["alice"])).status).toBe(200);
    expect((await kickByApi(site, TOKEN, ["alice"])).status).toBe(200);
    expect(ofAction("kick")).toMatchObject([
      { by: "token billing", logins: 1, ...DEVICE },
      { by: "admin API", logins: 0 },
    ]);
    expect(site.events).toContainEqual(expect.objectContaining({ name: "kick", by: "token billing" }));
  });

  it("is given to admin.authorize by its name", async () => {
    const seen: unknown[] = [];
    const { admin } = named() as { admin: NonNullable<LogoutOptions["admin"]> };
    const { site } = await audited({ admin: { ...admin, authorize: (_req, { token }) => seen.push(token) > 0 } });
    await Promise.all([listByApi(site, NAMED), listByApi(site, TOKEN)]);
    expect(seen).toEqual(expect.arrayContaining(["billing", undefined]));
  });

  it.each([
    ["only list", ["list"], "kick", [200, 403]],
    ["only kick", ["kick"], "list", [403, 200]],
  ] as const)("may %s", async (_case, may, what, [list, kick]) => {
    const { site, ofAction } = await audited(named({ may }));
    const alice = await site.login("alice");
    expect((await listByApi(site, NAMED)).status).toBe(list);
    expect((await kickByApi(site, NAMED, ["alice"])).status).toBe(kick);
    expect(await site.user(alice)).toBe(kick === 200 ? null : "alice");
    const userId = what === "kick" ? "alice" : undefined;
    expect(ofAction("denied")).toMatchObject([
      {
        outcome: "failure",
        code: "ERR_REQUEST_INVALID",
        by: "token billing",
        reason: `the token may not ${what}`,
        userId,
      },
    ]);
  });

  it.each([
    ["has expired", new Date(Date.now() - 1), 401],
    ["has expired, as a text", "2020-01-31", 401],
    ["has not expired", new Date(Date.now() + 60_000), 200],
  ])("%s", async (_case, until, status) => {
    const { site, ofAction } = await audited(named({ until }));
    expect((await kickByApi(site, NAMED, ["alice"])).status).toBe(status);
    expect((await kickByApi(site, TOKEN, ["alice"])).status).toBe(200);
    const denied = { by: "token billing", reason: "token expired", ...DEVICE };
    expect(ofAction("denied")).toMatchObject(status === 401 ? [denied] : []);
  });
});

describe("a request that is denied", () => {
  it("is recorded, without what it carried: the admin API", async () => {
    const { site, ofAction } = await audited({
      admin: { userPoolId: POOL_ID, tokens: [TOKEN], authorize: () => false },
    });
    const secret = "a wrong token, 4713";
    await kickByApi(site, secret, ["alice"]);
    await site.ask("DELETE", "/api/applications/shop/active-users", { headers: { Authorization: secret } });
    await kickByApi(site, TOKEN, ["alice"]);
    const pool = { Authorization: TOKEN, "x-authing-userpool-id": "another", ...JSON_BODY };
    await site.ask("POST", "/api/applications/shop/kick-active-users", { headers: pool });
    const denied = ofAction("denied");
    expect(denied).toMatchObject([
      { reason: "no valid token", by: undefined },
      { reason: "no valid token", by: undefined },
      { reason: "admin.authorize refused kick", by: "admin API", userId: "alice" },
      { reason: "another user pool", by: "admin API" },
    ]);
    expect(JSON.stringify(denied)).not.toContain(secret);
    expect(JSON.stringify(denied)).not.toContain(TOKEN);
  });

  it("is recorded: the console", async () => {
    const { site, ofAction } = await audited({ console: { authorize: () => false } });
    const alice = await site.login("alice");
    const url = "/console/applications/shop/login-management";
    const own = { "Sec-Fetch-Site": "same-origin" };
    expect((await alice.get(url)).status).toBe(403);
    expect((await alice.post(`${url}/force-offline`, { user: "bob" }, own)).status).toBe(403);
    expect((await alice.post(`${url}/force-offline`, { everyone: "shop" }, own)).status).toBe(403);
    expect((await alice.post(`${url}/force-offline`, { user: "bob" }, { "Sec-Fetch-Site": "cross-site" })).status).toBe(
      403,
    );
    expect(ofAction("denied")).toMatchObject([
      { by: "alice", reason: "console.authorize refused list" },
      { by: "alice", reason: "console.authorize refused kick", userId: "bob" },
      { by: "alice", reason: "console.authorize refused to kick everyone" },
      { reason: "a form of another origin" },
    ]);
    expect(ofAction("kick")).toEqual([]);
  });
});

describe("no entry", () => {
  it("has a session id or a token", async () => {
    const { site, entries } = await audited({
      ...named({ may: ["list"] }),
      console: { authorize: (req: Request) => req.session.userId === "admin" },
    });
    const secrets = new Secrets([TOKEN, NAMED, digest(NAMED)]);
    const logIn = async (user: string) => {
      const browser = await site.login(user);
      secrets.add(sessionId(browser));
      return browser;
    };
    const [alice, admin] = [await logIn("alice"), await logIn("admin")];
    await Promise.all(["bob", "bob", "carol"].map(logIn));
    const own: Asked["headers"] = { "Sec-Fetch-Site": "same-origin" };
    await alice.post("/u/end-others", {}, { "Sec-Fetch-Site": "same-origin" });
    await kickByApi(site, NAMED, ["bob"]);
    await kickByApi(site, TOKEN, ["bob"]);
    await kickByApi(site, `${TOKEN}x`, ["bob"]);
    await alice.get("/console/applications/shop/login-management");
    await site.ask("POST", "/console/applications/shop/login-management/force-offline", { headers: own });
    await admin.post(
      "/console/applications/shop/login-management/force-offline",
      { user: "alice" },
      { "Sec-Fetch-Site": "same-origin" },
    );
    await site.user(alice);
    await admin.post("/login/profile/logout", {}, { "Sec-Fetch-Site": "same-origin" });
    await site.auth.kickAll({ reason: "all", by: "ops" });
    const actions = new Set(entries.map(({ action }) => action));
    expect([...actions].sort()).toEqual(["denied", "kick", "kick-everyone", "login", "logout", "rejected"]);
    expect(secrets.foundIn(JSON.stringify(entries))).toBeUndefined();
  });
});
