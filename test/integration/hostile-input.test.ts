import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import session from "express-session";
import { LogoutError, type LogoutOptions } from "../../lib/index.js";
import { sessionId, signedCookie, POOL_ID, TOKEN, useSites, type Answer, type Site } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

type Headers = Readonly<Record<string, string | string[]>>;

const open = useSites();
const ADMIN = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
const JSON_TYPE = { "Content-Type": "application/json" };
const LOG_OUT = "/login/profile/logout";

/** User ids that code likes to take for something else: each beside those that it might be taken for. */
const IDS: (string | number)[] = [
  ...["a", "A", "a ", " a", "a\0", "a\n", "a:b", "{a}", "a}", "{a", "%61", "%2561", "a*", "a/b", "..", "\u0430"],
  ...[
    "__proto__",
    "constructor",
    "prototype",
    "hasOwnProperty",
    "toString",
    "null",
    "undefined",
    "NaN",
    "true",
    "[object Object]",
  ],
  ...[0, "00", "-0", 1, "01", "1.0", 1.5, -1, 1e21, 9007199254740991],
  ...[
    "\u00e9",
    "e\u0301",
    "\u{1f600}",
    "\u{1f468}\u200d\u{1f469}",
    "\u202eevil",
    "\ufeffa",
    "\ufffd",
    "\ud83d",
    "\ude00",
    "\ud83dx",
    "%uD83D",
  ],
  ...["'; DROP TABLE users --", "<script>alert(1)</script>", "\\", '"', "${a}", "*", "?", "[a]", "~a"],
  ...["x".repeat(255), "x".repeat(256), "x".repeat(257), "x".repeat(10_000), "{".repeat(256)],
];
const show = (id: string | number): string =>
  `${typeof id} ${JSON.stringify(id).slice(0, 30)} (${String(String(id).length)})`;
const CASES = IDS.map((id) => [show(id), id] as const);

describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  const kick = (site: Site, id: string): Promise<Answer> =>
    site.ask("POST", `/api/applications/${site.appId}/kick-active-users`, {
      headers: { ...ADMIN, ...JSON_TYPE },
      body: JSON.stringify({ userIds: [id] }),
    });

  describe("users with odd ids", () => {
    it("are all logged in, and listed under their ids", async () => {
      const site = await open({ backend });
      for (const id of IDS) expect(await site.user(await site.login(id))).toBe(id);
      const listed: unknown[] = [];
      for (let page = 1; page <= 2; page++) {
        const path = `/api/applications/${site.appId}/active-users?limit=50&page=${String(page)}`;
        const { body } = await site.ask("GET", path, { headers: ADMIN });
        listed.push(...(body as { data: { list: { id: unknown }[] } }).data.list.map((entry) => entry.id));
      }
      expect(listed.reverse()).toEqual(IDS.map(String));
      for (const id of IDS) expect((await site.auth.listLogins(id)).items).toMatchObject([{ userId: String(id) }]);
      expect(new Set(IDS.map(String)).size).toBe(IDS.length);
    });

    /** Kicks one user among users with similar ids. That user is rejected and logs in again; the others stay logged in. */
    async function expectKickedAlone(id: string | number, end: (site: Site) => Promise<unknown>): Promise<void> {
      const site = await open({ backend });
      const neighbours = [...new Set([...near(String(id)), "bob"])].filter(
        (near) => near !== "" && near !== String(id),
      );
      const others = await Promise.all(neighbours.map((other) => site.login(other)));
      const browser = await site.login(id);
      await end(site);
      expect((await browser.get("/me")).status).toBe(401);
      expect(await Promise.all(others.map((other) => site.user(other)))).toEqual(neighbours);
      const { items: users } = await site.auth.listActiveUsers({ limit: 50 });
      expect(users.map(({ userId }) => userId).sort()).toEqual(neighbours.sort());
      const kicks = site.events.filter(({ name }) => name === "kick");
      expect(kicks).toEqual([expect.objectContaining({ userId: String(id) })]);
      expect(await site.user(await site.login(id))).toBe(id);
    }

    it.each(CASES.filter(([, id]) => String(id).length <= 256))(
      "are kicked one by one, without other users: %s",
      async (_shown, id) => {
        await expectKickedAlone(id, async (site) => {
          expect((await kick(site, String(id))).status).toBe(200);
        });
      },
    );

    it.each(CASES.filter(([, id]) => String(id).length > 256))(
      "are kicked by auth.kick if their ids are too long for the API: %s",
      async (_shown, id) => {
        await expectKickedAlone(id, async (site) => {
          expect((await kick(site, String(id))).status).toBe(400);
          expect((await site.auth.listLogins(id)).items).toHaveLength(1);
          await site.auth.kick(id);
        });
      },
    );

    it("are one user as a number and as a string", async () => {
      const site = await open({ backend });
      const browsers = [await site.login(0), await site.login("0")];
      expect((await site.auth.listLogins(0)).items).toHaveLength(2);
      expect((await kick(site, "0")).status).toBe(200);
      for (const browser of browsers) expect((await browser.get("/me")).status).toBe(401);
    });
  });

  describe("an invalid user id", () => {
    it.each([
      ["undefined", undefined],
      ["null", null],
      ["an empty string", ""],
      ["false", false],
    ])("makes the session anonymous: %s", async (_case, id) => {
      const site = await open({ backend, auth: { userId: () => id as string } });
      const browser = await site.login("alice");
      expect((await browser.get("/me")).body).toEqual({ user: "alice" });
      expect(await site.auth.listActiveUsers()).toEqual({ total: 0, items: [] });
      expect(site.errors).toEqual([]);
    });

    it.each<[string, unknown]>([
      ["NaN", NaN],
      ["Infinity", Infinity],
      ["an object", { id: 1 }],
      ["an array", ["alice"]],
      ["true", true],
      ["a big integer", 1n],
      ["a symbol", Symbol("alice")],
      ["a function", () => "alice"],
      ["a promise", Promise.resolve("alice")],
      ["an object whose toJSON gives an object", { toJSON: () => ({}) }],
      ["an object whose toJSON gives nothing", { toJSON: () => "" }],
    ])("causes a clear error, and no user is served: %s", async (_case, id) => {
      let odd: unknown;
      const site = await open({ backend, auth: { userId: ({ userId }) => (odd as string | undefined) ?? userId } });
      const alice = await site.login("alice");
      odd = id;
      await expect(site.login("bob")).rejects.toThrow("500");
      const answer = await alice.get("/me");
      expect({ status: answer.status, body: answer.body }).toEqual({
        status: 500,
        body: { error: "ERR_USER_ID_INVALID" },
      });
      for (const error of site.errors) {
        expect(error).toBeInstanceOf(LogoutError);
        expect((error as Error).message).toMatch(/must be a string or a number, not an? \w+: pass logout\(\{ userId/);
      }
      expect(site.errors).toHaveLength(2);
      odd = undefined;
      expect(await site.user(alice)).toBe("alice");
      expect((await site.auth.listActiveUsers()).total).toBe(1);
    });

    it("causes an error of the app if the function throws, and no user is served", async () => {
      const broken = new Error("no such tenant");
      let down = false;
      const userId = ({ userId: id }: { readonly userId?: string }): string | undefined => {
        if (down) throw broken;
        return id;
      };
      const site = await open({ backend, auth: { userId: userId as LogoutOptions["userId"] } });
      const alice = await site.login("alice");
      down = true;
      expect([(await alice.get("/me")).status, site.errors]).toEqual([500, [broken]]);
    });
  });

  describe("cookies without a session", () => {
    const BAD = [
      ...["", "=", ";;;", "=;=;=", "connect.sid", "connect.sid=", "connect.sid=;", "connect.sid=s:", "connect.sid=s:."],
      ...[
        "connect.sid=s%3A",
        "connect.sid=s%3A.",
        "connect.sid=s%3Aa.b",
        "connect.sid=%E0%A4%A",
        "connect.sid=%",
        "connect.sid=%00",
      ],
      ...[
        'connect.sid="s%3Aa.b"',
        "connect.sid=j:{}",
        'connect.sid=j:{"a":1}',
        "__proto__=s%3Aa.b",
        "connect.sid[]=s%3Aa.b",
      ],
      ...[
        "\xff\xfe=\xff",
        "connect.sid=\xe9",
        "a b=c d",
        "(x)=s%3Aa.b",
        `connect.sid=s%3A${"a".repeat(8_000)}.b`,
        "a=b; ".repeat(1_500),
      ],
      ...["__proto__", "constructor", "..", "*", "a".repeat(7_000), "{a}"].map((sid) => signedCookie(sid)),
      ...["__proto__", "x"].map((sid) => `${signedCookie(sid)}x`),
    ];

    it.each(BAD.map((cookie) => [cookie.slice(0, 60), cookie]))(
      "are anonymous on every route: %s",
      async (_shown, cookie) => {
        const site = await open({ backend });
        const alice = await site.login("alice");
        const Cookie = { Cookie: cookie };
        expect(await site.ask("GET", "/me", { headers: Cookie })).toMatchObject({ status: 200, body: { user: null } });
        expect((await site.ask("GET", LOG_OUT, { headers: Cookie })).status).toBe(302);
        expect((await site.ask("POST", LOG_OUT, { headers: Cookie })).status).toBe(303);
        const users = `/api/applications/${site.appId}/active-users`;
        expect((await site.ask("GET", users, { headers: { ...ADMIN, ...Cookie } })).status).toBe(200);
        expect(await site.user(alice)).toBe("alice");
        expect(site.errors).toEqual([]);
      },
    );

    it.each(["(x)", "a b", "__proto__", "\xe9", "a@b", ""])(
      "do not prevent a logout or a rejection beside a valid cookie: %s",
      async (name) => {
        const site = await open({ backend });
        const [alice, bob] = [await site.login("alice"), await site.login("bob")];
        const twice = (cookie: string): Headers => ({ Cookie: `${name}=${cookie.split("=")[1] ?? ""}; ${cookie}` });
        await site.auth.kick("bob");
        expect((await site.ask("GET", LOG_OUT, { headers: twice(alice.cookies) })).status).toBe(302);
        expect((await site.ask("GET", "/me", { headers: twice(bob.cookies) })).status).toBe(401);
        expect([await site.user(alice), site.errors]).toEqual([null, []]);
      },
    );
  });
});

