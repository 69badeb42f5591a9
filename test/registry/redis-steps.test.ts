import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "redis";
import type { NewLogin } from "../../lib/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";

const login = (id: string, userId: string): NewLogin => ({ id, userId, sid: `sid of ${id}`, ttlMs: 3_600_000 });
const mark = (id: string) => ({ id, at: new Date() });

describe("what comes between two commands of one method", () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  let app = 0;
  beforeAll(async () => {
    redis = await startRedis();
    client = createClient({ url: redis.url });
    await client.connect();
  });
  afterAll(async () => {
    await client.close();
    await redis.stop();
  });

  /** Two nodes of one application; before the given command of the first, the second does its work. */
  function nodes(before: number, work: (other: RedisLoginRegistry) => Promise<unknown>) {
    app += 1;
    const open = (through: RedisClient): RedisLoginRegistry => {
      const registry = new RedisLoginRegistry({ client: through });
      registry.bind({ appId: `app-${String(app)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      return registry;
    };
    const other = open(client);
    let sent = 0;
    let isDone = false;
    const interrupted: RedisClient = {
      sendCommand: async (args: string[], options?: object) => {
        // The first EVALSHA of a script may be answered NOSCRIPT: the EVAL after it is the same command.
        if (args[0] !== "EVAL") sent += 1;
        if (sent === before && !isDone) {
          isDone = true;
          await work(other);
        }
        return client.sendCommand(args, options);
      },
    };
    return { first: open(interrupted), other };
  }

  const kickEveryone = async (registry: RedisLoginRegistry): Promise<void> => {
    await registry.markAll(mark("everyone"));
    for await (const users of registry.users()) for (const user of users) await registry.removeAll(user, mark("user"));
  };
  const COMMANDS = [1, 2, 3, 4, 5];

  it.each(COMMANDS)(
    "a kick of everyone before command %i of a login comes wholly before it, or not at all",
    async (before) => {
      const { first, other } = nodes(before, kickEveryone);
      const era = await first.add(login("l", "bob"));
      const found: string[] = [];
      for await (const users of other.users()) found.push(...users);
      const isListed = (await other.find("bob", "l")) !== undefined;
      // It is listed after the kick, in the new era, and the next kick of everyone finds it.
      const expected = { isListed: true, inEra: before <= 3, found: ["bob"] };
      expect({ isListed, inEra: era.includes("everyone"), found }).toEqual(expected);
      await kickEveryone(other);
      expect(await other.find("bob", "l")).toBeUndefined();
    },
  );

  it.each(COMMANDS)(
    "a kick of everyone before command %i of an adoption leaves nothing listed that it missed",
    async (before) => {
      const { first, other } = nodes(before, kickEveryone);
      const isListed = await first.adopt(login("l", "bob"), { era: "", ends: 0 });
      const isFound = (await other.find("bob", "l")) !== undefined;
      expect([isListed, isFound]).toEqual([before > 2, before > 2]);
    },
  );

  it.each(COMMANDS)(
    "a login before command %i of a logout, a kick or a clear of its user keeps its row",
    async (before) => {
      const ends: ((registry: RedisLoginRegistry) => Promise<unknown>)[] = [
        (registry) => registry.remove("bob", "old"),
        (registry) => registry.removeAll("bob", mark("kick")),
        (registry) => registry.clear(),
        (registry) => registry.activeUsers({ offset: 0, limit: 10 }),
      ];
      for (const end of ends) {
        const { first, other } = nodes(before, (registry) => registry.add(login("new", "bob")));
        await other.add(login("old", "bob"));
        await end(first);
        const found: string[] = [];
        for await (const users of other.users()) found.push(...users);
        const isMissing = (await other.find("bob", "new")) !== undefined && !found.includes("bob");
        expect(isMissing).toBe(false);
        await kickEveryone(other);
        expect(await other.find("bob", "new")).toBeUndefined();
      }
    },
  );

  it("a login that ended is forgotten in time, however often its user ends others", async () => {
    const { first } = nodes(0, () => Promise.resolve());
    first.bind({ appId: `app-${String(app)}`, maxSessionAgeMs: 1 });
    for (let round = 0; round < 60; round += 1) {
      await first.add(login(`l${String(round)}`, "bob"));
      await first.remove("bob", `l${String(round)}`, { mark: mark("m") });
      await first.settle("bob", [`l${String(round)}`]);
    }
    const keys = await client.keys(`*app-${String(app)}:bob}:ended`);
    const remembered = keys[0] === undefined ? 0 : await client.hLen(keys[0]);
    expect(remembered).toBeLessThan(40);
  });
});
