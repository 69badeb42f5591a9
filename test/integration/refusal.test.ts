import { describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import type { Express, Request, RequestHandler } from "express";
import { MemoryStore, type SessionData } from "express-session";
import { MemoryLoginRegistry, type LoginEnd, type RouteOptions, type LogoutMiddleware } from "../../lib/index.js";
import { Gate } from "../support/gate.js";
import { Holdable } from "../support/holdable.js";
import type { Browser } from "../support/http.js";
import { MinimalStore } from "../support/odd-stores.js";
import { HANDLERS } from "../support/race-app.js";
import { sessionId, useSites, type Answer, type Site, type SiteOptions } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";

type Headers = Readonly<Record<string, string>>;

const open = useSites();
const WHY = "because it is late";
const PAGE = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
const EAGER = { saveUninitialized: true, resave: true, rolling: true };
const CLEARED = expect.stringMatching(/^connect\.sid=;.*Expires=Thu, 01 Jan 1970 00:00:00 GMT/);
const ANONYMOUS = { status: 200, body: { user: null } };
const HANDLER_NAMES = Object.keys(HANDLERS);
const rotates = (handler: string): boolean => handler.startsWith("regenerate");

/** A site on which alice was logged in and has been kicked, and her browser. */
async function kicked(options: SiteOptions = {}, reason: string | undefined = WHY) {
  const site = await open(options);
  const browser = await site.login("alice");
  await site.auth.kick("alice", { reason });
  const ask = (path: string, headers: Headers = {}, method = "GET"): Promise<Answer> =>
    site.ask(method, path, { headers: { Cookie: browser.cookies, ...headers } });
  return { site, browser, ask };
}

/** Deletes the next session that it reads, as the app may at the same time. */
class DeletingStore extends MinimalStore {
  deletes = false;
  readonly written: string[] = [];

  override set(sid: string, session: SessionData, done?: (error?: unknown) => void): void {
    this.written.push(sid);
    super.set(sid, session, done);
  }

  protected override read(sid: string): SessionData | null {
    const session = super.read(sid);
    if (this.deletes) this.deletes = !this.rows.delete(sid);
    return session;
  }
}

describe("a session that is deleted while it is refused", () => {
  it("is not written again", async () => {
    const store = new DeletingStore();
    const site = await open({ auth: { store, registry: new MemoryLoginRegistry() } });
    const browser = await site.login("alice");
    const sid = sessionId(browser);
    const row = store.rows.get(sid) ?? "";
    await site.auth.kick("alice", { reason: WHY });
    // A process without the package overwrites what the kick has left.
    store.rows.set(sid, row);
    store.deletes = true;
    store.written.length = 0;
    const { status, body } = await site.ask("GET", "/me", { headers: { Cookie: browser.cookies } });
    expect({ status, body }).toEqual({ status: 401, body: { code: 401, message: expect.stringContaining(WHY) } });
    expect(store.written).toEqual([]);
    expect([...store.rows.keys()]).toEqual([]);
  });
});

describe("the first request of a kicked login", () => {
  it.each([
    undefined,
    "application/json",
    "*/*",
    "application/json, text/plain, */*",
    "text/html;q=0.5, application/json",
  ])("is answered 401 with the reason as JSON: Accept %s", async (accept) => {
    const { ask } = await kicked();
    const { status, body, headers } = await ask("/me", accept === undefined ? {} : { Accept: accept });
    expect({ status, body }).toEqual({ status: 401, body: { code: 401, message: expect.stringContaining(WHY) } });
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers.vary).toMatch(/\bAccept\b/);
  });

  it.each([PAGE.Accept, "text/html", "text/html, application/json;q=0.9", "text/*"])(
    "is answered 401 with the reason as a page: Accept %s",
    async (accept) => {
      const { ask } = await kicked({ auth: { redirects: { login: "/shop/login?a=1&b=2" } } });
      const { status, text, headers } = await ask("/me", { Accept: accept });
      expect(status).toBe(401);
      expect(headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers.vary).toMatch(/\bAccept\b/);
      expect(text).toContain(`<p class="quiet"><bdi>${WHY}</bdi></p>`);
      expect(text).toContain('href="/shop/login?a=1&amp;b=2"');
    },
  );

  it("is answered with a page that runs and loads nothing inline", async () => {
    const { ask } = await kicked();
    const { text, headers } = await ask("/me", PAGE);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(text).not.toMatch(
      /<script(?! src="\/express-logout\/script\.[\w-]+\.js" defer><\/script>)|<style|\sstyle=|\son\w+=|<iframe|https?:/i,
    );
  });

  it.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</p></title><a href='//a'>",
    `&lt;b&gt; & " '`,
  ])("shows the reason as text: %s", async (reason) => {
    const { ask } = await kicked({}, reason);
    const { text } = await ask("/me", PAGE);
    const [, shown = ""] = /<p class="quiet"><bdi>(.*?)<\/bdi><\/p>/s.exec(text) ?? [];
    expect(shown).not.toMatch(/[<"]/);
    expect(unescape(shown)).toBe(reason);
  });

  it("is answered without a reason if none was given", async () => {
    const { ask } = await kicked({}, "");
    const { status, body } = await ask("/me");
    expect({ status, body }).toEqual({ status: 401, body: { code: 401, message: "You have been logged out" } });
  });

  it.each([{}, EAGER])("has its cookie cleared, and gets no new cookie: %j", async (session) => {
    for (const headers of [PAGE, {}]) {
      const { ask } = await kicked({ session });
      expect((await ask("/me", headers)).setCookies).toEqual([CLEARED]);
    }
  });

  it.each([
    [{ name: "shop.sid" }, /^shop\.sid=; Path=\/;/],
    [{ cookie: { path: "/shop" } }, /^connect\.sid=; Path=\/shop;/],
    [
      { name: "__Host.sid", cookie: { path: "/shop", domain: "127.0.0.1", sameSite: "lax" as const } },
      /^__Host\.sid=;(?=.*Domain=127\.0\.0\.1)(?=.*Path=\/shop)(?=.*SameSite=Lax)/,
    ],
  ])("has the cookie cleared that session() is configured to set: %j", async (session, cleared) => {
    const site = await open({ session: { ...EAGER, ...session }, auth: { redirects: { login: "/shop/login" } } });
    const browser = await site.login("alice", {}, "/shop/login");
    await site.auth.kick("alice");
    const { status, setCookies } = await site.ask("GET", "/shop/me", {
      headers: { Cookie: `a=1; ${browser.cookies}` },
    });
    expect(status).toBe(401);
    expect(setCookies).toEqual([expect.stringMatching(cleared)]);
  });

  it.each([
    "/",
    "/unknown",
    "/me?a=b",
    "/LOGIN-more",
    "/login/more",
    "/%E0%A4%A",
    "//",
    "///",
    "//:x/me",
    "/\\",
    "http://127.0.0.1/me",
  ])("is rejected at every path: %s", async (path) => {
    const { ask } = await kicked();
    const { status, body } = await ask(path);
    expect({ status, body }).toMatchObject({ status: 401, body: { code: 401 } });
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("is rejected with every method: %s", async (method) => {
    const { ask } = await kicked();
    expect((await ask("/me", {}, method)).status).toBe(401);
  });
});

describe("the second request of a kicked login", () => {
  it.each([{}, EAGER])("is anonymous, with and without the old cookie: %j", async (session) => {
    const { browser, site } = await kicked({ session });
    const old = browser.clone();
    expect((await browser.get("/me")).status).toBe(401);
    expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
    expect(await old.clone().get("/me")).toMatchObject(ANONYMOUS);
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
  });
});

const FRAME = { ...PAGE, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate" };
const DATA = { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", Accept: "*/*" };

describe("a first request whose answer is not shown", () => {
  it.each<[string, Headers]>([
    ["GET", { ...FRAME, "Sec-Fetch-Site": "cross-site" }],
    ["GET", { ...FRAME, "Sec-Fetch-Site": "same-site" }],
    ["GET", { ...PAGE, "Sec-Fetch-Dest": "object", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin" }],
    ["GET", { ...DATA, RSC: "1" }],
    ["GET", { ...DATA, "X-Nextjs-Data": "1" }],
    ["POST", { ...DATA, "Turbo-Frame": "cart", Accept: "text/html, application/xhtml+xml" }],
    ["GET", { ...PAGE, "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender" }],
    ["GET", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Next-Router-Prefetch": "1" }],
    ["GET", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", Accept: "text/event-stream" }],
    ["GET", { Accept: "text/event-stream" }],
    ["POST", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "no-cors", "Content-Type": "text/plain" }],
    ["POST", { "Content-Type": "text/ping", "Ping-To": "/x" }],
    ["POST", { "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors" }],
    ["GET", { Connection: "Upgrade", Upgrade: "websocket" }],
    ["HEAD", PAGE],
    ["HEAD", {}],
  ])("is answered 401, and leaves the reason for the next page: %s %j", async (method, headers) => {
    const { ask, browser } = await kicked();
    for (const answer of [await ask("/me", headers, method), await ask("/me", headers, method)]) {
      expect({ status: answer.status, cookies: answer.setCookies }).toEqual({ status: 401, cookies: [] });
    }
    const page = await ask("/me", { ...PAGE, "Sec-Fetch-Dest": "document" });
    expect(page.status).toBe(401);
    expect(page.text).toContain(WHY);
    expect(page.setCookies).toEqual([CLEARED]);
    expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
  });
});

describe("a first request in a frame of the same origin", () => {
  it("shows the reason in the frame, and only once", async () => {
    const { ask, browser } = await kicked();
    const shown = await ask("/me", { ...FRAME, "Sec-Fetch-Site": "same-origin" });
    expect([shown.status, shown.setCookies]).toEqual([401, [CLEARED]]);
    expect(shown.text).toContain(WHY);
    expect(shown.text).toMatch(/<a class="button primary" href="[^"]*" target="_top">/);
    expect(shown.headers["content-security-policy"]).toContain("frame-ancestors 'self'");
    expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
  });
});

describe("the files of a page that a kicked login asks for", () => {
  const files = (app: Express): unknown =>
    app.get("/app.js", (_req, res) => {
      res.type("js").send("1");
    });
  const BROWSER = { "User-Agent": "Mozilla/5.0 (X11)" };

  it.each<[string, Headers]>([
    ["a script", { "Sec-Fetch-Dest": "script" }],
    ["a style", { "Sec-Fetch-Dest": "style" }],
    ["an image on plain HTTP", { Accept: "image/avif,image/webp,*/*;q=0.8" }],
    ["a script on plain HTTP", { ...BROWSER, Accept: "*/*" }],
  ])("are served as to an anonymous visitor, and leave the reason for the next page: %s", async (_case, headers) => {
    for (const session of [{}, EAGER]) {
      const { ask } = await kicked({ session, after: files });
      for (const method of ["GET", "HEAD", "GET"]) {
        expect(await ask("/app.js", headers, method)).toMatchObject({ status: 200, setCookies: [] });
      }
      expect(await ask("/me", PAGE)).toMatchObject({ status: 401, text: expect.stringContaining(WHY) });
    }
  });

  it.each<[string, Headers]>([
    ["with Fetch Metadata", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors" }],
    ["on plain HTTP", { ...BROWSER, Accept: "*/*" }],
  ])("do not include data that a script fetches, which is rejected: %s", async (_case, headers) => {
    const { ask } = await kicked();
    expect(await ask("/me", headers)).toMatchObject({ status: 401, setCookies: [CLEARED] });
  });
});

describe("a browser that disconnects before the answer", () => {
  it("leaves the reason for the next page", async () => {
    const held = new Holdable(new MemoryStore());
    const gone = new Gate();
    const { site, browser, ask } = await kicked({
      auth: { store: held.store },
      attach: (server) =>
        server.on("request", ({ url, socket }) => {
          if (url === "/gone") socket.once("close", () => gone.open());
        }),
    });
    const read = held.hold("get", "after");
    const { hostname, port } = new URL(site.url);
    const socket = connect(Number(port), hostname);
    const head = ["GET /gone HTTP/1.1", "Host: shop.example", "Accept: text/html", `Cookie: ${browser.cookies}`];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    await read.reached;
    socket.destroy();
    await gone.pass();
    read.open();
    expect(await ask("/me", PAGE)).toMatchObject({ status: 401, text: expect.stringContaining(WHY) });
  });
});

describe("logging in with the kicked cookie", () => {
  it.each([{}, EAGER])("takes one step, and then removes the reason: %j", async (session) => {
    const { browser, site } = await kicked({ session });
    const old = browser.clone();
    const answer = await browser.post("/login", { user: "alice" });
    expect(answer).toMatchObject({ status: 200, body: { user: "alice" } });
    expect(answer.headers["set-cookie"]).toHaveLength(1);
    expect(await site.user(browser)).toBe("alice");
    expect(await old.get("/me")).toMatchObject(ANONYMOUS);
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });

  it("takes one step even if the app keeps the session id", async () => {
    const after = (app: Express): unknown =>
      app.post("/login", (req, res) => {
        req.session.userId = "alice";
        res.json({ user: "alice" });
      });
    const { browser, site } = await kicked({ after });
    const old = browser.clone();
    expect(await browser.post("/login")).toMatchObject({ status: 200, body: { user: "alice" } });
    expect(await site.user(browser)).toBe("alice");
    expect(await old.get("/me")).toMatchObject(ANONYMOUS);
  });

  it.each(["/login", "/login/", "/login?next=%2Fme"])(
    "is possible on the login page, which sees an anonymous session: %s",
    async (path) => {
      const { ask } = await kicked();
      expect(await ask(path)).toMatchObject(ANONYMOUS);
      expect((await ask("/me")).text).toContain(WHY);
    },
  );

  it.each(["/shop/login", "https://shop.example/shop/login"])("depends on redirects.login: %s", async (loginUrl) => {
    const { ask } = await kicked({ auth: { redirects: { login: loginUrl } } });
    expect(await ask("/shop/login", { Host: "shop.example" })).toMatchObject(ANONYMOUS);
    expect((await ask("/login")).status).toBe(401);
  });

  it("takes one step from the login page, with any form action, and the page can show the reason", async () => {
    const after = (app: Express, auth: LogoutMiddleware): unknown =>
      app.get("/login", (req, res) => res.send(`log in: ${auth.rejection(req)?.reason ?? ""}`));
    for (const session of [{}, EAGER]) {
      const { browser, site } = await kicked({ session, after });
      expect((await browser.get("/login", PAGE)).text).toBe(`log in: ${WHY}`);
      expect(await browser.post("/shop/login", { user: "alice" })).toMatchObject({ body: { user: "alice" } });
      expect(await site.user(browser)).toBe("alice");
    }
  });

  const isLogin = (req: Request): boolean => /^\/shop\/LOGIN$/i.test(req.path);
  it.each<[string, RouteOptions["login"], string]>([
    ["one path", "/shop/login", "/shop/login?a=b"],
    ["several", ["/auth/callback", "/Shop/Login/"], "/shop/login"],
    ["in another spelling", "/sh\u00f6p/%6Cogin", "/sh%C3%B6p/login/"],
    ["a function", isLogin, "/shop/login"],
  ])("takes one step on every route in routes.login: %s", async (_case, login, path) => {
    const after = (app: Express): unknown =>
      app.all([path.replace(/\?.*|\/$/, ""), "/auth/callback"], (req, res) => {
        req.session.userId = "alice";
        res.json({ user: "alice" });
      });
    const calls: [string, Headers][] = [
      ["GET", PAGE],
      ["POST", PAGE],
      ["POST", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", Accept: "application/json" }],
    ];
    for (const [method, headers] of calls) {
      const { ask } = await kicked({ auth: { routes: { login } }, after });
      // The option names all of them.
      expect((await ask("/login", {}, "HEAD")).status).toBe(401);
      expect(await ask(path, headers, method)).toMatchObject({ status: 200, body: { user: "alice" } });
    }
  });

  it("is rejected if a function of the app throws, and the error is passed to the app", async () => {
    const login = (): boolean => {
      throw new Error("no idea");
    };
    const { ask, site } = await kicked({ auth: { routes: { login } } });
    expect((await ask("/me")).status).toBe(500);
    expect(site.errors).toEqual([new Error("no idea")]);
  });

  it("depends on the address that the app's routes see after a rewrite", async () => {
    const before = (app: Express): unknown =>
      app.use((req, _res, next) => {
        req.url = `/shop${req.url}`;
        next();
      });
    const { ask } = await kicked({
      before: before as (app: Express) => void,
      auth: { redirects: { login: "/shop/login" } },
    });
    expect(await ask("/login")).toMatchObject(ANONYMOUS);
    expect((await ask("/me")).status).toBe(401);
  });

  it.each(["/", "/shop/login"])(
    "is rejected on a page of this app if redirects.login is on another host: %s",
    async (path) => {
      const { ask } = await kicked({ auth: { redirects: { login: `https://idp.example${path}` } } });
      expect((await ask(path)).text).toContain(WHY);
    },
  );
});

describe.each([
  ["kick", (auth: LogoutMiddleware) => auth.kick(["alice"], { reason: WHY, by: "root" })],
  ["kickAll", (auth: LogoutMiddleware) => auth.kickAll({ reason: WHY, by: "root" })],
  [
    "kickLogin",
    async (auth: LogoutMiddleware) => {
      for (const { id } of (await auth.listLogins("alice")).items)
        await auth.kickLogin("alice", id, { reason: WHY, by: "root" });
    },
  ],
] as const)("a login ended by %s", (_way, end: (auth: LogoutMiddleware) => Promise<unknown>) => {
  describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
    it("gets the reason on each device, without its author", async () => {
      const backend = makeBackend();
      await backend.start();
      try {
        const site = await open({ backend });
        const browsers = [await site.login("alice"), await site.login("alice")];
        await end(site.auth);
        for (const browser of browsers) {
          const { status, text } = await browser.get("/me");
          expect(status).toBe(401);
          expect(text).toContain(WHY);
          expect(text).not.toContain("root");
          expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
        }
      } finally {
        await backend.stop();
      }
    });
  });

  async function overwritten(handler: string): Promise<{ old: Browser; waiting: Browser }> {
    const site = await open();
    const old = await site.login("alice");
    const waiting = old.clone();
    const inFlight = waiting.post(`/slow/${encodeURIComponent(handler)}`);
    await site.gate.reached;
    await end(site.auth);
    site.gate.open();
    await inFlight;
    return { old, waiting };
  }

  it.each(HANDLER_NAMES.filter((name) => !rotates(name)))(
    "gets the reason even if a request in flight has written the session since: %s",
    async (handler) => {
      const { old } = await overwritten(handler);
      expect(await old.get("/me")).toMatchObject({ status: 401, text: expect.stringContaining(WHY) });
      expect(await old.get("/me")).toMatchObject(ANONYMOUS);
    },
  );

  it.each(HANDLER_NAMES.filter(rotates))(
    "gets the reason with the new cookie of a request in flight: %s",
    async (handler) => {
      const { old, waiting } = await overwritten(handler);
      expect(sessionId(waiting)).not.toBe(sessionId(old));
      expect(await waiting.get("/me")).toMatchObject({ status: 401, text: expect.stringContaining(WHY) });
      for (const browser of [waiting, old]) expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
    },
  );
});

