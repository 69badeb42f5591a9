import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { KickRecord, NewLogin } from "../../lib/registry/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { appKeys, userKeys, type AppKeys } from "../../lib/registry/redis/keys.js";
import { mapLimit } from "../../lib/util/map-limit.js";
import { INDEX_PEND, INDEX_TOUCH } from "../../lib/registry/redis/scripts/bundle.js";
import { Heard } from "../support/heard.js";
import { connectTo, startRedis, until, type RedisServer } from "../support/redis-server.js";
import { MAX_SESSION_AGE_MS } from "../support/registries.js";
import { adopt, endLogin, kickUser } from "../support/registry-calls.js";

const HOUR_MS = 3_600_000;
const PAGE = { offset: 0, limit: 10 };

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
let kicks = 0;
const newKick = (): KickRecord => ({ id: `mark-${String((kicks += 1))}`, at: new Date(), cause: "kick" });
const login = (userId: string, more: Partial<NewLogin> = {}): NewLogin => {
  return { id: `login of ${userId}`, userId, sid: `sid of ${userId}`, ttlMs: HOUR_MS, ...more };
};

let registry: RedisLoginRegistry;
let index: AppKeys;
/** The names of the commands that the registry has sent. A script that is repeated in full counts once. */
const sent: string[] = [];
beforeEach(() => {
  apps += 1;
  const watched = {
    isReady: true,
    sendCommand: (args: string[], options?: object): Promise<unknown> => {
      if (args[0] !== "EVAL" && args[0] !== "CLIENT") sent.push(args[0] ?? "");
      return client.sendCommand(args, options);
    },
  };
  registry = new RedisLoginRegistry({ client: watched });
  registry.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
  index = appKeys("express-logout:", `app-${String(apps)}`);
  sent.length = 0;
});

const online = async (): Promise<[number, ...string[]]> => {
  const { total, items: users } = await registry.activeUsers(PAGE);
  return [total, ...users.map(({ userId }) => userId)];
};
const count = async (): Promise<number> => (await registry.activeUsers({ offset: 0, limit: 0 })).total;
const everyone = async (): Promise<string[]> => {
  const found: string[] = [];
  for await (const userIds of registry.scanUsers()) found.push(...userIds);
  return found.sort();
};
const keysOf = (userId: string) => userKeys(index, userId);

