import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { MemoryLoginRegistry } from "../../lib/index.js";
import { MemoryKeys } from "../../lib/registry/memory-keys.js";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const newKick = (id = "mark") => ({ id, at: new Date(), cause: "kick" as const });
const row = (loginId: string, since?: number) => ({ userId: "alice", loginId, since });
const pass = (ms: number): void => {
  jest.setSystemTime(Date.now() + ms);
};

/** The rows of a key, without those that have expired. */
async function loginsOf(keys: MemoryKeys, key = "key"): Promise<string[]> {
  const found: string[] = [];
  for await (const rows of keys.rows(key)) found.push(...rows.map(({ loginId }) => loginId));
  return found;
}

describe("external keys in memory", () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: Date.UTC(2026, 0, 1) });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it("keep a mark for a day from its last writing, also if that was of an earlier time", async () => {
    const keys = new MemoryKeys(() => undefined);
    const greatest = newKick("greatest");
    await keys.mark("key", greatest, 20);
    pass(DAY_MS - 1);
    await keys.mark("key", newKick(), 10);
    pass(DAY_MS - 1);
    expect(await keys.bind("key", row("one", 20), MINUTE_MS)).toBe(greatest);
    pass(1);
    expect(await keys.bind("key", row("two", 5), MINUTE_MS)).toBeUndefined();
    await keys.mark("key", newKick("late"), 10);
    expect(await keys.bind("key", row("two", 20), MINUTE_MS)).toBeUndefined();
    expect(await keys.bind("key", row("three", 10), MINUTE_MS)).toMatchObject({ id: "late" });
  });

  it("have a row until the millisecond in which it expires, which a later bind extends but never shortens", async () => {
    const keys = new MemoryKeys(() => undefined);
    await keys.bind("key", row("short"), 1_000);
    await keys.bind("key", row("long"), 1_000);
    pass(999);
    await keys.bind("key", row("long"), 1_000);
    await keys.bind("key", row("long"), 10);
    expect(await loginsOf(keys)).toEqual(["short", "long"]);
    pass(1);
    expect(await loginsOf(keys)).toEqual(["long"]);
    pass(998);
    expect(await loginsOf(keys)).toEqual(["long"]);
    pass(1);
    expect(await loginsOf(keys)).toEqual([]);
  });

  it("are swept with the users", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    const sweep = jest.spyOn(registry.keys, "sweep");
    const begin = (id: string) => registry.add({ id, userId: "alice", sid: id, ttlMs: MINUTE_MS });
    await begin("first");
    await registry.keys.bind("key", row("first"), MINUTE_MS);
    await begin("second");
    expect(sweep).toHaveBeenCalledTimes(1);
    pass(MINUTE_MS);
    await begin("third");
    expect(sweep).toHaveBeenCalledTimes(2);
  });

  it("keep nothing of what has expired or was dropped", async () => {
    const keys = new MemoryKeys(() => undefined);
    await keys.bind("expiring", row("a"), 1_000);
    await keys.bind("dropped", row("b"), 1_000);
    await keys.bind("cleared", row("c"), DAY_MS);
    await keys.mark("marked", newKick(), 1);
    await keys.drop("dropped", [row("b")]);
    keys.clear();
    pass(1_000);
    await keys.bind("stays", row("d"), 2 * DAY_MS);
    keys.sweep();
    expect(keys.size).toBe(2);
    pass(DAY_MS);
    keys.sweep();
    expect(keys.size).toBe(1);
    expect(await loginsOf(keys, "stays")).toEqual(["d"]);
  });

  it("forget the rows, not the marks, when the registry is cleared", async () => {
    const registry = new MemoryLoginRegistry();
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    const kick = newKick();
    await registry.keys.bind("key", row("login", 10), DAY_MS);
    await registry.keys.mark("key", kick, 10);
    await registry.clear();
    expect(await loginsOf(registry.keys)).toEqual([]);
    expect(await registry.keys.bind("key", row("in flight", 10), DAY_MS)).toBe(kick);
  });
});
