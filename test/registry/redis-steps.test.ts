import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "redis";
import type { NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry, type RedisClient } from "../../lib/registry/redis/index.js";
import { ADD } from "../../lib/registry/redis/scripts/bundle.js";
import { appKeys, userKeys } from "../../lib/registry/redis/keys.js";
import { startRedis, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt, endLogin, generationOf, kickUser } from "../support/registry-calls.js";

const PREFIX = "express-logout:";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PAGE = { offset: 0, limit: 10 };
const login = (id: string, userId: string): NewLogin => ({ id, userId, sid: `sid of ${id}`, ttlMs: 3_600_000 });
const newKick = (id: string) => ({ id, at: new Date(), cause: "kick" as const });

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

describe("an event between two commands of one method", () => {
  /** Two nodes of one application. The second acts before the given command of the first. */
  function nodes(before: number, work: (other: RedisLoginRegistry) => Promise<unknown>, { diesAt = Infinity } = {}) {
    const appId = `app-${String((app += 1))}`;
    const open = (through: RedisClient): RedisLoginRegistry => {
      const registry = new RedisLoginRegistry({ client: through });
      registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      return registry;
    };
    const other = open(client);
    let sent = 0;
    let isDone = false;
    const interrupted: RedisClient = {
      sendCommand: async (args: string[], options?: object) => {
        // The first EVALSHA of a script may fail with NOSCRIPT; the EVAL after it is the same command. The numbers of the database
        // and of the shards are read once.
        const isRead = args[0] === "CLIENT" || args[1]?.endsWith(":shards") === true;
        if (args[0] !== "EVAL" && !isRead) sent += 1;
        if (sent === before && !isDone) {
          isDone = true;
          await work(other);
        }
        if (sent >= diesAt) throw new Error("the node has died");
        return client.sendCommand(args, options);
      },
    };
    return { first: open(interrupted), other };
  }

  const kickEveryone = async (registry: RedisLoginRegistry): Promise<void> => {
    await registry.kickEveryone(newKick("everyone"));
    for await (const users of registry.scanUsers())
      for (const user of users) await kickUser(registry, user, newKick("user"));
  };
  const COMMANDS = [1, 2, 3, 4, 5];

  it.each(COMMANDS)(
    "a kick of everyone before command %i of a login happens entirely before it, or not at all",
    async (before) => {
      const { first, other } = nodes(before, kickEveryone);
      const generation = generationOf(await first.add(login("l", "bob")));
      const found: string[] = [];
      for await (const users of other.scanUsers()) found.push(...users);
      const isListed = (await other.find("bob", "l")) !== undefined;
      // The login is listed after the kick, in the new generation, and the next kick of everyone finds it.
      const expected = { isListed: true, inGeneration: before <= 3, found: ["bob"] };
      expect({ isListed, inGeneration: generation?.includes("everyone"), found }).toEqual(expected);
      await kickEveryone(other);
      expect(await other.find("bob", "l")).toBeUndefined();
    },
  );

  it.each(COMMANDS)(
    "a kick of everyone before command %i of a login whose user it finds ends that login too, or happens entirely before it",
    async (before) => {
      const ended: string[] = [];
      const { first, other } = nodes(before, async (registry) => {
        await registry.kickEveryone(newKick("everyone"));
        for (const { id } of await kickUser(registry, "bob", newKick("user"))) ended.push(id);
      });
      await other.add(login("old", "bob"));
      // A refused login is added under another id.
      const begin = async (id: string) => generationOf(await first.add(login(id, "bob")));
      const generation = (await begin("l")) ?? (await begin("again"));
      const { items } = await other.list("bob", PAGE);
      const isEnded = before === 3;
      expect({ generation, listed: items.map(({ id }) => id).sort(), ended }).toEqual({
        generation: before > 3 ? "" : before === 1 ? "user.everyone" : isEnded ? ".everyone" : "user.everyone",
        listed: isEnded ? [] : before > 3 ? ["l", "old"] : [before === 1 ? "l" : "again"],
        ended: before > 3 ? [] : isEnded ? ["old", "l"] : ["old"],
      });
    },
  );

  const ENDS: Readonly<Record<string, (registry: RedisLoginRegistry) => Promise<unknown>>> = {
    "a kick of its user": (registry) => kickUser(registry, "bob", newKick("kick")),
    "a kick of that login": (registry) => endLogin(registry, "bob", "l", { kick: newKick("kick") }),
    "a kick of everyone": kickEveryone,
    "the end of a login, remembered for a day": (registry) => endLogin(registry, "bob", "l", { remember: "for a day" }),
  };

  it.each(Object.keys(ENDS))(
    "a login that its client sends a second time after %s is not listed again",
    async (name) => {
      const { other, again } = sentAgain();
      await other.add(login("another", "bob"));
      const first = again(async () => ENDS[name]?.(other));
      await first.add(login("l", "bob"));
      expect(await other.find("bob", "l")).toBeUndefined();
    },
  );

  it("a login that its client sends a second time is listed once if it has not ended", async () => {
    const { other, again } = sentAgain();
    const first = again(() => Promise.resolve());
    expect(generationOf(await first.add(login("l", "bob")))).toBe("");
    expect((await other.list("bob", PAGE)).total).toBe(1);
  });

  /** A client that loses its first reply to a login, and repeats the command after another action. */
  function sentAgain() {
    const { first: other } = nodes(0, () => Promise.resolve());
    const again = (meanwhile: () => Promise<unknown>): RedisLoginRegistry => {
      const through: RedisClient = {
        sendCommand: async (args: string[], options?: object) => {
          const reply = await client.sendCommand(args, options);
          if (args[1] !== ADD.sha) return reply;
          await meanwhile();
          return client.sendCommand(args, options);
        },
      };
      const registry = new RedisLoginRegistry({ client: through });
      registry.init({ appId: `app-${String(app)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
      return registry;
    };
    return { other, again };
  }

  it.each(COMMANDS)(
    "a kick of everyone before command %i of an adoption leaves nothing listed that it missed",
    async (before) => {
      const { first, other } = nodes(before, kickEveryone);
      const generation = await adopt(first, login("l", "bob"), { generation: "", endCount: 0 });
      const isFound = (await other.find("bob", "l")) !== undefined;
      // Three commands: pending row, login, row.
      expect([generation, isFound]).toEqual(before > 3 ? ["", true] : [undefined, false]);
    },
  );

  /** A kick of everyone else: its record, its walk, or both. */
  const spares =
    (...parts: ("record" | "walk")[]) =>
    async (registry: RedisLoginRegistry): Promise<void> => {
      const kick = newKick("everyone");
      if (parts.includes("record")) await registry.kickEveryone(kick);
      if (parts.includes("walk")) await registry.end("bob", { kick, except: ["l"], everyone: true });
    };

  it.each([1, 2, 3])(
    "a kick of everyone else before command %i of a call that lists a login once more spares the login",
    async (before) => {
      const { first, other } = nodes(before, spares("record", "walk"));
      await adopt(other, login("l", "bob"), { generation: "", endCount: 0 });
      expect(await adopt(first, login("l", "bob"), { generation: "", endCount: 0 })).toBeDefined();
      expect(await other.find("bob", "l")).toBeDefined();
    },
  );

  it("a kick of everyone else does not reach the user before a call that lists a login once more: the login stays", async () => {
    const { first, other } = nodes(3, spares("record"));
    await adopt(other, login("l", "bob"), { generation: "", endCount: 0 });
    expect(await adopt(first, login("l", "bob"), { generation: "", endCount: 0 })).toBeUndefined();
    await spares("walk")(other);
    expect(await other.find("bob", "l")).toBeDefined();
  });

  it.each([1, 2, 3, 4])(
    "a kick of everyone else before command %i of a login that is resumed spares it if it is listed by then",
    async (before) => {
      const { first, other } = nodes(before, spares("record", "walk"));
      await other.add(login("l", "bob"));
      const { endCount } = await endLogin(other, "bob", "l");
      const generation = await adopt(first, login("l", "bob"), { generation: "", endCount });
      const isListed = (await other.find("bob", "l")) !== undefined;
      expect([generation !== undefined, isListed]).toEqual([before > 2, before > 2]);
      expect((await other.list("bob", PAGE)).total).toBe(before > 2 ? 1 : 0);
    },
  );

  it.each([1, 2, 3])(
    "a kick of everyone else that has only begun before command %i of a login that is resumed ends the login for good",
    async (before) => {
      const { first, other } = nodes(before, spares("record"));
      await other.add(login("l", "bob"));
      const { endCount } = await endLogin(other, "bob", "l");
      expect(await adopt(first, login("l", "bob"), { generation: "", endCount })).toBeUndefined();
      await spares("walk")(other);
      expect(await adopt(other, login("l", "bob"), { generation: "", endCount })).toBeUndefined();
      expect(await other.find("bob", "l")).toBeUndefined();
    },
  );

  it("what a release before has spared from a kick of the user is spared from no kick of everyone", async () => {
    const { other } = nodes(0, () => Promise.resolve());
    const generation = generationOf(await other.add(login("l", "bob"))) ?? "";
    await kickUser(other, "bob", newKick("user"), { except: ["l"] });
    const { ended } = userKeys(appKeys(PREFIX, `app-${String(app)}`), "bob");
    await client.hDel(ended, "*kept");
    expect(await other.kickOf("bob", "l", generation)).toMatchObject({ id: "user" });
    await client.hSet(ended, "*spared", "l");
    expect(await other.kickOf("bob", "l", generation)).toBeUndefined();
    expect(await adopt(other, login("l", "bob"), { generation, endCount: 0 })).toBeDefined();
    await other.kickEveryone(newKick("everyone"));
    expect(await other.kickOf("bob", "l", generation)).toMatchObject({ id: "everyone" });
    expect(await adopt(other, login("l", "bob"), { generation, endCount: 0 })).toBeUndefined();
  });

  it("what a kick has spared counts no more after a kick by a release before", async () => {
    const { other } = nodes(0, () => Promise.resolve());
    const generation = generationOf(await other.add(login("l", "bob"))) ?? "";
    await spares("record", "walk")(other);
    const { ended } = userKeys(appKeys(PREFIX, `app-${String(app)}`), "bob");
    await client.hSet(ended, "*", 'later {"at":0}');
    expect(await other.kickOf("bob", "l", generation)).toMatchObject({ id: "later" });
    expect(await adopt(other, login("l", "bob"), { generation, endCount: 0 })).toBeUndefined();
  });

  const NEAR: Readonly<Record<string, (registry: RedisLoginRegistry) => Promise<unknown>>> = {
    "a kick of everyone": kickEveryone,
    "a logout of another login, then a kick of everyone": async (registry) => {
      await endLogin(registry, "bob", "another");
      await kickEveryone(registry);
    },
    "a look at who is online, then a kick of everyone": async (registry) => {
      await registry.activeUsers(PAGE);
      await kickEveryone(registry);
    },
    "a clear": (registry) => registry.clear(),
  };

  it.each(Object.keys(NEAR).flatMap((name) => [2, 3].map((before) => [name, before] as const)))(
    "an adoption by a node that dies before its row is written, with %s before its command %i, leaves nothing listed",
    async (name, before) => {
      const { first, other } = nodes(before, async (registry) => NEAR[name]?.(registry), { diesAt: 3 });
      await other.add(login("another", "bob"));
      await adopt(first, login("l", "bob"), { generation: "", endCount: 0 }).catch(() => undefined);
      expect(await other.find("bob", "l")).toBeUndefined();
    },
  );

  it("an adoption that a kick of everyone has ended is not begun again by a node that then dies", async () => {
    const { first, other } = nodes(3, () => Promise.reject(new Error("the node has died")));
    await kickEveryone(other);
    expect(await adopt(other, login("l", "bob"), { generation: "", endCount: 0 })).toBeUndefined();
    // No further request of the session arrives that would reveal the end of the login.
    expect(await adopt(first, login("l", "bob"), { generation: "", endCount: 0 })).toBeUndefined();
    expect(await other.find("bob", "l")).toBeUndefined();
  });

  it.each(COMMANDS)(
    "a login before command %i of a logout, a kick or a clear of its user keeps its row",
    async (before) => {
      const ends: ((registry: RedisLoginRegistry) => Promise<unknown>)[] = [
        (registry) => endLogin(registry, "bob", "old"),
        (registry) => kickUser(registry, "bob", newKick("kick")),
        (registry) => endLogin(registry, "bob", "old", { kick: newKick("kick") }),
        (registry) => registry.clear(),
        (registry) => registry.activeUsers(PAGE),
      ];
      for (const end of ends) {
        const { first, other } = nodes(before, (registry) => registry.add(login("new", "bob")));
        await other.add(login("old", "bob"));
        await end(first);
        await first.finishKick("bob", ["old"]);
        const found: string[] = [];
        for await (const users of other.scanUsers()) found.push(...users);
        const isMissing = (await other.find("bob", "new")) !== undefined && !found.includes("bob");
        expect(isMissing).toBe(false);
        await kickEveryone(other);
        expect(await other.find("bob", "new")).toBeUndefined();
      }
    },
  );

  it.each([1, 2, 3, 4])(
    "a login that loses its session id before command %i of a list of active users is not counted in the next list",
    async (before) => {
      const { first, other } = nodes(before, (registry) => registry.update("bob", "l", { removeSid: "sid of l" }));
      await other.add(login("l", "bob"));
      // The user is due for a check.
      const { expiry } = appKeys(PREFIX, `app-${String(app)}`);
      await client.zAdd(expiry, { score: 1, value: "bob" });
      await first.activeUsers({ offset: 0, limit: 0 });
      expect((await other.activeUsers({ offset: 0, limit: 0 })).total).toBe(0);
    },
  );

  it("a login that ended is forgotten in time, however often its user ends others", async () => {
    const { first } = nodes(0, () => Promise.resolve());
    // This kick keeps the hash of the user alive; the following ends must expire one by one.
    await kickUser(first, "bob", newKick("m"));
    first.init({ appId: `app-${String(app)}`, maxSessionAgeMs: 1 });
    for (let round = 0; round < 60; round += 1) {
      await first.add(login(`l${String(round)}`, "bob"));
      await endLogin(first, "bob", `l${String(round)}`, { kick: newKick("m") });
      await first.finishKick("bob", [`l${String(round)}`]);
    }
    const { ended } = userKeys(appKeys(PREFIX, `app-${String(app)}`), "bob");
    const remembered = await client.hLen(ended);
    expect(remembered).toBeGreaterThan(0);
    expect(remembered).toBeLessThan(40);
  });
});

describe("the data in Redis", () => {
  it("of an offline user is empty, even after a request of theirs", async () => {
    const { registry, index, bob } = open();
    expect(await registry.update("bob", "gone", { ttlMs: HOUR_MS })).toBe(false);
    expect(await client.exists([index.active, index.expiry, bob.logins, bob.ended, bob.kicked])).toBe(0);
  });

  function open() {
    const appId = `app-${String((app += 1))}`;
    const registry = new RedisLoginRegistry({ client });
    registry.init({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    return { registry, index: appKeys(PREFIX, appId), bob: userKeys(appKeys(PREFIX, appId), "bob") };
  }

  it("of a user expires, in every case", async () => {
    const { registry, bob } = open();
    await registry.add(login("a", "bob"));
    await endLogin(registry, "bob", "a", { kick: newKick("one") });
    const afterOne = [await client.pTTL(bob.ended), await client.pTTL(bob.kicked)];
    await registry.finishKick("bob", ["a"]);
    await client.del(bob.ended);
    await registry.add(login("b", "bob"));
    await kickUser(registry, "bob", newKick("all"));
    await registry.add(login("c", "bob"));
    const afterAll = [await client.pTTL(bob.logins), await client.pTTL(bob.ended), await client.pTTL(bob.kicked)];
    await client.del(bob.ended);
    await registry.clear();
    const afterClear = [await client.pTTL(bob.ended)];
    expect(Math.min(...afterOne, ...afterAll, ...afterClear)).toBeGreaterThan(HOUR_MS / 2);
  });

  it("of the end of a login stays as long as a session may live if it was listed, else for a day", async () => {
    const { registry, bob } = open();
    const expiry = async (id: string): Promise<number> =>
      Number((await client.hGet(bob.ended, `=${id}`))?.split(" ")[1]) - Date.now();
    registry.init({ appId: `app-${String(app)}`, maxSessionAgeMs: 10 * DAY_MS });
    await registry.add(login("listed", "bob"));
    for (const id of ["listed", "listed", "made up"]) await endLogin(registry, "bob", id, { kick: newKick("one") });
    await endLogin(registry, "bob", "to be remembered", { remember: true });
    expect(await expiry("listed")).toBeGreaterThan(9 * DAY_MS);
    expect(await expiry("to be remembered")).toBeGreaterThan(9 * DAY_MS);
    expect(await expiry("made up")).toBeLessThanOrEqual(DAY_MS);
  });

  it("of an unfinished kick stays as long as the longest of its sessions", async () => {
    const { registry, bob } = open();
    await registry.add({ ...login("short", "bob"), ttlMs: 60_000 });
    await kickUser(registry, "bob", newKick("first"));
    await registry.add(login("long", "bob"));
    await kickUser(registry, "bob", newKick("second"));
    expect(await client.pTTL(bob.kicked)).toBeGreaterThan(HOUR_MS / 2);
  });

  it("of active users is empty after the end of the last login", async () => {
    const { registry, index } = open();
    await registry.add(login("l", "bob"));
    expect(await client.exists([index.active, index.expiry])).toBe(2);
    await endLogin(registry, "bob", "l");
    expect(await client.exists([index.active, index.expiry])).toBe(0);
  });

  it("has the expiry of a user's last login", async () => {
    const { registry, index } = open();
    const expiry = async (): Promise<number> => Number(await client.zScore(index.expiry, "bob"));
    await registry.add({ ...login("short", "bob"), ttlMs: 60_000 });
    const first = await expiry();
    await registry.add(login("long", "bob"));
    await registry.update("bob", "short", { ttlMs: 60_000 });
    const long = await registry.find("bob", "long");
    expect(Math.abs(first - Date.now() - 60_000)).toBeLessThan(30_000);
    expect(await expiry()).toBeGreaterThanOrEqual(Number(long?.expires));
  });

  it("of a rewritten row is new, even if the clock was put back", async () => {
    const { registry, index } = open();
    const ahead = 4_000_000_000_000_000;
    await client.zAdd(index.active, { score: ahead, value: "bob" });
    await registry.add(login("l", "bob"));
    expect(await client.zScore(index.active, "bob")).toBe(ahead + 1);
  });

  it("of expired logins is removed when the others are read, and when another begins", async () => {
    const { registry, bob } = open();
    const expired = () => client.hSet(bob.logins, "gone", JSON.stringify([0, 0, 0, "", "", "sid"]));
    await expired();
    await registry.add(login("stays", "bob"));
    expect(await client.hLen(bob.logins)).toBe(1);
    await expired();
    expect((await registry.list("bob", PAGE)).items).toHaveLength(1);
    expect(await client.hLen(bob.logins)).toBe(1);
  });

  it("fills a page, although logins have ended before their rows", async () => {
    const { registry, bob } = open();
    for (const user of ["ann", "bob", "cid"]) await registry.add(login(`l of ${user}`, user));
    await client.del(bob.logins);
    const { total, items: users } = await registry.activeUsers({ offset: 0, limit: 2 });
    expect([total, ...users.map(({ userId }) => userId)]).toEqual([2, "cid", "ann"]);
  });
});
