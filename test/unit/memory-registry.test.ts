import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { MemoryUsers, type User } from "../../lib/registry/memory-users.js";

const DAY_MS = 86_400_000;

describe("the registry in memory", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it("drops users who never return, once a minute", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    const begin = (userId: string, ttlMs: number) =>
      registry.add({ id: `login of ${userId}`, userId, sid: userId, ttlMs });
    const known = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const userIds of registry.scanUsers()) found.push(...userIds);
      return found;
    };
    await begin("gone", 1_000);
    await begin("stays", 600_000);
    jest.setSystemTime(Date.now() + 59_999);
    await begin("early", 600_000);
    expect(await known()).toEqual(["gone", "stays", "early"]);
    jest.setSystemTime(Date.now() + 1);
    await begin("late", 600_000);
    expect(await known()).toEqual(["stays", "early", "late"]);
  });

  it("keeps nothing of a user without logins once their kick and their ends are forgotten", () => {
    const users = new MemoryUsers();
    const begin = (userId: string): User => {
      const user = users.findOrCreate(userId);
      users.list(user, { id: `login of ${userId}`, userId, sid: userId, ttlMs: 1_000 });
      return user;
    };
    const [gone, kicked, loggedOut] = [begin("gone"), begin("kicked"), begin("logged out")];
    const until = Date.now() + 120_000;
    kicked.kickUntil = until;
    loggedOut.ended = new Map([["login", { endCount: 1, kick: undefined, until }]]);
    const left = (): string[] => [...users.all()].map(({ id }) => id);
    jest.setSystemTime(Date.now() + 60_000);
    users.sweepNowAndThen();
    expect(left()).toEqual([kicked.id, loggedOut.id]);
    jest.setSystemTime(until);
    users.sweepNowAndThen();
    expect(left()).toEqual([]);
    expect(users.find(gone.id)).toBeUndefined();
  });

  it("drops users who are offline, however often everyone is kicked", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    const newKick = () => ({ id: "mark", at: new Date(), cause: "kick" as const });
    const kickEveryone = async (): Promise<string[]> => {
      await registry.kickEveryone(newKick());
      const kicked: string[] = [];
      for await (const userIds of registry.scanUsers()) kicked.push(...userIds);
      for (const userId of kicked) {
        const { ended } = await registry.end(userId, { kick: newKick() });
        await registry.finishKick(
          userId,
          ended.map(({ id }) => id),
        );
      }
      return kicked;
    };
    await registry.add({ id: "login", userId: "gone", sid: "sid", ttlMs: 1_000 });
    expect([await kickEveryone(), await kickEveryone()]).toEqual([["gone"], []]);
  });

  it("remembers the kick of a login for as long as it may live, even after a repetition", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 10 * DAY_MS });
    const login = { id: "login", userId: "alice", sid: "sid", ttlMs: DAY_MS };
    const kick = { id: "mark", at: new Date(), cause: "kick" as const };
    await registry.add(login);
    await registry.end("alice", { loginId: "login", kick });
    await registry.end("alice", { loginId: "login", kick });
    await registry.end("alice", { loginId: "made up", kick });
    jest.setSystemTime(Date.now() + 9 * DAY_MS);
    await registry.add({ ...login, id: "another" });
    expect(await registry.kickOf("alice", "login", "")).toEqual(kick);
    jest.setSystemTime(Date.now() + DAY_MS);
    await registry.end("alice", { loginId: "another" });
    expect(await registry.kickOf("alice", "login", "")).toBeUndefined();
  });

  it("remembers the kick of an unlisted login for a day", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 10 * DAY_MS });
    const kick = { id: "mark", at: new Date(), cause: "kick" as const };
    await registry.end("alice", { loginId: "made up", kick });
    jest.setSystemTime(Date.now() + DAY_MS);
    await registry.end("alice", { loginId: "other" });
    expect(await registry.kickOf("alice", "made up", "")).toBeUndefined();
  });
});
