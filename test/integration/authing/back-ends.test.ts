import { describe, expect, it, jest } from "@jest/globals";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { authing, type AuthingOptions } from "../../../lib/authing/index.js";
import { MemoryLoginRegistry, type AdminContext, type AuditEntry } from "../../../lib/index.js";
import { RedisLoginRegistry } from "../../../lib/registry/redis/index.js";
import { sharedClients } from "../../recipes/authing.js";
import { accessTokenOf, exchange, KEY, signedCall, type SignedOptions } from "../../support/authing-calls.js";
import { sendRaw } from "../../support/raw-http.js";
import { startRedis } from "../../support/redis-server.js";
import { POOL_ID, TOKEN, useSites, type Answer, type Site, type SiteOptions } from "../../support/site.js";

const openSite = useSites();
const DONE = { code: 200, message: "Forced offline successful" };
const KICKED = { statusCode: 200, message: "Success", data: { success: true } };
const KICK = "/api/v3/kick-users";

interface Pool {
  readonly shop: Site;
  readonly forum: Site;
}

/** Two applications, of which one has the router. */
async function openPool(options: Partial<AuthingOptions> = {}, site: SiteOptions = {}): Promise<Pool> {
  const forum = await openSite();
  const shop = await openSite({
    ...site,
    before: (app, auth) => {
      const all = { applications: [auth, forum.auth], userPoolId: POOL_ID, tokens: [TOKEN], accessKeys: [KEY] };
      app.use(site.at ?? "/", authing({ ...all, ...options }));
    },
  });
  return { shop, forum };
}

const GOOD = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };

function call(site: Site, method: string, path: string, body?: unknown, headers: object = GOOD): Promise<Answer> {
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const asked = { headers: { ...type, ...headers } };
  return site.ask(method, path, body === undefined ? asked : { ...asked, body: JSON.stringify(body) });
}

const sign = (site: Site, path: string, body: object, options?: SignedOptions): Promise<Answer> =>
  site.ask("POST", site.at + path, signedCall(path, body, options));

const count = async ({ auth }: Site, user: string): Promise<number> => (await auth.listLogins(user)).total;

describe("users of several applications", () => {
  it("are kicked in one, or in all", async () => {
    const { shop, forum } = await openPool();
    for (const site of [shop, forum]) for (const user of ["alice", "bob", "carol", "dave"]) await site.login(user);
    const counts = async (user: string) => [await count(shop, user), await count(forum, user)];
    const path = `/api/v2/applications/${forum.appId}/kick-active-users`;
    expect(await call(shop, "POST", path, { userIds: ["alice"] })).toMatchObject({ status: 200, body: DONE });
    expect(await counts("alice")).toEqual([1, 0]);
    expect(await call(shop, "POST", "/api/v2/users/kick", { userIds: ["alice", "nemo"] })).toMatchObject({
      body: DONE,
    });
    expect(await counts("alice")).toEqual([0, 0]);
    expect(await call(shop, "GET", `/logout?userId=bob&appId=${shop.appId}`)).toMatchObject({ body: DONE });
    expect(await counts("bob")).toEqual([0, 1]);
    expect(await call(shop, "GET", "/logout?userId=bob")).toMatchObject({ body: DONE });
    expect(await counts("bob")).toEqual([0, 0]);
    expect(await sign(shop, KICK, { appIds: [forum.appId], userId: "carol" })).toMatchObject({ body: KICKED });
    expect(await counts("carol")).toEqual([1, 0]);
    expect(await sign(shop, KICK, { appIds: [forum.appId, shop.appId], userId: "carol" })).toMatchObject({
      body: KICKED,
    });
    expect(await counts("carol")).toEqual([0, 0]);
    expect(await counts("dave")).toEqual([1, 1]);
  });

  it("are found in one, or in any, or by one login", async () => {
    const { shop, forum } = await openPool();
    await forum.login("alice");
    const [login] = (await forum.auth.listLogins("alice")).items;
    const isLogin = async (query: string): Promise<unknown> => {
      const { body } = await call(shop, "GET", `/api/v2/users/login-status?${query}`);
      return (body as { data: { isLogin: boolean } }).data.isLogin;
    };
    expect(await isLogin("userId=alice")).toBe(true);
    expect(await isLogin(`userId=alice&appId=${forum.appId}&deviceId=`)).toBe(true);
    expect(await isLogin(`userId=alice&appId=${shop.appId}`)).toBe(false);
    expect(await isLogin(`userId=alice&deviceId=${String(login?.id)}`)).toBe(true);
    expect(await isLogin("userId=alice&deviceId=another")).toBe(false);
    expect(await isLogin("userId=nemo")).toBe(false);
  });

  it("are kicked in the others where one cannot be reached, which the answer says", async () => {
    const registry = new MemoryLoginRegistry();
    const { shop, forum } = await openPool({}, { auth: { registry } });
    await shop.login("alice");
    await forum.login("alice");
    const end = jest.spyOn(registry, "end").mockRejectedValue(new Error("out of order"));
    const answer = await call(shop, "POST", "/api/v2/users/kick", { userIds: ["alice"] });
    expect(answer).toMatchObject({ status: 503, body: { code: 503 }, headers: { "retry-after": "5" } });
    const signed = await sign(shop, KICK, { appIds: [shop.appId], userId: "alice" });
    expect(signed).toMatchObject({ status: 503, body: { statusCode: 503 } });
    end.mockRestore();
    expect([await count(shop, "alice"), await count(forum, "alice")]).toEqual([1, 0]);
  });
});

