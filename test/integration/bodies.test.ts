import { createRequire } from "node:module";
import { buffer, text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import express, { type Express, type Request, type RequestHandler } from "express";
import type { Browser } from "../support/http.js";
import { selectionOf, submit, visit } from "../support/pages.js";
import { POOL_ID, TOKEN, useSites, type Answer, type Site } from "../support/site.js";

interface BodyParser {
  json(options?: { readonly limit?: string }): RequestHandler;
  urlencoded(options: { readonly extended: boolean }): RequestHandler;
}
const load = createRequire(__filename) as (name: string) => unknown;
const [one, two] = [load("body-parser1"), load("body-parser")] as [BodyParser, BodyParser];
const hpp = load("hpp") as (options?: object) => RequestHandler;
const { sanitize } = load("express-mongo-sanitize") as { sanitize: (given: unknown) => unknown };

const open = useSites();
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const JSON_BODY = { "Content-Type": "application/json" };
const LOGOUT = "/login/profile/logout";
const BYE = "https://shop.example/bye?a=1&b=2";

const isJson = (req: Request): boolean => req.headers["content-type"]?.includes("json") === true;
const parsed = (req: Request, body: string): unknown =>
  isJson(req) ? JSON.parse(body === "" ? "{}" : body) : Object.fromEntries(new URLSearchParams(body));
const parser =
  (parse: (req: Request) => Promise<void>): RequestHandler =>
  (req, _res, next) => {
    parse(req).then(() => {
      next();
    }, next);
  };

/** Parsers that apps mount before the middleware, and the remaining body. */
const PARSERS: Readonly<Record<string, readonly RequestHandler[]>> = {
  nothing: [],
  "Express's own": [express.json(), express.urlencoded({ extended: true })],
  "body-parser 1": [one.json(), one.urlencoded({ extended: true })],
  "body-parser 2": [two.json(), two.urlencoded({ extended: true })],
  "one for JSON alone": [express.json()],
  "express.text": [express.text({ type: "*/*" })],
  "express.raw": [express.raw({ type: "*/*" })],
  "one made by hand": [
    parser(async (req) => {
      req.body = parsed(req, await text(req));
    }),
  ],
  "one that keeps the bytes aside": [
    parser(async (req) => void ((req as { rawBody?: Buffer }).rawBody = await buffer(req))),
  ],
  "a getter that parses": [
    parser(async (req) => {
      const body = await text(req);
      Object.defineProperty(req, "body", { get: () => parsed(req, body) });
    }),
  ],
};
const DRAINED = parser(async (req) => {
  await text(req);
});

const before = (handlers: readonly RequestHandler[]) => ({
  before: (app: Express) => {
    for (const handler of handlers) app.use(handler);
  },
});

function kick(site: Site, body: string, headers: object = JSON_BODY): Promise<Answer> {
  const given = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID, ...headers };
  return site.ask("POST", `/api/applications/${site.appId}/kick-active-users`, { headers: given, body });
}

async function loginsOf(site: Site, user: string): Promise<number> {
  return (await site.auth.listLogins(user)).items.length;
}

/** Users log in elsewhere, so that body parsers do not affect the login request. */
async function logIn(site: Site, user: string): Promise<Browser> {
  return site.login(user, {}, "/log-in");
}

const withLogins = (handlers: readonly RequestHandler[], auth = {}) => ({
  auth,
  before: (app: Express) => {
    app.post("/log-in", express.json(), (req, res) => {
      req.session.userId = (req.body as { user: string }).user;
      res.json({});
    });
    before(handlers).before(app);
  },
});

describe.each(Object.entries(PARSERS))("after %s", (_name, handlers) => {
  it("the admin API kicks, and rejects invalid requests as it does without a parser", async () => {
    const site = await open(withLogins(handlers));
    await logIn(site, "alice");
    for (const [body, headers, status] of [
      ["[]", JSON_BODY, 400],
      ['{"userIds":[]}', JSON_BODY, 400],
      ["userIds=alice", FORM, 415],
    ] as const) {
      expect((await kick(site, body, headers)).status).toBe(status);
    }
    expect(await loginsOf(site, "alice")).toBe(1);
    expect((await kick(site, '{"userIds":["alice"]}')).status).toBe(200);
    expect(await loginsOf(site, "alice")).toBe(0);
  });

  it("forms are read", async () => {
    const site = await open(withLogins(handlers, { redirects: { allow: [BYE] } }));
    const browsers = [await logIn(site, "alice"), await logIn(site, "alice"), await logIn(site, "alice")] as const;
    const [oldest] = (await site.auth.listLogins("alice")).items.slice(-1);
    const ended = await submit(site, browsers[2], "/u/end-login", [["loginId", oldest?.id ?? ""]]);
    expect([ended.status, ended.headers.location, await loginsOf(site, "alice")]).toEqual([303, "/u?ended=1", 2]);
    const others = await submit(site, browsers[2], "/u/end-others", [["a", "b"]]);
    expect([others.headers.location, await loginsOf(site, "alice")]).toEqual(["/u?ended=1", 1]);
    const out = await submit(site, browsers[2], LOGOUT, [["redirect_uri", BYE]]);
    expect([out.status, out.headers.location, await loginsOf(site, "alice")]).toEqual([303, BYE, 0]);
  });
});