describe("kickLogin of one of two devices", () => {
  it("leaves the other logged in", async () => {
    const site = await open();
    const browsers = [await site.login("alice"), await site.login("alice")];
    const [newest] = (await site.auth.listLogins("alice")).items;
    await site.auth.kickLogin("alice", newest?.id ?? "", { reason: WHY });
    const answers = await Promise.all(browsers.map((browser) => browser.get("/me")));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect((await site.auth.listLogins("alice")).items).toHaveLength(1);
  });
});

describe("the middleware under a mount path", () => {
  it("shows the rest of the app an anonymous session at once, and rejects under the path", async () => {
    const { ask } = await kicked({ at: "/account" });
    const elsewhere = await ask("/me");
    expect(elsewhere).toMatchObject(ANONYMOUS);
    expect(elsewhere.setCookies).toEqual([]);
    const under = await ask("/account/anything");
    expect(under).toMatchObject({ status: 401, setCookies: [CLEARED] });
    expect(under.text).toContain(WHY);
    expect(await ask("/account/anything")).toMatchObject({ status: 404 });
  });

  it.each([{}, EAGER])("gives the same answer everywhere with auth.guard: %j", async (session) => {
    const after = (app: Express, auth: LogoutMiddleware): unknown => app.use(auth.guard);
    const { ask, site } = await kicked({ at: "/account", after, session });
    const answer = await ask("/me");
    expect(answer).toMatchObject({ status: 401, setCookies: [CLEARED] });
    expect(answer.text).toContain(WHY);
    expect(await ask("/me")).toMatchObject(ANONYMOUS);
    expect(await site.user(await site.login("bob"))).toBe("bob");
  });

  it("informs only the app's own routes, by auth.rejection", async () => {
    const seen: (LoginEnd | undefined)[] = [];
    const after = (app: Express, auth: LogoutMiddleware): unknown =>
      app.use((req, _res, next) => {
        seen.push(auth.rejection(req));
        next();
      });
    const site = await open({ at: "/account", after });
    const [alice, bob] = [await site.login("alice"), await site.login("bob")];
    const [login] = (await site.auth.listLogins("alice")).items;
    seen.length = 0;
    await alice.get("/me");
    const before = Date.now();
    await site.auth.kick("alice", { reason: WHY });
    for (const browser of [alice, alice, bob]) await browser.get("/me");
    const ended = { loginId: login?.id, cause: "kick", at: expect.any(Date), reason: WHY };
    expect(seen).toEqual([undefined, ended, ended, undefined]);
    expect(seen[1]?.at.getTime()).toBeGreaterThanOrEqual(before);
    expect(seen[1]?.at.getTime()).toBeLessThanOrEqual(Date.now());
  });
});

