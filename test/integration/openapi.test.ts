import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as formats from "ajv-formats";
import { LogoutError, MemoryLoginRegistry } from "../../lib/index.js";
import { allRoutes } from "../../lib/http/routes.js";
import { resolveOptions } from "../../lib/options.js";
import type { Browser } from "../support/http.js";
import { POOL_ID, TOKEN, useSites, type Answer, type Site } from "../support/site.js";
import { MemoryStore } from "express-session";

interface Operation {
  readonly parameters?: readonly { readonly $ref?: string }[];
  readonly responses: Readonly<Record<string, Response>>;
}
interface Response {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

const FILE = join(__dirname, "../../docs/reference/openapi.json");
const VALIDATE = `
import { Validator } from "@seriousme/openapi-schema-validator";
const { valid, errors } = await new Validator().validate(process.argv[1]);
console.log(valid ? "valid" : JSON.stringify(errors));`;
const text = readFileSync(FILE, "utf8");
const file = JSON.parse(text) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly responses: Readonly<Record<string, Response>> };
};
const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default.default(ajv);
ajv.addSchema(file, "api");

/** Every response of the file, as `GET /u 200`. */
const DOCUMENTED = Object.entries(file.paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { responses }]) =>
    Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
  ),
);
const seen = new Set<string>();

/** Holds an answer against what the file says of it. */
function expectDocumented(method: string, path: string, { status, headers, body, text: sent }: Answer): void {
  const name = `${method} ${path} ${String(status)}`;
  seen.add(name);
  expect(DOCUMENTED).toContain(name);
  const listed = file.paths[path]?.[method.toLowerCase()]?.responses[String(status)];
  const [kind, shared] = /^#\/components\/(responses)\/(.*)$/.exec(listed?.$ref ?? "")?.slice(1) ?? [];
  const response = kind === undefined ? listed : file.components.responses[shared ?? ""];
  if (response?.content === undefined) return;
  const type = (headers["content-type"] ?? "").split(";")[0] ?? "";
  expect({ name, types: Object.keys(response.content) }).toEqual({ name, types: expect.arrayContaining([type]) });
  const escape = (part: string): string => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
  const place =
    kind === undefined
      ? `paths/${escape(path)}/${method.toLowerCase()}/responses/${String(status)}`
      : `components/responses/${shared ?? ""}`;
  const validate = ajv.compile({ $ref: `api#/${place}/content/${escape(type)}/schema` });
  const parts: unknown[] = type.endsWith("ndjson")
    ? sent
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown)
    : [body];
  for (const part of parts)
    expect({ name, part, errors: validate(part) ? [] : validate.errors }).toMatchObject({ errors: [] });
}

const openSite = useSites();
const JSON_ONLY = { accept: "application/json" };
const SAME = { ...JSON_ONLY, "sec-fetch-site": "same-origin" };
const CONSOLE = "/console/applications/{appId}/login-management";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

class FailingRegistry extends MemoryLoginRegistry {
  failsFor: string | undefined;

  override end(...args: Parameters<MemoryLoginRegistry["end"]>): ReturnType<MemoryLoginRegistry["end"]> {
    if (this.failsFor === args[0]) return Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down."));
    return super.end(...args);
  }
}

async function openConsole(more: Parameters<typeof openSite>[0] = {}) {
  const registry = new FailingRegistry();
  const site = await openSite({
    ...more,
    auth: {
      appId: "shop",
      registry,
      audit: { history: {} },
      pages: {
        describeUser: (userId) => ({ name: userId.toUpperCase(), email: `${userId}@shop.example`, secret: "hidden" }),
        describeIp: () => "Leipzig, DE",
        describeLogin: () => "Passkey",
        ...more.auth?.pages,
      },
      console: {
        authorize: (req) => req.session.userId === "root",
        administrators: () => ["root", "admin"],
        searchUsers: (asked) => (asked === "ali" ? ["alice"] : []),
      },
      redirects: { allow: ["https://shop.example/bye"] },
    },
  });
  const root = await site.login("root");
  await site.login("alice", { "User-Agent": SAFARI });
  await site.login("alice", { "User-Agent": "curl/8.5.0" });
  await site.login("bob");
  return { site, registry, root };
}