describe("the set of users online", () => {
  it("excludes a user whose only login never finishes its rotation, but a kick of everyone still finds that user", async () => {
    await registry.add(login("bob"));
    await registry.add(login("alice"));
    await registry.update("alice", "login of alice", { removeSid: "sid of alice" });
    expect([await count(), await everyone()]).toEqual([1, ["alice", "bob"]]);
    await registry.update("alice", "login of alice", { addSid: "new", ttlMs: HOUR_MS });
    expect(await online()).toEqual([2, "alice", "bob"]);
  });

  it("excludes a user whose login is no longer shown, even before their page is read", async () => {
    for (const userId of ["alice", "bob", "carol"]) await registry.add(login(userId));
    await registry.update("alice", "login of alice", { ttlMs: 1 });
    await until(async () => (await count()) === 2, "the login to be hidden");
    expect(await everyone()).toEqual(["alice", "bob", "carol"]);
    expect(await registry.find("alice", "login of alice")).toMatchObject({ id: "login of alice" });
  });

  it("includes a user for as long as another login is shown", async () => {
    await registry.add(login("alice"));
    await registry.add(login("alice", { id: "other", sid: "other sid", ttlMs: 2 * HOUR_MS }));
    await registry.update("alice", "other", { ttlMs: 1 });
    await until(async () => (await registry.list("alice", PAGE)).total === 1, "the other to be hidden");
    expect(await count()).toBe(1);
    await endLogin(registry, "alice", "login of alice");
    expect([await count(), await everyone()]).toEqual([0, ["alice"]]);
  });

  it("excludes a user whose only login is between two session ids", async () => {
    await registry.add(login("alice"));
    await registry.add(login("alice", { id: "rotating", sid: "left" }));
    await registry.update("alice", "rotating", { removeSid: "left" });
    expect(await count()).toBe(1);
    await kickUser(registry, "alice", newKick(), { except: ["rotating"] });
    expect([await count(), await everyone()]).toEqual([0, ["alice"]]);
  });

  it("excludes a user while requests touch a login without a session id", async () => {
    await registry.add(login("alice"));
    await registry.update("alice", "login of alice", { removeSid: "sid of alice" });
    expect(await count()).toBe(0);
    expect(await registry.update("alice", "login of alice", { ttlMs: 2 * HOUR_MS })).toBe(true);
    expect(await count()).toBe(0);
  });

  it("needs no extra command if nothing has changed", async () => {
    await registry.add(login("alice"));
    await registry.update("alice", "login of alice", { ttlMs: HOUR_MS });
    sent.length = 0;
    await registry.update("alice", "login of alice", { ttlMs: HOUR_MS });
    expect(sent).toHaveLength(2);
    sent.length = 0;
    await registry.activeUsers(PAGE);
    // The number of shards, the users to check, the page, and the one user on it.
    expect(sent).toHaveLength(4);
  });

  it("is read from records of the previous version", async () => {
    const { logins } = keysOf("alice");
    const now = Date.now();
    await client.hSet(logins, "old", JSON.stringify([now, 0, HOUR_MS, "", "", "sid"]));
    await client.zAdd(index.active, { score: now * 1_000, value: "alice" });
    await client.zAdd(index.expiry, { score: now + HOUR_MS, value: "alice" });
    expect(await online()).toEqual([1, "alice"]);
    expect(await registry.find("alice", "old")).toMatchObject({
      sids: ["sid"],
      expires: new Date(now + HOUR_MS),
      shownUntil: new Date(now + HOUR_MS),
    });
  });

  it("adds a few bytes only to a login whose lifetime has become shorter", async () => {
    await registry.add(login("alice"));
    const { logins } = keysOf("alice");
    await registry.update("alice", "login of alice", { ttlMs: HOUR_MS });
    const before = (await client.hGet(logins, "login of alice")) ?? "";
    expect(JSON.parse(before)).toHaveLength(6);
    await registry.update("alice", "login of alice", { ttlMs: 60_000 });
    const after = (await client.hGet(logins, "login of alice")) ?? "";
    expect(after.length - before.length).toBeLessThan(10);
    await registry.update("alice", "login of alice", { ttlMs: 2 * HOUR_MS });
    expect(JSON.parse((await client.hGet(logins, "login of alice")) ?? "")).toHaveLength(6);
  });
});

describe("a kick", () => {
  it("of a user or of one login takes four trips to the registry, without tombstones, and leaves no row", async () => {
    for (const kick of [
      () => kickUser(registry, "alice", newKick()),
      () => endLogin(registry, "alice", "login of alice", { kick: newKick() }),
    ]) {
      await registry.add(login("alice", { id: "login of alice" }));
      await client.del(keysOf("alice").ended);
      sent.length = 0;
      await kick();
      await registry.finishKick("alice", ["login of alice"]);
      expect(sent).toHaveLength(4);
      expect(await client.exists([index.active, index.expiry])).toBe(0);
      await client.del(keysOf("alice").ended);
    }
  });

  it("leaves no row if reading a page has hidden it meanwhile", async () => {
    await registry.add(login("alice"));
    await kickUser(registry, "alice", newKick());
    expect([await online(), await everyone()]).toEqual([[0], ["alice"]]);
    await registry.finishKick("alice", ["login of alice"]);
    expect(await client.exists([index.active, index.expiry])).toBe(0);
  });

  it("that another process finishes finds the row", async () => {
    await registry.add(login("alice"));
    await kickUser(registry, "alice", newKick());
    const other = new RedisLoginRegistry({ client });
    other.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    await other.finishKick("alice", ["login of alice"]);
    expect(await client.exists([index.active, index.expiry])).toBe(0);
  });
});

