import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createClient } from "redis";
import type { KickRecord, NewLogin } from "../../lib/registry/index.js";
import {
  RedisLoginRegistry,
  type RedisClient,
  type RedisLoginRegistryOptions,
} from "../../lib/registry/redis/index.js";
import { ON_ONE_SERVER, type OpenClient } from "../support/redis-clients.js";
import { startPair, type Pair } from "../support/redis-replicated.js";
import type { RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt, endLogin, generationOf, kickUser } from "../support/registry-calls.js";

// Servers that start and fail over while other suites run need more than the five seconds of a test.
jest.setTimeout(60_000);

/** Timeouts for calls that must succeed on a busy machine, and for calls that must fail. */
const PAGE = { offset: 0, limit: 10 };
const LONG_MS = 20_000;
const SHORT_MS = 400;
const NOT_REPLICATED = expect.objectContaining({ name: "LogoutError", code: "ERR_WRITE_NOT_REPLICATED", status: 503 });

let count = 0;
const newKick = (): KickRecord => ({
  id: `mark-${String((count += 1))}`,
  at: new Date(),
  cause: "kick",
  reason: undefined,
  by: undefined,
});
const login = (userId: string): NewLogin => {
  count += 1;
  return { id: `login-${String(count)}`, userId, sid: `sid-${String(count)}`, ttlMs: 3_600_000 };
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function opened(client: RedisClient, options: Partial<RedisLoginRegistryOptions> = {}): RedisLoginRegistry {
  const registry = new RedisLoginRegistry({ client, timeoutMs: LONG_MS, ...options });
  registry.init({ appId: "app", maxSessionAgeMs: MAX_SESSION_AGE_MS });
  closing.push(() => registry.close());
  return registry;
}

async function clientOf(opening: Promise<OpenClient>): Promise<RedisClient> {
  const { client, close } = await opening;
  closing.push(close);
  return client;
}

async function clientTo({ url }: RedisServer) {
  const client = createClient({ url });
  client.on("error", () => undefined);
  await client.connect();
  closing.push(() => {
    client.destroy();
    return Promise.resolve();
  });
  return client;
}

describe.each(ON_ONE_SERVER.map((kind) => [kind.name, kind] as const))(
  "a master and its replica, on %s",
  (_name, kind) => {
    let pair: Pair;
    let client: RedisClient;
    let registry: RedisLoginRegistry;
    beforeEach(async () => {
      pair = await startPair();
      closing.push(() => pair.stop());
      client = await clientOf(kind.open(pair.master));
      registry = opened(client);
    });

    const replicated = (timeoutMs = LONG_MS): RedisLoginRegistry => opened(client, { timeoutMs, waitReplicas: 1 });

    const afterFailover = async (): Promise<RedisLoginRegistry> => opened(await clientTo(await pair.failOver()));

    it("a kick that the replica has is not undone when the master dies right after the answer", async () => {
      const alice = login("alice");
      const generation = generationOf(await registry.add(alice));
      await kickUser(replicated(), "alice", newKick());
      const successor = await afterFailover();
      expect(await successor.find("alice", alice.id)).toBeUndefined();
      expect(await adopt(successor, alice, { generation: generation ?? "", endCount: 0 })).toBeUndefined();
    });

    it("a kick that the replica cannot receive is rejected", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await kickUser(replicated(), "offline", newKick());
      pair.holdReplication();
      await expect(kickUser(replicated(SHORT_MS), "alice", newKick())).rejects.toEqual(NOT_REPLICATED);
      expect(await (await afterFailover()).find("alice", alice.id)).toMatchObject({ id: alice.id });
    });

    it("many kicks at once take no longer than a replica that is far away", async () => {
      const users = Array.from({ length: 200 }, (_value, index) => `user ${String(index)}`);
      // One after the other: concurrent calls would wait too long for a client of the pool on a slow machine.
      for (const user of users) await registry.add(login(user));
      pair.slowReplication(50);
      const hasty = opened(client, { timeoutMs: 4_000, waitReplicas: 1 });
      const removed = await Promise.all(users.map((user) => kickUser(hasty, user, newKick())));
      expect(removed.map((logins) => logins.length)).toEqual(users.map(() => 1));
    });

    it("a kick that Redis refuses is the only one that fails", async () => {
      const users = ["alice", "broken", "bob"];
      await Promise.all(users.map((user) => registry.add(login(user))));
      await pair.master.ask("SET", "express-logout:{app:broken}:ended", "no hash");
      const waiting = replicated();
      const kicks = await Promise.allSettled(users.map((user) => kickUser(waiting, user, newKick())));
      expect(kicks).toMatchObject([
        { status: "fulfilled", value: [{ userId: "alice" }] },
        {
          status: "rejected",
          reason: { code: "ERR_WRITE_NOT_REPLICATED", cause: { message: expect.stringMatching(/WRONGTYPE/) } },
        },
        { status: "fulfilled", value: [{ userId: "bob" }] },
      ]);
    });

    it("without waiting, such a kick resolves and is undone by the failover", async () => {
      const alice = login("alice");
      await registry.add(alice);
      await kickUser(replicated(), "offline", newKick());
      pair.holdReplication();
      await kickUser(registry, "alice", newKick());
      expect(await registry.find("alice", alice.id)).toBeUndefined();
      expect(await (await afterFailover()).find("alice", alice.id)).toMatchObject({ id: alice.id });
    });
  },
);

