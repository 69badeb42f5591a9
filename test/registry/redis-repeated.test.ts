import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { KickMark, NewLogin } from "../../lib/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { appKeys, userKeys } from "../../lib/registry/redis/keys.js";
import { REMOVE_ALL, SETTLE } from "../../lib/registry/redis/scripts.js";
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
/** A registry with so many users; user 3 has three logins. */
async function openWith(count: number, through = client) {
  const sent: string[][] = [];
  const watched = {
    isReady: true,
    sendCommand: (args: string[], options?: object): Promise<unknown> => {
      sent.push(args);
      return through.sendCommand(args, options);
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
  const timesRun = (script: { sha: string; source: string }): number =>
    sent.filter(([name, code]) => name === "EVALSHA" && code === script.sha).length;
  return { registry, users, timesRun, keysOf: (userId: string) => userKeys(appKeys("express-logout:", appId), userId) };
}

describe("the same step for many users", () => {
  it("is taken in a few scripts, and each gets his own logins", async () => {
    const { registry, users, timesRun } = await openWith(60);
    const removed = await Promise.all(users.map((userId) => registry.removeAll(userId, mark)));
    const ids = removed.map((logins) => logins.map(({ id }) => id).sort());
    const expected = users.map((userId) => [`login of ${userId}`]);
    expected[3]?.push("second", "third");
    expect(ids).toEqual(expected);
    expect(removed[3]?.map(({ sids }) => sids).sort()).toEqual([
      ["the secret of login of user-3"],
      ["the secret of second"],
      ["the secret of third"],
    ]);
    await Promise.all(users.map((userId, number) => registry.settle(userId, ids[number] ?? [])));
    expect(await Promise.all(users.map((userId) => registry.removeAll(userId, mark)))).toEqual(users.map(() => []));
    const counts = [REMOVE_ALL, REMOVE_ALL.forMany, SETTLE, SETTLE.forMany].map(timesRun);
    // 60 users, 25 at once: the kick and its repetition, and what settles it.
    expect(counts).toEqual([0, 6, 0, 3]);
  });

  it("is taken as it is for one", async () => {
    const { registry, timesRun } = await openWith(4);
    expect(await registry.removeAll("user-3", mark)).toHaveLength(3);
    expect([REMOVE_ALL, REMOVE_ALL.forMany].map(timesRun)).toEqual([1, 0]);
  });

  it("spares the login of one, and of nobody else", async () => {
    const { registry } = await openWith(4);
    const kicked = await Promise.all([
      registry.removeAll("user-2", mark),
      registry.removeAll("user-3", mark, { except: "second" }),
      registry.removeAll("user-1", mark, { except: "second" }),
    ]);
    expect(kicked.map((logins) => logins.map(({ id }) => id).sort())).toEqual([
      ["login of user-2"],
      ["login of user-3", "third"],
      ["login of user-1"],
    ]);
    expect((await registry.list("user-3")).map(({ id }) => id)).toEqual(["second"]);
  });

  it("fails for him alone with whom something is wrong", async () => {
    const { registry, users, keysOf } = await openWith(10);
    await client.set(keysOf("user-7").ended, "no hash");
    const outcomes = await Promise.allSettled(users.map((userId) => registry.removeAll(userId, mark)));
    const failed = outcomes.flatMap((outcome, number) =>
      outcome.status === "rejected" ? [{ number, reason: outcome.reason as unknown }] : [],
    );
    expect(failed).toMatchObject([
      {
        number: 7,
        reason: { code: "ERR_REGISTRY_UNAVAILABLE", cause: { message: expect.stringMatching(/WRONGTYPE/) } },
      },
    ]);
    for (const userId of users.filter((_each, number) => number !== 7)) expect(await registry.list(userId)).toEqual([]);
  });

  it("fails for all where Redis does not take it, and nothing of it is told", async () => {
    const { registry, users } = await openWith(10);
    await redis.ask("ACL", "SETUSER", "default", "-evalsha", "-eval");
    const outcomes = await Promise.allSettled(users.map((userId) => registry.removeAll(userId, mark)));
    await redis.ask("ACL", "SETUSER", "default", "+evalsha", "+eval");
    expect(outcomes.map(({ status }) => status)).toEqual(users.map(() => "rejected"));
    const told = outcomes.map((outcome) => {
      const { message, cause } = (outcome as PromiseRejectedResult).reason as Error;
      return `${message} ${String(cause)}`;
    });
    expect(told.filter((text) => text.includes("user-") || !text.includes("NOPERM"))).toEqual([]);
  });

  it("is taken for each by himself where a script reaches no further than a slot", async () => {
    const server = await startClusterBehindOneAddress();
    const through = await connectTo(server);
    try {
      const { registry, users, timesRun, keysOf } = await openWith(30, through);
      await through.set(keysOf("user-7").ended, "no hash");
      const outcomes = await Promise.allSettled(users.map((userId) => registry.removeAll(userId, mark)));
      expect(outcomes.flatMap(({ status }, number) => (status === "rejected" ? [number] : []))).toEqual([7]);
      expect(outcomes[3]).toMatchObject({ value: { length: 3 } });
      const counts = [REMOVE_ALL, REMOVE_ALL.forMany].map(timesRun);
      await Promise.allSettled(users.map((userId) => registry.removeAll(userId, mark)));
      // What it has found once it does not try again.
      expect([counts, timesRun(REMOVE_ALL.forMany)]).toEqual([[30, 2], 2]);
    } finally {
      through.destroy();
      await server.stop();
    }
  });
});