describe("what the app decides", () => {
  it("is asked for each application, before anything is done", async () => {
    const asked: AdminContext[] = [];
    const { shop, forum } = await openPool({
      authorize: (_req, context) => {
        asked.push(context);
        return context.appId !== forum.appId;
      },
    });
    await shop.login("alice");
    const answer = await call(shop, "POST", "/api/v2/users/kick", { userIds: ["alice"] });
    expect(answer).toMatchObject({ status: 403, body: { code: 403, message: "Forbidden." } });
    expect(await count(shop, "alice")).toBe(1);
    const what = { userPoolId: POOL_ID, action: "kick", userIds: ["alice"] };
    expect(asked).toEqual([shop, forum].map(({ appId }) => ({ ...what, appId, token: undefined })));
    const signed = await sign(shop, "/api/v3/check-session-status", { appId: forum.appId, userId: "alice" });
    expect(signed).toMatchObject({ status: 200, body: { statusCode: 403 } });
    expect(asked.at(-1)).toMatchObject({ action: "list", userIds: ["alice"], token: `access key ${POOL_ID}` });
  });

  it("is what a key may do", async () => {
    const { shop } = await openPool({ accessKeys: [{ ...KEY, may: ["list"] }] });
    const token = await accessTokenOf(shop);
    const headers = { ...GOOD, Authorization: `Bearer ${token}` };
    expect(await call(shop, "GET", "/api/v2/users/login-status?userId=alice", undefined, headers)).toMatchObject({
      status: 200,
    });
    expect(await call(shop, "POST", "/api/v2/users/kick", { userIds: ["alice"] }, headers)).toMatchObject({
      status: 403,
    });
    expect(await sign(shop, KICK, { appIds: [shop.appId], userId: "alice" })).toMatchObject({
      body: { statusCode: 403 },
    });
  });

  it("is recorded with the caller", async () => {
    const entries: AuditEntry[] = [];
    const { shop } = await openPool({}, { auth: { audit: { log: (entry) => void entries.push(entry) } } });
    await shop.login("alice");
    await sign(shop, KICK, { appIds: [shop.appId], userId: "alice" });
    await sign(shop, KICK, { appIds: [shop.appId], userId: "alice" }, { secret: "another secret of 16" });
    const kicks = entries.filter(({ action }) => action === "kick" || action === "denied");
    expect(kicks).toMatchObject([
      { action: "kick", by: `access key ${POOL_ID}`, userId: "alice" },
      { action: "denied", reason: "no valid signature" },
    ]);
  });
});