describe("a master that dies right after a kick was answered, twenty times over", () => {
  it.each(
    ON_ONE_SERVER.filter(({ name }) => ["node-redis 6", "ioredis 6"].includes(name)).map(
      (kind) => [kind.name, kind] as const,
    ),
  )("resumes no login: %s", async (_name, kind) => {
    const back: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const pair = await startPair();
      const { client, close } = await kind.open(pair.master);
      const registry = opened(client, { waitReplicas: 1 });
      try {
        const logins = [login("alice"), login("alice")];
        for (const each of logins) await registry.add(each);
        await kickUser(registry, "alice", newKick());
        const successor = opened(await clientTo(await pair.failOver()));
        if ((await successor.list("alice", PAGE)).total > 0) back.push(round);
      } finally {
        await registry.close();
        await close();
        await pair.stop();
      }
    }
    expect(back).toEqual([]);
  });
});

describe("a registry that waits for a replica", () => {
  let pair: Pair;
  let client: Awaited<ReturnType<typeof clientTo>>;
  beforeEach(async () => {
    pair = await startPair();
    closing.push(() => pair.stop());
    client = await clientTo(pair.master);
  });

  const ENDS: [string, (registry: RedisLoginRegistry, login: NewLogin) => Promise<unknown>][] = [
    ["a kick", (registry) => kickUser(registry, "alice", newKick())],
    ["a kick of one login", (registry, { id }) => endLogin(registry, "alice", id, { kick: newKick() })],
    ["a logout", (registry, { id }) => endLogin(registry, "alice", id)],
    ["a kick of everyone", (registry) => registry.kickEveryone(newKick())],
  ];

  it.each(ENDS)("waits with %s", async (_what, end) => {
    const registry = opened(client, { waitReplicas: 1 });
    const alice = login("alice");
    await registry.add(alice);
    await end(registry, alice);
    await registry.add(alice);
    pair.holdReplication();
    const impatient = opened(client, { waitReplicas: 1, timeoutMs: SHORT_MS });
    await expect(end(impatient, alice)).rejects.toEqual(NOT_REPLICATED);
  });

  it("keeps the logins of an unacknowledged kick for its repetition", async () => {
    const registry = opened(client, { waitReplicas: 2, timeoutMs: SHORT_MS });
    const alice = login("alice");
    await registry.add(alice);
    await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(NOT_REPLICATED);
    const again = await kickUser(opened(client, { waitReplicas: 1 }), "alice", newKick());
    expect(again.map(({ id }) => id)).toEqual([alice.id]);
  });

  it("confirms many kicks at once over one connection, or none of them", async () => {
    const users = Array.from({ length: 100 }, (_value, index) => `user ${String(index)}`);
    const registry = opened(client, { waitReplicas: 1 });
    for (const user of users) await registry.add(login(user));
    const removed = await Promise.all(users.map((user) => kickUser(registry, user, newKick())));
    expect(removed.map(([first]) => first?.userId)).toEqual(users);
    const tooMany = opened(client, { waitReplicas: 2, timeoutMs: 2_000 });
    const ends = await Promise.allSettled(users.map((user) => kickUser(tooMany, user, newKick())));
    expect(ends).toEqual(users.map(() => ({ status: "rejected", reason: NOT_REPLICATED })));
  });

  it("never accepts fewer than the required replicas", async () => {
    const registry = opened(client, { waitReplicas: 2, timeoutMs: SHORT_MS });
    await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(NOT_REPLICATED);
  });

  it("never blocks the connection of the app", async () => {
    const registry = opened(client, { waitReplicas: 2 });
    let isOver = false;
    const kick = kickUser(registry, "alice", newKick()).catch((error: unknown) => {
      isOver = true;
      return error;
    });
    const ids = (): Promise<string> => client.sendCommand<string>(["CLIENT", "LIST"]);
    while (!(await ids()).includes("cmd=wait")) expect(isOver).toBe(false);
    await registry.add(login("bob"));
    expect([(await registry.list("bob", PAGE)).total, isOver]).toEqual([1, false]);
    await client.sendCommand(["CLIENT", "UNBLOCK", /id=(\d+) (?=.*cmd=wait)/.exec(await ids())?.[1] ?? ""]);
    expect(await kick).toEqual(NOT_REPLICATED);
  });

  it("ignores a confirmation over another connection than the write", async () => {
    const replicas: unknown[] = [];
    const reconnecting = Object.assign(Object.create(client) as typeof client, {
      duplicate: () => {
        const own = client.duplicate();
        let last: Promise<unknown> = Promise.resolve();
        const sendCommand = async (args: string[]): Promise<unknown> => {
          if (args[0] !== "WAIT") return own.sendCommand(args);
          const [, id = ""] = /id=(\d+)/.exec(await own.sendCommand<string>(["CLIENT", "INFO"])) ?? [];
          const again = new Promise((resolve) => own.once("ready", resolve));
          await client.sendCommand(["CLIENT", "KILL", "ID", id]);
          await again;
          replicas.push(await own.sendCommand(args));
          return replicas[0];
        };
        return Object.assign(Object.create(own) as typeof own, {
          sendCommand: (args: string[]) => (last = last.then(() => sendCommand(args))),
        });
      },
    });
    const registry = opened(reconnecting, { waitReplicas: 1 });
    await expect(kickUser(registry, "alice", newKick())).rejects.toEqual(NOT_REPLICATED);
    expect(replicas).toEqual([1]);
  });

  it("closes the connection that it opened, and no given connection", async () => {
    const registry = opened(client, { waitReplicas: 1 });
    const connections = async (): Promise<number> =>
      (await client.sendCommand<string>(["CLIENT", "LIST", "TYPE", "normal"])).trim().split("\n").length;
    const before = await connections();
    await kickUser(registry, "alice", newKick());
    expect(await connections()).toBe(before + 1);
    await registry.close();
    while ((await connections()) > before);
    expect(await client.ping()).toBe("PONG");
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null])("refuses %p replicas", (waitReplicas) => {
    const options = { client, waitReplicas: waitReplicas as number };
    expect(() => new RedisLoginRegistry(options)).toThrow(expect.objectContaining({ code: "ERR_OPTION_INVALID" }));
  });
});
