import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { MemoryStore, Store } from "express-session";
import { logout, LogoutError, MemoryLoginRegistry, type LogoutOptions } from "../../lib/index.js";
import { PostgresLoginRegistry } from "../../lib/registry/postgres/index.js";
import { RedisLoginRegistry } from "../../lib/registry/redis/index.js";
import { SqliteLoginRegistry } from "../../lib/registry/sqlite/index.js";

const right = (): LogoutOptions => ({ store: new MemoryStore(), appId: "shop" });
const yes = (): boolean => true;
const ADMIN = { userPoolId: "acme", tokens: ["token"] };
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
  it("accepts the two required options", () => {
    expect(logout(right())).toEqual(expect.any(Function));
  });

  it.each([
    "registry",
    "userId",
    "sessions",
    "logins",
    "pages",
    "console",
    "admin",
    "redirects",
    "routes",
    "onRejected",
    "audit",
  ])("accepts undefined for an absent option: %s", (name) => {
    expect(logoutWith({ [name]: undefined })).not.toThrow();
  });

  it("accepts options without a prototype", () => {
    expect(() => logout(Object.assign(Object.create(null) as object, right()))).not.toThrow();
  });

  it.each([
    { sessions: {}, logins: {}, pages: {}, redirects: {}, routes: {} },
    { logins: { max: 1, lifetime: {}, startsFresh: () => true } },
    { pages: { confirmIdentity: { maxAgeMs: 0.5, confirmUrl: "/confirm?a=1" } } },
    { logins: { max: Infinity, lifetime: { absoluteMs: 1, idleMs: 0.5 } } },
    { logins: { max: { count: () => 3, whenFull: "refuseNew", reason: "" }, lifetime: () => ({}) } },
    {
      sessions: { maxAgeMs: undefined, adopt: undefined },
      pages: { locale: undefined },
      redirects: { login: undefined },
    },
    { sessions: { adopt: new Date(0), loggedInAt: () => 0, touchIntervalMs: 0, maxAgeMs: 1e15 } },
    { pages: { html: false } },
    { pages: { texts: {} } },
    { pages: { texts: { en: {}, de: undefined, "zh-TW": { logOut: "" } } } },
    { pages: { texts: { en: { logOut: undefined, dates: "en-US", "events.kick": "Ended", since: String } } } },
    { pages: { brandName: "Shop", accentColor: "rebeccapurple", locale: "zh" } },
    { console: { authorize: yes, searchUsers: undefined } },
    { console: { authorize: yes }, routes: { console: ["/online", "/:appId/online"] } },
    { admin: ADMIN },
    { admin: { ...ADMIN, authorize: undefined, routes: undefined } },
    { admin: { ...ADMIN, routes: { kickActiveUsers: ["/kick"], activeUsers: false } } },
    { redirects: { allow: [], default: "https://shop.example/", login: false } },
    { routes: { login: ["/login", "/auth/f\u00fcr"], publicPath: "/sh\u00f6p/" } },
    { routes: { login: () => true, publicPath: "/" }, redirects: { login: "./login" } },
  ])("accepts %j", (options) => {
    expect(logoutWith(options)).not.toThrow();
  });

  it.each(["store", "appId"])("needs %s", (name) => {
    expect(logoutWith({ [name]: undefined })).toThrow(error("ERR_OPTION_INVALID", new RegExp(`${name} must be`)));
  });

  it.each([
    ["admin.userPoolId", { admin: { tokens: ["token"] } }],
    ["admin.userPoolId", { admin: { ...ADMIN, userPoolId: undefined } }],
    ["admin.userPoolId", { admin: {} }],
    ["admin.tokens", { admin: { userPoolId: "acme" } }],
    ["admin.tokens", { admin: { ...ADMIN, tokens: undefined } }],
    ["console.authorize", { console: {} }],
    ["console.authorize", { console: { authorize: undefined } }],
    ["console.authorize", { console: { searchUsers: () => [] } }],
    ["console.authorize", { routes: { console: "/online" } }],
    ["console.authorize", { routes: { console: [] } }],
  ])("needs %s in its group: %j", (name, options) => {
    expect(logoutWith(options)).toThrow(error("ERR_OPTION_INVALID", new RegExp(`logout\\(\\): ${name} must be`)));
  });

  it("needs no console.authorize with routes.console: false", () => {
    expect(logoutWith({ routes: { console: false } })).not.toThrow();
  });

  it.each([undefined, null, 7, "text", []])("refuses %j instead of its options", (options) => {
    expect(() => logout(options as unknown as LogoutOptions)).toThrow(error("ERR_OPTION_INVALID", /options must be/));
  });

  it("accepts no routes at all, with a console or without", () => {
    expect(logoutWith({ routes: false })).not.toThrow();
    expect(logoutWith({ routes: false, console: { authorize: yes } })).not.toThrow();
  });

  it.each(["sessions", "pages", "console", "admin", "redirects", "routes", "audit"])(
    "refuses a %s that is no group",
    (name) => {
      for (const value of [null, true, "/logout", 7, [], () => true]) {
        expect(logoutWith({ [name]: value })).toThrow(
          error("ERR_OPTION_INVALID", new RegExp(`logout\\(\\): ${name} must be an object: \\{`)),
        );
      }
    },
  );

  it("refuses admin.routes that is no group", () => {
    for (const routes of [null, "/kick", []]) {
      expect(logoutWith({ admin: { ...ADMIN, routes } })).toThrow(
        error("ERR_OPTION_INVALID", /admin\.routes must be an object: \{ kickActiveUsers, activeUsers \}/),
      );
    }
  });

  const PATHS = ["logout", true, 7, null, ["/a", 7], ["/a", ""], "/a\r\nb", "//evil.example", "/\\evil.example"];
  const TIMERS = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "5s", null];
  /** Wrong values of every option, and what the message says. */
  const WRONG: readonly (readonly [name: string, words: RegExp, values: readonly unknown[]])[] = [
    ["logins.max", /whole number above 0, or Infinity/, [0, -1, 1.5, NaN, "3", null, true]],
    ["logins.max.count", /whole number above 0, or Infinity, or a function/, [0, -1, 1.5, NaN, "3", null]],
    ["logins.max.whenFull", /"endLeastActive" or "refuseNew"/, ["ignore", null]],
    ["logins.max.reason", /text of at most 500/, [7, "x".repeat(501)]],
    ["logins.lifetime", /object: \{ absoluteMs, idleMs \}, or a function/, [0, 1_000, "1h", null]],
    ["logins.startsFresh", /\(req\) => true/, [true, {}, "/login", null]],
    ["logins.lifetime.absoluteMs", /milliseconds above 0/, [0, -1, NaN, Infinity, "1h", null]],
    ["logins.lifetime.idleMs", /milliseconds above 0/, [0, -1, NaN, Infinity, "1h", null]],
    ["store", /session store/, ["redis", null, []]],
    ["appId", /non-empty/, ["", 7, null]],
    ["registry", /SqliteLoginRegistry.*RedisLoginRegistry/, ["redis", null, []]],
    ["userId", /\(session\) => user id/, ["userId", null, {}]],
    ["onRejected", /function/, [true, null, {}]],
    ["sessions.maxAgeMs", /above 0/, [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1d", null]],
    ["sessions.storeTimeoutMs", /less than 25 days/, TIMERS],
    ["sessions.touchIntervalMs", /0 or more/, [-1, Number.NaN, Number.POSITIVE_INFINITY, "1m", null]],
    ["sessions.waitForTouch", /true or false/, ["yes", 1, null]],
    ["sessions.liveCheckIntervalMs", /less than 25 days/, TIMERS],
    ["sessions.adopt", /valid Date/, ["never", 0, new Date(NaN), null]],
    ["sessions.loggedInAt", /\(session\) => Date/, [new Date(0), "at", null]],
    ["pages.brandName", /non-empty/, ["", 7, null]],
    ["pages.accentColor", /CSS colour/, ["", "#12", "red;", "url(x)}", 7, null]],
    ["pages.locale", /one of en, zh, de, .*zh-TW/, ["it", "pt", "", "toString", 7, null]],
    ["pages.texts", /an object of texts by language/, [null, [], "en", () => ({})]],
    ["pages.texts.en", /an object of texts: \{ logOut/, [null, [], "Log out", () => "Log out"]],
    ["pages.texts.de.logOut", /a string: the text gets no values/, [() => "Abmelden", 7, null, {}]],
    ["pages.texts.de.dates", /a BCP 47 tag/, ["German", "de_DE", "", "xx"]],
    ["pages.texts.pt-BR.andMore", /a function that gets 1 value/, ["mais", 7, null, async () => Promise.resolve("")]],
    ["pages.texts.en.forced", /a function that gets 2 values and returns the text, not a promise/, ["forced"]],
    ["pages.describeUser", /\(userId\) => profile/, [{}, "name", null]],
    [
      "pages.confirmIdentity",
      /\{ maxAgeMs, confirmUrl \}, or a function: \(req\) => true/,
      [true, "/confirm", [], null],
    ],
    ["pages.confirmIdentity.maxAgeMs", /above 0/, [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5m", null]],
    [
      "pages.confirmIdentity.confirmUrl",
      /a path of this site/,
      ["", "confirm", "//x", "/\\x", "/a#b", "https://x/", 7],
    ],
    ["console.authorize", /\(req, context\) => boolean/, [true, {}, null]],
    ["console.searchUsers", /\(text\) => user ids/, [[], "alice", null]],
    ["admin.userPoolId", /non-empty/, ["", 7, null]],
    [
      "admin.tokens",
      /at least one token.*environment variable/,
      [[], [undefined], [""], ["a", ""], ["a", 7], "secret", null],
    ],
    ["audit.log", /\(entry\) =>/, [true, {}, null]],
    ["admin.authorize", /\(req, context\) => boolean/, [true, {}, null]],
    ["admin.routes.kickActiveUsers", /path/, PATHS],
    ["admin.routes.activeUsers", /path/, PATHS],
    [
      "redirects.allow",
      /compared exactly/,
      [
        "https://shop.example/",
        ["/bye"],
        ["https://*.shop.example/bye"],
        ["https://shop.example/*"],
        ["javascript:alert(1)"],
        ["https://user:pass@shop.example/"],
        [7],
        null,
      ],
    ],
    ["redirects.default", /one slash/, ["//evil.example", "/\\evil.example", "./\t/evil.example", "../", false, null]],
    ["redirects.login", /or false/, ["login", ".//evil.example", "/\t/evil.example", true, null]],
    ["pages.html", /true or false/, ["no", 0, null]],
    ["routes.logout", /path/, PATHS],
    ["routes.personalCenter", /path/, PATHS],
    ["routes.console", /path/, PATHS],
    ["routes.assets", /path/, ["/a\tb", "assets", false, ["/a"], null]],
    [
      "routes.login",
      /function/,
      ["login", "//evil.example", "/a?b", "/auth/:provider", "/auth/*all", 7, true, ["/login", ""]],
    ],
    [
      "routes.login",
      /not async/,
      ["/a\r\nb", "/a\tb", "/../x", "/a/./b", "/a%2Fb", ["/login", "/a\\b"], async () => Promise.resolve(true)],
    ],
    [
      "routes.publicPath",
      /such as \/shop/,
      ["shop", "//evil.example", "/\\evil", "/a/../b", "/a\r\nb", "/a?b", "https://shop.example", "", "\ud800", 7],
    ],
  ];

  /** The options with this one; its group has what it needs. */
  function withOption(name: string, value: unknown): object {
    const [group = "", ...rest] = name.split(".");
    if (rest.length === 0) return { [group]: value };
    const confirmIdentity = { maxAgeMs: 1, confirmUrl: "/confirm" };
    const needed =
      { admin: ADMIN, console: { authorize: () => true }, max: { count: 1 }, confirmIdentity }[group] ?? {};
    return { [group]: { ...needed, ...withOption(rest.join("."), value) } };
  }

  it.each(WRONG.flatMap(([name, words, values]) => values.map((value) => [name, value, words] as const)))(
    "refuses %s: %j",
    (name, value, words) => {
      const start = new RegExp(`^logout\\(\\): ${name} must be .*${words.source}`);
      expect(logoutWith(withOption(name, value))).toThrow(error("ERR_OPTION_INVALID", start));
    },
  );

  it.each([
    [
      { appID: "shop" },
      /unknown option appID\. Known: store, appId, registry, userId, sessions, .*onRejected, audit\./,
    ],
    [{ userPoolId: "acme" }, /unknown option userPoolId\. Known: .*admin/],
    [{ loginUrl: "/login" }, /unknown option loginUrl\. Known: .*redirects/],
    [{ sessions: { adoption: true } }, /unknown option sessions\.adoption\. Known: maxAgeMs, .*adopt, loggedInAt\./],
    [{ pages: { user: () => ({}) } }, /unknown option pages\.user\. Known: html, brandName, .*describeUser/],
    [
      { console: { authorize: () => true, tokens: [] } },
      /unknown option console\.tokens\. Known: authorize, administrators, searchUsers\./,
    ],
    [
      { admin: { ...ADMIN, token: "x" } },
      /unknown option admin\.token\. Known: userPoolId, tokens, authorize, routes\./,
    ],
    [
      { admin: { ...ADMIN, routes: { kick: "/kick" } } },
      /unknown option admin\.routes\.kick\. Known: kickActiveUsers, activeUsers\./,
    ],
    [{ redirects: { logout: "/" } }, /unknown option redirects\.logout\. Known: allow, default, login\./],
    [{ routes: { logOut: "/x" } }, /unknown option routes\.logOut\. Known: logout, .*publicPath\./],
    [{ routes: { kickActiveUsers: "/x" } }, /unknown option routes\.kickActiveUsers/],
  ])("refuses the unknown option %j", (options, words) => {
    expect(logoutWith(options)).toThrow(error("ERR_OPTION_UNKNOWN", words));
  });

  it.each([
    [{ pt_BR: {} }, /pages\.texts has no pt_BR\. Did you mean pt-BR\? Languages: en, zh, .*zh-TW\./],
    [{ it: undefined }, /pages\.texts has no it\. Languages: en/],
    [{ toString: {} }, /pages\.texts has no toString\. Languages/],
    [
      { en: { logout: "x" } },
      /pages\.texts\.en has no logout\. Did you mean logOut\? All names: docs\/reference\/texts\.md/,
    ],
    [{ en: { "event.kick": "x" } }, /has no event\.kick\. Did you mean events\.kick\?/],
    [{ en: { events: { kick: "x" } } }, /pages\.texts\.en has no events\. .*All names/],
    [{ en: { language: "en-US" } }, /pages\.texts\.en has no language\. All names/],
    [{ de: { hasOwnProperty: "x" } }, /pages\.texts\.de has no hasOwnProperty\. All names/],
    [{ de: { valueOf: undefined } }, /pages\.texts\.de has no valueOf\. All names/],
  ])("refuses texts that there are not: %j", (texts, words) => {
    expect(logoutWith({ pages: { texts } })).toThrow(error("ERR_OPTION_INVALID", words));
  });

  const SHA256 = createHash("sha256").update("a secret").digest("hex");
  const tokenOf = (token: object) => ({
    admin: { ...ADMIN, tokens: ["token", { name: "ci", sha256: SHA256, ...token }] },
  });

  it.each([
    ["name", [undefined, "", 7, null, "x".repeat(101)]],
    ["sha256", [undefined, "", 7, "a secret", SHA256.slice(1), `${SHA256}0`, createHash("sha256").digest("hex")]],
    ["may", [[], "kick", ["kick", "read"], [undefined], null]],
    ["until", [new Date(NaN), "", "soon", "2027", "2027-13-01", "31.01.2027", 1_800_000_000_000, null]],
  ])("refuses a wrong %s of a token", (name, values) => {
    for (const value of values) {
      expect(logoutWith(tokenOf({ [name]: value }))).toThrow(
        error("ERR_OPTION_INVALID", new RegExp(`admin\\.tokens\\[1\\]\\.${name} must be`)),
      );
    }
  });

  it("accepts tokens by their digest", () => {
    const tokens = [
      {},
      { sha256: SHA256.toUpperCase() },
      { may: ["list"] },
      { until: new Date(0) },
      { until: "2027-01-31" },
    ];
    for (const token of [...tokens, { until: "2027-01-31T12:00:00+01:00" }]) {
      expect(logoutWith(tokenOf(token))).not.toThrow();
    }
  });

  it("refuses an unknown member of a token, and a token that is there twice", () => {
    expect(logoutWith(tokenOf({ rights: ["list"] }))).toThrow(
      error("ERR_OPTION_UNKNOWN", /admin\.tokens\[1\]\.rights\. Known: name, sha256, may, until/),
    );
    const twice = { admin: { ...ADMIN, tokens: ["a secret", { name: "ci", sha256: SHA256 }] } };
    expect(logoutWith(twice)).toThrow(error("ERR_OPTION_INVALID", /that of ci is there twice/));
    expect(logoutWith({ admin: { ...ADMIN, tokens: ["a secret", "a secret"] } })).not.toThrow();
  });

  it("shows no token in errors about tokens", () => {
    expect(logoutWith({ admin: { ...ADMIN, tokens: ["a secret", 7] } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("a secret") }),
    );
  });

  it("needs a registry for a store that several processes may share, and names the registries", () => {
    expect(logoutWith({ store: new OwnStore() })).toThrow(
      error(
        "ERR_REGISTRY_REQUIRED",
        /One machine: new SqliteLoginRegistry\(\{ database: "logins\.db" \}\) from express-logout\/sqlite\. Several: .*RedisLoginRegistry.*express-logout\/redis.*PostgresLoginRegistry/,
      ),
    );
    expect(logoutWith({ store: new OwnStore(), registry: new MemoryLoginRegistry() })).not.toThrow();
  });

  it.each(["get", "set", "destroy"])("refuses a store without %s()", (name) => {
    const store = Object.assign(new OwnStore(), { [name]: undefined });
    const options = { store, registry: new MemoryLoginRegistry() };
    expect(logoutWith(options)).toThrow(error("ERR_STORE_INVALID", new RegExp(`no ${name}\\(\\)`)));
  });

  it("refuses logins.max without a count", () => {
    expect(logoutWith({ logins: { max: { reason: "x" } } })).toThrow(
      error("ERR_OPTION_INVALID", /logins\.max\.count must be/),
    );
  });

  it.each([
    [{ max: 3 }, "max"],
    [{ max: { count: () => 3 } }, "max"],
    [{ lifetime: { absoluteMs: 1_000 } }, "lifetime"],
    [{ lifetime: () => ({}) }, "lifetime"],
  ])("refuses %j on a registry that does not support it", (logins, name) => {
    for (const supports of [undefined, {}]) {
      const registry = Object.assign(new MemoryLoginRegistry(), { supports });
      expect(logoutWith({ registry, logins })).toThrow(
        error("ERR_REGISTRY_UNSUPPORTED", new RegExp(`logins\\.${name}`)),
      );
    }
  });

  it("accepts a registry without support if no option needs it", () => {
    for (const logins of [undefined, {}, { max: Infinity }, { max: { count: Infinity } }]) {
      const registry = Object.assign(new MemoryLoginRegistry(), { supports: undefined });
      expect(logoutWith({ registry, logins })).not.toThrow();
    }
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

describe("SqliteLoginRegistry", () => {
  const database = ":memory:";

  it.each([{}, { database: undefined }, { database: null }, { database: "" }, { database: 7 }, { database: {} }])(
    "refuses %j, and names what it takes",
    (options) => {
      expect(() => new SqliteLoginRegistry(options as never)).toThrow(
        error("ERR_OPTION_INVALID", /name of a file.*node:sqlite, better-sqlite3 or libsql.*function/),
      );
    },
  );

  it("refuses what a function returns that is no database, at the first call", async () => {
    const registry = new SqliteLoginRegistry({ database: (() => "logins.db") as never });
    registry.init({ appId: "shop", maxSessionAgeMs: 1_000 });
    await expect(registry.find("alice", "1")).rejects.toMatchObject({ code: "ERR_OPTION_INVALID" });
  });

  it.each([
    ["timeoutMs", 0],
    ["timeoutMs", Infinity],
    ["timeoutMs", "1"],
    ["pollIntervalMs", -1],
    ["pollIntervalMs", Number.NaN],
    ["prefix", 7],
    ["prefix", "sqlite_"],
    ["prefix", "a b"],
    ["prefix", "x".repeat(41)],
  ])("refuses the %s %j", (name, value) => {
    expect(() => new SqliteLoginRegistry({ database, [name]: value })).toThrow(
      error("ERR_OPTION_INVALID", new RegExp(`SqliteLoginRegistry: ${name} must be`)),
    );
  });

  it("serves one application, even after a repeated init, and none before", async () => {
    const registry = new SqliteLoginRegistry({ database });
    const find = async (): Promise<unknown> => registry.find("alice", "1");
    await expect(find()).rejects.toMatchObject({ code: "ERR_REGISTRY_REQUIRED" });
    const initFor = (appId: string) => () => {
      registry.init({ appId, maxSessionAgeMs: 1_000 });
    };
    initFor("shop")();
    expect(initFor("shop")).not.toThrow();
    expect(initFor("blog")).toThrow(error("ERR_REGISTRY_IN_USE", /"shop".*"blog"/));
    expect(await find()).toBeUndefined();
    await registry.close();
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