describe("access tokens", () => {
  const status = (site: Site, token: string): Promise<Answer> =>
    call(site, "GET", "/api/v2/users/login-status?userId=alice", undefined, {
      ...GOOD,
      Authorization: `Bearer ${token}`,
    });

  it("are good for two hours", async () => {
    const { shop } = await openPool();
    const { body } = await exchange(shop);
    const { accessToken, exp, iat } = (
      body as { data: { accessToken: { accessToken: string; exp: number; iat: number } } }
    ).data.accessToken;
    expect(exp - iat).toBe(7_200);
    expect(await status(shop, accessToken)).toMatchObject({ status: 200 });
    const now = jest.spyOn(Date, "now").mockReturnValue((exp + 1) * 1_000);
    try {
      jest.useFakeTimers({
        now: (exp + 1) * 1_000,
        doNotFake: ["setImmediate", "setTimeout", "nextTick", "queueMicrotask"],
      });
      expect(await status(shop, accessToken)).toMatchObject({ status: 401 });
    } finally {
      jest.useRealTimers();
      now.mockRestore();
    }
  });

  it("are refused for a wrong secret or user pool, as the client reads it", async () => {
    const { shop } = await openPool();
    const message = "userPoolId and secret must be those of an access key.";
    const refused = { status: 200, body: { data: null, errors: [{ message: { code: 401, message } }] } };
    for (const variables of [{ secret: "wrong" }, { secret: 1 }, { userPoolId: "other" }, { secret: undefined }]) {
      expect(await exchange(shop, variables)).toMatchObject(refused);
    }
  });

  it.each([null, [], 1, {}, { query: 1 }, { query: "mutation refreshAccessToken { a }" }])(
    "are for one operation alone: %j",
    async (body) => {
      const { shop } = await openPool();
      expect(await call(shop, "POST", "/graphql/v2", body)).toMatchObject({
        status: 200,
        body: { errors: [{ message: { code: 400 } }] },
      });
    },
  );

  it("pass every process with the same signing key, and no other", async () => {
    const signingKey = "a signing key of at least 32 bytes";
    const [{ shop: one }, { shop: two }] = [await openPool({ signingKey }), await openPool({ signingKey })];
    const { shop: other } = await openPool();
    const token = await accessTokenOf(one);
    expect((await status(two, token)).status).toBe(200);
    expect((await status(other, token)).status).toBe(401);
  });

  it("end with the secret that they were exchanged for, and with its key", async () => {
    const signingKey = "a signing key of at least 32 bytes";
    const token = await accessTokenOf((await openPool({ signingKey })).shop);
    const { shop: replaced } = await openPool({ signingKey, accessKeys: [{ ...KEY, secret: "another secret of 16" }] });
    expect((await status(replaced, token)).status).toBe(401);
    const { shop: gone } = await openPool({ signingKey, accessKeys: [{ ...KEY, id: "another" }] });
    expect((await status(gone, token)).status).toBe(401);
  });

  it("are refused when changed, unsigned, or of another pool", async () => {
    const signingKey = "a signing key of at least 32 bytes";
    const { shop } = await openPool({ signingKey });
    const token = await accessTokenOf(shop);
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    const forged = [
      [header, encode({ ...claims, exp: 9_999_999_999 }), signature],
      [encode({ alg: "none" }), payload, ""],
      [encode({ alg: "none" }), payload, signature],
      [header, payload, `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`],
      ["e30", "e30", "e30"],
    ];
    for (const parts of forged) expect((await status(shop, parts.join("."))).status).toBe(401);
    const { shop: other } = await openPool({ signingKey, userPoolId: "other" });
    const answer = await status(other, token);
    expect(answer.status).toBe(401);
  });
});

