import { describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { BYE, TRICKS } from "../support/open-redirects.js";
import { LOCALES } from "../../lib/pages/texts/index.js";
import { useSites, type Answer, type Site } from "../support/site.js";
import { installed } from "../support/tried.js";

/** Set by the project in the configuration of Jest. */
declare const PACKAGES: Readonly<Record<"express-session", string>>;
/** express-session 1.16 refuses `SameSite=None`. */
const canWriteNone = !installed(PACKAGES["express-session"]).version.startsWith("1.16.");

type Headers = Readonly<Record<string, string | string[] | undefined>>;

const open = useSites();
const QUERY = "https://shop.example/done?from=app&lang=en";
const LISTED = [
  BYE,
  QUERY,
  "http://localhost:3000/",
  "https://xn--bcher-kva.example/bye",
  "https://bare.example?a=1&b=2",
];
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/** Other spellings of a listed address. They lead to the address as listed. */
const SPELLINGS = [
  [BYE, BYE],
  [QUERY, QUERY],
  ["HTTPS://SHOP.EXAMPLE/bye", BYE],
  ["https://shop.example:443/bye", BYE],
  ["https://shop.example/a/../bye", BYE],
  ["https://shop.example/./bye", BYE],
  ["https://shop.example/%2e/bye", BYE],
  ["https://shop\u3002example/bye", BYE],
  ["http://localhost:3000", "http://localhost:3000/"],
  ["https://b\u00fccher.example/bye", "https://xn--bcher-kva.example/bye"],
] as const;

/** Byte by byte, since some parts are not UTF-8. */
const decoded = (trick: string): string =>
  trick.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));

const message = ({ body }: Answer): string => (body as { message: string }).message;