describe("a body that was read and not kept", () => {
  it("causes a 400 that names the fix if the body is needed", async () => {
    const site = await open(withLogins([DRAINED]));
    const alice = await logIn(site, "alice");
    const kicked = await kick(site, '{"userIds":["alice"]}');
    const form = await submit(site, alice, "/u/end-login", [["loginId", "x"]], { Accept: "application/json" });
    for (const { status, body } of [kicked, form]) {
      expect({ status, body }).toEqual({
        status: 400,
        body: { code: 400, message: expect.stringMatching(/already read.*Mount/) },
      });
    }
    expect(await loginsOf(site, "alice")).toBe(1);
  });
});

describe("the empty object that body-parser 1 leaves on every request", () => {
  const drained = (keeps: boolean) =>
    parser(async (req) => {
      const bytes = await buffer(req);
      if (keeps) (req as { rawBody?: Buffer }).rawBody = bytes;
    });
  const endOldest = async (keeps: boolean) => {
    const site = await open(withLogins([one.json(), drained(keeps)]));
    const [alice] = [await logIn(site, "alice"), await logIn(site, "alice")];
    const [newest] = (await site.auth.listLogins("alice")).items;
    const form = [["loginId", newest?.id ?? ""]] as const;
    const { status } = await submit(site, alice, "/u/end-login", form, { Accept: "application/json" });
    return [status, await loginsOf(site, "alice")];
  };

  it("counts as no body: rawBody is used, and without rawBody the answer is a 400", async () => {
    expect(await endOldest(true)).toEqual([200, 1]);
    expect(await endOldest(false)).toEqual([400, 2]);
  });
});

describe("a form of an unparsed type", () => {
  it.each([
    ["unread", []],
    ["read as text", [express.text({ type: "*/*" })]],
  ] as const)("causes a 415 that names the fix: %s", async (_case, handlers) => {
    const site = await open(withLogins(handlers));
    const alice = await logIn(site, "alice");
    const headers = { Cookie: alice.cookies, "Content-Type": "multipart/form-data; boundary=x" };
    const answer = await site.ask("POST", "/u/end-login", { headers, body: "--x--" });
    expect([answer.status, answer.body]).toEqual([
      415,
      { code: 415, message: expect.stringMatching(/URLSearchParams/) },
    ]);
  });
});

describe("the largest kick", () => {
  it("has a thousand ids of 256 characters, escaped as JSON may escape them", async () => {
    const site = await open();
    const ids = Array.from({ length: 1_000 }, (_, index) => String(index).padEnd(256, "é"));
    const body = JSON.stringify({ userIds: ids }).replaceAll("é", "\\u00e9");
    expect((await kick(site, body)).status).toBe(200);
  });
});

