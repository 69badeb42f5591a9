import type { SamlConfig } from "@node-saml/node-saml";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import express, { type Express, type Request, type RequestHandler } from "express";
import passport from "passport";
import type { LogoutMiddleware } from "../../lib/index.js";
import { keys, logOut, samlStrategy } from "../recipes/saml.js";
import { Gate } from "../support/gate.js";
import { Browser } from "../support/http.js";
import { idOf, SamlKeys, SamlProvider, type SamlSession } from "../support/saml-provider.js";
import { useSites } from "../support/site.js";
import { BACKENDS } from "../support/stores.js";
import { installed, tried } from "../support/tried.js";

const SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success";
const REASON = "You have been logged out: Logged out at the identity provider";
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

const service = { entityId: "https://shop.example/saml", keys: new SamlKeys() };
const idp = new SamlProvider(service);
const stranger = new SamlKeys();
const config: SamlConfig = {
  issuer: service.entityId,
  callbackUrl: "https://shop.example/saml/login",
  privateKey: service.keys.private,
  signatureAlgorithm: "sha256",
  entryPoint: "https://idp.example/login",
  logoutUrl: "https://idp.example/logout",
  idpIssuer: idp.issuer,
  idpCert: idp.keys.public,
};

afterAll(() => tried({ kind: "recipe", ...installed("@node-saml/passport-saml"), what: ["SAML logouts"] }));

/** An app that logs in by SAML, as the guide has it. */
function samlApp(gate?: Gate) {
  const authenticator = new passport.Passport();
  authenticator.serializeUser((user, done) => done(null, user));
  authenticator.deserializeUser((user: Express.User, done) => done(null, user));
  const body = express.urlencoded({ extended: false });
  const authenticate = (options = {}): RequestHandler => authenticator.authenticate("saml", options) as RequestHandler;
  let strategy: ReturnType<typeof samlStrategy>;
  return {
    beforeSessions: (app: Express, auth: LogoutMiddleware) => {
      strategy = samlStrategy(auth, config, async ({ nameID }) => {
        await gate?.pass();
        return nameID.split("@")[0];
      });
      authenticator.use(strategy);
      app.all("/saml/logout", body, authenticate({ session: false }), (_req, res) => res.redirect("/"));
    },
    before: (app: Express) => {
      app.use(authenticator.session());
    },
    after: (app: Express, auth: LogoutMiddleware) => {
      app.all("/saml/login", body, authenticate(), (_req, res) => {
        res.json({});
      });
      app.post("/leave", logOut(auth, strategy));
      app.get("/who", ({ user }: Request, res) => {
        res.json({ user: (user as { id: string } | undefined)?.id ?? null });
      });
    },
  };
}

type Send = (
  browser: Browser,
  xml: string,
  keys?: SamlKeys,
) => Promise<{ status: number; headers: object; body: unknown }>;

/** The two bindings, and an address for logins and logouts. */
const BINDINGS: readonly (readonly [string, Send])[] = [
  ["HTTP-Redirect", (browser, xml, by) => browser.get(`/saml/logout?${idp.redirect("SAMLRequest", xml, by)}`)],
  ["HTTP-POST", (browser, xml, by) => browser.post("/saml/logout", idp.form(xml, by), FORM)],
  ["HTTP-POST to the address of logins", (browser, xml, by) => browser.post("/saml/login", idp.form(xml, by), FORM)],
];
const [[, redirect], [, post]] = BINDINGS as [(typeof BINDINGS)[number], (typeof BINDINGS)[number]];