describe("a kicked login whose session the app has already removed", () => {
  const WAYS: [string, RequestHandler][] = [
    ["destroy()", (req, _res, next) => req.session.destroy(next)],
    [
      "req.session = null",
      (req, _res, next) => {
        (req as { session: unknown }).session = null;
        next();
      },
    ],
  ];

  it.each(WAYS)("is still rejected by auth.guard: %s", async (_way, takeAway) => {
    const after = (app: Express, auth: LogoutMiddleware): unknown => app.use("/me", takeAway, auth.guard);
    const { ask, site } = await kicked({ at: "/account", after });
    const { status, text, setCookies } = await ask("/me");
    expect(site.errors).toEqual([]);
    expect({ status, text, setCookies }).toEqual({
      status: 401,
      text: expect.stringContaining(WHY),
      setCookies: [CLEARED],
    });
  });

  it.each(WAYS)("is logged out by auth.endLogin all the same: %s", async (_way, takeAway) => {
    const after = (app: Express, auth: LogoutMiddleware): unknown =>
      app.get("/out", takeAway, (req, res, next) => {
        auth.logout(req, res).then(() => res.json({}), next);
      });
    const { ask, site } = await kicked({ at: "/account", after });
    const { status, setCookies } = await ask("/out");
    expect(site.errors).toEqual([]);
    expect({ status, setCookies }).toEqual({ status: 200, setCookies: [CLEARED] });
  });
});