describe("tokens", () => {
  it.each([
    ["none", {}, 401],
    ["a wrong one", { ...GOOD, Authorization: "wrong" }, 401],
    ["no user pool", { Authorization: TOKEN }, 400],
    ["another user pool", { ...GOOD, "x-authing-userpool-id": "other" }, 403],
    ["another user pool of GenAuth", { Authorization: TOKEN, "x-genauth-userpool-id": "other" }, 403],
    ["the user pool of GenAuth", { Authorization: TOKEN, "x-genauth-userpool-id": POOL_ID }, 200],
  ])("%s", async (_case, headers, status) => {
    const { shop } = await openPool();
    const alice = await shop.login("alice");
    // A cookie proves nothing to an administrator's call.
    const answer = await call(shop, "GET", "/logout?userId=alice", undefined, { ...headers, Cookie: alice.cookies });
    expect(answer).toMatchObject({ status, body: { code: status } });
    expect(await count(shop, "alice")).toBe(status === 200 ? 0 : 1);
  });

  it("log no one out by HEAD", async () => {
    const { shop } = await openPool();
    await shop.login("alice");
    expect((await call(shop, "HEAD", "/logout?userId=alice")).status).toBe(404);
    expect(await count(shop, "alice")).toBe(1);
  });
});

describe("the admin API of an application, which has the same paths", () => {
  const path = ({ appId }: Site): string => `/api/v2/applications/${appId}/active-users`;
  const own = { admin: { userPoolId: POOL_ID, tokens: ["a token of the application"] } };
  const headers = { ...GOOD, Authorization: "a token of the application" };

  it("goes on with tokens of its own", async () => {
    const { shop } = await openPool({}, { auth: own });
    expect(await call(shop, "GET", path(shop), undefined, headers)).toMatchObject({ status: 200 });
    expect(await call(shop, "GET", path(shop))).toMatchObject({ status: 200 });
    expect(await call(shop, "GET", path(shop), undefined, { ...headers, Authorization: "neither" })).toMatchObject({
      status: 401,
    });
  });

  it("goes on for an application that is not of the pool", async () => {
    const { shop } = await openPool({ applications: [(await openSite()).auth] }, { auth: own });
    expect(await call(shop, "GET", path(shop), undefined, headers)).toMatchObject({ status: 200 });
    expect((await call(shop, "GET", "/api/v2/applications/other/active-users")).status).toBe(401);
  });
});

describe("without access keys", () => {
  it("the paths of signed calls and of the exchange are the app's, and no token is read", async () => {
    const { shop } = await openPool({ accessKeys: [] });
    for (const path of [KICK, "/graphql/v2"]) expect((await call(shop, "POST", path, {})).status).toBe(404);
    const answer = await call(shop, "GET", "/logout?userId=a", undefined, { ...GOOD, Authorization: "Bearer a.b.c" });
    expect(answer.status).toBe(401);
  });
});