describe("a login that is being adopted", () => {
  const pendingRows = async (): Promise<string[]> =>
    (await client.zRange(index.active, 0, -1)).filter((member) => member.includes(" "));

  it("has a row of its own until it is listed, or refused", async () => {
    await adopt(registry, login("alice"), { generation: "", endCount: 0 });
    expect([await pendingRows(), await online()]).toEqual([[], [1, "alice"]]);
    await kickUser(registry, "bob", newKick());
    expect(await adopt(registry, login("bob"), { generation: "", endCount: 0 })).toBeUndefined();
    await registry.kickEveryone(newKick());
    expect(await adopt(registry, login("carol"), { generation: "", endCount: 0 })).toBeUndefined();
    expect(await client.zRange(index.active, 0, -1)).toEqual(["alice"]);
    expect(await client.zRange(index.expiry, 0, -1)).toEqual(["alice"]);
  });

  it("is found by a kick of everyone, is not online, and expires", async () => {
    const pending = "alice nonce";
    await client.zAdd(index.active, { score: -1, value: pending });
    await client.zAdd(index.expiry, { score: Date.now() + HOUR_MS, value: pending });
    expect([await online(), await everyone()]).toEqual([[0], ["alice"]]);
    await registry.add(login("alice"));
    expect(await everyone()).toEqual(["alice"]);
    await kickUser(registry, "alice", newKick());
    await registry.finishKick("alice", ["login of alice"]);
    await registry.clear();
    expect(await pendingRows()).toEqual([pending]);
    await client.zAdd(index.expiry, { score: Date.now() - 1_000, value: pending });
    expect(await online()).toEqual([0]);
    expect(await client.exists([index.active, index.expiry])).toBe(0);
  });
});

describe("a process that ends between the row and the adoption", () => {
  it("leaves a row that expires in ten minutes", async () => {
    // What is sent until the row is there: the number of shards, and the row.
    const isBefore = (args: string[]): boolean =>
      args[0] === "GET" || [INDEX_PEND.sha, INDEX_PEND.source].includes(args[1] ?? "");
    const ending = {
      isReady: true,
      sendCommand: (args: string[], options?: object): Promise<unknown> =>
        isBefore(args) ? client.sendCommand(args, options) : Promise.reject(new Error("has ended")),
    };
    const node = new RedisLoginRegistry({ client: ending });
    node.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    await expect(adopt(node, login("alice"), { generation: "", endCount: 0 })).rejects.toThrow();
    const [row = ""] = await client.zRange(index.active, 0, -1);
    expect(row).toMatch(/^alice /);
    const expiresInMs = Number(await client.zScore(index.expiry, row)) - Date.now();
    expect(expiresInMs).toBeGreaterThan(HOUR_MS / 10);
    expect(expiresInMs).toBeLessThanOrEqual(HOUR_MS / 6);
  });
});

describe("a process that ends between the adoption and the row of its user", () => {
  it("leaves a login that is online once the pending row has expired, and that a kick of everyone finds", async () => {
    const ending = {
      isReady: true,
      sendCommand: (args: string[], options?: object): Promise<unknown> =>
        [INDEX_TOUCH.sha, INDEX_TOUCH.source].includes(args[1] ?? "")
          ? Promise.reject(new Error("has ended"))
          : client.sendCommand(args, options),
    };
    const node = new RedisLoginRegistry({ client: ending });
    node.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    await expect(adopt(node, login("alice"), { generation: "", endCount: 0 })).rejects.toThrow();
    const [row = ""] = await client.zRange(index.active, 0, -1);
    await client.zAdd(index.expiry, { score: Date.now() - 1_000, value: row });
    expect(await online()).toEqual([1, "alice"]);
    expect(await client.zRange(index.active, 0, -1)).toEqual(["alice"]);
    expect(await everyone()).toEqual(["alice"]);
  });
});

