import { performance } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import type { KickMark, NewLogin } from "../../lib/index.js";
import type { ListedLogin } from "../../lib/login.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { appKeys, userKeys } from "../../lib/registry/redis/keys.js";
import { REMOVE_ALL, SETTLE, TAKE_AWAY, type Script } from "../../lib/registry/redis/scripts.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { startClusterBehindOneAddress } from "../support/redis-replicated.js";
import { connectTo, startRedis, type RedisServer } from "../support/redis-server.js";

const mark: KickMark = { id: "kick", at: new Date() };

let redis: RedisServer;
let client: Awaited<ReturnType<typeof connectTo>>;
beforeAll(async () => {
  redis = await startRedis();
  client = await connectTo(redis);
});
afterAll(async () => {
  client.destroy();
  await redis.stop();
});

let apps = 0;
type Send = (args: string[], options?: object) => Promise<unknown>;

/** A registry with so many users; user 3 has three logins. */
async function openWith(count: number, send: Send = (args, options) => client.sendCommand(args, options)) {
  const sent: string[][] = [];
  const watched = {
    isReady: true,
    sendCommand: (args: string[], options?: object): Promise<unknown> => {
      sent.push(args);
      return send(args, options);
    },
  };
  apps += 1;
  const appId = `app-${String(apps)}`;
  const registry = new RedisLoginRegistry({ client: watched });
  registry.bind({ appId, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  const users = Array.from({ length: count }, (_each, number) => `user-${String(number)}`);
  const login = (userId: string, id = `login of ${userId}`): NewLogin => {
    return { id, userId, sid: `the secret of ${id}`, ttlMs: 3_600_000 };
  };
  await Promise.all(users.map((userId) => registry.add(login(userId))));
  await Promise.all(["second", "third"].map((id) => registry.add(login("user-3", id))));
  sent.length = 0;
  const kickAll = () => Promise.all(users.map((userId) => registry.removeAll(userId, mark)));
  const kickAllThatCanBe = () => Promise.allSettled(users.map((userId) => registry.removeAll(userId, mark)));
  const timesRun = (...scripts: Script[]): number[] =>
    scripts.map(({ sha }) => sent.filter(([name, code]) => name === "EVALSHA" && code === sha).length);
  const keysOf = (userId: string) => userKeys(appKeys("express-logout:", appId), userId);
  return { registry, users, kickAll, kickAllThatCanBe, timesRun, keysOf };
}

const idsOf = (logins: readonly ListedLogin[]): string[] => logins.map(({ id }) => id).sort();
const rejected = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
  outcomes.flatMap((outcome, number) =>
    outcome.status === "rejected" ? [{ number, reason: outcome.reason as Error }] : [],
  );

describe("the same step for many users", () => {
  it("is taken in a few scripts, and each gets his own logins", async () => {
    const { registry, users, kickAll, timesRun } = await openWith(60);
    const removed = await kickAll();
    const expected = users.map((userId) => [`login of ${userId}`]);
    expected[3]?.push("second", "third");
    expect(removed.map(idsOf)).toEqual(expected);
    expect(removed[3]?.map(({ sids }) => sids).sort()).toEqual([
      ["the secret of login of user-3"],
      ["the secret of second"],
      ["the secret of third"],
    ]);
    await Promise.all(users.map((userId, number) => registry.settle(userId, expected[number] ?? [])));
    expect(await kickAll()).toEqual(users.map(() => []));
    // 60 users, 25 at once: the kick and its repetition, and what settles it.
    expect(timesRun(REMOVE_ALL, REMOVE_ALL.forMany, SETTLE, SETTLE.forMany)).toEqual([0, 6, 0, 3]);
  });

  it("is taken as it is for one, of whom nothing has to be proven", async () => {
    const { registry, timesRun } = await openWith(4);
    expect(await registry.removeAll("user-3", mark)).toHaveLength(3);
    expect(timesRun(REMOVE_ALL, REMOVE_ALL.forMany, TAKE_AWAY)).toEqual([1, 0, 0]);
  });

  it("spares the login of one, and of nobody else", async () => {
    const { registry } = await openWith(4);
    const kicked = await Promise.all([
      registry.removeAll("user-2", mark),
      registry.removeAll("user-3", mark, { except: "second" }),
      registry.removeAll("user-1", mark, { except: "second" }),
    ]);
    expect(kicked.map(idsOf)).toEqual([["login of user-2"], ["login of user-3", "third"], ["login of user-1"]]);
    expect(idsOf(await registry.list("user-3"))).toEqual(["second"]);
  });

  it("fails for him alone with whom something is wrong", async () => {
    const { registry, users, kickAllThatCanBe, keysOf } = await openWith(10);
    await client.set(keysOf("user-7").ended, "no hash");
    const failed = rejected(await kickAllThatCanBe());
    const reason = {
      code: "ERR_REGISTRY_UNAVAILABLE",
      cause: { message: expect.stringMatching(/WRONGTYPE/) as unknown },
    };
    expect(failed).toMatchObject([{ number: 7, reason }]);
    for (const userId of users.filter((_each, number) => number !== 7)) expect(await registry.list(userId)).toEqual([]);
  });

  it("fails for all where Redis does not take it, and nothing of it is told", async () => {
    const isKick = ([name, code]: string[]): boolean => name === "EVALSHA" && code === REMOVE_ALL.forMany.sha;
    const { users, kickAll, kickAllThatCanBe } = await openWith(10, (args, options) =>
      isKick(args) ? Promise.reject(new Error(`NOPERM ${args.slice(3).join(" ")}`)) : client.sendCommand(args, options),
    );
    const failed = rejected(await kickAllThatCanBe());
    expect(failed.map(({ number }) => number)).toEqual(users.map((_each, number) => number));
    const told = failed.map(({ reason }) => `${reason.message} ${String(reason.cause)}`);
    expect(told.filter((text) => text.includes("user-") || !text.includes("NOPERM"))).toEqual([]);
    await expect(kickAll()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
  });

  it("is left to more scripts where there is a great deal to do, so that nobody else waits for long", async () => {
    const { registry, users, kickAll, timesRun, keysOf } = await openWith(6);
    for (const userId of users) {
      const { logins } = keysOf(userId);
      const record = (await client.hGet(logins, `login of ${userId}`)) ?? "";
      const more = Array.from({ length: 700 }, (_each, number) => [`${userId} ${String(number)}`, record]);
      await client.hSet(logins, Object.fromEntries(more) as Record<string, string>);
    }
    const removed = await kickAll();
    expect(removed.map(({ length }) => length)).toEqual([701, 701, 701, 703, 701, 701]);
    for (const [number, userId] of users.entries()) {
      expect(removed[number]?.every((login) => login.userId === userId)).toBe(true);
      expect(await registry.list(userId)).toEqual([]);
    }
    // Two users have some 2,800 values between them.
    expect(timesRun(REMOVE_ALL.forMany)).toEqual([3]);
  });
});

describe("whether one server has the keys of all users", () => {
  it("is proven once, and nothing is left of it", async () => {
    const { kickAll, timesRun } = await openWith(30);
    await kickAll();
    await kickAll();
    expect(timesRun(TAKE_AWAY, REMOVE_ALL.forMany)).toEqual([1, 4]);
    expect((await client.keys("*")).filter((key) => key.includes("one-server"))).toEqual([]);
  });

  /** A proxy that sends each command to the server that has its first key: Redis itself is never asked whether it may. */
  function shardedOver(servers: readonly { sendCommand: Send }[]): Send {
    const places = new Map<string, number>();
    return (args, options) => {
      const key = (args[0]?.startsWith("EVAL") === true ? args[3] : args[1]) ?? "";
      const tag = /\{([^}]*)\}/.exec(key)?.[1] ?? key;
      const place = places.get(tag) ?? places.size % servers.length;
      places.set(tag, place);
      return servers[place]?.sendCommand(args, options) ?? Promise.reject(new Error("no server"));
    };
  }

  it("is not, where a proxy runs a script where its first key is: each is kicked by himself", async () => {
    const another = await startRedis();
    const there = await connectTo(another);
    try {
      const { registry, users, kickAll, timesRun } = await openWith(30, shardedOver([client, there]));
      const removed = await kickAll();
      expect(removed.map(({ length }) => length)).toEqual(users.map((_each, number) => (number === 3 ? 3 : 1)));
      for (const userId of users) expect(await registry.list(userId)).toEqual([]);
      expect(timesRun(TAKE_AWAY, REMOVE_ALL, REMOVE_ALL.forMany)).toEqual([1, 30, 0]);
    } finally {
      there.destroy();
      await another.stop();
    }
  });

  it("is not, where a script reaches no further than a slot", async () => {
    const server = await startClusterBehindOneAddress();
    const through = await connectTo(server);
    try {
      const { users, kickAllThatCanBe, timesRun, keysOf } = await openWith(30, (args, options) =>
        through.sendCommand(args, options),
      );
      await through.set(keysOf("user-7").ended, "no hash");
      const outcomes = await kickAllThatCanBe();
      expect(rejected(outcomes).map(({ number }) => number)).toEqual([7]);
      expect(outcomes[3]).toMatchObject({ value: { length: 3 } });
      await kickAllThatCanBe();
      // What was not so a moment ago is not asked again.
      expect(timesRun(TAKE_AWAY, REMOVE_ALL, REMOVE_ALL.forMany)).toEqual([1, 2 * users.length, 0]);
    } finally {
      through.destroy();
      await server.stop();
    }
  });

  it("is asked again after a minute, where Redis did not answer", async () => {
    let isAway = true;
    const { kickAll, timesRun } = await openWith(2, (args, options) =>
      isAway && args[0] === "SET" ? Promise.reject(new Error("away")) : client.sendCommand(args, options),
    );
    const later = jest.spyOn(performance, "now");
    await kickAll();
    isAway = false;
    await kickAll();
    expect(timesRun(TAKE_AWAY, REMOVE_ALL, REMOVE_ALL.forMany)).toEqual([0, 4, 0]);
    const now = performance.now();
    later.mockReturnValue(now + 61_000);
    await kickAll();
    later.mockRestore();
    expect(timesRun(TAKE_AWAY, REMOVE_ALL, REMOVE_ALL.forMany)).toEqual([1, 4, 1]);
  });
});