describe("raw bytes of a parser", () => {
  it.each([
    ["no UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), {}, 400],
    ["broken JSON", '{"userIds":["alice"]', {}, 400],
    ["more than 2 MB", JSON.stringify({ userIds: ["alice"], more: "x".repeat(2_097_152) }), {}, 413],
    ["another charset", '{"userIds":["alice"]}', { "Content-Type": "application/json; charset=latin1" }, 415],
  ])("must follow the same rules: %s", async (_case, body, headers, status) => {
    const site = await open(withLogins([express.raw({ type: "*/*", limit: "3mb" })]));
    await logIn(site, "alice");
    expect((await kick(site, body as string, { ...JSON_BODY, ...headers })).status).toBe(status);
    expect(await loginsOf(site, "alice")).toBe(1);
  });

  it("may be UTF-16", async () => {
    const site = await open(withLogins([express.raw({ type: "*/*" })]));
    await logIn(site, "alice");
    const body = Buffer.from('\ufeff{"userIds":["alice"]}', "utf16le") as unknown as string;
    expect((await kick(site, body, { "Content-Type": "application/json; charset=utf-16" })).status).toBe(200);
    expect(await loginsOf(site, "alice")).toBe(0);
  });
});

describe("a form that needs no body", () => {
  const BODIES = [
    ["malformed", FORM, "%%%=%zz&&&="],
    ["too big", FORM, `a=${"x".repeat(200_000)}`],
    ["too many fields", FORM, "a=b&".repeat(3_000)],
    ["broken JSON", JSON_BODY, "{"],
    ["another type", { "Content-Type": "multipart/form-data; boundary=x" }, "--x--"],
    ["another charset", { "Content-Type": "application/x-www-form-urlencoded; charset=klingon" }, "a=b"],
    ["an encoding that it has not", { ...FORM, "Content-Encoding": "gzip" }, "a=b"],
  ] as const;
  const PATHS = ["/u/logout", "/u/end-others", LOGOUT] as const;

  it.each(BODIES)("is answered with any: %s", async (_case, headers, body) => {
    for (const handlers of [[], [DRAINED]]) {
      for (const path of PATHS) {
        const site = await open(withLogins(handlers));
        const [alice] = [await logIn(site, "alice"), await logIn(site, "alice")];
        const { status } = await site.ask("POST", path, { headers: { Cookie: alice.cookies, ...headers }, body });
        expect({ path, status, left: await loginsOf(site, "alice") }).toEqual({ path, status: 303, left: 1 });
      }
    }
  });
});

describe("the confirmed selection", () => {
  const IDS = ["$a.b", "a&b=c", "<b>", "bob", ...Array.from({ length: 40 }, (_, index) => `user ${String(index)}`)];
  const USERS = [...IDS, "carol"];
  const escape: RequestHandler = (req, _res, next) => {
    const body = (req.body ?? {}) as Record<string, unknown>;
    for (const [name, value] of Object.entries(body))
      if (typeof value === "string") body[name] = value.replace(/[<&$.]/g, "_");
    next();
  };
  const mongo: RequestHandler = (req, _res, next) => {
    if (req.body !== undefined) req.body = sanitize(req.body);
    next();
  };
  const urlencoded = express.urlencoded({ extended: true });

  it.each([
    ["hpp", [urlencoded, hpp()]],
    ["express-mongo-sanitize", [urlencoded, mongo]],
    ["a sanitizer of values", [urlencoded, escape]],
    ["qs, which makes objects of long lists", [urlencoded]],
    ["a parser that takes few fields", [express.urlencoded({ extended: false, parameterLimit: 5 })]],
  ] as const)("is kicked, after %s", async (_name, handlers) => {
    const site = await open(
      withLogins(handlers, { console: { authorize: (req: Request) => req.session.userId === "root" } }),
    );
    const root = await logIn(site, "root");
    for (const user of USERS) await logIn(site, user);
    const force = `/console/applications/${site.appId}/login-management/force-offline`;
    const query = new URLSearchParams(IDS.map((user) => ["user", user])).toString();
    const question = await visit(site, root, `${force}?${query}`);
    expect(selectionOf(question.text)).toEqual({ userIds: IDS });
    const [selection = ""] = /name="selection" value="([^"]*)"/.exec(question.text)?.slice(1) ?? [];
    const done = await submit(site, root, force, [
      ["selection", selection],
      ["reason", ""],
    ]);
    expect([done.status, done.headers.location]).toEqual([303, expect.stringContaining(`users=${String(IDS.length)}`)]);
    expect(await Promise.all(USERS.map((user) => loginsOf(site, user)))).toEqual([...IDS.map(() => 0), 1]);
  });

  it.each([
    "x",
    "bnVsbA",
    Buffer.from('{"userIds":"alice"}').toString("base64url"),
    Buffer.from('{"userIds":[""]}').toString("base64url"),
  ])("is rejected if it differs from the page's form: %s", async (selection) => {
    const site = await open(withLogins([], { console: { authorize: () => true } }));
    const alice = await logIn(site, "alice");
    const force = `/console/applications/${site.appId}/login-management/force-offline`;
    expect(
      (
        await submit(site, alice, force, [
          ["selection", selection],
          ["user", "alice"],
        ])
      ).status,
    ).toBe(400);
    expect(await loginsOf(site, "alice")).toBe(1);
  });
});

describe("query parameters", () => {
  const settings: readonly (readonly [string, (app: Express) => void])[] = [
    ["the simple parser", (app) => app.set("query parser", "simple")],
    ["the extended parser", (app) => app.set("query parser", "extended")],
    ["no parser", (app) => app.set("query parser", false)],
    ["a parser of the app's own", (app) => app.set("query parser", () => ({ page: "x", redirect_uri: "x" }))],
    ["hpp", (app) => app.use(hpp())],
    [
      "a sanitizer that empties them",
      (app) =>
        app.use((req, _res, next) => {
          Object.defineProperty(req, "query", { value: {} });
          next();
        }),
    ],
  ];

  it.each(settings)("are read from the address: %s", async (_name, set) => {
    const auth = { redirects: { allow: [BYE] }, console: { authorize: () => true } };
    const site = await open({ before: set, auth });
    const alice = await site.login("alice");
    await site.login("bob");
    const headers = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
    const api = (query: string) => site.ask("GET", `/api/applications/${site.appId}/active-users${query}`, { headers });
    expect((await api("?page=2&limit=1")).body).toMatchObject({ data: { totalCount: 2, list: [{ id: "alice" }] } });
    expect((await api("?page=1&page=2")).status).toBe(400);
    const console = `/console/applications/${site.appId}/login-management`;
    const question = await visit(site, alice, `${console}/force-offline?user=bob&user=alice`);
    expect(selectionOf(question.text)).toEqual({ userIds: ["bob", "alice"] });
    expect((await visit(site, alice, "/u?ended=3")).text).toContain("3 devices");
    const twice = await visit(site, undefined, `${LOGOUT}?redirect_uri=${encodeURIComponent(BYE)}&redirect_uri=x`);
    const once = await visit(site, alice, `${LOGOUT}?redirect_uri=${encodeURIComponent(BYE)}`);
    expect([twice.status, once.status, once.headers.location]).toEqual([400, 302, BYE]);
  });
});