describe.each([
  ["the root", ""],
  ["a mount path", "/account"],
])("the logout route at %s", (_place, at) => {
  const path = `${at}/login/profile/logout`;

  /** Logs alice in, lets her browser act, and returns the result. */
  async function ask(
    method: string,
    query: string,
    headers: Headers = {},
    { body, ...options }: Parameters<typeof open>[0] & { body?: string } = {},
  ) {
    const site = await open({
      at,
      ...options,
      auth: { ...options.auth, redirects: { allow: LISTED, ...options.auth?.redirects } },
    });
    const browser = await site.login("alice");
    const cookie = { Cookie: browser.cookies };
    const answer = await site.ask(method, path + query, { headers: { ...cookie, ...headers }, body });
    return { site, answer, status: answer.status, to: answer.headers.location, stays: await isIn(site), cookie };
  }

  async function isIn(site: Site): Promise<boolean> {
    return (await site.auth.listLogins("alice")).items.length > 0;
  }

  describe("a GET", () => {
    it.each([
      ["document", { "Sec-Fetch-Dest": "document" }],
      ["a navigation from another site", { "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site" }],
      ["no headers", {}],
      ["a frame of the same origin", { "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin" }],
      [
        "a service worker",
        { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin" },
      ],
      ["plain HTTP", { "User-Agent": "Mozilla/5.0 (X11)", Accept: HTML }],
    ])("logs out if the browser navigates to the address: %s", async (_case, headers) => {
      const { status, to, stays, answer } = await ask("GET", "", headers);
      expect({ status, to, stays }).toEqual({ status: 302, to: "/", stays: false });
      expect(answer.headers["cache-control"]).toBe("no-store");
    });

    it.each([
      ["GET", { "Sec-Fetch-Dest": "image" }],
      ["GET", { "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate" }],
      ["GET", { "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin" }],
      ["GET", { "Sec-Fetch-Dest": "script" }],
      ["GET", { "Sec-Fetch-Dest": "" }],
      ["GET", { "Sec-Fetch-Dest": ["document", "image"] }],
      ["GET", { "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch" }],
      ["GET", { "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender" }],
      ["GET", { "Sec-Purpose": "prefetch" }],
      ["GET", { Purpose: "prefetch" }],
      ["GET", { "User-Agent": "Mozilla/5.0 (X11)", Accept: "image/avif,image/webp,*/*;q=0.8" }],
      ["GET", { "User-Agent": "Mozilla/5.0 (X11)", Accept: "*/*" }],
      ["GET", { Accept: "text/event-stream" }],
      ["HEAD", {}],
      ["HEAD", { "Sec-Fetch-Dest": "document" }],
    ])("leaves the user logged in if the browser does not navigate: %s %j", async (method, headers: Headers) => {
      const { status, to, stays, answer } = await ask(method, `?redirect_uri=${encodeURIComponent(BYE)}`, headers);
      expect({ status, to, stays }).toEqual({ status: 403, to: undefined, stays: true });
      expect(answer.setCookies).toEqual([]);
    });
  });

  describe("a POST", () => {
    const own = (site: { url: string }): string => new URL(site.url).origin;

    it.each([
      [{ "Sec-Fetch-Site": "same-origin" }],
      [{ "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty" }],
      [{ "Sec-Fetch-Site": "none" }],
      [{}],
    ])("logs out from the same site: %j", async (headers) => {
      const { status, to, stays } = await ask("POST", "", headers);
      expect({ status, to, stays }).toEqual({ status: 303, to: "/", stays: false });
    });

    it.each([
      [{ "Sec-Fetch-Site": "same-site" }],
      [{ "Sec-Fetch-Site": "cross-site" }],
      [{ "Sec-Fetch-Site": "" }],
      [{ "Sec-Fetch-Site": ["same-origin", "cross-site"] }],
      [{ Origin: "null", "Sec-Fetch-Site": "cross-site" }],
      [{ Origin: "" }],
      [{ Origin: "https://shop.example:8443", Host: "shop.example" }],
      [{ Origin: "chrome-extension://shop.example", Host: "shop.example" }],
      [{ Origin: "https://evil.example", Host: "shop.example@evil.example" }],
      [{ Origin: "https://evil.example", Host: "evil.example/shop.example" }],
      [{ Origin: "https://evil.example" }],
      [{ Origin: "http://127.0.0.1" }],
      [{ Origin: "http://127.0.0.1:1" }],
      [{ Origin: "not an origin" }],
    ])("leaves the user logged in from another site: %j", async (headers: Headers) => {
      const { status, to, stays, answer } = await ask("POST", `?redirect_uri=${encodeURIComponent(BYE)}`, headers);
      expect({ status, to, stays }).toEqual({ status: 403, to: undefined, stays: true });
      expect(answer.setCookies).toEqual([]);
    });

    it("checks Origin if the browser has no Fetch Metadata", async () => {
      const { site, cookie } = await ask("POST", "", { Origin: "https://evil.example" });
      const origin = (Origin: string, more: Headers = {}) =>
        site.ask("POST", path, { headers: { ...cookie, Origin, ...more } });
      expect((await origin(own(site).replace("127.0.0.1", "127.0.0.2"))).status).toBe(403);
      expect((await origin(own(site), { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
      expect(await isIn(site)).toBe(true);
      expect((await origin(own(site))).status).toBe(303);
      expect(await isIn(site)).toBe(false);
    });

    it.each([
      ["the port of https", { Origin: "https://shop.example", Host: "shop.example:443" }],
      ["the port of http", { Origin: "http://shop.example", Host: "shop.example:80" }],
      ["upper case", { Origin: "https://shop.example", Host: "Shop.Example" }],
      ["IPv6", { Origin: "http://[::1]:3000", Host: "[0:0::1]:3000" }],
      ["Origin: null, under Referrer-Policy: no-referrer on plain HTTP", { Origin: "null" }],
    ])("accepts another spelling of the same origin: %s", async (_case, headers) => {
      expect(await ask("POST", "", headers)).toMatchObject({ status: 303, to: "/", stays: false });
    });

    it("uses the host that a trusted proxy sends", async () => {
      const proxied = { Origin: "https://shop.example", "X-Forwarded-Host": "shop.example" };
      const trust = { before: (app: Express) => app.set("trust proxy", true) };
      expect(await ask("POST", "", proxied, trust)).toMatchObject({ status: 303, stays: false });
      expect(await ask("POST", "", proxied)).toMatchObject({ status: 403, stays: true });
    });
  });

  describe("with a redirect_uri", () => {
    it.each(SPELLINGS)("redirects to a listed address: %s", async (given, to) => {
      const query = `?redirect_uri=${encodeURIComponent(given)}`;
      expect(await ask("GET", query)).toMatchObject({ status: 302, to, stays: false });
    });

    it("never redirects to an unlisted address, and logs out all the same: every known trick", async () => {
      const site = await open({ at, auth: { redirects: { allow: LISTED } } });
      for (const trick of TRICKS) {
        const headers = { Cookie: (await site.login("alice")).cookies, Accept: HTML };
        const answer = await site.ask("GET", `${path}?redirect_uri=${trick}`, { headers });
        const { location, refresh } = answer.headers;
        const seen = { trick, status: answer.status, location, refresh, stays: await isIn(site) };
        expect(seen).toEqual({ trick, status: 400, location: undefined, refresh: undefined, stays: false });
        expect(answer.setCookies).toEqual([expect.stringMatching(/^connect\.sid=;/)]);
        const links = [...answer.text.matchAll(/(?:href|src|action)="([^"]*)"/g)].map(([, link]) => link);
        const leading = links.filter((link) => link?.startsWith(`${at}/express-logout/`) === false);
        expect([...new Set(leading)]).toEqual(["/"]);
        expect(answer.text).toMatch(/logged out/);
        expect(answer.text).toContain(LOCALES.en.noWayBack);
        expect(answer.text.replace(/<script src="[\w./-]+" defer><\/script>/, "")).not.toMatch(/evil|script/);
      }
    }, 60_000);

    it("has at least two hundred tricks", () => {
      expect(new Set(TRICKS.map(decoded)).size).toBe(TRICKS.length);
      expect(TRICKS.length).toBeGreaterThanOrEqual(200);
    });

    it.each([
      ["?redirect_uri=https://shop.example/done?from=app&lang=en"],
      ["?redirect_uri=https://bare.example?a=1&b=2"],
      ["?redirect_uri=https://SHOP.example/done?from=app&lang=en"],
    ])("explains the encoding if the address was cut off: %s", async (query) => {
      const { status, to, stays, answer } = await ask("GET", query, { Accept: "application/json" });
      expect({ status, to, stays }).toEqual({ status: 400, to: undefined, stays: false });
      expect(message(answer)).toContain("encodeURIComponent");
    });

    it.each([
      [`?redirect_uri=${BYE}&redirect_uri=${BYE}`],
      [`?redirect_uri=${BYE}&redirect_uri=https://evil.example`],
      [`?redirect_uri=&redirect_uri=${BYE}`],
    ])("does not redirect if the parameter is repeated: %s", async (query) => {
      const { status, to, stays, answer } = await ask("GET", query, { Accept: "application/json" });
      expect({ status, to, stays }).toEqual({ status: 400, to: undefined, stays: false });
      expect(message(answer)).toContain("once");
    });

    it.each([
      [`?redirect_uri[]=${BYE}`],
      [`?redirect_uri[a]=https://evil.example`],
      [`?redirect_uri[__proto__]=https://evil.example`],
      [`?__proto__[redirect_uri]=https://evil.example`],
      [`?REDIRECT_URI=https://evil.example`],
      [`?redirect_uri%00=https://evil.example`],
      [`?redirect_uri`],
    ])("does not redirect to an unlisted address under a similar name: %s", async (query) => {
      const { status, to, stays } = await ask("GET", query);
      expect([302, 400]).toContain(status);
      expect({ to, stays }).toEqual({ to: status === 302 ? "/" : undefined, stays: false });
    });

    it.each([
      ["the query", `?redirect_uri=${encodeURIComponent(QUERY)}`, "", QUERY],
      ["a form", "", `redirect_uri=${encodeURIComponent(QUERY)}`, QUERY],
      ["a form with an empty field", "", "redirect_uri=", "/"],
      ["a form without the field", "", "a=b", "/"],
    ])("is read from a POST: in %s", async (_case, query, body, to) => {
      expect(await ask("POST", query, FORM, { body })).toMatchObject({ status: 303, to, stays: false });
    });

    it.each([
      ["unlisted", "redirect_uri=https%3A%2F%2Fevil.example", /list/],
      ["twice", `redirect_uri=${BYE}&redirect_uri=${BYE}`, /once/],
    ])("must be listed in a form as well: %s", async (_case, body, words) => {
      const { answer, ...seen } = await ask("POST", "", { ...FORM, Accept: "application/json" }, { body });
      expect(seen).toMatchObject({ status: 400, to: undefined, stays: false });
      expect(message(answer)).toMatch(words);
    });
  });

  describe("without a redirect_uri", () => {
    it.each([["/"], ["/goodbye?a=b"], ["https://shop.example/"]])("redirects to the default: %s", async (to) => {
      const auth = { redirects: { default: to } };
      expect(await ask("GET", "", {}, { auth })).toMatchObject({ status: 302, to });
      expect(await ask("GET", "?redirect_uri=", {}, { auth })).toMatchObject({ status: 302, to });
      expect(await ask("POST", "", {}, { auth })).toMatchObject({ status: 303, to });
    });
  });

  describe("asked for JSON", () => {
    it.each(["application/json", "application/json, text/plain, */*"])(
      "returns the redirect address: %s",
      async (Accept) => {
        const query = `?redirect_uri=${encodeURIComponent(BYE)}`;
        for (const method of ["GET", "POST"]) {
          const { answer, ...seen } = await ask(method, query, { Accept });
          expect(seen).toMatchObject({ status: 200, to: undefined, stays: false });
          expect(answer.body).toEqual({ code: 200, message: expect.stringMatching(/logged out/), redirectTo: BYE });
          expect(answer.headers["cache-control"]).toBe("no-store");
        }
      },
    );

    it("returns the error", async () => {
      const { answer, stays } = await ask("GET", "?redirect_uri=//evil.example", { Accept: "application/json" });
      expect({ status: answer.status, body: answer.body, stays }).toEqual({
        status: 400,
        body: { code: 400, message: expect.stringMatching(/logged out.*list/) },
        stays: false,
      });
    });

    it.each([HTML, "*/*", "text/html, application/json;q=0.5"])(
      "redirects clients that did not ask for JSON: %s",
      async (Accept) => {
        expect(await ask("GET", "", { Accept })).toMatchObject({ status: 302, to: "/", stays: false });
      },
    );
  });

  describe("the session cookie", () => {
    const attributes = (cookie: string): string[] =>
      cookie.split("; ").filter((part) => /^(Path|Domain|Secure|HttpOnly|SameSite|Partitioned)/i.test(part));

    it.each([
      ["connect.sid", {}],
      ["connect.sid", { saveUninitialized: true, resave: true, rolling: true }],
      ["shop.sid", { name: "shop.sid" }],
      ["connect.sid", { cookie: { domain: "127.0.0.1", sameSite: "lax" as const, maxAge: 60_000 } }],
      ["connect.sid", { cookie: { httpOnly: false, sameSite: "strict" as const } }],
      ...(canWriteNone
        ? [["connect.sid", { cookie: { secure: true, sameSite: "none", partitioned: true }, proxy: true }] as const]
        : []),
      ["connect.sid", { cookie: { secure: "auto" as const, path: "/" }, proxy: true }],
    ])("is cleared with its original attributes: %s %j", async (name, session) => {
      const site = await open({ at, session });
      const https = { "X-Forwarded-Proto": "https" };
      const body = JSON.stringify({ user: "alice" });
      const json = { "Content-Type": "application/json" };
      const [set = ""] = (await site.ask("POST", "/login", { headers: { ...https, ...json }, body })).setCookies;
      const Cookie = `other=1; ${set.split(";")[0] ?? ""}`;
      const { setCookies } = await site.ask("GET", path, { headers: { ...https, Cookie } });
      expect(setCookies).toHaveLength(1);
      expect(setCookies[0]).toMatch(new RegExp(`^${name}=;`));
      expect(setCookies[0]).toMatch(/Expires=Thu, 01 Jan 1970/);
      expect(attributes(setCookies[0] ?? "").sort()).toEqual(attributes(set).sort());
      expect(await isIn(site)).toBe(false);
    });
  });

  describe("an anonymous visitor", () => {
    it.each(["GET", "POST"])("is redirected like any user, and gets no cookie: %s", async (method) => {
      const site = await open({ at, auth: { redirects: { allow: LISTED } } });
      const bob = await site.login("bob");
      const { headers, setCookies, status } = await site.ask(method, `${path}?redirect_uri=${encodeURIComponent(BYE)}`);
      expect([status, headers.location, setCookies]).toEqual([method === "GET" ? 302 : 303, BYE, []]);
      expect(await site.user(bob)).toBe("bob");
    });
  });

  describe("a kicked visitor", () => {
    it.each([{}, { saveUninitialized: true, resave: true, rolling: true }])(
      "is redirected as well, loses their cookie, and is then anonymous: %j",
      async (session) => {
        const site = await open({ at, session });
        const browser = await site.login("alice");
        await site.auth.kick("alice", { reason: "because" });
        const { status, setCookies, headers } = await site.ask("GET", path, { headers: { Cookie: browser.cookies } });
        expect([status, headers.location]).toEqual([302, "/"]);
        expect(setCookies).toEqual([expect.stringMatching(/^connect\.sid=;/)]);
        expect(await browser.get("/me")).toMatchObject({ status: 200, body: { user: null } });
      },
    );
  });

  describe("another login of the same user", () => {
    it("stays logged in", async () => {
      const site = await open({ at });
      const [one, other] = [await site.login("alice"), await site.login("alice")];
      expect((await one.get(path)).status).toBe(302);
      expect([await site.user(one), await site.user(other)]).toEqual([null, "alice"]);
    });
  });

  describe("renamed or removed", () => {
    it.each([
      ["renamed", "/bye", ["/bye"]],
      ["two paths", ["/bye", "/account/bye"], ["/bye", "/account/bye"]],
      ["removed", false as const, []],
    ])("is only at the configured paths: %s", async (_case, logout, paths) => {
      const site = await open({ at, auth: { routes: { logout } } });
      for (const there of paths) {
        const browser = await site.login("alice");
        expect((await browser.get(at + there)).status).toBe(302);
        expect(await site.user(browser)).toBeNull();
      }
      const alice = await site.login("alice");
      expect([(await alice.get(path)).status, (await alice.post(path)).status]).toEqual([404, 404]);
      expect(await site.user(alice)).toBe("alice");
    });
  });
});
