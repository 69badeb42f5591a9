import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { MemoryStore } from "express-session";
import {
  logout,
  LogoutError,
  MemoryLoginRegistry,
  type AuditEntry,
  type HistoryOptions,
  type LogoutOptions,
} from "../../lib/index.js";
import type { LoginRegistry } from "../../lib/registry/index.js";
import { next } from "../support/registry-calls.js";
import { REGISTRIES, stopRegistryServers } from "../support/registries.js";
import { Secrets } from "../support/secrets.js";
import { POOL_ID, sessionId, TOKEN, useSites, type Site } from "../support/site.js";

const openSite = useSites();
const KINDS = REGISTRIES.filter(
  ({ name }, index) => REGISTRIES.findIndex((each) => each.name.split(" ")[0] === name.split(" ")[0]) === index,
);

afterAll(stopRegistryServers);

describe.each(KINDS)("the history, on $name,", (kind) => {
  beforeAll(() => kind.start(), 60_000);
  afterAll(() => kind.stop());

  async function kept(more: Partial<LogoutOptions> = {}, history: HistoryOptions = {}) {
    const appId = next("app");
    const registry: LoginRegistry = kind.create(appId);
    const site = await openSite({ auth: { appId, registry, audit: { history }, ...more } });
    const list = async (query = {}): Promise<AuditEntry[]> =>
      JSON.parse(JSON.stringify((await site.auth.listHistory(query)).items)) as AuditEntry[];
    return { site, list, appId, registry };
  }

  const idOf = async (site: Site, user: string): Promise<string | undefined> =>
    (await site.auth.listLogins(user)).items[0]?.id;

  it("has what a kick has ended, and that it ended nothing; no login, no logout, no rejected request", async () => {
    const { site, list, appId } = await kept();
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    await bob.post("/login/profile/logout", {}, { "Sec-Fetch-Site": "same-origin" });
    const id = await idOf(site, "alice");
    await site.auth.kick(["alice", "carol"], { by: "ops", reason: "a\nb" });
    expect(await site.user(alice)).toBeNull();
    const about = { appId, action: "kick", outcome: "success", by: "ops", reason: "a b" };
    const entries = await list();
    expect(entries).toHaveLength(2);
    expect(entries).toEqual(
      expect.arrayContaining([
        { ...about, id: entries[0]?.id, at: expect.any(String), userId: "alice", loginIds: [id], logins: 1 },
        { ...about, id: entries[0]?.id, at: expect.any(String), userId: "carol", loginIds: [], logins: 0 },
      ]),
    );
    expect(await list({ userId: "carol", by: "ops", before: new Date(Date.now() + 60_000) })).toHaveLength(1);
    expect(await list({ before: new Date(0) })).toEqual([]);
  });

  it("writes names on one line, and finds them as they were given", async () => {
    const { site, list } = await kept();
    await site.login("al\nice");
    await site.auth.kick(["al\nice", "ca\nrol"], { by: "o\nps" });
    const by = "o ps";
    expect(await list({ userId: "al\nice", by: "o\nps" })).toMatchObject([{ userId: "al ice", by, logins: 1 }]);
    expect(await list({ userId: "ca\nrol" })).toMatchObject([{ userId: "ca rol", by, logins: 0 }]);
    expect(await list({ userId: "al", by: "o\nps" })).toEqual([]);
  });

  it("names at most 1,000 logins in an entry, and counts them all", async () => {
    const { site, list, registry } = await kept();
    const logins = Array.from({ length: 1_001 }, (_each, number) => `login ${String(number)}`);
    await Promise.all(logins.map((id) => registry.add({ id, userId: "alice", sid: id, ttlMs: 60_000 })));
    await site.auth.kick("alice");
    const [entry] = await list();
    expect([entry?.loginIds?.length, entry?.logins]).toEqual([1_000, 1_001]);
  }, 60_000);

  it("has one entry for a kick of everyone", async () => {
    const { site, list } = await kept();
    for (const user of ["alice", "bob", "carol"]) await site.login(user);
    await site.auth.kickAll({ by: "ops" });
    expect(await list()).toMatchObject([{ action: "kick-everyone", logins: 3, by: "ops" }]);
  });

  it("has one entry for each user of a kick by a filter, and of a limit", async () => {
    const { site, list } = await kept({ logins: { max: { count: 2, reason: "Two devices." } } });
    for (const user of ["alice", "alice", "alice", "bob"]) await site.login(user);
    await site.auth.kickWhere({ minLogins: 2 });
    expect(await list()).toMatchObject([
      { action: "kick", userId: "alice", logins: 2 },
      { action: "limit", userId: "alice", logins: 1, reason: "Two devices." },
    ]);
  });

  it("has the end of a lifetime once", async () => {
    const { site, list } = await kept({ logins: { lifetime: { absoluteMs: 300 } } });
    const alice = await site.login("alice");
    const id = await idOf(site, "alice");
    await new Promise((resolve) => setTimeout(resolve, 350));
    await Promise.all(Array.from({ length: 3 }, () => alice.get("/me")));
    await site.auth.close();
    const [entry, ...others] = (await list()).filter(({ action }) => action === "lifetime");
    expect([entry, others]).toMatchObject([{ userId: "alice", loginIds: [id], outcome: "success" }, []]);
  });

  it("has what was denied, with its address", async () => {
    const { site, list } = await kept();
    const headers = { Authorization: "wrong", "x-authing-userpool-id": POOL_ID };
    await site.ask("GET", `/api/applications/${site.appId}/active-users`, { headers });
    await site.auth.close();
    expect(await list()).toMatchObject([{ action: "denied", outcome: "failure", ip: expect.any(String) }]);
  });

  it("holds no session id and no token", async () => {
    const { site, list } = await kept();
    const alice = await site.login("alice");
    const secrets = new Secrets([TOKEN]);
    secrets.add(sessionId(alice));
    await site.auth.kick("alice");
    await site.auth.close();
    expect(secrets.foundIn(JSON.stringify(await list()))).toBeUndefined();
  });

  it("is listed page by page", async () => {
    const { site } = await kept();
    for (let i = 0; i < 5; i += 1) await site.auth.kick(`user${String(i)}`);
    const first = await site.auth.listHistory({ limit: 3 });
    const second = await site.auth.listHistory({ limit: 3, cursor: first.cursor });
    expect([...first.items, ...second.items].map(({ userId }) => userId)).toEqual(
      [4, 3, 2, 1, 0].map((number) => `user${String(number)}`),
    );
    expect([typeof first.cursor, second.cursor]).toEqual(["string", undefined]);
  });

  it("keeps about as many entries as it should", async () => {
    const { site, appId } = await kept({}, { maxEntries: 10 });
    for (let i = 0; i < 320; i += 1) await site.auth.kick("alice");
    // Another process drops what is too much with its first entry.
    const registry = kind.create(appId);
    const another = await openSite({ auth: { appId, registry, audit: { history: { maxEntries: 10 } } } });
    await another.auth.kick("alice");
    const count = async (): Promise<number> => (await another.auth.listHistory({ limit: 1_000 })).items.length;
    const patience = Date.now() + 10_000;
    while ((await count()) > 120 && Date.now() < patience) await new Promise((resolve) => setTimeout(resolve, 20));
    // Redis drops whole nodes of a stream, of 100 entries.
    const left = await count();
    expect([left >= 10, left <= 120]).toEqual([true, true]);
  }, 30_000);
});

