import { describe, expect, it, jest } from "@jest/globals";
import { RedisStore } from "connect-redis";
import RedisStore7 from "connect-redis7";
import { RedisStore as RedisStore8 } from "connect-redis8";
import session, { MemoryStore, Store } from "express-session";
import memorystore from "memorystore";
import { createClient, createClientPool } from "redis";
import { isConnectRedis, isMemoryStore } from "../../lib/util/known-stores.js";
import { describeStore, type StoreDescription } from "../../lib/session/store/store-support.js";
import { runBundle } from "../support/bundle.js";
import { MinimalStore, TouchedStore } from "../support/odd-stores.js";

const client = createClient();
const session116 = jest.requireActual<typeof session>("express-session116");

const all: StoreDescription["fastPaths"] = {
  touchesInBackground: true,
  noticesMissingSessions: true,
  kicksByScript: true,
};
const memory = { ...all, kicksByScript: false };
const none = { touchesInBackground: false, noticesMissingSessions: false, kicksByScript: false };
const touches = { ...none, touchesInBackground: true };

const KNOWN: readonly (readonly [string, () => Store, StoreDescription["kind"], StoreDescription["fastPaths"]])[] = [
  ["express-session's MemoryStore", () => new MemoryStore(), "MemoryStore", memory],
  ["that of express-session 1.16", () => new session116.MemoryStore(), "MemoryStore", memory],
  ["memorystore", () => new (memorystore(session))({}), "memorystore", memory],
  ["connect-redis 9", () => new RedisStore({ client }), "connect-redis", all],
  [
    "connect-redis 9 on a pool",
    () => new RedisStore({ client: createClientPool() }),
    "connect-redis",
    { ...none, kicksByScript: true },
  ],
  ["connect-redis 8", () => new RedisStore8({ client }), "connect-redis", touches],
  ["connect-redis 7", () => new RedisStore7({ client }), "connect-redis", touches],
];

/** A team's own stores that look like known ones. */
class WithSessions extends MinimalStore {
  sessions: unknown;
  constructor(sessions: unknown) {
    super();
    this.sessions = sessions;
  }
}
class OfAnotherMake extends TouchedStore {
  readonly prefix = "sess:";
  readonly serializer = JSON;
  readonly disableTouch = false;
  readonly client = client;
}
class OwnMemoryStore extends MemoryStore {}
class OwnRedisStore extends RedisStore {}

const UNKNOWN: Readonly<Record<string, () => Store>> = {
  "of a team's own, with sessions in an object": () => new WithSessions({}),
  "of a team's own, with sessions in a Map": () => new WithSessions(new Map()),
  "of a team's own, with sessions in an object without a prototype": () => new WithSessions(Object.create(null)),
  "of a team's own on Redis": () => new OfAnotherMake(),
  "made of MemoryStore": () => new OwnMemoryStore(),
  "made of connect-redis": () => new OwnRedisStore({ client }),
  "a MemoryStore with further data": () => Object.assign(new MemoryStore(), { folder: "/var/sessions" }),
  "of no class": () => Object.create(null) as Store,
};

const fail = (): never => {
  throw new Error("no such store");
};

describe("a store", () => {
  it.each(KNOWN)("is recognized by its members: %s", (_name, make, kind, fastPaths) => {
    const store = make();
    expect(describeStore(store)).toEqual({
      kind,
      isInMemory: kind !== "connect-redis",
      methods: { touch: true, all: true },
      fastPaths,
    });
    expect(isMemoryStore(store)).toBe(kind !== "connect-redis");
  });

  it.each(KNOWN)("is recognized after session() and with listeners: %s", (_name, make, kind) => {
    const store = make();
    session({ store, secret: "s", resave: false, saveUninitialized: false });
    store.on("disconnect", () => undefined).setMaxListeners(20);
    expect(describeStore(store).kind).toBe(kind);
  });

  it.each(Object.keys(UNKNOWN))("has no fast path unless it is as published: %s", (name) => {
    const store = (UNKNOWN[name] ?? fail)();
    expect(describeStore(store).fastPaths).toEqual(none);
    expect(isMemoryStore(store)).toBe(false);
  });

  it.each(KNOWN)("has no fast path through methods that an app has replaced: %s", (_name, make, kind) => {
    const store = make();
    for (const name of ["get", "set", "touch", "destroy"] as const) {
      Object.assign(store, {
        [name]: (...args: unknown[]) =>
          (Store.prototype as never as Record<string, () => void>)[name]?.apply(store, args as []),
      });
    }
    expect(describeStore(store)).toMatchObject({ kind, fastPaths: none });
  });

  it("is not taken for connect-redis without all of its members", () => {
    const store = new RedisStore({ client });
    for (const name of ["prefix", "serializer", "disableTouch", "client"]) {
      expect(isConnectRedis(Object.assign(new RedisStore({ client }), { [name]: undefined }))).toBe(false);
    }
    expect(isConnectRedis(store)).toBe(true);
  });
});

describe("a server in one file, as esbuild writes it", () => {
  /** Runs in the bundle, and prints the recognized stores. */
  const SOURCE = `
    import session, { MemoryStore } from "express-session";
    import session116 from "express-session116";
    import memorystore from "memorystore";
    import { RedisStore } from "connect-redis";
    import RedisStore7 from "connect-redis7";
    import { RedisStore as RedisStore8 } from "connect-redis8";
    import { createClient } from "redis";
    import { logout } from "./lib/index.ts";
    import { rejectOtherStores } from "./lib/registry/redis/coherent-cache.ts";
    import { describeStore } from "./lib/session/store/store-support.ts";
    const client = createClient();
    class Own extends RedisStore {}
    rejectOtherStores(client, new RedisStore({ client }));
    let rejected;
    try { rejectOtherStores(client, new Own({ client })); } catch (error) { rejected = error.code; }
    logout({ store: new MemoryStore(), appId: "shop" });
    const stores = [
      new MemoryStore(), new session116.MemoryStore(), new (memorystore(session))({}),
      new RedisStore({ client }), new RedisStore8({ client }), new RedisStore7({ client }), new Own({ client }),
    ];
    console.log(JSON.stringify({ facts: stores.map(describeStore), rejected }));
    process.exit();`;

  const variants: readonly (readonly [format: "cjs" | "esm", more: readonly string[]])[] = [
    ["cjs", []],
    ["cjs", ["--minify"]],
    ["esm", ["--minify"]],
  ];

  it.each(variants)("recognizes the same stores: %s %j", (format, more) => {
    const seen = JSON.parse(runBundle(SOURCE, { format, more }).stdout) as {
      facts: StoreDescription[];
      rejected: string;
    };
    const names = [
      "express-session's MemoryStore",
      "that of express-session 1.16",
      "memorystore",
      "connect-redis 9",
      "connect-redis 8",
      "connect-redis 7",
    ];
    const expected = names.map((name) => {
      const [, make] = KNOWN.find(([each]) => each === name) ?? [];
      return make && describeStore(make());
    });
    expect(seen.facts).toEqual([...expected, describeStore(new OwnRedisStore({ client }))]);
    expect(seen.rejected).toBe("ERR_OPTION_INVALID");
  });
});
