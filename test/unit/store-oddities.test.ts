import { inspect, promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore } from "express-session";
import { LogoutError, MemoryLoginRegistry } from "../../lib/index.js";
import { LoginWatcher } from "../../lib/live/login-watcher.js";
import { EndNotifications } from "../../lib/live/notifications.js";
import { resolveLogins } from "../../lib/options/logins.js";
import { newKickRecord } from "../../lib/registry/generation.js";
import { RawStore } from "../../lib/session/store/raw-store.js";
import { StoreHook } from "../../lib/session/hook.js";
import type { UserIdOf } from "../../lib/session/user-id.js";

type Callback = (error?: unknown, value?: unknown) => void;
const noListeners = {
  login: () => undefined,
  logout: () => undefined,
  confirmed: () => undefined,
  rejected: () => undefined,
  newKick: newKickRecord,
  kicked: () => undefined,
};

const UNAVAILABLE = { code: "ERR_STORE_UNAVAILABLE", status: 503 };

function caught(fail: () => never, done: Callback): void {
  try {
    fail();
  } catch (error) {
    done(error);
  }
}

interface PromisedStore {
  get(sid: string): Promise<unknown>;
  set(sid: string, data: object): Promise<void>;
}

/** A store for callers that pass no callback. */
function promised(store: MemoryStore): PromisedStore {
  return store as unknown as PromisedStore;
}

function storeWith(methods: object): MemoryStore {
  return Object.assign(new MemoryStore(), methods);
}

function hook(store: MemoryStore, userId: UserIdOf = (session) => session["userId"]): StoreHook {
  const registry = new MemoryLoginRegistry();
  registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
  const source = { registry, notifications: new EndNotifications(registry, 1_000), liveCheckIntervalMs: 1_000 };
  const hooked = new StoreHook(store, new LoginWatcher(source));
  hooked.use({
    appId: "shop",
    registry,
    userId,
    sessions: {
      maxAgeMs: 1_000,
      storeTimeoutMs: 50,
      touchIntervalMs: 0,
      waitForTouch: true,
      adopt: true,
      loggedInAt: undefined,
    },
    logins: resolveLogins({}, {}, 50),
    events: noListeners,
  });
  return hooked;
}

