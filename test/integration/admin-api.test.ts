import { gzipSync } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import express from "express";
import session, { type SessionData } from "express-session";
import { MemoryLoginRegistry, type AdminContext, type LogoutOptions } from "../../lib/index.js";
import { POOL_ID, TOKEN, useSites, type Answer, type Site } from "../support/site.js";
import { redisBackend } from "../support/stores.js";

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const open = useSites();
const PLACES = ["", "/account"].flatMap((at) => ["/api", "/api/v2"].map((api) => [`${at}${api}`, at, api] as const));
const GOOD = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
const DONE = { code: 200, message: "Forced offline successful" };
const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `u${String(i)}`);
const message = ({ body }: Answer): string => (body as { message: string }).message;

describe.each(PLACES)("an application that cannot be decoded, below %s", (_name, at, api) => {
  it.each([
    ["POST", "kick-active-users"],
    ["GET", "active-users"],
  ])("is answered like any other unknown application: %s %s", async (method, name) => {
    const site = await open({ at });
    const ask = async (headers: Headers) => {
      const { status, body } = await site.ask(method, `${at}${api}/applications/%zz/${name}`, { headers });
      return { status, body };
    };
    const refusal = (status: number) => ({ status, body: { code: status, message: expect.any(String) } });
    expect(await ask({})).toEqual(refusal(401));
    expect(await ask({ Authorization: TOKEN })).toEqual(refusal(400));
    expect(await ask({ ...GOOD, "x-authing-userpool-id": "another" })).toEqual(refusal(403));
    expect(await ask(GOOD)).toEqual(refusal(404));
    expect(site.errors).toEqual([]);
  });
});