describe.each(BACKENDS.map((make) => [make().name, make] as const))("the recipe for SAML, on %s", (_name, make) => {
  const backend = make();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  const open = async (gate?: Gate, node = backend.open()) => {
    const site = await openSite({
      backend,
      auth: { ...node, logins: { keys }, routes: { login: ["/saml/login"] } },
      ...samlApp(gate),
    });
    const login = async (session: SamlSession, browser = new Browser(site.url)): Promise<Browser> => {
      const { status } = await browser.post("/saml/login", idp.loginForm(session), FORM);
      expect(status).toBe(200);
      return browser;
    };
    return { ...site, login };
  };
  const who = async (browser: Browser): Promise<unknown> => {
    const { status, body } = await browser.get("/who");
    return status === 200 ? (body as { user: unknown }).user : (body as { message: unknown }).message;
  };
  const alice = { nameID: "alice@shop.example" };
  /** Alice in two browsers, and Bob, whose session has the same index as one of hers. */
  const logIn = async ({ login }: Pick<Awaited<ReturnType<typeof open>>, "login">) => ({
    first: await login({ ...alice, sessionIndex: "1" }),
    second: await login({ ...alice, sessionIndex: "2" }),
    bob: await login({ nameID: "bob@shop.example", sessionIndex: "1" }),
  });
  const expectSuccess = (answer: Awaited<ReturnType<Send>>, request: string): void => {
    const { location } = answer.headers as { location: string };
    const { name, xml, isSigned, relayState } = idp.read(location);
    expect([answer.status, new URL(location).pathname, name, isSigned]).toEqual([302, "/logout", "SAMLResponse", true]);
    expect(xml).toContain(`InResponseTo="${idOf(request)}"`);
    expect(xml).toContain(`<samlp:StatusCode Value="${SUCCESS}"/>`);
    expect([null, "here"]).toContain(relayState);
  };

  describe.each(BINDINGS)("by %s", (_binding, send) => {
    it.each(["that of the login", "one without a cookie", "that of another user"] as const)(
      "a request with a session index ends that login, through any browser: %s",
      async (which) => {
        const site = await open();
        const { first, second, bob } = await logIn(site);
        const through = { "that of the login": first, "one without a cookie": new Browser(site.url) };
        const request = idp.logoutRequest({ ...alice, sessionIndex: "1" });
        expectSuccess(await send(which === "that of another user" ? bob : through[which], request), request);
        expect(await Promise.all([first, second, bob].map(who))).toEqual([REASON, "alice", "bob"]);
        expect(site.events).toContainEqual(expect.objectContaining({ name: "kick", userId: "alice", by: "saml" }));
        expect(site.errors).toEqual([]);
      },
    );

    it("a request without a session index ends all logins of the name id", async () => {
      const site = await open();
      const { first, second, bob } = await logIn(site);
      const request = idp.logoutRequest(alice);
      expectSuccess(await send(new Browser(site.url), request), request);
      expect(await Promise.all([first, second, bob].map(who))).toEqual([REASON, REASON, "bob"]);
    });

    it("a request that another one has signed, and one of another provider, end nothing", async () => {
      const site = await open();
      const { first, second, bob } = await logIn(site);
      const request = idp.logoutRequest(alice);
      const others = request.replace(idp.issuer, "https://other.example/saml");
      expect((await send(first, request, stranger)).status).toBe(500);
      expect((await send(first, others)).status).toBe(500);
      expect(await Promise.all([first, second, bob].map(who))).toEqual(["alice", "alice", "bob"]);
    });

    it("a request that comes again is answered as before, and spares a login with another index", async () => {
      const site = await open();
      const { first } = await logIn(site);
      const request = idp.logoutRequest({ ...alice, sessionIndex: "1" });
      for (let time = 1; time <= 2; time++) expectSuccess(await send(first, request), request);
      expect(await who(await site.login({ ...alice, sessionIndex: "3" }, first))).toBe("alice");
      expectSuccess(await send(first, request), request);
      expect(await who(first)).toBe("alice");
    });

    it("the provider is not answered Success if the registry failed, and a repetition ends the login", async () => {
      const node = backend.open();
      const site = await open(undefined, node);
      const { first } = await logIn(site);
      const index = node.registry.keys;
      if (index === undefined) throw new Error("no keys");
      const rows = index.rows.bind(index);
      index.rows = () => {
        throw new Error("no connection");
      };
      const request = idp.logoutRequest({ ...alice, sessionIndex: "1" });
      const failed = await send(first, request);
      expect([failed.status, (failed.headers as { location?: string }).location]).toEqual([503, undefined]);
      index.rows = rows;
      expectSuccess(await send(first, request), request);
      expect(await who(first)).toBe(REASON);
    });
  });

  it("a redirect without a signature of its request ends nothing", async () => {
    const site = await open();
    const { first } = await logIn(site);
    const forged = idp.redirect("SAMLRequest", idp.logoutRequest(alice), stranger).split("&");
    const [request = "", relayState = ""] = forged;
    const signed = idp.redirect("SAMLRequest", idp.logoutRequest({ nameID: "mallory@shop.example" }));
    const response = idp.redirect("SAMLResponse", idp.logoutResponse("_1"));
    const queries = [
      request,
      `${request}&${relayState}`,
      `${request}&Signature=`,
      `${request}&SigAlg=x&Signature=`,
      `${request}&SigAlg=x&Signature`,
      `${request}#&SigAlg=x&Signature=x`,
      // The signature is that of a response, beside a request whose name node-saml overlooks.
      `${request.replace("SAMLRequest", "SAML%52equest")}&${response}`,
      `${request.replace("SAMLRequest", "SAML%52equest")}&${signed}`,
      `${request}&${signed}`,
      `${signed}&${request}`,
      `${signed}?&${request}`,
    ];
    for (const method of ["GET", "POST"]) {
      for (const query of queries) {
        const { status, headers } = await site.ask(method, `/saml/logout?${query}`);
        expect([query, status >= 400, headers.location]).toEqual([query, true, undefined]);
      }
    }
    expect(await who(first)).toBe("alice");
  });

  it("a request that has expired ends nothing", async () => {
    const site = await open();
    const { first } = await logIn(site);
    const request = idp.logoutRequest(alice, ' NotOnOrAfter="2020-01-01T00:00:00Z"');
    for (const send of [redirect, post]) expect((await send(first, request)).status).toBe(500);
    expect(await who(first)).toBe("alice");
  });

  it("a login whose session is saved after the request is a new one", async () => {
    const gate = new Gate();
    const site = await open(gate);
    const browser = new Browser(site.url);
    const arriving = browser.post("/saml/login", idp.loginForm({ ...alice, sessionIndex: "1" }), FORM);
    await gate.reached;
    const request = idp.logoutRequest({ ...alice, sessionIndex: "1" });
    expectSuccess(await redirect(new Browser(site.url), request), request);
    gate.open();
    await arriving;
    expect(await who(browser)).toBe("alice");
    expectSuccess(await redirect(new Browser(site.url), request), request);
    expect(await who(browser)).toBe(REASON);
  });

  it("a kicked user logs in again through the same browser", async () => {
    const site = await open();
    const { first } = await logIn(site);
    await redirect(first, idp.logoutRequest(alice));
    expect(await who(await site.login({ ...alice, sessionIndex: "4" }, first))).toBe("alice");
  });

  it("a logout here ends the login, then goes on at the provider", async () => {
    const site = await open();
    const { first, second } = await logIn(site);
    const { status, headers } = await first.post("/leave");
    const { name, xml, isSigned } = idp.read(headers["location"] ?? "");
    expect([status, name, isSigned]).toEqual([303, "SAMLRequest", true]);
    expect(xml).toMatch(/<saml:NameID[^>]*>alice@shop\.example<.*SessionIndex[^>]*>1</);
    expect(await Promise.all([first, second].map(who))).toEqual([null, "alice"]);
    const answer = idp.redirect("SAMLResponse", idp.logoutResponse(idOf(xml)));
    const back = await first.get(`/saml/logout?${answer}`);
    expect([back.status, back.headers["location"]]).toEqual([302, "/"]);
  });

  it("a logout of a login without SAML stays here", async () => {
    const site = await open();
    const browser = await site.login({ nameID: "carol@shop.example" });
    const anonymous = await new Browser(site.url).post("/leave");
    expect([anonymous.status, anonymous.headers["location"]]).toEqual([303, "/"]);
    expect(await who(browser)).toBe("carol");
  });
});
