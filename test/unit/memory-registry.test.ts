import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";

describe("the registry in memory", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it("forgets users who never come back, once a minute", async () => {
    const registry = new MemoryLoginRegistry();
    registry.bind({ appId: "shop", maxSessionAgeMs: 1_000 });
    const begin = (userId: string, ttlMs: number) =>
      registry.add({ id: `login of ${userId}`, userId, sid: userId, ttlMs });
    const known = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const userIds of registry.users()) found.push(...userIds);
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
});