describe.each(PLACES)("kick-active-users below %s", (_name, at, api) => {
  const path = (appId: string): string => `${at}${api}/applications/${appId}/kick-active-users`;

  function kick(site: Site, body: unknown, headers: Headers = {}, appId = site.appId): Promise<Answer> {
    const sent = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return site.ask("POST", path(appId), {
      headers: { ...GOOD, "Content-Type": "application/json", ...headers },
      body: sent,
    });
  }

  async function expectRefused(site: Site, answer: Promise<Answer>, status: number, words: RegExp): Promise<void> {
    const { body, ...rest } = await answer;
    expect({ status: rest.status, body }).toEqual({ status, body: { code: status, message: expect.any(String) } });
    expect(message({ body, ...rest })).toMatch(words);
    expect(rest.headers["cache-control"]).toBe("no-store");
    expect(rest.text).not.toContain(TOKEN);
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  }

  async function withAlice(options: Parameters<typeof open>[0] = {}): Promise<Site> {
    const site = await open({ at, ...options });
    await site.login("alice");
    return site;
  }

  describe("with valid headers", () => {
    it.each([
      ["the bare token", TOKEN],
      ["Bearer", `Bearer ${TOKEN}`],
      ["bearer in lower case", `bearer ${TOKEN}`],
      ["BEARER in upper case", `BEARER ${TOKEN}`],
    ])("kicks: %s", async (_case, Authorization) => {
      const site = await open({ at });
      const [alice, bob] = [await site.login("alice"), await site.login("bob")];
      const answer = await kick(site, { userIds: ["alice"] }, { Authorization });
      expect(answer).toMatchObject({ status: 200, body: DONE });
      expect(Object.keys(answer.body as object)).toEqual(["code", "message"]);
      expect([await site.user(alice), await site.user(bob)]).toEqual([null, "bob"]);
    });

    it.each([
      ["several users", { userIds: ["alice", "bob"] }, [null, null]],
      ["a user twice", { userIds: ["alice", "alice"] }, [null, "bob"]],
      ["unknown users", { userIds: ["nobody", "alice", "constructor"] }, [null, "bob"]],
      ["1,000 users", { userIds: [...ids(999), "alice"] }, [null, "bob"]],
      ["an unknown field", { userIds: ["bob"], clientIp: "::1" }, ["alice", null]],
    ])("accepts %s", async (_case, body, left) => {
      const site = await open({ at });
      const [alice, bob] = [await site.login("alice"), await site.login("bob")];
      expect(await kick(site, body)).toMatchObject({ status: 200, body: DONE });
      expect([await site.user(alice), await site.user(bob)]).toEqual(left);
      expect(site.events.filter(({ name }) => name === "kick")).toHaveLength(
        left.filter((user) => user === null).length,
      );
    });

    it("accepts users who are offline, and a repeated request", async () => {
      const site = await withAlice();
      const asked = { userIds: ["alice"], appId: site.appId };
      const answers = [await kick(site, asked), await kick(site, asked), await kick(site, { userIds: ["nobody"] })];
      expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(Array(3).fill({ status: 200, body: DONE }));
    });

    it("accepts a user id of 256 characters", async () => {
      const site = await open({ at });
      const [long, shorter] = [await site.login("x".repeat(256)), await site.login("x".repeat(255))];
      expect(await kick(site, { userIds: ["x".repeat(256)] })).toMatchObject({ status: 200 });
      expect([await site.user(long), await site.user(shorter)]).toEqual([null, "x".repeat(255)]);
    });

    it.each([
      ["a charset", { "Content-Type": "application/json; charset=utf-8" }, Buffer.from('{"userIds":["alice"]}')],
      [
        "UTF-16",
        { "Content-Type": "application/json; charset=utf-16" },
        Buffer.from('\ufeff{"userIds":["alice"]}', "utf16le"),
      ],
      ["gzip", { "Content-Encoding": "gzip" }, gzipSync('{"userIds":["alice"]}')],
    ])("reads a body with %s", async (_case, headers, body) => {
      const site = await withAlice();
      expect(await kick(site, body, headers)).toMatchObject({ status: 200, body: DONE });
      expect((await site.auth.listLogins("alice")).items).toEqual([]);
    });

    it("reads an app id that needs encoding in a path", async () => {
      const site = await withAlice({ auth: { appId: "shop/ü {1}" } });
      const asked = { userIds: ["alice"], appId: "shop/ü {1}" };
      expect(await kick(site, asked, {}, encodeURIComponent(site.appId))).toMatchObject({ status: 200, body: DONE });
    });
  });

  describe("without a valid token", () => {
    const WRONG: [string, Headers][] = [
      ["none", { Authorization: undefined }],
      ["an empty token", { Authorization: "" }],
      ["Bearer alone", { Authorization: "Bearer " }],
      ["another token", { Authorization: "Bearer wrong" }],
      ["a prefix of the token", { Authorization: TOKEN.slice(0, -1) }],
      ["a longer token", { Authorization: `${TOKEN}x` }],
      ["another case", { Authorization: TOKEN.toUpperCase() }],
      ["another scheme", { Authorization: `Basic ${TOKEN}` }],
      ["Bearer twice", { Authorization: `Bearer Bearer ${TOKEN}` }],
    ];

    it.each(WRONG)("answers 401 before any other error, and reveals nothing more: %s", async (_case, headers) => {
      const site = await withAlice();
      const wrongPool = { ...headers, "x-authing-userpool-id": "other" };
      const answers = [
        await kick(site, { userIds: ["alice"] }, headers),
        await kick(site, { userIds: ["alice"] }, wrongPool),
        await kick(site, "{", { ...headers, "x-authing-userpool-id": undefined }, "other"),
        await kick(site, "x".repeat(200_000), { ...headers, "Content-Type": "text/plain" }),
      ];
      for (const answer of answers) await expectRefused(site, Promise.resolve(answer), 401, /Authorization/);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      for (const secret of [site.appId, POOL_ID, "alice", "other"]) expect(answers[0]?.text).not.toContain(secret);
    });
  });

  describe("with an invalid request", () => {
    it.each([
      ["no user pool", { "x-authing-userpool-id": undefined }, 400, /x-authing-userpool-id/],
      ["an empty user pool", { "x-authing-userpool-id": "" }, 400, /x-authing-userpool-id/],
      ["another user pool", { "x-authing-userpool-id": "other" }, 403, /x-authing-userpool-id/],
      ["a user pool in upper case", { "x-authing-userpool-id": POOL_ID.toUpperCase() }, 403, /x-authing-userpool-id/],
      ["two user pools", { "x-authing-userpool-id": [POOL_ID, POOL_ID] }, 403, /x-authing-userpool-id/],
      ["no content type", { "Content-Type": undefined }, 415, /application\/json/],
      ["a form", { "Content-Type": "application/x-www-form-urlencoded" }, 415, /application\/json/],
      ["text", { "Content-Type": "text/plain" }, 415, /application\/json/],
      ["a kind of JSON", { "Content-Type": "application/vnd.api+json" }, 415, /application\/json/],
      ["a charset that JSON does not allow", { "Content-Type": "application/json; charset=latin1" }, 415, /charset/],
      ["an unknown encoding", { "Content-Encoding": "rot13" }, 415, /encoding/],
      ["invalid gzip", { "Content-Encoding": "gzip" }, 400, /JSON/],
    ])("kicks no user: %s", async (_case, headers: Headers, status, words) => {
      const site = await withAlice();
      await expectRefused(site, kick(site, { userIds: ["alice"] }, headers), status, words);
    });

    it("answers 404 for another application if the user pool is right", async () => {
      const site = await withAlice();
      const body = { userIds: ["alice"] };
      await expectRefused(site, kick(site, body, {}, "other"), 404, /application/);
      await expectRefused(site, kick(site, body, {}, site.appId.toUpperCase()), 404, /application/);
      await expectRefused(site, kick(site, body, { "x-authing-userpool-id": "other" }, "other"), 403, /pool/);
      await expectRefused(site, kick(site, body, { "x-authing-userpool-id": undefined }, "other"), 400, /pool/);
    });

    const BODIES: [string, unknown, number, RegExp][] = [
      ["no body", "", 400, /body|userIds/],
      ["broken JSON", '{"userIds":["alice"]', 400, /JSON/],
      ["two values", '{"userIds":["alice"]}{}', 400, /JSON/],
      ["null", "null", 400, /JSON object/],
      ["a number", "1", 400, /JSON object/],
      ["a string", '"alice"', 400, /JSON object/],
      ["an array", ["alice"], 400, /JSON object/],
      ["no userIds", {}, 400, /userIds/],
      ["userIds by inheritance", '{"__proto__":{"userIds":["alice"]}}', 400, /userIds/],
      ["userIds null", { userIds: null }, 400, /userIds/],
      ["userIds a string", { userIds: "alice" }, 400, /userIds/],
      ["userIds an object", { userIds: { 0: "alice", length: 1 } }, 400, /userIds/],
      ["userIds empty", { userIds: [] }, 400, /userIds/],
      ["an empty user id", { userIds: ["alice", ""] }, 400, /userIds/],
      ["a number among userIds", { userIds: ["alice", 7] }, 400, /userIds/],
      ["null among userIds", { userIds: ["alice", null] }, 400, /userIds/],
      ["an array among userIds", { userIds: [["alice"]] }, 400, /userIds/],
      ["an object among userIds", { userIds: ["alice", {}] }, 400, /userIds/],
      ["1,001 user ids", { userIds: [...ids(1_000), "alice"] }, 400, /userIds.*1000/],
      ["257 characters", { userIds: ["alice", "x".repeat(257)] }, 400, /userIds.*256/],
      ["another appId", { userIds: ["alice"], appId: "other" }, 400, /appId/],
      ["an empty appId", { userIds: ["alice"], appId: "" }, 400, /appId/],
      ["appId null", { userIds: ["alice"], appId: null }, 400, /appId/],
      ["a list of appIds", { userIds: ["alice"], appId: ["other"] }, 400, /appId/],
      ["more than 2 MB", { userIds: ["alice"], more: "x".repeat(2_097_152) }, 413, /2 MB/],
      [
        "more than 2 MB, packed",
        gzipSync(JSON.stringify({ userIds: ["alice"], more: "x".repeat(2_200_000) })),
        413,
        /100 ?kB/i,
      ],
    ];
    const encoding = (body: unknown): Headers => (Buffer.isBuffer(body) ? { "Content-Encoding": "gzip" } : {});

    it.each(BODIES)("kicks no user: %s", async (_case, body, status, words) => {
      const site = await withAlice();
      await expectRefused(site, kick(site, body, encoding(body)), status, words);
    });
  });

  describe("with admin.authorize", () => {
    it("calls the function with the users to be kicked", async () => {
      const asked: AdminContext[] = [];
      const authorize = (_req: express.Request, context: AdminContext): boolean => asked.push(context) > 0;
      const site = await withAlice({ auth: { admin: { userPoolId: POOL_ID, tokens: ["another", TOKEN], authorize } } });
      expect(await kick(site, { userIds: ["alice"] })).toMatchObject({ status: 200, body: DONE });
      expect(asked).toEqual([{ appId: site.appId, userPoolId: POOL_ID, action: "kick", userIds: ["alice"] }]);
    });

    it.each([
      ["false", () => false],
      ["a promise of false", () => Promise.resolve(false)],
      ["something that is not true", () => "yes" as unknown as boolean],
    ])("answers 403 and kicks no user: %s", async (_case, authorize) => {
      const site = await withAlice({ auth: { admin: { userPoolId: POOL_ID, tokens: [TOKEN], authorize } } });
      await expectRefused(site, kick(site, { userIds: ["alice"] }), 403, /Forbidden/);
    });

    it.each([
      ["rejects", () => Promise.reject(new Error("no directory"))],
      [
        "throws",
        () => {
          throw new Error("no directory");
        },
      ],
    ])("passes the error to the app and kicks no user if the function %s", async (_case, authorize) => {
      const site = await withAlice({ auth: { admin: { userPoolId: POOL_ID, tokens: [TOKEN], authorize } } });
      expect((await kick(site, { userIds: ["alice"] })).status).toBe(500);
      expect(site.errors).toEqual([new Error("no directory")]);
      expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    });
  });

  describe("in an app that parses every body first", () => {
    const parse = (app: express.Express): unknown => app.use(express.json(), express.urlencoded({ extended: true }));

    it("kicks as it does without a parser", async () => {
      const site = await withAlice({ before: parse });
      expect(await kick(site, { userIds: ["alice"] })).toMatchObject({ status: 200, body: DONE });
      expect((await site.auth.listLogins("alice")).items).toEqual([]);
    });

    it.each([
      ["an array", "[]", {}, 400],
      ["no userIds", "{}", {}, 400],
      ["a form", "userIds[]=alice", { "Content-Type": "application/x-www-form-urlencoded" }, 415],
      ["no token", '{"userIds":["alice"]}', { Authorization: undefined }, 401],
    ])("rejects as it does without a parser: %s", async (_case, body, headers: Headers, status) => {
      const site = await withAlice({ before: parse });
      await expectRefused(site, kick(site, body, headers), status, /./);
    });
  });

  describe("without the option admin", () => {
    it("does not exist", async () => {
      const site = await withAlice({ auth: { admin: undefined } });
      for (const Authorization of [TOKEN, "", "Bearer ", "Bearer undefined"]) {
        const answer = await kick(site, { userIds: ["alice"] }, { Authorization });
        expect({ status: answer.status, body: answer.body }).toEqual({ status: 404, body: undefined });
      }
      expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
    });
  });

  describe("while the session store fails", () => {
    it("answers 503, emits no event, and finishes when repeated", async () => {
      const store = new StubbornStore();
      const site = await open({ at, auth: { store, registry: new MemoryLoginRegistry() } });
      const alice = await site.login("alice");
      store.down = true;
      const { status, body } = await kick(site, { userIds: ["alice"] });
      expect({ status, body }).toEqual({
        status: 503,
        body: { code: 503, message: expect.stringMatching(/incomplete/) },
      });
      expect(site.events.filter(({ name }) => name === "kick")).toEqual([]);
      store.down = false;
      expect(await kick(site, { userIds: ["alice"] })).toMatchObject({ status: 200, body: DONE });
      expect(site.events.filter(({ name }) => name === "kick")).toMatchObject([{ userId: "alice" }]);
      expect(await site.user(alice)).toBeNull();
    });
  });
});

