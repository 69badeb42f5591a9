import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import express from "express";
import type { OidcOptions } from "../../../lib/oidc/index.js";
import { BACKCHANNEL, logInAtCompany, openCompanyShop, postLogoutToken, usersIn } from "../../support/company-shop.js";
import type { Browser } from "../../support/http.js";
import { IdentityProvider, type Claims } from "../../support/identity-provider.js";
import { useSites, type Site, type SiteOptions } from "../../support/site.js";

const open = useSites();

let idp: IdentityProvider;
let now: number;

beforeAll(async () => {
  idp = await IdentityProvider.start();
});

beforeEach(() => {
  now = Math.floor(Date.now() / 1_000);
});

afterAll(() => idp.close());

/** What happens in the app between the code exchange and the save of the session. */
let beforeSave: () => Promise<unknown> = () => Promise.resolve();

const openShop = (provider: Partial<OidcOptions> = {}, site: SiteOptions = {}): Promise<Site> =>
  openCompanyShop(open, idp, { provider, site, beforeSave: () => beforeSave() });
const login = (site: Site, claims: Claims = {}): Promise<Browser> => logInAtCompany(site, idp, claims);
const send = async (site: Site, claims: Claims = {}): Promise<number> =>
  postLogoutToken(site, await idp.logoutToken(claims));

describe("a logout at the provider", () => {
  it("ends the logins of its session, and says why", async () => {
    const site = await openShop();
    const [phone, laptop] = [await login(site), await login(site, { sid: "session-2" })];
    expect(await send(site)).toBe(204);
    const rejected = await phone.get("/me", { Accept: "application/json" });
    expect([rejected.status, rejected.body as unknown]).toEqual([
      401,
      { code: 401, message: "You have been logged out: Logged out at the identity provider" },
    ]);
    expect(await usersIn(site, [phone, laptop])).toEqual([null, "alice"]);
  });

  it("ends all logins of a user if it names no session, and no other user's", async () => {
    const site = await openShop();
    const browsers = [
      await login(site),
      await login(site, { sid: undefined }),
      await login(site, { sub: "bob", sid: "s" }),
    ];
    expect(await send(site, { sid: undefined })).toBe(204);
    expect(await usersIn(site, browsers)).toEqual([null, null, "bob"]);
  });

  it("with sub and sid also ends logins whose ID token had no sid", async () => {
    const site = await openShop();
    const browsers = [await login(site, { sid: undefined }), await login(site, { sid: "session-2" })];
    expect(await send(site)).toBe(204);
    expect(await usersIn(site, browsers)).toEqual([null, "alice"]);
  });

  it("that arrives before the session is saved ends the login all the same", async () => {
    const site = await openShop();
    beforeSave = () => send(site);
    const browser = await login(site);
    beforeSave = () => Promise.resolve();
    expect(await usersIn(site, [browser])).toEqual([null]);
  });

  it("that is repeated or late spares who has logged in again", async () => {
    const site = await openShop();
    const first = await login(site);
    const token = await idp.logoutToken({ iat: now - 5 });
    expect(await postLogoutToken(site, token)).toBe(204);
    const second = await login(site, { iat: now });
    expect([await postLogoutToken(site, token), await postLogoutToken(site, token)]).toEqual([204, 204]);
    expect(await usersIn(site, [first, second])).toEqual([null, "alice"]);
  });

  it("of an older session does not open what a newer one has closed", async () => {
    const site = await openShop();
    await send(site, { iat: now });
    await send(site, { iat: now - 60 });
    expect(await usersIn(site, [await login(site, { iat: now - 30 })])).toEqual([null]);
  });

  it("for a login that has ended is answered in the same way", async () => {
    const site = await openShop();
    const browser = await login(site);
    await browser.post("/login/profile/logout", {}, { Origin: site.url, Accept: "application/json" });
    expect(await send(site)).toBe(204);
  });

  it("leaves logins alone that came from elsewhere", async () => {
    const site = await openShop();
    const browser = await site.login("alice");
    expect(await send(site, { sid: undefined })).toBe(204);
    expect(await usersIn(site, [browser])).toEqual(["alice"]);
  });

  it.each<[string, SiteOptions]>([
    ["after session()", {}],
    ["without pages", { auth: { pages: { html: false } } }],
    ["without routes of the app", { auth: { routes: false } }],
    ["after body parsers", { before: (app) => void app.use(express.json(), express.urlencoded({ extended: true })) }],
  ])("works %s, and sets no cookie", async (_what, more) => {
    const site = await openShop({}, more);
    const browser = await login(site);
    const body = new URLSearchParams({ logout_token: await idp.logoutToken() }).toString();
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const answer = await site.ask("POST", BACKCHANNEL, { headers, body });
    expect([answer.status, answer.text, answer.setCookies]).toEqual([204, "", []]);
    expect(await usersIn(site, [browser])).toEqual([null]);
  });

  it("works below the path that the middleware is mounted at", async () => {
    const site = await openShop({}, { at: "/account" });
    const browser = await login(site);
    expect(await send(site)).toBe(204);
    expect((await site.auth.listLogins("alice")).items).toEqual([]);
    expect((await browser.get("/account/u")).status).toBe(401);
  });

  it("shows nothing of a token or key in events", async () => {
    const site = await openShop();
    await login(site, { sub: "alice", sid: "a secret session" });
    const token = await idp.logoutToken({ sid: "a secret session" });
    await postLogoutToken(site, token);
    const shown = JSON.stringify(site.events);
    expect(site.events.map(({ name }) => name)).toContain("kick");
    for (const secret of ["a secret session", idp.issuer, token, "backchannel"]) expect(shown).not.toContain(secret);
    expect(shown).toContain('"by":"oidc"');
  });
});

describe("a front-channel logout", () => {
  it("ends the logins that there are, and no later one", async () => {
    const site = await openShop({ routes: { frontchannel: "/oidc/frontchannel" } });
    const first = await login(site);
    const answer = await site.ask("GET", `/oidc/frontchannel?iss=${encodeURIComponent(idp.issuer)}&sid=session-1`);
    expect(answer.status).toBe(200);
    const second = await login(site);
    expect(await usersIn(site, [first, second])).toEqual([null, "alice"]);
  });
});

describe("a security event", () => {
  it("ends the logins of its subject", async () => {
    const site = await openShop({
      securityEvents: { resolveSubject: ({ email }) => (email === "b@x.example" ? ["bob"] : []) },
    });
    const browsers = [
      await login(site),
      await login(site, { sub: "bob", sid: "s" }),
      await login(site, { sub: "carol", sid: "t" }),
    ];
    const { iss, aud, iat, jti } = idp.logoutClaims();
    const events = { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {} };
    for (const sub_id of [
      { format: "iss_sub", iss, sub: "alice" },
      { format: "email", email: "b@x.example" },
    ]) {
      const body = await idp.sign({ iss, aud, iat, jti, sub_id, events }, { typ: "secevent+jwt" });
      const headers = { "Content-Type": "application/secevent+jwt" };
      expect((await site.ask("POST", "/oidc/security-events", { headers, body })).status).toBe(202);
    }
    expect(await usersIn(site, browsers)).toEqual([null, null, "carol"]);
  });
});