describe("onRejected", () => {
  it("answers instead of the 401, with the cookie cleared", async () => {
    const rejections: LoginEnd[] = [];
    const { ask } = await kicked({
      auth: {
        onRejected: (_req, res, _next, ended) => {
          rejections.push(ended);
          res.redirect("/login?kicked");
        },
      },
    });
    const { status, headers, setCookies } = await ask("/me");
    expect([status, headers.location, setCookies]).toEqual([302, "/login?kicked", [CLEARED]]);
    expect(rejections).toEqual([{ loginId: expect.any(String), cause: "kick", at: expect.any(Date), reason: WHY }]);
    expect(await ask("/me")).toMatchObject(ANONYMOUS);
  });

  it("continues with an anonymous session by next(), and is not called for other users", async () => {
    let asked = 0;
    const onRejected: NonNullable<SiteOptions["auth"]>["onRejected"] = (_req, _res, next) => {
      asked += 1;
      next();
    };
    const { ask, site } = await kicked({ auth: { onRejected } });
    expect(await ask("/login")).toMatchObject(ANONYMOUS);
    expect(asked).toBe(0);
    expect(await ask("/me")).toMatchObject({ ...ANONYMOUS, setCookies: [CLEARED] });
    expect(await site.user(await site.login("bob"))).toBe("bob");
    expect(asked).toBe(1);
  });

  it("passes a thrown error to the app", async () => {
    const onRejected = (): void => {
      throw new Error("no page");
    };
    const { ask, site } = await kicked({ auth: { onRejected } });
    expect((await ask("/me")).status).toBe(500);
    expect(site.errors).toEqual([new Error("no page")]);
  });

  it("passes a rejection to the app", async () => {
    // An async function, as apps write handlers.
    const onRejected = (() => Promise.reject(new Error("no page"))) as () => void;
    const { ask, site } = await kicked({ auth: { onRejected } });
    expect((await ask("/me")).status).toBe(500);
    expect(site.errors).toEqual([new Error("no page")]);
  });
});

