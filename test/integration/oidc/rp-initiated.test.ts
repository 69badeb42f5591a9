import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { OidcOptions } from "../../../lib/oidc/index.js";
import { logInAtCompany, openCompanyShop, postLogoutToken } from "../../support/company-shop.js";
import { Browser } from "../../support/http.js";
import { IdentityProvider } from "../../support/identity-provider.js";
import { useSites, type Answer, type Site, type SiteOptions } from "../../support/site.js";

const open = useSites();
const LOGOUT = "/login/profile/logout";
const BYE = "https://shop.example/bye?lang=en";
const ID_TOKEN = "e30.e30.c2lnbmF0dXJl";
type Headers = Readonly<Record<string, string>>;
const HTML: Headers = { Accept: "text/html" };

let idp: IdentityProvider;

beforeAll(async () => {
  idp = await IdentityProvider.start();
});

afterAll(() => idp.close());

const openShop = (provider: Partial<OidcOptions> = {}, site: SiteOptions = {}): Promise<Site> =>
  openCompanyShop(open, idp, {
    provider: {
      endSessionEndpoint: idp.endSessionEndpoint,
      idToken: (session) => session.idToken,
      postLogoutRedirectUri: `https://shop.example${LOGOUT}/return`,
      ...provider,
    },
    site: { ...site, auth: { redirects: { allow: [BYE], default: "/home" }, ...site.auth } },
    beforeSave: (req) => void (req.session.idToken = ID_TOKEN),
  });
const login = (site: Site): Promise<Browser> => logInAtCompany(site, idp);

const query = (to: string): string => `?redirect_uri=${encodeURIComponent(to)}`;
const isIn = async (site: Site): Promise<boolean> => (await site.auth.listLogins("alice")).items.length > 0;
const returnCookie = ({ setCookies }: Answer): string | undefined =>
  setCookies.find((cookie) => cookie.includes("express-logout-return="));

async function leave(
  site: Site,
  browser: Browser,
  { method = "GET", search = "", headers = HTML }: { method?: string; search?: string; headers?: Headers } = {},
): Promise<Answer & { readonly to: URL }> {
  const answer = await site.ask(method, site.at + LOGOUT + search, {
    headers: { Cookie: browser.cookies, ...headers },
  });
  return { ...answer, to: new URL(answer.headers.location ?? "about:blank", site.url) };
}

/** The provider sends the browser back. */
const comeBack = (site: Site, cookie: string | undefined, state: string | null, more = ""): Promise<Answer> =>
  site.ask("GET", `${LOGOUT}/return?state=${encodeURIComponent(state ?? "")}${more}`, {
    headers: { ...HTML, Cookie: cookie?.split(";")[0] ?? "" },
  });