describe("a store that", () => {
  it("is synchronous is read", async () => {
    const raw = new RawStore(storeWith({ get: (_sid: string, done: Callback) => done(null, { a: 1 }) }), 50, true);
    expect(await raw.get("sid")).toEqual({ a: 1 });
  });

  it("answers twice is used once", async () => {
    const store = storeWith({
      get: (_sid: string, done: Callback) => {
        done(null, { cookie: {} });
        done(new Error("again"));
      },
    });
    hook(store);
    const answers: unknown[][] = [];
    store.get("sid", (...answer) => answers.push(answer));
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([[null, { cookie: {} }]]);
  });

  it("throws is unavailable", async () => {
    const broken = new Error("broken");
    const raw = new RawStore(
      storeWith({
        get: () => {
          throw broken;
        },
      }),
      50,
      true,
    );
    await expect(raw.get("sid")).rejects.toMatchObject({ ...UNAVAILABLE, cause: { message: "broken" } });
  });

  it("rejects without calling back is unavailable", async () => {
    const broken = new Error("broken");
    const raw = new RawStore(storeWith({ set: () => Promise.reject(broken) }), 50, true);
    await expect(raw.set("sid", {})).rejects.toMatchObject({ ...UNAVAILABLE, cause: { message: "broken" } });
  });

  it("resolves before it calls back is waited for", async () => {
    const raw = new RawStore(
      storeWith({
        get: (_sid: string, done: Callback) => {
          setImmediate(done, null, { a: 1 });
          return Promise.resolve(undefined);
        },
      }),
      50,
      true,
    );
    expect(await raw.get("sid")).toEqual({ a: 1 });
  });

  it("reports a missing session by ENOENT has no session to read or to touch", async () => {
    const missing = Object.assign(new Error("no such file"), { code: "ENOENT" });
    const methods = {
      get: (_sid: string, done: Callback) => done(missing),
      touch: (_sid: string, _data: object, done: Callback) => done(missing),
    };
    const raw = new RawStore(storeWith(methods), 50, true);
    expect(await raw.get("sid")).toBeUndefined();
    await expect(promisify(raw.touch.bind(raw))("sid", {})).resolves.toBeUndefined();
  });

  it.each(["get", "touch", "set", "destroy"])(
    "cannot be reached behind a Unix socket is no missing session: %s",
    async (name) => {
      const error = Object.assign(new Error("connect ENOENT /run/db"), { code: "ENOENT", syscall: "connect" });
      const method = (...args: unknown[]): void => {
        (args.at(-1) as Callback)(error);
      };
      const raw = new RawStore(storeWith({ [name]: method }), 50, true);
      const asked = name === "touch" ? promisify(raw.touch.bind(raw))("sid", {}) : raw[name as "set"]("sid", {});
      const cause = { code: "ENOENT", message: "connect ENOENT /run/db" };
      await expect(asked).rejects.toMatchObject({ ...UNAVAILABLE, cause });
    },
  );

  it.each([
    [
      "calls back an error",
      (fail: () => never, done: Callback) => {
        caught(fail, done);
        return undefined;
      },
    ],
    ["calls back an error later", (fail: () => never, done: Callback) => void setImmediate(caught, fail, done)],
    ["throws", (fail: () => never) => fail()],
    ["rejects", (fail: () => never) => Promise.resolve().then(fail)],
  ])("%s that holds the session id and data shows neither: each method", async (_how, act) => {
    const secrets = ["the-session-id", 'a "token"', "deep token"];
    const data = { cookie: {}, token: secrets[1], deep: [{ token: secrets[2] }] };
    for (const name of ["get", "set", "destroy", "touch", "regenerate"] as const) {
      const method = (...args: unknown[]): unknown => {
        const fail = (): never => {
          throw Object.assign(new Error(`failed: ${secrets.join()} ${JSON.stringify(data)}`), { code: "ECODE", args });
        };
        return act(fail, args.at(-1) as Callback);
      };
      const raw = new RawStore(storeWith({ [name]: method }), 50, true);
      const asked = {
        get: () => raw.get("the-session-id"),
        set: () => raw.set("the-session-id", data),
        destroy: () => raw.destroy("the-session-id"),
        touch: () => promisify(raw.touch.bind(raw))("the-session-id", data),
        regenerate: () => raw.regenerate({ sessionID: "the-session-id" }),
      }[name];
      const error: unknown = await asked().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        ...UNAVAILABLE,
        message: `The session store failed in ${name}(). Try again.`,
        cause: { code: "ECODE", message: expect.stringContaining("failed") },
      });
      const shown = inspect(error, { depth: 9, showHidden: true });
      expect(shown).not.toContain("the-session-id");
      const hasData = ["set", "touch"].includes(name);
      expect(hasData && /deep token|a \\*"token/.test(shown)).toBe(false);
    }
  });

  it("fails on data that cannot be read is unavailable, without a cause", async () => {
    const data = Object.defineProperty({}, "a", {
      enumerable: true,
      get: () => {
        throw new Error("cannot be read");
      },
    });
    const raw = new RawStore(
      storeWith({ set: (...args: unknown[]) => (args[2] as Callback)(new Error("a")) }),
      50,
      true,
    );
    const error: unknown = await raw.set("sid", data).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(UNAVAILABLE);
    expect(error).not.toHaveProperty("cause");
  });

  it("passes on an error of this package unchanged", async () => {
    const own = new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down.");
    const raw = new RawStore(storeWith({ regenerate: (_req: object, done: Callback) => done(own) }), 50, true);
    await expect(raw.regenerate({})).rejects.toBe(own);
  });

  it("has no session to destroy, by ENOENT, has destroyed it", async () => {
    const missing = Object.assign(new Error("no such file"), { code: "ENOENT" });
    const raw = new RawStore(storeWith({ destroy: (_sid: string, done: Callback) => done(missing) }), 50, true);
    await expect(raw.destroy("sid")).resolves.toBeUndefined();
  });

  it("calls back without an error, be it null or undefined, has given its answer", async () => {
    for (const none of [null, undefined]) {
      const raw = new RawStore(storeWith({ get: (_sid: string, done: Callback) => done(none, { a: 1 }) }), 50, true);
      expect(await raw.get("sid")).toEqual({ a: 1 });
    }
  });

  it("has another value under the name of an optional method is accepted", () => {
    const raw = new RawStore(storeWith({ touch: null, clear: "yes" }), 50, true);
    expect([raw.has("touch"), raw.has("clear")]).toEqual([false, false]);
  });

  it("lacks a required method causes an error that names the method", async () => {
    await expect(new RawStore(storeWith({ clear: null }), 50, true).clear()).rejects.toMatchObject({
      code: "ERR_STORE_INVALID",
    });
  });

  it("is cleared is empty", async () => {
    const store = new MemoryStore();
    hook(store);
    await promised(store).set("sid", { cookie: {} });
    await promisify(store.clear.bind(store))();
    expect(await promised(store).get("sid")).toBeNull();
  });

  it("never answers times out", async () => {
    const raw = new RawStore(storeWith({ get: () => undefined }), 20, true);
    await expect(raw.get("sid")).rejects.toMatchObject({ code: "ERR_STORE_UNAVAILABLE", status: 503 });
  });
});

