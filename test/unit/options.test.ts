import { describe, expect, it } from "@jest/globals";
import { MemoryStore, Store } from "express-session";
import { logout, LogoutError, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";

const right = (): LogoutOptions => ({ store: new MemoryStore(), appId: "shop" });
const logoutWith = (options: object) => () => logout({ ...right(), ...options });
const error = (code: string, words: RegExp) =>
  expect.objectContaining({ name: "LogoutError", code, message: expect.stringMatching(words) });

/** A store of a team's own: not a MemoryStore. */
class OwnStore extends Store {
  get = (_sid: string, callback: (error: unknown) => void): void => callback(null);
  set = (_sid: string, _session: unknown, callback?: () => void): void => callback?.();
  destroy = (_sid: string, callback?: () => void): void => callback?.();
}

describe("logout()", () => {
  it("accepts the three required options", () => {
    expect(logout(right())).toEqual(expect.any(Function));
  });

  it("accepts undefined for an absent option, and options without a prototype", () => {
    const absent = Object.fromEntries(
      ["registry", "userId", "user", "admin", "redirectUris", "loginUrl", "routes", "onRejected"].map((name) => [
        name,
        undefined,
      ]),
    );
    expect(logoutWith(absent)).not.toThrow();
    expect(() => logout(Object.assign(Object.create(null) as object, right()))).not.toThrow();
    expect(logoutWith({ admin: {}, routes: {}, sessions: {} })).not.toThrow();
    expect(logoutWith({ routes: { login: ["/login", "/auth/f\u00fcr"], publicPath: "/sh\u00f6p/" } })).not.toThrow();
    expect(logoutWith({ routes: { login: () => true, publicPath: "/" }, loginUrl: "./login" })).not.toThrow();
    expect(logoutWith({ sessions: { adopt: new Date(0), loggedInAt: () => 0 } })).not.toThrow();
  });

  it.each(["store", "appId", "userPoolId"])("needs %s", (name) => {
    expect(logoutWith({ [name]: undefined })).toThrow(error("ERR_OPTION_INVALID", new RegExp(`${name} must be`)));
  });

  it.each([undefined, null, 7, "text", []])("refuses %j instead of its options", (options) => {
    expect(() => logout(options as unknown as LogoutOptions)).toThrow(error("ERR_OPTION_INVALID", /options must be/));
  });

  it.each([
    ["appId", ""],
    ["appId", 7],
    ["userPoolId", null],
    ["store", "redis"],
    ["registry", "redis"],
    ["userId", "userId"],
    ["user", {}],
    ["admin", []],
    ["redirectUris", "https://shop.example/"],
    ["redirectUris", ["/bye"]],
    ["redirectUris", ["https://*.shop.example/bye"]],
    ["redirectUris", ["https://shop.example/*"]],
    ["redirectUris", ["javascript:alert(1)"]],
    ["redirectUris", ["https://user:pass@shop.example/"]],
    ["defaultRedirect", "//evil.example"],
    ["defaultRedirect", "/\\evil.example"],
    ["loginUrl", "login"],
    ["routes", "/logout"],
    ["onRejected", true],
    ["maxSessionAgeMs", 0],
    ["maxSessionAgeMs", "1d"],
    ["storeTimeoutMs", Number.NaN],
    ["recheckIntervalMs", 0],
    ["recheckIntervalMs", "5s"],
    ["recheckIntervalMs", Number.POSITIVE_INFINITY],
    ["recheckIntervalMs", 2 ** 31],
    ["storeTimeoutMs", 2 ** 31],
    ["waitForTouch", "yes"],
    ["sessions", true],
  ])("refuses %s: %j", (name, value) => {
    expect(logoutWith({ [name]: value })).toThrow(error("ERR_OPTION_INVALID", new RegExp(`${name} must be`)));
  });

  it.each([
    [{ appID: "shop" }, /unknown option appID\. Known: .*appId/],
    [{ admin: { token: "x" } }, /unknown option admin\.token\. Known: tokens, authorizeToken, authorize/],
    [{ routes: { logOut: "/x" } }, /unknown option routes\.logOut/],
    [{ sessions: { adoption: true } }, /unknown option sessions\.adoption\. Known: adopt, loggedInAt/],
  ])("refuses the unknown option %j", (options, words) => {
    expect(logoutWith(options)).toThrow(error("ERR_OPTION_UNKNOWN", words));
  });

  it.each([
    [{ admin: { tokens: [undefined] } }, /admin\.tokens must be .*environment variable/],
    [{ admin: { tokens: [""] } }, /admin\.tokens/],
    [{ admin: { tokens: "secret" } }, /admin\.tokens/],
    [{ admin: { authorize: true } }, /admin\.authorize/],
    [{ sessions: { adopt: "never" } }, /sessions\.adopt must be/],
    [{ sessions: { adopt: 0 } }, /sessions\.adopt must be/],
    [{ sessions: { adopt: new Date(NaN) } }, /sessions\.adopt must be/],
    [{ sessions: { loggedInAt: new Date(0) } }, /sessions\.loggedInAt must be/],
    [{ routes: { logout: "logout" } }, /routes\.logout/],
    [{ routes: { logout: true } }, /routes\.logout/],
    [{ routes: { activeUsers: ["/a", 7] } }, /routes\.activeUsers/],
    [{ routes: { logout: "/a\r\nb" } }, /routes\.logout/],
    [{ routes: { assets: "/a\tb" } }, /routes\.assets/],
    ...["login", "//evil.example", "/a?b", "/auth/:provider", "/auth/*all", 7, true, ["/login", ""]].map(
      (login) => [{ routes: { login } }, /routes\.login must be .*function/] as const,
    ),
    ...["/a\r\nb", "/a\tb", "/../x", "/a/./b", "/a%2Fb", ["/login", "/a\\b"], async () => Promise.resolve(true)].map(
      (login) => [{ routes: { login } }, /routes\.login must be .*not async/] as const,
    ),
    ...["shop", "//evil.example", "/\\evil", "/a/../b", "/a\r\nb", "/a?b", "https://shop.example", "", "\ud800", 7].map(
      (publicPath) => [{ routes: { publicPath } }, /routes\.publicPath must be/] as const,
    ),
    [{ redirectUris: ["https://*.shop.example/"] }, /redirectUris must be .*compared exactly/],
    [{ redirectUris: ["https://shop.example/*"] }, /redirectUris must be/],
    [{ loginUrl: ".//evil.example" }, /loginUrl must be/],
    [{ loginUrl: "/\t/evil.example" }, /loginUrl must be/],
    [{ defaultRedirect: "./\t/evil.example" }, /defaultRedirect must be/],
    [{ defaultRedirect: "../" }, /defaultRedirect must be/],
  ])("refuses %j", (options, words) => {
    expect(logoutWith(options)).toThrow(error("ERR_OPTION_INVALID", words));
  });

  it("shows no token in errors about tokens", () => {
    expect(logoutWith({ admin: { tokens: ["a secret", 7] } })).toThrow(
      expect.not.objectContaining({ message: /a secret/ }),
    );
  });

  it("needs a registry for a store that several processes may share, and names the registries", () => {
    expect(logoutWith({ store: new OwnStore() })).toThrow(
      error("ERR_REGISTRY_REQUIRED", /RedisLoginRegistry.*express-logout\/redis/),
    );
    expect(logoutWith({ store: new OwnStore(), registry: new MemoryLoginRegistry() })).not.toThrow();
  });

  it.each(["get", "set", "destroy"])("refuses a store without %s()", (name) => {
    const store = Object.assign(new OwnStore(), { [name]: undefined });
    const options = { store, registry: new MemoryLoginRegistry() };
    expect(logoutWith(options)).toThrow(error("ERR_STORE_INVALID", new RegExp(`no ${name}\\(\\)`)));
  });

  it("refuses a store that is hooked already", () => {
    const store = new MemoryStore();
    logout({ ...right(), store });
    expect(logoutWith({ store })).toThrow(error("ERR_STORE_IN_USE", /once for a store/));
  });

  it("refuses a registry of another application", () => {
    const registry = new MemoryLoginRegistry();
    logout({ ...right(), registry });
    expect(logoutWith({ registry, appId: "blog" })).toThrow(error("ERR_REGISTRY_IN_USE", /"shop".*"blog"/));
  });

  it("changes no store whose options are wrong", () => {
    const store = new MemoryStore();
    expect(logoutWith({ store, appId: "" })).toThrow(LogoutError);
    expect(Object.getOwnPropertyNames(store)).not.toContain("get");
  });
});

describe("PostgresLoginRegistry", () => {
  const pool = { connect: () => Promise.reject(new Error("never")) };

  it.each([{}, { pool: undefined }, { pool: null }, { pool: {} }, { pool: "postgres://" }])("refuses %j", (options) => {
    expect(() => new PostgresLoginRegistry(options as never)).toThrow(error("ERR_OPTION_INVALID", /pool/));
  });

  it.each([0, -1, Number.NaN, Infinity, "1"])("refuses a timeout of %j", (timeoutMs) => {
    const make = (): unknown => new PostgresLoginRegistry({ pool, timeoutMs: timeoutMs as number });
    expect(make).toThrow(error("ERR_OPTION_INVALID", /timeoutMs/));
  });

  it.each([{ prefix: 7 }, { schema: 7 }, { schema: "x".repeat(64) }])("refuses %j", (names) => {
    expect(() => new PostgresLoginRegistry({ pool, ...(names as object) })).toThrow(
      error("ERR_OPTION_INVALID", /must be/),
    );
  });

  it("accepts names as long as PostgreSQL does", () => {
    expect(() => new PostgresLoginRegistry({ pool, schema: "x".repeat(63), prefix: "y".repeat(40) })).not.toThrow();
  });

  it.each([
    [undefined, "PostgreSQL: unknown"],
    ["down", "PostgreSQL: unknown"],
    [{ code: "42P01" }, "PostgreSQL: unknown"],
    [Object.assign(new Error("down"), { code: 7 }), "down"],
    [new Error("down"), "down"],
  ])("reports an unavailable registry for every rejection of the pool: %p", async (reason, message) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- that is the point
    const registry = new PostgresLoginRegistry({ pool: { connect: () => Promise.reject(reason) } });
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    const caught: unknown = await registry.list("alice", { offset: 0, limit: 1 }).catch((error: unknown) => error);
    expect(caught).toMatchObject({ message: expect.stringMatching(/Login registry (unavailable|not ready)/) });
    expect(caught).toHaveProperty("cause.message", message);
    expect(caught).not.toHaveProperty("cause.code");
  });

  it("serves one application, even after a repeated init, and none before", async () => {
    const registry = new PostgresLoginRegistry({ pool });
    await expect(registry.list("alice", { offset: 0, limit: 1 })).rejects.toMatchObject({
      code: "ERR_REGISTRY_REQUIRED",
    });
    const initFor = (appId: string) => () => {
      registry.init({ appId, maxSessionAgeMs: 1_000 });
    };
    for (const appId of ["shop", "shop"]) expect(initFor(appId)).not.toThrow();
    expect(initFor("blog")).toThrow(error("ERR_REGISTRY_IN_USE", /pool can be shared/));
  });
});

describe("RedisLoginRegistry", () => {
  it.each([{}, { client: undefined }, { client: {} }, { client: "redis://" }])("refuses %j", (options) => {
    expect(() => new RedisLoginRegistry(options as never)).toThrow(error("ERR_OPTION_INVALID", /needs \{ client \}/));
  });

  it.each([0, -1, Number.NaN, "2s"])("refuses timeoutMs: %j", (timeoutMs) => {
    const client = { sendCommand: () => Promise.resolve(null) };
    const make = () => new RedisLoginRegistry({ client, timeoutMs: timeoutMs as number });
    expect(make).toThrow(error("ERR_OPTION_INVALID", /timeoutMs/));
  });

  it("rejects calls before logout() has initialized it", async () => {
    const registry = new RedisLoginRegistry({ client: { sendCommand: () => Promise.resolve(null) } });
    await expect(registry.list("alice", { offset: 0, limit: 1 })).rejects.toMatchObject({
      code: "ERR_REGISTRY_REQUIRED",
    });
  });
});