describe("a logout here of a login that came from a provider", () => {
  it("ends the login, goes on at the provider, and comes back to where the user wanted to go", async () => {
    const site = await openShop();
    const browser = await login(site);
    const headers = { ...HTML, "Accept-Language": "de-CH, de;q=0.9, *;q=0.1" };
    const answer = await leave(site, browser, { search: query(BYE), headers });
    expect(answer.status).toBe(302);
    expect(await isIn(site)).toBe(false);
    expect(answer.to.origin + answer.to.pathname).toBe(`${idp.issuer}/session/end`);
    const { state, ...parameters } = Object.fromEntries(answer.to.searchParams);
    expect(state).toMatch(/^[\w-]{22}$/);
    expect(parameters).toEqual({
      realm: "a",
      id_token_hint: ID_TOKEN,
      client_id: "shop",
      post_logout_redirect_uri: `https://shop.example${LOGOUT}/return`,
      ui_locales: "de-CH de",
    });
    expect(answer.headers["cache-control"]).toBe("no-store");
    // The session's cookie is cleared as well.
    expect(answer.setCookies).toHaveLength(2);
    expect(returnCookie(answer)).toMatch(/; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);

    const back = await comeBack(site, returnCookie(answer), state ?? "");
    expect([back.status, back.headers.location]).toEqual([302, BYE]);
    expect(returnCookie(back)).toContain("express-logout-return=; Max-Age=0;");
  });

  it("over HTTPS keeps the address in a cookie of this host alone", async () => {
    const site = await openShop({}, { before: (app) => void app.set("trust proxy", true) });
    const answer = await leave(site, await login(site), { headers: { ...HTML, "X-Forwarded-Proto": "https" } });
    expect(returnCookie(answer)).toMatch(/^__Host-express-logout-return=.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it("comes back to the default without a redirect_uri", async () => {
    const site = await openShop();
    const answer = await leave(site, await login(site));
    const back = await comeBack(site, returnCookie(answer), answer.to.searchParams.get("state"));
    expect([back.status, back.headers.location]).toEqual([302, "/home"]);
  });

  it.each<[string, (cookie: string, state: string) => readonly [string | undefined, string, string?]]>([
    ["no cookie", (_cookie, state) => [undefined, state]],
    ["another state", (cookie) => [cookie, "A".repeat(22)]],
    ["no state", (cookie) => [cookie, ""]],
    ["two states", (cookie, state) => [cookie, state, `&state=${state}`]],
    ["a forged cookie", (_cookie, state) => [`express-logout-return=${state}.${evil}`, state]],
    ["a cookie without a state", () => [`express-logout-return=.${evil}`, ""]],
    ["a cookie that is none", (_cookie, state) => ["express-logout-return=%", state]],
  ])("comes back to the default with %s", async (_what, change) => {
    const site = await openShop();
    const answer = await leave(site, await login(site), { search: query(BYE) });
    const changed = change(returnCookie(answer) ?? "", answer.to.searchParams.get("state") ?? "");
    const back = await comeBack(site, ...changed);
    expect([back.status, back.headers.location]).toEqual([302, "/home"]);
  });
  const evil = Buffer.from("https://evil.example/").toString("base64url");

  it("responds with the provider's address to a script", async () => {
    const site = await openShop();
    const browser = await login(site);
    const headers = { Accept: "application/json", Origin: site.url };
    const answer = await leave(site, browser, { method: "POST", headers });
    expect(answer.status).toBe(200);
    expect((answer.body as { redirectTo: string }).redirectTo).toMatch(
      `${idp.issuer}/session/end?realm=a&id_token_hint=`,
    );
    expect(returnCookie(answer)).toBeDefined();
    expect(await isIn(site)).toBe(false);
  });

  it("from the menu of the pages goes on at the provider, which their policy allows", async () => {
    const site = await openShop();
    const browser = await login(site);
    const page = await browser.get("/u", HTML);
    expect(page.headers["content-security-policy"]).toContain(`form-action 'self' ${idp.issuer};`);
    const answer = await site.ask("POST", "/u/logout", { headers: { ...HTML, Cookie: browser.cookies } });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toMatch(`${idp.issuer}/session/end?`);
    expect(await isIn(site)).toBe(false);
  });

  it("goes on at the provider with an address that is not listed, and comes back to the default", async () => {
    const site = await openShop();
    const answer = await leave(site, await login(site), { search: query("https://evil.example/") });
    expect([answer.status, answer.to.origin]).toEqual([302, idp.issuer]);
    expect(await isIn(site)).toBe(false);
    const back = await comeBack(site, returnCookie(answer), answer.to.searchParams.get("state"));
    expect([back.status, back.headers.location]).toEqual([302, "/home"]);
  });

  it.each<[string, Partial<OidcOptions>]>([
    ["there is no ID token", { idToken: () => undefined }],
    ["no return address is registered", { postLogoutRedirectUri: undefined }],
    [
      "the app's function throws",
      {
        idToken: () => {
          throw new Error("no token");
        },
      },
    ],
  ])("stays here if %s", async (_what, options) => {
    const site = await openShop(options);
    const answer = await leave(site, await login(site), { search: query(BYE) });
    expect([answer.status, answer.headers.location, returnCookie(answer)]).toEqual([302, BYE, undefined]);
    expect(await isIn(site)).toBe(false);
  });

  it("stays here for a login that came from elsewhere, and without a login", async () => {
    const site = await openShop();
    for (const browser of [await site.login("alice"), new Browser(site.url)]) {
      expect((await leave(site, browser, { search: query(BYE) })).headers.location).toBe(BYE);
    }
  });

  it("stays here after the provider has ended the login", async () => {
    const site = await openShop();
    const browser = await login(site);
    expect(await postLogoutToken(site, await idp.logoutToken())).toBe(204);
    expect((await leave(site, browser, { search: query(BYE) })).headers.location).toBe(BYE);
  });

  it("has no route for the return if it does not reach the provider", async () => {
    const site = await openShop({ postLogoutRedirectUri: undefined });
    expect((await comeBack(site, undefined, "x")).status).toBe(404);
  });
});