/** Asks with the cookies of a browser, and holds the answer against the file. */
function asking(site: Site) {
  return async (
    method: string,
    path: string,
    { as, query = "", body, headers = {} }: { as?: Browser; query?: string; body?: object; headers?: object } = {},
  ): Promise<Answer> => {
    const answer = await site.ask(method, path.replace("{appId}", "shop") + query, {
      headers: {
        ...(method === "GET" ? JSON_ONLY : SAME),
        ...(as === undefined ? {} : { cookie: as.cookies }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    expectDocumented(method, path, answer);
    return answer;
  };
}

describe("the OpenAPI file", () => {
  it("is one of OpenAPI 3.1", () => {
    // The validator is ESM only.
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", VALIDATE, FILE], { encoding: "utf8" });
    expect(run.stdout + run.stderr).toBe("valid\n");
    expect(file.openapi).toMatch(/^3\.1\./);
  });

  it("has every route", () => {
    const options = resolveOptions({
      store: new MemoryStore(),
      appId: "shop",
      admin: { userPoolId: POOL_ID, tokens: [TOKEN] },
      audit: { history: {} },
      console: { authorize: () => true },
    });
    const routes = allRoutes(options).flatMap((route) =>
      route.paths(options).map((path) => `${route.method} ${(path + (route.part ?? "")).replace(":appId", "{appId}")}`),
    );
    const described = Object.entries(file.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual([...new Set(routes)].sort());
  });
});

describe("the personal center as JSON", () => {
  it("lists the logins of the user, and what the app says of them", async () => {
    const { site } = await openConsole();
    const ask = asking(site);
    const alice = await site.login("alice");
    const { body } = await ask("GET", "/u", { as: alice });
    expect(body).toMatchObject({
      user: { id: "alice", name: "ALICE", email: "alice@shop.example" },
      total: 3,
      logins: [
        { isCurrent: true },
        { isCurrent: false, device: "client", browser: "curl 8", place: "Leipzig, DE", method: "Passkey" },
        { isCurrent: false, device: "mobile", browser: "Safari 18 on iPhone" },
      ],
    });
    expect(JSON.stringify(body)).not.toMatch(/hidden|connect\.sid/);
    expect((await ask("GET", "/u")).status).toBe(401);
  });

  it("ends one login, then all others, then its own", async () => {
    const { site } = await openConsole();
    const ask = asking(site);
    const alice = await site.login("alice");
    const { logins } = (await ask("GET", "/u", { as: alice })).body as { logins: { id: string }[] };
    const one = await ask("POST", "/u/end-login", { as: alice, body: { loginId: logins[1]?.id } });
    expect(one.body).toMatchObject({ code: 200, ended: 1 });
    const own = await ask("POST", "/u/end-login", { as: alice, body: { loginId: logins[0]?.id } });
    expect(own.body).toMatchObject({ ended: 0 });
    expect((await ask("POST", "/u/end-others", { as: alice })).body).toMatchObject({ ended: 1 });
    expect((await ask("POST", "/u/logout", { as: alice })).body).toMatchObject({ code: 200, redirectTo: "/" });
    expect((await site.auth.listLogins("alice")).total).toBe(0);
    expect((await ask("POST", "/u/end-others")).status).toBe(401);
    expect((await ask("POST", "/u/end-login", { body: {} })).status).toBe(401);
    await ask("GET", "/u/logged-out");
  });

  it("refuses what another site sends", async () => {
    const { site } = await openConsole();
    const ask = asking(site);
    const as = await site.login("alice");
    const headers = { "sec-fetch-site": "cross-site" };
    for (const path of ["/u/end-login", "/u/end-others", "/u/logout", `${CONSOLE}/force-offline`]) {
      expect((await ask("POST", path, { as, headers, body: {} })).status).toBe(403);
    }
    expect((await site.auth.listLogins("alice")).total).toBe(3);
  });

  it("asks for a confirmation", async () => {
    const { site, root } = await openConsole({
      auth: { pages: { confirmIdentity: { maxAgeMs: 1, confirmUrl: "/confirm" } } },
    });
    const ask = asking(site);
    const as = await site.login("alice");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const refused = { code: 403, error: "insufficient_user_authentication", confirmUrl: "/confirm" };
    expect((await ask("POST", "/u/end-others", { as })).body).toMatchObject(refused);
    expect((await ask("POST", "/u/end-login", { as, body: { loginId: "x" } })).body).toMatchObject(refused);
    const force = `${CONSOLE}/force-offline`;
    expect((await ask("GET", force, { as: root, query: "?user=bob" })).body).toMatchObject(refused);
    expect((await ask("POST", force, { as: root, body: { user: "bob" } })).body).toMatchObject(refused);
  });
});

describe("the logout URL as JSON", () => {
  const path = "/login/profile/logout";
  const bye = `?redirect_uri=${encodeURIComponent("https://shop.example/bye")}`;

  it.each(["GET", "POST"])("says where to go: %s", async (method) => {
    const { site } = await openConsole();
    const ask = asking(site);
    const { body } = await ask(method, path, { as: await site.login("alice"), query: bye });
    expect(body).toMatchObject({ redirectTo: "https://shop.example/bye" });
    expect((await ask(method, path, { query: "?redirect_uri=https://evil.example" })).status).toBe(400);
    const page = { accept: "text/html" };
    expect((await ask(method, path, { query: bye, headers: page })).headers.location).toBe("https://shop.example/bye");
    const headers =
      method === "GET"
        ? { "sec-fetch-dest": "image", "sec-fetch-mode": "no-cors" }
        : { "sec-fetch-site": "cross-site" };
    expect((await ask(method, path, { headers })).status).toBe(403);
  });
});

describe("the console as JSON", () => {
  it("lists, searches, filters and sorts", async () => {
    const { site, root: as } = await openConsole();
    const ask = asking(site);
    const list = async (query: string) =>
      (await ask("GET", CONSOLE, { as, query })).body as { users: { id: string }[] };
    expect(await list("")).toMatchObject({ online: 3, total: 3, page: 1, limit: 10, sort: "active", isCut: false });
    expect(await list("?q=ali")).toMatchObject({ online: 3, total: 1, users: [{ id: "alice", loginsCount: 2 }] });
    expect(await list("?device=iphone")).toMatchObject({ total: 1, lookedAt: 3, users: [{ id: "alice" }] });
    expect((await list("?sort=-name&limit=20")).users.map(({ id }) => id)).toEqual(["root", "bob", "alice"]);
  });

  it.each(["ip=x", "idle=x", "after=x", "before=x", "more=x", "sort=x", "page=0", "limit=7"])(
    "names the field that is not valid: %s",
    async (wrong) => {
      const { site, root: as } = await openConsole();
      const { status, body } = await asking(site)("GET", CONSOLE, { as, query: `?${wrong}` });
      expect([status, body]).toEqual([400, { code: 400, message: `Not valid: ${wrong.split("=")[0] ?? ""}.` }]);
    },
  );

  it("shows one user, and the history", async () => {
    const { site, root: as } = await openConsole();
    const ask = asking(site);
    const forced = await ask("POST", `${CONSOLE}/force-offline`, { as, body: { user: ["bob"], reason: "Why" } });
    expect(forced.body).toEqual({ code: 200, message: expect.any(String), users: 1, logins: 1 });
    const entry = { action: "kick", userId: "bob", by: "root", reason: "Why", logins: 1 };
    expect((await ask("GET", `${CONSOLE}/users`, { as, query: "?id=bob" })).body).toMatchObject({
      user: { id: "bob", name: "BOB" },
      isYou: false,
      total: 0,
      logins: [],
      history: [entry],
    });
    expect((await ask("GET", `${CONSOLE}/history`, { as, query: "?user=bob" })).body).toMatchObject({
      entries: [entry],
    });
    const wrong = await ask("GET", `${CONSOLE}/history`, { as, query: "?cursor=x" });
    expect([wrong.status, wrong.body]).toEqual([400, { code: 400, message: "Not valid: cursor." }]);
    expect((await ask("GET", `${CONSOLE}/users`, { as, query: "?id=bob&page=x" })).status).toBe(400);
    expect((await ask("GET", `${CONSOLE}/users`, { as })).status).toBe(404);
  });

  it("forces users offline by what the preview has found", async () => {
    const { site, root: as } = await openConsole();
    const ask = asking(site);
    const force = `${CONSOLE}/force-offline`;
    const preview = async (query: string) => (await ask("GET", force, { as, query })).body as { selection: string };
    expect(await preview("?user=bob&user=alice")).toMatchObject({ kind: "users", users: 2, logins: 3, isYou: false });
    const found = await preview("?found=1&device=curl");
    expect(found).toMatchObject({
      kind: "found",
      users: 1,
      logins: 1,
      people: [{ id: "alice" }],
      isAppIdNeeded: false,
    });
    const { selection } = found;
    expect((await ask("POST", force, { as, body: { selection } })).body).toMatchObject({ users: 1, logins: 1 });
    expect((await site.auth.listLogins("alice")).total).toBe(1);
    expect(await preview("?everyone=1")).toMatchObject({
      kind: "everyone",
      users: 2,
      administrators: 0,
      isAppIdNeeded: true,
    });
    expect((await ask("POST", force, { as, body: { everyone: "no" } })).status).toBe(400);
    expect((await ask("POST", force, { as, body: { selection: "x" } })).status).toBe(400);
    expect((await ask("GET", force, { as, query: "?found=1&ip=x" })).status).toBe(400);
    expect((await ask("GET", force, { as, query: "?user=" })).status).toBe(409);
    const lines = await ask("POST", force, {
      as,
      body: { everyone: "shop" },
      headers: { accept: "application/x-ndjson" },
    });
    expect(
      lines.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown)
        .at(-1),
    ).toMatchObject({ code: 200, users: 2 });
    expect((await site.auth.listLogins("root")).total).toBe(1);
    const all = await ask("POST", force, { as, body: { everyone: "shop", me: true } });
    expect(all.body).toMatchObject({ users: 1, logins: 1 });
  });

  it.each([
    ["a number that JSON has rounded", { user: 9_007_199_254_740_993 }],
    ["more than 1,000 users", { user: Array.from({ length: 1_001 }, (_, index) => `u${String(index)}`) }],
    ["a reason that is too long", { user: "bob", reason: "x".repeat(501) }],
    ["a reason that is not there to pick", { user: "bob", canned: "x" }],
  ])("refuses %s", async (_what, body) => {
    const { site, root: as } = await openConsole();
    const { status } = await asking(site)("POST", `${CONSOLE}/force-offline`, { as, body });
    expect([status, (await site.auth.listLogins("bob")).total]).toEqual([400, 1]);
  });

  it("takes only a tick for one: true or 1", async () => {
    const { site, root: as } = await openConsole();
    const body = { everyone: "shop", me: 0, administrators: "" };
    const { body: result } = await asking(site)("POST", `${CONSOLE}/force-offline`, { as, body });
    expect(result).toMatchObject({ users: 2 });
    expect((await site.auth.listLogins("root")).total).toBe(1);
  });

  it("forces no one offline where the administrators cannot be left out", async () => {
    const { site, registry, root: as } = await openConsole();
    for (let index = 0; index <= 1_000; index += 1) {
      const id = String(index);
      await registry.add({ id: id.padStart(22, "0"), userId: "admin", sid: `s${id}`, ttlMs: 60_000 });
    }
    const { status } = await asking(site)("POST", `${CONSOLE}/force-offline`, { as, body: { everyone: "shop" } });
    expect([status, (await site.auth.listLogins("bob")).total]).toEqual([409, 1]);
  });

  it.each(["/u/end-login", `${CONSOLE}/force-offline`])("refuses bodies that it cannot read: %s", async (path) => {
    const { site, root: as } = await openConsole();
    const ask = asking(site);
    const answers = [
      await ask("POST", path, { as, body: { loginId: "x", reason: "x".repeat(2 ** 17) } }),
      await ask("POST", path, { as, body: {}, headers: { "content-type": "text/plain" } }),
      await ask("POST", path, { as, body: { loginId: 0.5, user: 0.5 } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 415, 400]);
  });

  it("says who is not offline after a failure", async () => {
    const { site, registry, root: as } = await openConsole();
    registry.failsFor = "alice";
    const { status, body } = await asking(site)("POST", `${CONSOLE}/force-offline`, {
      as,
      body: { user: ["bob", "alice"] },
    });
    expect([status, body]).toEqual([503, { code: 503, message: expect.any(String), notForced: ["alice"] }]);
    expect((await site.auth.listLogins("bob")).total).toBe(0);
  });

  it("refuses others, and other applications", async () => {
    const { site, root } = await openConsole();
    const ask = asking(site);
    const bob = await site.login("bob");
    const paths = [CONSOLE, `${CONSOLE}/users`, `${CONSOLE}/history`, `${CONSOLE}/force-offline`];
    for (const path of paths) {
      expect((await ask("GET", path, { query: "?id=bob&user=bob" })).status).toBe(401);
      expect((await ask("GET", path, { as: bob, query: "?id=bob&user=bob" })).status).toBe(403);
      const other = await site.ask("GET", path.replace("{appId}", "other"), {
        headers: { ...JSON_ONLY, cookie: root.cookies },
      });
      expectDocumented("GET", path, other);
      expect(other.status).toBe(404);
    }
    const force = `${CONSOLE}/force-offline`;
    expect((await ask("POST", force, { body: { user: "alice" } })).status).toBe(401);
    expect((await ask("POST", force, { as: bob, body: { user: "alice" } })).status).toBe(403);
    const headers = { ...SAME, cookie: root.cookies, "content-type": "application/json" };
    const other = await site.ask("POST", force.replace("{appId}", "other"), { headers, body: '{"user":"alice"}' });
    expectDocumented("POST", force, other);
    expect((await site.auth.listLogins("alice")).total).toBe(2);
  });

  it("stays a page for who does not ask for JSON by name", async () => {
    const { site, root } = await openConsole();
    for (const path of ["/u", CONSOLE.replace("{appId}", "shop")]) {
      for (const accept of ["text/html", "*/*", "text/html,application/xhtml+xml,application/json;q=0.5"]) {
        const { headers } = await site.ask("GET", path, { headers: { accept, cookie: root.cookies } });
        expect([path, accept, headers["content-type"], headers.vary]).toEqual([
          path,
          accept,
          "text/html; charset=utf-8",
          expect.stringContaining("Accept"),
        ]);
      }
    }
  });
});

describe("the admin API", () => {
  const headers = { authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
  const kick = { body: { userIds: ["bob"] }, headers };

  it.each(["/api", "/api/v2"])("responds as the file says, below %s", async (api) => {
    const { site } = await openConsole();
    const ask = asking(site);
    const [kickUsers, active] = [
      `${api}/applications/{appId}/kick-active-users`,
      `${api}/applications/{appId}/active-users`,
    ];
    expect((await ask("POST", kickUsers, kick)).status).toBe(200);
    expect((await ask("GET", active, { headers })).body).toMatchObject({ data: { totalCount: 2 } });
    for (const [method, path] of [
      ["POST", kickUsers],
      ["GET", active],
    ] as const) {
      const body = method === "POST" ? { body: kick.body } : {};
      expect((await ask(method, path, body)).status).toBe(401);
      expect((await ask(method, path, { ...body, headers: { authorization: TOKEN } })).status).toBe(400);
      const pool = { ...headers, "x-authing-userpool-id": "other" };
      expect((await ask(method, path, { ...body, headers: pool })).status).toBe(403);
      const other = await site.ask(method, path.replace("{appId}", "other"), {
        headers: { ...JSON_ONLY, ...headers, "content-type": "application/json" },
        body: method === "POST" ? JSON.stringify({ userIds: ["bob"] }) : undefined,
      });
      expectDocumented(method, path, other);
      expect(other.status).toBe(404);
    }
    const large = await site.ask("POST", kickUsers.replace("{appId}", "shop"), {
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify({ userIds: ["x".repeat(2 ** 21)] }),
    });
    expectDocumented("POST", kickUsers, large);
    expect(large.status).toBe(413);
    const typed = await ask("POST", kickUsers, { ...kick, headers: { ...headers, "content-type": "text/plain" } });
    expect(typed.status).toBe(415);
  });
});

describe("while the registry is down", () => {
  it("every route says so as the file has it", async () => {
    const { site, registry, root: as } = await openConsole();
    const ask = asking(site);
    const down = () => Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "It is down."));
    Object.assign(registry, { find: down, list: down, activeUsers: down, end: down });
    const headers = { authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
    for (const api of ["/api", "/api/v2"]) {
      await ask("POST", `${api}/applications/{appId}/kick-active-users`, { body: { userIds: ["bob"] }, headers });
      await ask("GET", `${api}/applications/{appId}/active-users`, { headers });
    }
    for (const [path, query] of [
      ["/u", ""],
      [CONSOLE, ""],
      [`${CONSOLE}/users`, "?id=bob"],
      [`${CONSOLE}/history`, ""],
      [`${CONSOLE}/force-offline`, "?user=bob"],
    ] as const) {
      expect((await ask("GET", path, { as, query })).status).toBe(503);
    }
    for (const path of ["/u/end-login", "/u/end-others", "/u/logout", "/login/profile/logout"]) {
      expect((await ask("POST", path, { as, body: {} })).status).toBe(503);
    }
    expect((await ask("GET", "/login/profile/logout", { as })).status).toBe(503);
  });
});

describe("the file", () => {
  it("has no response that these tests have not seen", () => {
    expect(DOCUMENTED.filter((name) => !seen.has(name))).toEqual([]);
  });
});