describe.each(PLACES)("active-users below %s", (_name, at, api) => {
  const list = (site: Site, query = "", headers: Headers = {}, appId = site.appId): Promise<Answer> =>
    site.ask("GET", `${at}${api}/applications/${appId}/active-users${query}`, { headers: { ...GOOD, ...headers } });
  const data = ({ body }: Answer) => (body as { data: { totalCount: number; list: Record<string, unknown>[] } }).data;

  describe("without logged-in users", () => {
    it("returns an empty list", async () => {
      const { status, body, headers } = await list(await open({ at }));
      const empty = { code: 200, message: expect.any(String), data: { totalCount: 0, list: [] } };
      expect({ status, body }).toEqual({ status: 200, body: empty });
      expect(headers["cache-control"]).toBe("no-store");
    });
  });

  describe("with logged-in users", () => {
    it("returns each user's profile and latest login, and nothing else", async () => {
      const profile = {
        name: "Alice",
        username: "al",
        nickname: "A",
        email: "a@b.example",
        phone: "+1",
        photo: "/a.png",
      };
      const user = (id: string) => ({
        ...profile,
        id: `not ${id}`,
        password: "secret",
        lastIp: "secret",
        loginsCount: 99,
      });
      const site = await open({ at, auth: { pages: { describeUser: user } } });
      const before = Date.now();
      await site.login("alice", { "User-Agent": CHROME });
      await site.login("alice", { "User-Agent": IPHONE });
      const answer = await list(site);
      const [entry] = data(answer).list;
      expect(entry).toEqual({
        ...profile,
        id: "alice",
        lastLogin: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        lastActive: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        lastIp: "127.0.0.1",
        device: expect.any(String),
        browser: expect.any(String),
        loginsCount: 2,
      });
      for (const name of ["lastLogin", "lastActive"]) {
        expect(Date.parse(String(entry?.[name]))).toBeGreaterThanOrEqual(before);
        expect(Date.parse(String(entry?.[name]))).toBeLessThanOrEqual(Date.now());
      }
      expect(answer.text).not.toContain("secret");
    });

    it("omits fields without a value", async () => {
      const user = (() => ({ name: "Alice", email: null, phone: undefined })) as unknown as NonNullable<
        LogoutOptions["pages"]
      >["describeUser"];
      const site = await open({ at, auth: { pages: { describeUser: user } } });
      await site.login("alice");
      const [entry] = data(await list(site)).list;
      expect(entry).toMatchObject({ id: "alice", name: "Alice" });
      expect(entry).not.toHaveProperty("email");
      expect(entry).not.toHaveProperty("phone");
    });

    it.each([
      [CHROME, { device: "desktop", browser: "Chrome 126 on Linux" }],
      [IPHONE, { device: "mobile", browser: "Safari 17 on iPhone" }],
    ])("describes the device in words: %s", async (userAgent, words) => {
      const site = await open({ at });
      await site.login("alice", { "User-Agent": userAgent });
      expect(data(await list(site)).list).toMatchObject([words]);
    });

    it.each([
      ["returns undefined", () => undefined],
      ["returns only a name", () => Promise.resolve({ name: "Alice", email: undefined })],
    ])("omits fields that the app does not supply: user %s", async (_case, user) => {
      const site = await open({ at, auth: { pages: { describeUser: user } } });
      await site.login("alice", { "User-Agent": "" });
      const known = (await user()) === undefined ? [] : ["name"];
      const [entry = {}] = data(await list(site)).list;
      expect(Object.keys(entry).sort()).toEqual(
        [...known, "id", "lastActive", "lastIp", "lastLogin", "loginsCount"].sort(),
      );
    });

    it("counts all logins of a user with very many", async () => {
      const registry = new MemoryLoginRegistry();
      const site = await open({ at, auth: { registry } });
      for (const sid of ids(120)) await registry.add({ id: `login ${sid}`, userId: "alice", sid, ttlMs: 60_000 });
      expect(data(await list(site)).list).toMatchObject([{ id: "alice", loginsCount: 120 }]);
    });

    it("sorts users by latest activity, and omits kicked users", async () => {
      const site = await open({ at });
      for (const user of ["ann", "bob", "cid", "dan", "ann"]) await site.login(user);
      await site.auth.kick("cid");
      const { totalCount, list: users } = data(await list(site));
      expect(totalCount).toBe(3);
      expect(users.map(({ id, loginsCount }) => [id, loginsCount])).toEqual([
        ["ann", 2],
        ["dan", 1],
        ["bob", 1],
      ]);
    });

    it.each([
      ["", 10, 11],
      ["?page=1&limit=10", 10, 11],
      ["?page=2", 2, 1],
      ["?page=2&limit=5", 5, 6],
      ["?page=3&limit=5", 2, 1],
      ["?limit=50", 12, 11],
      ["?limit=1&page=12", 1, 0],
      ["?page=13&limit=1", 0, undefined],
      ["?page=1000000000&limit=50", 0, undefined],
    ])("returns the requested page: %s", async (query, length, first) => {
      const site = await open({ at });
      for (const user of ids(12)) await site.login(user);
      const { totalCount, list: users } = data(await list(site, query));
      expect([totalCount, users.length, users[0]?.["id"]]).toEqual([
        12,
        length,
        first === undefined ? undefined : `u${String(first)}`,
      ]);
    });
  });

  describe("with an invalid request", () => {
    const VALUES = ["0", "-1", "1.5", "1e1", "ten", "", "%201", "0x1", "99999999999"];
    const QUERIES = ["page", "limit"].flatMap((name) => [
      ...VALUES.map((value) => [`?${name}=${value}`, name] as const),
      [`?${name}=1&${name}=1`, name] as const,
    ]);

    it.each(QUERIES)("answers 400 and names the field: %s", async (query, name) => {
      const { status, body } = await list(await open({ at }), query);
      expect({ status, body }).toEqual({ status: 400, body: { code: 400, message: expect.stringContaining(name) } });
    });

    it("answers 400 to a limit over 50, and names the maximum", async () => {
      const { status, body } = await list(await open({ at }), "?limit=51");
      expect({ status, body }).toEqual({
        status: 400,
        body: { code: 400, message: expect.stringMatching(/limit.*50/) },
      });
    });

    it.each([
      [401, { Authorization: undefined, "x-authing-userpool-id": undefined }, "other"],
      [401, { Authorization: "Bearer wrong" }, undefined],
      [400, { "x-authing-userpool-id": undefined }, "other"],
      [403, { "x-authing-userpool-id": "other" }, "other"],
      [404, {}, "other"],
    ])("answers %i and lists no user", async (status, headers: Headers, appId) => {
      const site = await open({ at });
      await site.login("alice");
      const { body, text } = await list(site, "?page=0", headers, appId);
      expect(body).toEqual({ code: status, message: expect.any(String) });
      expect(text).not.toContain("alice");
    });

    it("calls admin.authorize, and answers 403 for false", async () => {
      const asked: AdminContext[] = [];
      const authorize = (_req: express.Request, context: AdminContext): boolean => asked.push(context) < 0;
      const site = await open({ at, auth: { admin: { userPoolId: POOL_ID, tokens: [TOKEN], authorize } } });
      const { status, body } = await list(site);
      expect({ status, body }).toEqual({ status: 403, body: { code: 403, message: expect.any(String) } });
      expect(asked).toEqual([{ appId: site.appId, userPoolId: POOL_ID, action: "list" }]);
    });

    it("does not exist without the option", async () => {
      expect((await list(await open({ at, auth: { admin: undefined } }))).status).toBe(404);
    });
  });
});