describe("senseless requests", () => {
  const routes = (appId: string): (readonly [method: string, path: string])[] => [
    ...["/api", "/api/v2"].flatMap((api) => [
      ["POST", `${api}/applications/${appId}/kick-active-users`] as const,
      ["GET", `${api}/applications/${appId}/active-users`] as const,
    ]),
    ...["GET", "POST", "HEAD"].map((method) => [method, LOG_OUT] as const),
  ];

  /** Sends this to every route, each time with and without Alice's cookie. It may log Alice out, and no other user. */
  async function expectHarmless(headers: Headers, body?: string | Buffer, suffix = ""): Promise<void> {
    const site = await open();
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
    const broken: string[] = [];
    for (const [method, path] of routes(site.appId)) {
      for (const cookie of [{}, { Cookie: alice.cookies }]) {
        const asked = { headers: { ...ADMIN, ...cookie, ...length, ...headers }, body };
        const { status, text, headers: answered } = await site.ask(method, path + suffix, asked);
        const { location = "/" } = answered;
        if (status >= 500 || text.includes(TOKEN) || location !== "/")
          broken.push(`${method} ${path}: ${String(status)} ${text}`);
      }
    }
    expect(broken).toEqual([]);
    expect(await site.user(bob)).toBe("bob");
  }

  it.each(Array.from({ length: 20 }, (_, seed) => [seed, randomBytes(seed)] as const))(
    "are answered below 500: random bytes %i",
    async (_seed, bytes) => {
      for (const type of ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
        await expectHarmless({ "Content-Type": type }, bytes);
      }
    },
  );

  const deep = (open: string, close: string): string => open.repeat(20_000) + close.repeat(20_000);
  it.each<[string, string | Buffer, Headers]>([
    ["deep arrays", deep("[", "]"), JSON_TYPE],
    ["deep arrays within", `{"userIds":${deep("[", "]")}}`, JSON_TYPE],
    ["deep objects", deep('{"a":', "1}").replace("11", "1"), JSON_TYPE],
    ["prototypes", '{"__proto__":{"userIds":["bob"]},"constructor":{"prototype":{"userIds":["bob"]}}}', JSON_TYPE],
    ["huge JSON", `{"userIds":["${"x".repeat(1_000_000)}"]}`, JSON_TYPE],
    ["a huge form", `redirect_uri=${"x".repeat(1_000_000)}`, { "Content-Type": "application/x-www-form-urlencoded" }],
    ["too many fields", "a=b&".repeat(5_000), { "Content-Type": "application/x-www-form-urlencoded" }],
    [
      "a form of prototypes",
      "__proto__[redirect_uri]=//evil.example&redirect_uri[]=//evil.example",
      { "Content-Type": "application/x-www-form-urlencoded" },
    ],
    [
      "a form that is not UTF-8",
      "redirect_uri=%ff%fe",
      { "Content-Type": "application/x-www-form-urlencoded; charset=utf-7" },
    ],
    ["invalid UTF-16", Buffer.from([0xd8, 0x00, 0x22]), { "Content-Type": "application/json; charset=utf-16" }],
    ["invalid UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), JSON_TYPE],
    ["an unknown charset", "{}", { "Content-Type": "application/json; charset=klingon" }],
    ["a broken content type", "{}", { "Content-Type": ";;;=/" }],
    ["an unknown encoding", "{}", { ...JSON_TYPE, "Content-Encoding": "zip, gzip" }],
    ["invalid gzip", "{}", { ...JSON_TYPE, "Content-Encoding": "gzip" }],
    ["invalid deflate", "{}", { ...JSON_TYPE, "Content-Encoding": "deflate" }],
    ["invalid brotli", "{}", { ...JSON_TYPE, "Content-Encoding": "br" }],
  ])("are answered below 500: %s", async (_case, body, headers) => {
    await expectHarmless(headers, body);
  });

  it.each<[string, Headers]>([
    ["Authorization", { Authorization: [TOKEN, "wrong"] }],
    ["the user pool", { "x-authing-userpool-id": [POOL_ID, "other"] }],
    ["Cookie", { Cookie: ["connect.sid=a", "connect.sid=b"] }],
    ["Accept", { Accept: ["text/html", "application/json"] }],
    ["a broken Accept", { Accept: ";;;q=,/,*/*/*;q=9" }],
    ["Origin", { Origin: ["http://127.0.0.1", "null"] }],
    ["Sec-Fetch-Site", { "Sec-Fetch-Site": ["same-origin", "cross-site"] }],
    ["Sec-Fetch-Dest", { "Sec-Fetch-Dest": ["document", "image"] }],
    ["Sec-Purpose", { "Sec-Purpose": ["", "prefetch"] }],
    ["a broken User-Agent", { "User-Agent": "\xff\xfe(((;;;" }],
    ["an invalid Host", { Host: "[::1" }],
    ["an empty Host", { Host: "" }],
    ["X-Forwarded-For", { "X-Forwarded-For": ["", "\xff", "a".repeat(2_000)] }],
  ])("are answered below 500: odd or doubled headers, %s", async (_case, headers) => {
    await expectHarmless(headers);
  });

  it.each([
    "?",
    "?%",
    "?%E0%A4%A",
    "?page[]=1&limit[a]=1",
    "?__proto__[page]=0",
    `?redirect_uri=${"%".repeat(4_000)}`,
    "?a=b&".repeat(1_000),
    "/%E0%A4%A",
    "%00",
    "/../..",
  ])("are answered below 500: an odd query or path, %s", async (suffix) => {
    await expectHarmless({}, undefined, suffix);
  });

  it.each(["%E0%A4%A", "%", "__proto__", "..", "%2e%2e", "%00", "x".repeat(4_000)])(
    "are answered below 500: an odd application, %s",
    async (appId) => {
      const site = await open();
      for (const [method, path] of routes(appId).slice(0, 4)) {
        const { status } = await site.ask(method, path, { headers: { ...ADMIN, ...JSON_TYPE }, body: "" });
        expect([400, 404]).toContain(status);
      }
    },
  );

  it("may have any User-Agent, which the list shows", async () => {
    const site = await open();
    for (const agent of ["\xff\xfe", "a", "__proto__", "<script>", "(".repeat(5_000), "Mozilla/5.0 ()"]) {
      await site.login("alice", { "User-Agent": agent });
      const { status, body } = await site.ask("GET", `/api/applications/${site.appId}/active-users`, {
        headers: ADMIN,
      });
      expect({ status, body }).toMatchObject({ status: 200, body: { data: { list: [{ id: "alice" }] } } });
    }
  });
});

describe("everything that is answered or emitted", () => {
  it("contains no session id and no token", async () => {
    const texts: string[] = [];
    const sids: string[] = [];
    const site = await open();
    const ask = async (method: string, path: string, headers: Headers = {}, body?: string): Promise<void> => {
      const { status, headers: answered, text, setCookies } = await site.ask(method, path, { headers, body });
      const { "set-cookie": _cookies, ...others } = answered;
      texts.push(text, JSON.stringify(others), ...setCookies.filter((cookie) => cookie.includes("1970")));
      expect(status).toBeLessThan(500);
    };
    const api = `/api/applications/${site.appId}`;
    for (const Accept of ["text/html", "application/json"]) {
      const [alice, bob] = [await site.login("alice"), await site.login("bob")];
      sids.push(sessionId(alice), sessionId(bob));
      await ask("GET", `${api}/active-users`, ADMIN);
      await ask("GET", `${api}/active-users`, { Authorization: `${TOKEN}x` });
      await ask("POST", `${api}/kick-active-users`, { ...ADMIN, ...JSON_TYPE }, `{"userIds":["alice"],"${TOKEN}`);
      await ask("POST", `${api}/kick-active-users`, { ...ADMIN, ...JSON_TYPE }, '{"userIds":["alice"]}');
      await ask("GET", "/me", { Accept, Cookie: alice.cookies });
      await ask("GET", `${LOG_OUT}?redirect_uri=x`, { Accept, Cookie: bob.cookies });
      await ask("POST", LOG_OUT, { Accept, Origin: "null", Cookie: bob.cookies });
      texts.push(JSON.stringify([await site.auth.listActiveUsers(), (await site.auth.listLogins("alice")).items]));
    }
    texts.push(JSON.stringify(site.events), ...site.errors.map(String));
    expect(new Set(site.events.map(({ name }) => name))).toEqual(new Set(["login", "logout", "kick", "rejected"]));
    expect(sids.filter((sid) => sid.length >= 32)).toHaveLength(4);
    for (const secret of [...sids, TOKEN]) expect(texts.join("\n")).not.toContain(secret);
  });

  it("contains no session id in the events of an adopted login", async () => {
    const store = new session.MemoryStore();
    const sid = "a-session-from-before-the-installation";
    const cookie = new session.Cookie();
    await new Promise((resolve) => {
      store.set(sid, { cookie, userId: "alice" }, resolve);
    });
    const site = await open({ auth: { store } });
    const headers = { Cookie: signedCookie(sid) };
    expect((await site.ask("GET", "/me", { headers })).body).toEqual({ user: "alice" });
    await site.auth.kick("alice");
    expect((await site.ask("GET", "/me", { headers })).status).toBe(401);
    expect(JSON.stringify([site.events, (await site.auth.listLogins("alice")).items])).not.toContain(sid);
    expect(site.events.map(({ name }) => name)).toEqual(expect.arrayContaining(["kick", "rejected"]));
  });
});

/** Ids that a careless key, pattern or comparison would mistake for this id. */
function near(id: string): string[] {
  const last = id.slice(0, -1);
  return [
    ...["a", "a:b", "{a}", "a}", "%61", "A", "a "],
    ...[
      last,
      `${id} `,
      `${id}x`,
      `${id}:`,
      `{${id}}`,
      `${id}}`,
      id.toUpperCase(),
      id.toLowerCase(),
      id.normalize("NFD"),
      id.normalize("NFC"),
    ],
    ...[id.toWellFormed(), encodeURIComponent(id.toWellFormed()), id.slice(0, 256), `${id}*`],
  ];
}

/** Bytes that are the same in every run. */
function randomBytes(seed: number): Buffer {
  let state = seed * 2654435761 + 1;
  const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return Buffer.from(Array.from({ length: 1 + next() * 4 }, next));
}
