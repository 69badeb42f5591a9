import { collectStderr } from "../../support/debugging.js";
import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import express from "express";
import { LogoutError, type AuditEntry } from "../../../lib/index.js";
import { oidc } from "../../../lib/oidc/index.js";
import { keyDigest } from "../../../lib/util/login-key.js";
import { sessionKey, userKey, userKeyWithoutSession } from "../../../lib/oidc/keys.js";
import { Browser } from "../../support/http.js";
import { IdentityProvider, type Claims } from "../../support/identity-provider.js";
import { save } from "../../support/race-app.js";
import { POOL_ID, TOKEN, useSites, type Answer, type Site } from "../../support/site.js";
import { BACKENDS, type Node } from "../../support/stores.js";

const SUB = "subject-4711";
const SID = "session-of-the-provider-0815";
const OTHER_SID = "session-of-the-provider-0816";
const RETURN = "https://shop.example/login/profile/logout/return";
const EVENT = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

let idp: IdentityProvider;
beforeAll(async () => {
  idp = await IdentityProvider.start();
});
afterAll(() => idp.close());

describe.each(BACKENDS.map((make) => [make().name, make] as const))("on %s", (_name, makeBackend) => {
  const backend = makeBackend();
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());
  const openSite = useSites();

  /** Everything that the package has said. */
  const said: unknown[] = [];
  const answers: Answer[] = [];
  const tokens: string[] = [];
  const audit: AuditEntry[] = [];

  let stop: (() => void) | undefined;
  afterEach(() => {
    stop?.();
  });

  function listen(): () => void {
    const stderr = collectStderr();
    const hear = (message: unknown): void => void said.push(inspect(message, { depth: 9 }));
    const names = ["login", "logout", "kick", "rejected"].map((name) => `express-logout:${name}`);
    for (const name of names) subscribe(name, hear);
    const traces = ["registry", "kick"].map((name) => tracingChannel(`express-logout:${name}`));
    const subscribers = { start: hear, end: hear, asyncStart: hear, asyncEnd: hear, error: hear };
    for (const trace of traces) trace.subscribe(subscribers);
    process.on("warning", hear);
    return () => {
      stderr.stop();
      said.push(stderr.text());
      for (const name of names) unsubscribe(name, hear);
      for (const trace of traces) trace.unsubscribe(subscribers);
      process.off("warning", hear);
    };
  }

  async function open(node: Node): Promise<Site> {
    const provider = oidc({
      issuer: idp.issuer,
      jwksUri: idp.jwksUri,
      endSessionEndpoint: idp.endSessionEndpoint,
      clientId: "shop",
      claims: (session) => session.oidc,
      idToken: (session) => session.idToken,
      postLogoutRedirectUri: RETURN,
      securityEvents: { resolveSubject: () => Promise.reject(new Error("no database")) },
      routes: { frontchannel: "/oidc/frontchannel", tokenRevocation: "/oidc/token-revocation" },
    });
    return openSite({
      backend,
      auth: {
        ...node,
        audit: { log: (entry) => void audit.push(entry) },
        console: { authorize: () => true },
        logins: { providers: [provider] },
      },
      after: (app) => {
        app.post("/callback", express.json(), (req, res, next) => {
          Object.assign(req.session, { userId: "alice", ...(req.body as object) });
          save(req).then(() => res.json({}), next);
        });
      },
    });
  }

  it("no output has a part of a token, of its claims, or of a key", async () => {
    stop = listen();
    const node = backend.open();
    const site = await open(node);
    const token = async (claims: Claims = {}, header: Claims = {}): Promise<string> => {
      const made = await idp.logoutToken({ sub: SUB, sid: SID, jti: "the-id-of-a-token", ...claims }, header);
      tokens.push(made);
      return made;
    };
    const ask = async (...asked: Parameters<Site["ask"]>): Promise<Answer> => {
      const answer = await site.ask(...asked);
      answers.push(answer);
      return answer;
    };
    const send = async (made: string): Promise<number> => {
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const body = new URLSearchParams({ logout_token: made }).toString();
      return (await ask("POST", "/oidc/backchannel-logout", { headers, body })).status;
    };
    const logIn = async (sid = SID): Promise<Browser> => {
      const idToken = await token({}, { typ: "JWT" });
      const browser = new Browser(site.url);
      const claims = { iss: idp.issuer, sub: SUB, sid, iat: Math.floor(Date.now() / 1_000) - 10 };
      expect((await browser.post("/callback", { oidc: claims, idToken })).status).toBe(200);
      return browser;
    };
    const page = (browser: Browser, path: string): Promise<Answer> =>
      ask("GET", path, { headers: { Cookie: browser.cookies, Accept: "text/html" } });

    // A user whom the provider logs out, and who meets every page.
    const [browser, admin] = [await logIn(), await site.login("root")];
    await page(browser, "/u");
    await page(browser, "/u/logins");
    await page(admin, `/console/applications/${site.appId}/login-management`);
    const headers = { Authorization: TOKEN, "x-authing-userpool-id": POOL_ID };
    await ask("GET", `/api/applications/${site.appId}/active-users`, { headers });
    expect(await send(await token())).toBe(204);
    expect((await page(browser, "/me")).status).toBe(401);

    // Tokens that are refused, by each of the receivers.
    expect(await send(await token({ nonce: "a-nonce-of-a-token" }))).toBe(400);
    expect(await send((await token()).slice(0, -9))).toBe(400);
    expect(await send(await token({ iss: "https://evil.example" }))).toBe(400);
    expect((await ask("GET", `/oidc/frontchannel?sid=${SID}&iss=https://evil.example`)).status).toBe(400);
    const secevent = { headers: { "Content-Type": "application/secevent+jwt" } };
    const event = { events: { [EVENT]: {} }, sub_id: { format: "email", email: "a@b.example" } };
    const refused = await ask("POST", "/oidc/security-events", { ...secevent, body: await token(event) });
    // The app's function fails.
    const failed = await ask("POST", "/oidc/security-events", {
      ...secevent,
      body: await token(event, { typ: "secevent+jwt" }),
    });
    expect([refused.status, failed.status]).toEqual([400, 503]);
    const revocation = { "Content-Type": "application/json", Authorization: `Bearer ${await token()}` };
    const body = JSON.stringify({ sub_id: { format: "iss_sub", iss: idp.issuer, sub: SUB } });
    expect((await ask("POST", "/oidc/token-revocation", { headers: revocation, body })).status).toBe(401);

    // A registry that fails.
    const last = await logIn(OTHER_SID);
    const { keys } = node.registry;
    if (keys === undefined) throw new Error("the registry keeps no keys");
    const mark = keys.mark.bind(keys);
    keys.mark = () => Promise.reject(new LogoutError("ERR_REGISTRY_UNAVAILABLE", "The registry is away."));
    expect(await send(await token())).toBe(400);
    await site.auth.kickByKey({ iss: idp.issuer, sid: SID }).catch((error: unknown) => said.push(inspect(error)));
    keys.mark = mark;

    // A claim that is no time: the save fails.
    const wrong = await new Browser(site.url).post("/callback", {
      oidc: { iss: idp.issuer, sub: SUB, iat: Date.now() },
    });
    expect(wrong.status).toBe(503);
    said.push(JSON.stringify(wrong.body));

    // A logout here: the provider's address has the ID token, as it must, and nothing else has.
    const left = await page(last, "/login/profile/logout");
    expect(left.headers.location).toContain("id_token_hint=");
    answers.splice(answers.indexOf(left), 1, { ...left, headers: { ...left.headers, location: "" }, text: "" });
    stop();
    stop = undefined;

    said.push(site.events, audit);
    said.push(...(site.errors as LogoutError[]).map((error) => inspect(error, { depth: 9 })));
    const text = JSON.stringify([said, answers]);
    // It has been heard.
    for (const heard of [
      "a request of a provider was refused",
      "alice",
      "kick",
      "the logout did not finish",
      "a security event was not acted on",
    ]) {
      expect(text.toLowerCase()).toContain(heard);
    }
    const parts = tokens.flatMap((made) => [made, ...made.split(".").slice(1)]);
    const digests = [sessionKey(idp.issuer, SID), userKey(idp.issuer, SUB), userKeyWithoutSession(idp.issuer, SUB)];
    const secrets = [
      SUB,
      SID,
      OTHER_SID,
      "the-id-of-a-token",
      "a-nonce-of-a-token",
      "evil.example",
      "a@b.example",
      ...parts,
    ];
    expect([...secrets, ...digests.map(keyDigest)].filter((secret) => text.includes(secret))).toEqual([]);
  }, 60_000);
});