describe("bad input", () => {
  it.each([
    ["GET", "/logout?userId=", undefined, 400],
    ["GET", "/logout?userId=a&userId=b", undefined, 400],
    ["GET", `/logout?userId=${"x".repeat(257)}`, undefined, 400],
    ["GET", "/logout?userId=a&appId=other", undefined, 404],
    ["GET", "/api/v2/users/login-status", undefined, 400],
    ["GET", "/api/v2/users/login-status?userId=a&appId=other", undefined, 404],
    ["POST", "/api/v2/users/kick", { userIds: [] }, 400],
    ["POST", "/api/v2/users/kick", [], 400],
  ])("%s %s %j", async (method, path, body, status) => {
    const { shop } = await openPool();
    const answer = await call(shop, method, path, body);
    expect(answer).toMatchObject({ status, body: { code: status, message: expect.any(String) } });
    expect(shop.errors).toEqual([]);
  });

  it.each([
    ["no appIds", KICK, () => ({ userId: "a" }), 400],
    ["empty appIds", KICK, () => ({ appIds: [], userId: "a" }), 400],
    ["appIds as a text", KICK, (appId: string) => ({ appIds: appId, userId: "a" }), 400],
    ["an unknown application", KICK, (appId: string) => ({ appIds: [appId, "other"], userId: "a" }), 404],
    ["no user", KICK, (appId: string) => ({ appIds: [appId] }), 400],
    [
      "a user by email",
      KICK,
      (appId: string) => ({ appIds: [appId], userId: "a", options: { userIdType: "email" } }),
      400,
    ],
    ["options as a text", KICK, (appId: string) => ({ appIds: [appId], userId: "a", options: "email" }), 400],
    ["no application", "/api/v3/list-application-active-users", () => ({}), 400],
    [
      "a page of 51",
      "/api/v3/list-application-active-users",
      (appId: string) => ({ appId, options: { pagination: { page: 1, limit: 51 } } }),
      400,
    ],
    ["no user", "/api/v3/check-session-status", (appId: string) => ({ appId }), 400],
    ["a list", KICK, () => [], 400],
    ["an application that is no text", KICK, (appId: string) => ({ appIds: [[appId]], userId: "a" }), 400],
    ["an application that is an object", "/api/v3/check-session-status", () => ({ appId: { toString: 1 } }), 400],
  ])("of a signed call: %s", async (_case, path, body, statusCode) => {
    const { shop } = await openPool();
    const answer = await sign(shop, path, body(shop.appId));
    expect(answer).toMatchObject({ status: 200, body: { statusCode, message: expect.any(String) } });
    expect(shop.errors).toEqual([]);
  });
});