describe("listHistory()", () => {
  const rejected = async (site: Site, query?: object): Promise<LogoutError> =>
    site.auth.listHistory(query).then(
      () => {
        throw new Error("it resolved");
      },
      (error: unknown) => error as LogoutError,
    );

  it("rejects without audit.history", async () => {
    const site = await openSite();
    expect(await rejected(site)).toMatchObject({
      code: "ERR_REGISTRY_UNSUPPORTED",
      message: expect.stringContaining("audit: { history: {} }"),
    });
  });

  it.each([
    { limit: 0 },
    { limit: 1_001 },
    { limit: "5" },
    { cursor: 7 },
    { cursor: "next" },
    { cursor: "0" },
    { cursor: "1x" },
    { cursor: "x1" },
    { cursor: "1".repeat(16) },
    { userId: "" },
    { by: 7 },
    { before: new Date(NaN) },
    { before: "2026-01-01" },
  ])("rejects %j", async (query) => {
    const site = await openSite({ auth: { audit: { history: {} } } });
    expect(await rejected(site, query)).toMatchObject({ code: "ERR_ARGUMENT_INVALID" });
  });
});

describe("a history that fails", () => {
  it("rejects a kick, whose repetition is recorded", async () => {
    const registry = new MemoryLoginRegistry();
    const site = await openSite({ auth: { registry, audit: { history: {} } } });
    const alice = await site.login("alice");
    const append = jest.spyOn(registry.history, "append");
    append.mockRejectedValue(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is full."));
    const error: unknown = await site.auth.kick("alice").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "ERR_AUDIT_FAILED", details: { userIds: ["alice"] } });
    expect(await site.user(alice)).toBeNull();
    append.mockRestore();
    await site.auth.kick("alice");
    expect((await site.auth.listHistory()).items).toMatchObject([{ action: "kick", userId: "alice", logins: 1 }]);
  });
});

describe("audit.history", () => {
  it("is refused for a registry that keeps none", () => {
    const registry = Object.assign(new MemoryLoginRegistry(), { history: undefined }) as LoginRegistry;
    const options = { store: new MemoryStore(), appId: "shop", registry, audit: { history: {} } };
    expect(() => logout(options)).toThrow(expect.objectContaining({ code: "ERR_REGISTRY_UNSUPPORTED" }));
  });

  it.each([
    { days: 0 },
    { days: NaN },
    { days: "90" },
    { days: 40_000 },
    { maxEntries: 0 },
    { maxEntries: 1.5 },
    { maxEntries: Infinity },
  ])("is refused: %j", (history) => {
    const options = { store: new MemoryStore(), appId: "shop", audit: { history } } as never;
    expect(() => logout(options)).toThrow(expect.objectContaining({ code: "ERR_OPTION_INVALID" }));
  });
});
