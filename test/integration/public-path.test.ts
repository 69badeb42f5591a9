import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { Express } from "express";
import { serve, type TestServer } from "../support/http.js";
import { addressesOf, elementsOf, HTML, submit, visit } from "../support/pages.js";
import { useSites, type Site, type SiteOptions } from "../support/site.js";

const open = useSites();
const trusting = (app: Express): unknown => app.set("trust proxy", true);
const console = { console: { authorize: () => true } };

const gateways: TestServer[] = [];
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

/** A proxy that serves the site below `/shop`, removes that prefix, and adds these headers. */
async function behindGateway(site: Site, headers: Readonly<Record<string, string>>): Promise<Site> {
  const gateway = await serve((req, res) => {
    if (req.url?.startsWith("/shop/") !== true) {
      res.writeHead(404).end();
      return;
    }
    const target = new URL(site.url + req.url.slice("/shop".length));
    const more = { "X-Forwarded-Host": req.headers.host, ...headers };
    const sending = request(target, {
      method: req.method ?? "GET",
      headers: { ...req.headers, ...more },
      agent: false,
    });
    req.pipe(sending);
    sending.on("response", (answer) => {
      res.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(res);
    });
  });
  gateways.push(gateway);
  const ask: Site["ask"] = async (method, path, { headers: given = {}, body } = {}) => {
    const sent = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    const sending = request(new URL(path, gateway.url), { method, headers: sent, agent: false });
    sending.end(body);
    const [answer] = (await once(sending, "response")) as [IncomingMessage];
    const text = (await answer.toArray()).join("");
    return { status: answer.statusCode ?? 0, headers: answer.headers, setCookies: [], text, body: undefined };
  };
  return { ...site, ask };
}

describe.each<[string, SiteOptions, Readonly<Record<string, string>>]>([
  ["that says so, and is trusted", { before: trusting, auth: console }, { "X-Forwarded-Prefix": "/shop" }],
  ["that says nothing", { auth: { ...console, routes: { publicPath: "/shop/" } } }, {}],
  [
    "whose word counts less than the option",
    { before: trusting, auth: { ...console, routes: { publicPath: "/shop" } } },
    { "X-Forwarded-Prefix": "/other" },
  ],
  ["below a mount path", { at: "/account", before: trusting, auth: console }, { "X-Forwarded-Prefix": "/shop/" }],
])("an app behind a proxy that removes /shop, %s", (_case, options, headers) => {
  const at = options.at ?? "";

  it("serves every page, file and form", async () => {
    const site = await open(options);
    const outer = await behindGateway(site, headers);
    const alice = await site.login("alice");
    const pages = ["/u", `/console/applications/${site.appId}/login-management`, "/u/logged-out"];
    for (const page of pages.map((path) => `/shop${at}${path}`)) {
      const { status, text } = await visit(outer, alice, page);
      expect({ page, status }).toEqual({ page, status: 200 });
      const addresses = addressesOf(text).filter((address) => !/^(?:#|data:)/.test(address));
      expect(addresses.filter((address) => !address.startsWith("/shop/"))).toEqual([]);
      for (const file of addresses.filter((address) => /\.(?:css|js)$/.test(address))) {
        expect((await visit(outer, alice, file)).status).toBe(200);
      }
    }
    const [form] = elementsOf((await visit(outer, alice, `/shop${at}/u`)).text, "form");
    const sent = await submit(outer, alice, form?.attributes["action"] ?? "", [], { Origin: gateways[0]?.url ?? "" });
    expect([sent.status, sent.headers.location]).toEqual([303, `/shop${at}/u/logged-out`]);
    expect(await site.user(alice)).toBeNull();
  });

  it("keeps the links to log in, to return, and to continue after a logout below /shop", async () => {
    const site = await open(options);
    const outer = await behindGateway(site, headers);
    const anonymous = await visit(outer, undefined, `/shop${at}/u?a=1`);
    const back = encodeURIComponent(`/shop${at}/u?a=1`);
    expect([anonymous.status, anonymous.headers.location]).toEqual([303, `/shop/login?returnTo=${back}`]);
    const alice = await site.login("alice");
    const out = await visit(outer, alice, `/shop${at}/login/profile/logout`);
    expect([out.status, out.headers.location]).toEqual([302, "/shop/"]);
    const refused = await site.login("alice");
    await site.auth.kick("alice");
    expect((await visit(outer, refused, `/shop${at}/me`)).text).toContain('href="/shop/login"');
  });

  it("never rejects the login page", async () => {
    const site = await open(options);
    const outer = await behindGateway(site, headers);
    const alice = await site.login("alice");
    await site.auth.kick("alice");
    expect((await outer.ask("GET", "/shop/login", { headers: { Cookie: alice.cookies } })).status).toBe(200);
  });
});

describe("the prefix that a request names", () => {
  const stylesheet = async (options: SiteOptions, prefix: string | string[]): Promise<string> => {
    const site = await open(options);
    const { text } = await site.ask("GET", "/u/logged-out", { headers: { ...HTML, "X-Forwarded-Prefix": prefix } });
    return addressesOf(text).find((address) => address.endsWith(".css")) ?? "";
  };

  it("is ignored if the app trusts no proxy", async () => {
    expect(await stylesheet({}, "/shop")).toMatch(/^\/express-logout\//);
  });

  it.each([
    "//evil.example",
    "/\\evil.example",
    "/a/../..",
    "evil",
    "https://evil.example",
    "/a?b=",
    "/%0d%0aX:y",
    "/a,//b",
  ])("is ignored if it is not a plain path: %s", async (prefix) => {
    expect(await stylesheet({ before: trusting }, prefix)).toMatch(/^\/express-logout\//);
  });

  it.each([
    ["of one proxy", "/shop/", "/shop"],
    ["of two proxies", "/outer, /shop", "/outer/shop"],
    ["of two proxies, in two headers", ["/outer", "/shop"], "/outer/shop"],
    ["the root", "/", ""],
  ])("is put in front: %s", async (_case, prefix, front) => {
    expect(await stylesheet({ before: trusting }, prefix)).toMatch(new RegExp(`^${front}/express-logout/`));
  });
});

describe("addresses that the app gives", () => {
  const given = { redirects: { login: "/in", default: "https://shop.example/" } };
  const relative = { redirects: { login: "./in", default: "./" } };

  it.each([
    ["are outer ones", given, "/in", "https://shop.example/"],
    ["may be relative to the mount path", relative, "/shop/account/in", "/shop/account/"],
  ])("%s", async (_case, auth, login, home) => {
    const site = await open({ at: "/account", auth: { ...auth, routes: { publicPath: "/shop" } } });
    const anonymous = await visit(site, undefined, "/account/u");
    expect(anonymous.headers.location).toBe(`${login}?returnTo=${encodeURIComponent("/shop/account/u")}`);
    expect((await site.ask("GET", "/account/login/profile/logout")).headers.location).toBe(home);
  });

  it("name the login page that is never rejected, even if they are relative", async () => {
    const after = (app: Express): unknown => app.get("/account/in", (_req, res) => res.send("log in"));
    const site = await open({ at: "/account", auth: relative, after });
    const alice = await site.login("alice");
    await site.auth.kick("alice");
    const headers = { Cookie: alice.cookies };
    expect((await site.ask("GET", "/account/in", { headers })).text).toBe("log in");
    expect((await site.ask("GET", "/account/me", { headers })).status).toBe(401);
  });
});