describe("a user who has logged out", () => {
  const LOG_OUT = "/login/profile/logout";

  async function loggedOut(prepare: (site: Site) => Promise<void> = () => Promise.resolve()): Promise<Browser> {
    const site = await open();
    await prepare(site);
    const browser = await site.login("alice");
    const old = browser.clone();
    const inFlight = browser.clone().post("/slow/save");
    await site.gate.reached;
    expect((await browser.get(LOG_OUT)).status).toBe(302);
    site.gate.open();
    await inFlight;
    return old;
  }

  it("is anonymous and not rejected, even after a write of a request in flight", async () => {
    const browser = await loggedOut();
    for (let i = 0; i < 2; i++) expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
  });

  it.each([
    ["the user", (site: Site) => site.auth.kick("alice", { reason: WHY })],
    ["with everyone", (site: Site) => site.auth.kickAll({ reason: WHY })],
  ])("gets no reason of a kick before their login: %s", async (_case, kick) => {
    const browser = await loggedOut(async (site) => {
      await site.login("alice");
      await kick(site);
    });
    expect(await browser.get("/me")).toMatchObject(ANONYMOUS);
  });
});

/** The text that a browser shows for escaped text. */
function unescape(html: string): string {
  const signs: Record<string, string> = { lt: "<", gt: ">", quot: '"', "#39": "'", amp: "&" };
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_all, name: string) => signs[name] ?? "");
}