describe("signed calls", () => {
  const body = (site: Site) => ({ appIds: [site.appId], userId: "alice" });

  it("list users a page at a time", async () => {
    const { shop } = await openPool();
    for (const user of ["alice", "bob", "carol"]) await shop.login(user);
    const options = { pagination: { page: 2, limit: 2 } };
    const answer = await sign(shop, "/api/v3/list-application-active-users", { appId: shop.appId, options });
    expect(answer).toMatchObject({
      body: { statusCode: 200, data: { totalCount: 3, list: [{ userId: "alice", loginsCount: 1 }] } },
    });
  });

  it.each([
    ["the secret", { secret: "another secret of 16" }],
    ["the key", { id: "another" }],
    ["the path", { path: "/api/v3/kick-user" }],
    ["the body", { sent: { appIds: ["x"], userId: "bob" } }],
    ["the date: five minutes ago", { date: new Date(Date.now() - 360_000) }],
    ["the date: in five minutes", { date: new Date(Date.now() + 360_000) }],
    ["no nonce", { headers: { "x-authing-signature-nonce": "" } }],
    ["a nonce with a space", { headers: { "x-authing-signature-nonce": "a b" } }],
    ["a long nonce", { headers: { "x-authing-signature-nonce": "x".repeat(129) } }],
  ])("are refused for another value of %s", async (_case, options) => {
    const { shop } = await openPool();
    await shop.login("alice");
    const answer = await sign(shop, KICK, body(shop), options);
    expect(answer).toMatchObject({ status: 401, body: { statusCode: 401, message: expect.any(String) } });
    expect(answer.text).not.toContain(KEY.secret);
    expect(await count(shop, "alice")).toBe(1);
  });

  it.each([
    "",
    "authing",
    "authing acme",
    "authing acme:AAAA",
    `Bearer ${TOKEN}`,
    TOKEN,
    "genauth acme:AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  ])("are refused without a signature: %j", async (authorization) => {
    const { shop } = await openPool();
    const { headers, ...rest } = signedCall(KICK, body(shop));
    expect(await shop.ask("POST", KICK, { ...rest, headers: { ...headers, authorization } })).toMatchObject({
      status: 401,
    });
  });

  it("are refused for another user pool", async () => {
    const { shop } = await openPool();
    const headers = { "x-authing-userpool-id": "other" };
    expect(await sign(shop, KICK, body(shop), { headers })).toMatchObject({ status: 200, body: { statusCode: 403 } });
    const own = { "x-authing-userpool-id": POOL_ID };
    expect(await sign(shop, KICK, body(shop), { headers: own })).toMatchObject({ body: KICKED });
  });

  it("are done once, also where they come at once", async () => {
    const { shop } = await openPool();
    const signed = signedCall(KICK, body(shop));
    const answers = await Promise.all(Array.from({ length: 8 }, () => shop.ask("POST", KICK, signed)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
  });

  it("are done once, with every white space around the nonce that HTTP takes", async () => {
    const { shop } = await openPool();
    const { headers, body: sent } = signedCall(KICK, body(shop), { headers: { "x-authing-signature-nonce": "n-1" } });
    const statuses: number[] = [];
    for (const around of ["", "\u00a0", "\u00a0\u00a0", "\u0085", "\t"]) {
      const nonce = { "x-authing-signature-nonce": `${around}n-1${around}` };
      const all = { ...headers, ...nonce, host: "x", connection: "close", "content-length": String(sent.length) };
      const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      // Node would send it in UTF-8, beside a body.
      const raw = Buffer.from(`POST ${KICK} HTTP/1.1\r\n${lines.join("")}\r\n${sent}`, "latin1");
      statuses.push((await sendRaw(shop.url, raw, false)).status);
    }
    expect(statuses).toEqual([200, 401, 401, 401, 401]);
  });

  it("have nonces of which the app remembers each key's", async () => {
    const remembered: unknown[] = [];
    const { shop } = await openPool({ rememberNonce: (...call) => remembered.push(call) > 0 });
    expect(await sign(shop, KICK, body(shop), { headers: { "x-authing-signature-nonce": "n-1" } })).toMatchObject({
      body: KICKED,
    });
    expect(remembered).toEqual([[`access key ${POOL_ID}:n-1`, 601_000]]);
  });

  it("are refused where the app does not answer true", async () => {
    const { shop } = await openPool({ rememberNonce: () => "OK" as unknown as boolean });
    expect(await sign(shop, KICK, body(shop))).toMatchObject({ status: 401 });
  });

  it("are refused where nonces cannot be remembered", async () => {
    const { shop } = await openPool({ rememberNonce: () => Promise.reject(new Error("Redis is gone")) });
    await shop.login("alice");
    expect(await sign(shop, KICK, body(shop))).toMatchObject({ status: 503, body: { statusCode: 503 } });
    expect(await count(shop, "alice")).toBe(1);
  });

  it("are read where the app has parsed the body before, and below a path", async () => {
    const at = "/account";
    const beforeSessions = (app: express.Express): void => void app.use(express.json());
    const { shop } = await openPool({}, { at, beforeSessions });
    expect(await sign(shop, KICK, body(shop))).toMatchObject({ body: KICKED });
  });
});

describe("several processes on Redis", () => {
  it("share nonces and access tokens: the recipe of the guide", async () => {
    const redis = await startRedis();
    const client = createClient({ url: redis.url });
    await client.connect();
    try {
      const env = {
        USER_POOL_ID: POOL_ID,
        USER_POOL_SECRET: KEY.secret,
        SIGNING_KEY: "a signing key of at least 32 bytes",
      };
      const appId = "shop";
      const open = (): Promise<Site> =>
        openSite({
          auth: { appId, store: new session.MemoryStore(), registry: new RedisLoginRegistry({ client }) },
          before: (app, auth) => app.use(sharedClients(auth, client, env)),
        });
      const [one, two] = [await open(), await open()];
      const token = await accessTokenOf(one);
      const headers = { ...GOOD, Authorization: `Bearer ${token}` };
      expect((await call(two, "GET", "/api/v2/users/login-status?userId=a", undefined, headers)).status).toBe(200);
      const signed = signedCall(KICK, { appIds: [appId], userId: "alice" });
      const answers = await Promise.all([one, two].map((site) => site.ask("POST", KICK, signed)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
      const [key = ""] = await client.keys("shop:nonce:*");
      expect(await client.pTTL(key)).toBeGreaterThan(590_000);
    } finally {
      client.destroy();
      await redis.stop();
    }
  });
});