describe("the hooked store", () => {
  it("passes on errors of the app's own function, from every method", async () => {
    const broken = new Error("broken");
    const store = new MemoryStore();
    const userId = (): never => {
      throw broken;
    };
    hook(store, userId);
    const session = { cookie: {} };
    Reflect.set(store, "sessions", { sid: JSON.stringify(session) });
    await expect(promisify(store.get.bind(store))("sid")).rejects.toBe(broken);
    await expect(promised(store).get("sid")).rejects.toBe(broken);
    await expect(promised(store).set("sid", session)).rejects.toBe(broken);
    await expect(promisify(store.touch.bind(store))("sid", session as never)).rejects.toBe(broken);
  });

  it("supports promises too", async () => {
    const store = new MemoryStore();
    hook(store);
    await promised(store).set("sid", { cookie: {}, visits: 3 });
    expect(await promised(store).get("sid")).toMatchObject({ visits: 3 });
  });

  it("leaves no rejection unhandled without a callback", async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listener);
    const store = storeWith({ destroy: (_sid: string, done: Callback) => done(new Error("broken")) });
    hook(store);
    store.destroy("sid");
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });

  it("adds no method that the store lacks, and no enumerable method", () => {
    const store: MemoryStore = storeWith({ touch: undefined });
    hook(store);
    expect(typeof (store as { touch?: unknown }).touch).toBe("undefined");
    expect(Object.keys(store)).not.toContain("get");
  });

  it("is hooked may be wrapped by others after that", async () => {
    const store = new MemoryStore();
    hook(store);
    const hooked = store.get.bind(store);
    const asked: string[] = [];
    store.get = (sid, callback) => {
      asked.push(sid);
      hooked(sid, callback);
    };
    Object.defineProperty(store, "set", { value: store.set.bind(store), enumerable: false });
    expect(await promisify(store.get.bind(store))("sid")).toBeNull();
    expect(asked).toEqual(["sid"]);
  });

  it.each([["a text"], [{ a: "text" }], [null]])("keeps session data called req as data: %j", async (req) => {
    const store = new MemoryStore();
    hook(store);
    await promised(store).set("sid", { cookie: {}, userId: "alice", req });
    expect(await promised(store).get("sid")).toMatchObject({ userId: "alice", req });
  });

  it("cannot be cleared gets no clear()", () => {
    const store: MemoryStore = storeWith({ clear: undefined });
    hook(store);
    expect(typeof (store as { clear?: unknown }).clear).toBe("undefined");
  });

  it("recognizes the session of a user that was written manually", async () => {
    const store = new MemoryStore();
    hook(store);
    await promised(store).set("sid", { cookie: {}, userId: "alice" });
    expect(await promised(store).get("sid")).toMatchObject({ userId: "alice" });
  });
});