describe("the admin API on Redis", () => {
  it("lists, kicks and pages", async () => {
    const backend = redisBackend();
    await backend.start();
    try {
      const site = await open({ backend });
      const [alice, bob] = [await site.login("alice"), await site.login("bob")];
      const application = `/applications/${site.appId}`;
      const list = () => site.ask("GET", `/api${application}/active-users?limit=1`, { headers: GOOD });
      const both = { totalCount: 2, list: [{ id: "bob", loginsCount: 1 }] };
      expect((await list()).body).toMatchObject({ data: both });
      const kicked = await site.ask("POST", `/api/v2${application}/kick-active-users`, {
        headers: { ...GOOD, "Content-Type": "application/json" },
        body: '{"userIds":["alice"]}',
      });
      expect(kicked).toMatchObject({ status: 200, body: DONE });
      expect([await site.user(alice), await site.user(bob)]).toEqual([null, "bob"]);
      expect((await list()).body).toMatchObject({ data: { totalCount: 1, list: [{ id: "bob" }] } });
    } finally {
      await backend.stop();
    }
  });
});

/** A store that is, for a while, out of order. */
class StubbornStore extends session.MemoryStore {
  down = false;

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    if (this.down) callback?.(new Error("the disk is full"));
    else super.set(sid, data, callback);
  }
}
