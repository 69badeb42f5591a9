import { RedisStore } from "connect-redis";
import { Store } from "express-session";
import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { KeptLogin } from "../../lib/registry/lifetime.js";
import { CoherentCache, rejectOtherStores } from "../../lib/registry/redis/coherent-cache.js";

/** A client whose connection and replies the test controls. */
class Client extends EventEmitter {
  readonly options: { emitInvalidate?: boolean; maintNotifications?: string } = {
    emitInvalidate: true,
    maintNotifications: "disabled",
  };
  isReady = true;
  readonly sent: string[] = [];
  #answers: { resolve: () => void; reject: (error: Error) => void }[] = [];

  sendCommand(args: readonly string[]): Promise<void> {
    this.sent.push(args.join(" "));
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
    });
  }

  async answer(): Promise<void> {
    for (const { resolve } of this.#answers.splice(0)) resolve();
    await settled();
  }

  async fail(): Promise<void> {
    for (const { reject } of this.#answers.splice(0)) reject(new Error("ERR"));
    await settled();
  }
}

const settled = (): Promise<void> => new Promise(setImmediate);
const loginOf = (userId: string, id: string): KeptLogin => {
  const now = new Date();
  return {
    id,
    userId,
    began: now,
    lastActive: now,
    expires: now,
    shownUntil: now,
    keptUntil: 0,
    ip: undefined,
    userAgent: undefined,
    sids: ["sid"],
  };
};
const [one, two] = [loginOf("alice", "one"), loginOf("alice", "two")];
const ON = ["CLIENT TRACKING OFF", "CLIENT TRACKING ON BCAST PREFIX app:{a:"];

let client: Client;
let cache: CoherentCache;
let begun: string[];
beforeEach(async () => {
  client = new Client();
  cache = new CoherentCache(client, "app:{a:");
  begun = client.sent.splice(0);
  await client.answer();
});
const answered = (login: KeptLogin | undefined) => () => Promise.resolve(login);
const read = (key = "alice", login: KeptLogin | undefined = one): Promise<KeptLogin | undefined> =>
  cache.read(key, answered(login));

/** A read that resolves on demand. */
function slowRead(key: string, login: KeptLogin) {
  let answer = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const done = cache.read(key, () => asked.then(() => login));
  return {
    answer: async () => {
      answer();
      return done;
    },
  };
}

describe("a cache with tracking", () => {
  it("switches default tracking off first", () => {
    expect(begun).toEqual(ON);
  });

  it("returns what it has read, by user and login", async () => {
    expect(cache.get("alice", "one")).toBeUndefined();
    expect(await read()).toBe(one);
    expect(await read("alice", two)).toBe(two);
    expect([cache.get("alice", "one"), cache.get("alice", "two"), cache.get("bob", "one")]).toEqual([
      one,
      two,
      undefined,
    ]);
  });

  it("keeps nothing of a missing login or a failed read", async () => {
    expect(await cache.read("alice", answered(undefined))).toBeUndefined();
    const broken = new Error("broken");
    await expect(cache.read("alice", () => Promise.reject(broken))).rejects.toBe(broken);
    expect(cache.get("alice", "one")).toBeUndefined();
    expect(await read()).toBe(one);
    expect(cache.get("alice", "one")).toBe(one);
  });

  it("drops only the user who has changed", async () => {
    await read();
    await read("bob", loginOf("bob", "one"));
    client.emit("invalidate", Buffer.from("alice"));
    expect(cache.get("alice", "one")).toBeUndefined();
    expect(cache.get("bob", "one")).toBeDefined();
    client.emit("invalidate", null);
    expect(cache.get("bob", "one")).toBeUndefined();
  });

  it.each([
    ["the user", "alice"],
    ["everything", null],
  ])("keeps nothing that was being read when %s changed", async (_what, key) => {
    const [first, second] = [slowRead("alice", one), slowRead("alice", two)];
    await first.answer();
    expect(cache.get("alice", "one")).toBe(one);
    client.emit("invalidate", key);
    expect(await second.answer()).toBe(two);
    expect([cache.get("alice", "one"), cache.get("alice", "two")]).toEqual([undefined, undefined]);
  });

  it("keeps a read that began after a change, although an earlier read is still running", async () => {
    const before = slowRead("alice", one);
    client.emit("invalidate", "alice");
    const after = slowRead("alice", two);
    await before.answer();
    await after.answer();
    expect([cache.get("alice", "one"), cache.get("alice", "two")]).toEqual([undefined, two]);
  });

  it("keeps no login that changes while it is read, although an earlier read has ended meanwhile", async () => {
    const before = slowRead("alice", one);
    client.emit("invalidate", "alice");
    const after = slowRead("alice", two);
    await before.answer();
    client.emit("invalidate", "alice");
    await after.answer();
    expect(cache.get("alice", "two")).toBeUndefined();
  });
});

describe("a cache whose connection is lost", () => {
  it.each(["connect", "error", "reconnecting", "terminated", "end"])(
    "is empty from %s on, until tracking is on again",
    async (event) => {
      await read();
      const during = slowRead("alice", two);
      client.isReady = false;
      client.emit(event);
      expect(cache.get("alice", "one")).toBeUndefined();
      expect(client.sent).toEqual([]);
      await during.answer();
      await read();
      client.isReady = true;
      client.emit("ready");
      expect(client.sent.splice(0)).toEqual(ON);
      // Not before Redis has acknowledged the tracking.
      await read();
      expect(cache.get("alice", "one")).toBeUndefined();
      await client.answer();
      expect([cache.get("alice", "one"), cache.get("alice", "two")]).toEqual([undefined, undefined]);
      await read();
      expect(cache.get("alice", "one")).toBe(one);
    },
  );

  it("keeps no read that began on the previous connection", async () => {
    const before = slowRead("alice", one);
    client.emit("error", new Error("of no connection"));
    await client.answer();
    await before.answer();
    expect(cache.get("alice", "one")).toBeUndefined();
  });

  it("ignores a reply on the previous connection", async () => {
    client.emit("ready");
    const { sent } = client;
    client.isReady = false;
    client.emit("end");
    await client.answer();
    await read();
    expect([sent, cache.get("alice", "one")]).toEqual([ON, undefined]);
  });

  it("reads from Redis each time without tracking", async () => {
    client.emit("ready");
    await client.fail();
    await read();
    expect(cache.get("alice", "one")).toBeUndefined();
  });
});

describe("caches of one client", () => {
  let other: CoherentCache;
  beforeEach(() => {
    other = new CoherentCache(client, "app:{b:");
  });

  it("receive changes together", async () => {
    expect(client.sent).toEqual([ON[0], `${String(ON[1])} PREFIX app:{b:`]);
    await read();
    expect(cache.get("alice", "one")).toBeUndefined();
    await client.answer();
    await read();
    await other.read("bob", answered(one));
    expect([cache.get("alice", "one"), other.get("bob", "one")]).toEqual([one, one]);
  });

  it("switch tracking off when the last one is closed", async () => {
    await client.answer();
    await read();
    client.sent.length = 0;
    await other.close();
    expect([client.sent, cache.get("alice", "one")]).toEqual([[], one]);
    const closed = cache.close();
    await client.answer();
    await closed;
    expect([client.sent, cache.get("alice", "one")]).toEqual([["CLIENT TRACKING OFF"], undefined]);
    expect(client.eventNames()).toEqual([]);
  });

  it("send nothing if closed without a connection or while it fails", async () => {
    await other.close();
    client.sent.length = 0;
    client.isReady = false;
    await cache.close();
    expect(client.sent).toEqual([]);
    client.isReady = true;
    const again = new CoherentCache(client, "app:{a:");
    expect(client.sent).toEqual(ON);
    const closed = again.close();
    await client.fail();
    await expect(closed).resolves.toBeUndefined();
    await again.read("alice", answered(one));
    expect(again.get("alice", "one")).toBeUndefined();
  });
});

describe("a client that is not ready yet", () => {
  it("is waited for", async () => {
    const late = new Client();
    late.isReady = false;
    const waiting = new CoherentCache(late, "app:{a:");
    expect(late.sent).toEqual([]);
    late.isReady = true;
    late.emit("ready");
    await late.answer();
    await waiting.read("alice", answered(one));
    expect(waiting.get("alice", "one")).toBe(one);
  });
});

describe("the condition", () => {
  const clients: Record<string, object> = {
    "no client": {},
    "one without invalidations": Object.assign(new Client(), { options: { maintNotifications: "disabled" } }),
    "one that may be moved": Object.assign(new Client(), { options: { emitInvalidate: true } }),
    "one without events": { options: new Client().options, isReady: true },
    "one that is never ready": { options: new Client().options, on: () => undefined },
    "one without options": { on: () => undefined, isReady: true },
  };
  const error = expect.objectContaining({ code: "ERR_OPTION_INVALID" });

  it.each(Object.keys(clients))("is refused for %s", (name) => {
    expect(() => new CoherentCache(clients[name], "app:")).toThrow(error);
  });

  class OfATeam extends Store {
    readonly client = client;
    override get(): void {
      // A read from a cache of its own.
    }
    override set = (): void => undefined;
    override destroy = (): void => undefined;
  }
  class WithReadCache extends RedisStore {
    override get(): Promise<undefined> {
      // A read from a cache of its own.
      return Promise.resolve(undefined);
    }
  }
  class Extended extends RedisStore {}
  const published = (on: unknown = client): RedisStore => new RedisStore({ client: on });
  const replaced = (): object => Object.assign(published(), { get: () => undefined });
  const stores: Readonly<Record<string, () => unknown>> = {
    "no store": () => undefined,
    "one without a client": () => ({}),
    "one with another client": () => published(new Client()),
    "one that is made of another one, which may keep what it reads": () => new WithReadCache({ client }),
    "one that is made of another one, which may read through something else": () => new Extended({ client }),
    "one of a team's own": () => new OfATeam(),
    "one whose get has been replaced": replaced,
    "an object without a class": () => Object.assign(Object.create(null) as object, { client }),
  };

  it.each(Object.keys(stores))("is refused for a store: %s", (name) => {
    expect(() => {
      rejectOtherStores(client, stores[name]?.());
    }).toThrow(error);
  });

  it("holds for a store as published, on the client", () => {
    expect(() => {
      rejectOtherStores(client, published());
    }).not.toThrow();
  });
});