describe("unreadable data of one user", () => {
  const DAMAGE: Readonly<Record<string, () => Promise<unknown>>> = {
    "a key that is no hash": async () => {
      await client.del(keysOf("evil").logins);
      await client.set(keysOf("evil").logins, "no hash");
    },
    "a record that is no JSON": () => client.hSet(keysOf("evil").logins, "x", "no json"),
    "a record of another kind": () => client.hSet(keysOf("evil").logins, "x", '"text"'),
  };

  it.each(Object.keys(DAMAGE))("hides that user and no other: %s", async (name) => {
    for (const userId of ["alice", "bob", "evil"]) await registry.add(login(userId));
    await DAMAGE[name]?.();
    expect(await online()).toEqual([2, "bob", "alice"]);
    expect(await registry.activeUsers({ offset: 0, limit: 1 })).toMatchObject({ items: [{ userId: "bob" }] });
    expect(await everyone()).toEqual(["alice", "bob", "evil"]);
    await expect(registry.list("evil", PAGE)).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    await expect(kickUser(registry, "evil", newKick())).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(await kickUser(registry, "alice", newKick())).toHaveLength(1);
  });

  it("is an error after all other users, if their id is unreadable", async () => {
    await registry.add(login("alice"));
    await client.zAdd(index.active, { score: 1_000, value: "%E0%A4%A" });
    const found: string[] = [];
    const walk = async (): Promise<void> => {
      for await (const userIds of registry.scanUsers()) found.push(...userIds);
    };
    await expect(walk()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    expect(found).toEqual(["alice"]);
    expect((await registry.activeUsers(PAGE)).items).toMatchObject([{ userId: "alice" }]);
  });

  it("keeps no other user from being removed, nor the subscribers from the news of it", async () => {
    const node = new RedisLoginRegistry({ client });
    node.init({ appId: `app-${String(apps)}`, maxSessionAgeMs: MAX_SESSION_AGE_MS });
    const heard = new Heard();
    const subscription = node.subscribe(heard, { checkIntervalMs: HOUR_MS });
    await heard.until(() => heard.isListening && heard.looks > 0);
    const { looks } = heard;
    await registry.add(login("alice"));
    await client.zAdd(index.active, { score: 1_000, value: "%E0%A4%A" });
    await expect(registry.clear()).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
    await heard.until(() => heard.looks > looks);
    expect(await registry.find("alice", "login of alice")).toBeUndefined();
    await subscription.close();
  });

  it("is distinct from an outage of Redis", async () => {
    const away = new RedisLoginRegistry({ client: { sendCommand: () => Promise.reject(new Error("away")) } });
    away.init({ appId: "app", maxSessionAgeMs: MAX_SESSION_AGE_MS });
    await expect(away.activeUsers(PAGE)).rejects.toMatchObject({ code: "ERR_REGISTRY_UNAVAILABLE" });
  });
});

describe("a user with very many logins", () => {
  const MANY = 1_000;
  const idOf = (number: number): string => `login ${String(number)}`;
  /** Logins in the order in which they began. */
  async function addMany(): Promise<void> {
    const began = Date.now() - HOUR_MS;
    const logins = Array.from({ length: MANY }, (_each, number) =>
      login("heavy", { id: idOf(number), sid: `sid ${String(number)}`, began: new Date(began + number) }),
    );
    // On a busy machine, a thousand at once would wait for longer than the registry allows.
    await mapLimit(100, logins, (each) => registry.add(each));
  }
  const listed = async (offset: number, limit: number) => {
    const { items, total } = await registry.list("heavy", { offset, limit });
    return { ids: items.map(({ id }) => id), total };
  };
  const newest = (from: number, howMany: number): string[] =>
    Array.from({ length: howMany }, (_each, number) => idOf(MANY - 1 - from - number));
  const wholeReads = async (): Promise<number> =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);

  it("is read in pages, newest first, and never as a whole", async () => {
    await addMany();
    const before = await wholeReads();
    expect(await listed(0, 3)).toEqual({ ids: newest(0, 3), total: MANY });
    expect(await listed(500, 300)).toEqual({ ids: newest(500, 300), total: MANY });
    expect(await listed(MANY - 2, 10)).toEqual({ ids: newest(MANY - 2, 2), total: MANY });
    expect(await listed(MANY, 10)).toEqual({ ids: [], total: MANY });
    const { items: users } = await registry.activeUsers(PAGE);
    expect([users[0]?.loginsCount, users[0]?.logins.length]).toEqual([MANY, 50]);
    expect(await wholeReads()).toBe(before);
  });

  it("has exactly the shown logins in the list, none that has ended or expired", async () => {
    await addMany();
    await endLogin(registry, "heavy", idOf(MANY - 1));
    await registry.update("heavy", idOf(MANY - 2), { removeSid: `sid ${String(MANY - 2)}` });
    const expired = JSON.stringify([1_000, 0, 1, "", "", "sid"]);
    await client.hSet(keysOf("heavy").logins, idOf(MANY - 3), expired);
    await registry.update("heavy", idOf(0), { ttlMs: 1 });
    expect((await listed(0, 3)).ids).toEqual(newest(3, 3));
    await until(async () => (await listed(0, MANY)).total === MANY - 4, "the shortened one to be hidden");
    expect((await listed(0, MANY)).ids).toEqual(newest(3, MANY - 4));
    await registry.update("heavy", idOf(MANY - 2), { addSid: "new", ttlMs: HOUR_MS });
    expect((await listed(0, 2)).ids).toEqual([idOf(MANY - 2), idOf(MANY - 4)]);
  });

  it("gets a sorted set if it is missing or incomplete, as after an upgrade", async () => {
    await addMany();
    const { order } = keysOf("heavy");
    await client.del(order);
    expect(await Promise.all([listed(0, 2), listed(0, 2)])).toMatchObject([
      { ids: newest(0, 2) },
      { ids: newest(0, 2) },
    ]);
    await client.zRem(order, idOf(MANY - 1));
    expect(await listed(0, 2)).toEqual({ ids: newest(0, 2), total: MANY });
    await client.zAdd(order, { score: Date.now(), value: "of no login" });
    expect(await listed(0, 2)).toEqual({ ids: newest(0, 2), total: MANY });
    expect(await client.pTTL(order)).toBeGreaterThan(HOUR_MS / 2);
  });

  it("is read to the end if all but the oldest are hidden", async () => {
    await addMany();
    const hide = (number: number) => registry.update("heavy", idOf(number), { removeSid: `sid ${String(number)}` });
    await Promise.all(Array.from({ length: MANY - 1 }, (_each, number) => hide(number + 1)));
    expect(await listed(0, 10)).toEqual({ ids: [idOf(0)], total: 1 });
    await hide(0);
    expect(await listed(0, 10)).toEqual({ ids: [], total: 0 });
    expect([await count(), await everyone()]).toEqual([0, ["heavy"]]);
  });

  it("has no extra key once the logins are few or kicked; other users never have one", async () => {
    await addMany();
    const { order } = keysOf("heavy");
    for (let number = 0; number < MANY - 2; number += 1) await endLogin(registry, "heavy", idOf(number));
    await registry.add(login("heavy", { id: "one more" }));
    expect(await client.exists(order)).toBe(0);
    expect((await listed(0, 10)).total).toBe(3);
    await addMany();
    expect(await client.exists(order)).toBe(1);
    expect(await kickUser(registry, "heavy", newKick())).toHaveLength(MANY + 1);
    expect(await client.exists(order)).toBe(0);
    await registry.add(login("alice"));
    expect(await client.exists(keysOf("alice").order)).toBe(0);
  });
});
