import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import express, { type RequestHandler } from "express";
import { oidc, type OidcOptions, type SecurityEventOptions } from "../../../lib/oidc/index.js";
import { RULES, type Rule } from "../../../lib/oidc/refusal.js";
import { Gate } from "../../support/gate.js";
import { createKey, IdentityProvider, type Claims, type Key } from "../../support/identity-provider.js";
import { useReceivers, type ReceiverSite } from "../../support/receiver.js";

const open = useReceivers();
const SECEVENT = "https://schemas.openid.net/secevent/";
const REVOKED = `${SECEVENT}caep/event-type/session-revoked`;
const BY_EVENT = { by: "oidc", reason: "Ended by the identity provider" };
const AT_PROVIDER = { by: "oidc", reason: "Logged out at the identity provider" };
const JWT = { alg: "RS256", typ: "secevent+jwt" };

let idp: IdentityProvider;
let stranger: Key;
let now: number;

beforeAll(async () => {
  idp = await IdentityProvider.start();
  stranger = await createKey("first");
});

beforeEach(() => {
  now = Math.floor(Date.now() / 1_000);
});

afterAll(() => idp.close());

function provider(more: Partial<OidcOptions>): ReturnType<typeof oidc> {
  const { issuer, jwksUri } = idp;
  return oidc({ issuer, clientId: "shop", jwksUri, claims: () => undefined, ...more });
}

/** Sends a token, the same while its kick is under way, and another one beside it. @returns how many kicks began */
async function kicksOf(
  site: ReceiverSite,
  send: () => Promise<Response>,
  other: () => Promise<Response>,
): Promise<number> {
  const gate = new Gate();
  site.instead = async () => {
    await gate.pass();
    return { users: 1, logins: 1 };
  };
  const first = send();
  await gate.reached;
  const rest = [send(), other()];
  await gate.reachedBy(2);
  // The repeated one is verified by then, and waits.
  await sleep(200);
  gate.open();
  const answers = await Promise.all([first, ...rest]);
  expect(answers.every(({ ok }) => ok)).toBe(true);
  return site.kicks.length;
}

describe("the front-channel receiver", () => {
  const path = "/oidc/frontchannel";
  const openFront = (): Promise<ReceiverSite> => open(provider({ routes: { frontchannel: path } }));

  it("is off by default", async () => {
    const site = await open(provider({}));
    expect((await fetch(`${site.url}${path}?sid=session-1`)).status).toBe(404);
    expect(provider({ routes: { frontchannel: false } })).toBeDefined();
  });

  it.each([
    ["iss and sid", () => `iss=${encodeURIComponent(idp.issuer)}&sid=session-1`],
    ["sid alone", () => "sid=session-1"],
  ])("ends the logins of %s and leaves no mark", async (_what, query) => {
    const site = await openFront();
    const response = await fetch(`${site.url}${path}?${query()}`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(site.kicks).toEqual([
      { key: { iss: idp.issuer, sid: "session-1" }, options: { ...AT_PROVIDER, leavesMark: false } },
    ]);
  });

  it("answers the same for a session that no login has", async () => {
    const site = await openFront();
    site.instead = () => Promise.resolve({ users: 0, logins: 0 });
    expect((await fetch(`${site.url}${path}?sid=unknown`)).status).toBe(200);
  });

  it.each<[string, string, Rule]>([
    ["no sid", "", "sid"],
    ["an empty sid", "sid=", "sid"],
    ["two sids", "sid=a&sid=b", "sid"],
    ["a long sid", `sid=${"s".repeat(256)}`, "sid"],
    ["a sub alone", "sub=alice", "sid"],
    ["another issuer", "sid=a&iss=https://evil.example", "iss"],
    ["two issuers", "sid=a&iss=a&iss=b", "iss"],
    ["an empty issuer", "sid=a&iss=", "iss"],
  ])("refuses %s, also with a cookie", async (_what, query, rule) => {
    const site = await openFront();
    const response = await fetch(`${site.url}${path}?${query}`, { headers: { Cookie: "connect.sid=s:a.b" } });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: "invalid_request", error_description: RULES[rule] },
    ]);
    expect(site.kicks).toEqual([]);
  });

  it("answers 503 if the kick failed", async () => {
    const site = await openFront();
    site.instead = () => Promise.reject(new Error("no registry"));
    expect((await fetch(`${site.url}${path}?sid=a`)).status).toBe(503);
  });
});

const PLACES: readonly (readonly [string, () => RequestHandler[]])[] = [
  ["before a body parser", () => []],
  ["after express.text", () => [express.raw({ type: "*/*" })]],
];

describe.each(PLACES)("the security event receiver, %s", (_place, parsers) => {
  const openEvents = (securityEvents: SecurityEventOptions = {}): Promise<ReceiverSite> =>
    open(provider({ securityEvents }), parsers());
  const subject = (): Claims => ({ format: "iss_sub", iss: idp.issuer, sub: "alice" });
  const set = (more: Claims = {}): Claims => {
    const { iss, aud, iat, jti } = idp.logoutClaims();
    const all: Claims = { iss, aud, iat, jti, sub_id: subject(), events: { [REVOKED]: {} }, ...more };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  };
  const push = (site: ReceiverSite, body: string, type = "application/secevent+jwt"): Promise<Response> =>
    fetch(`${site.url}/oidc/security-events`, { method: "POST", body, headers: { "Content-Type": type } });
  const send = async (site: ReceiverSite, more: Claims = {}): Promise<Response> =>
    push(site, await idp.sign(set(more), JWT));
  const name = (end: string): string => SECEVENT + end;

  it("is off by default", async () => {
    const site = await open(provider({}), parsers());
    expect((await send(site)).status).toBe(404);
  });

  it("joins the kick that is under way if its token comes again", async () => {
    const site = await openEvents();
    const [token, other] = [await idp.sign(set({ jti: "1" }), JWT), await idp.sign(set({ jti: "2" }), JWT)];
    const kicks = await kicksOf(
      site,
      () => push(site, token),
      () => push(site, other),
    );
    expect(kicks).toBe(2);
    await push(site, token);
    expect(site.kicks).toHaveLength(3);
  });

  it.each([
    ["session-revoked", REVOKED],
    ["sessions-revoked", name("risc/event-type/sessions-revoked")],
    ["account-disabled", name("risc/event-type/account-disabled")],
    ["account-purged", name("risc/event-type/account-purged")],
  ])("ends the logins of an issuer and subject for %s", async (_what, event) => {
    const site = await openEvents();
    const response = await send(site, { events: { [event]: {} }, iat: now });
    expect([response.status, await response.text()]).toEqual([202, ""]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(site.kicks).toEqual([
      { key: { iss: idp.issuer, sub: "alice" }, options: { ...BY_EVENT, authenticatedBefore: now } },
    ]);
  });

  it("asks the app for the user of an event of Google, whose issuer is not that of its ID tokens", async () => {
    const issuer = "https://accounts.google.com/";
    const resolveSubject = ({ sub }: Claims): string[] => (sub === "7375626A656374" ? ["alice"] : []);
    const site = await open(provider({ issuer, securityEvents: { resolveSubject } }), parsers());
    const google = { subject_type: "iss-sub", iss: issuer, sub: "7375626A656374" };
    const events = { [name("risc/event-type/account-disabled")]: { subject: google, reason: "hijacking" } };
    expect((await send(site, { iss: issuer, sub_id: undefined, events })).status).toBe(202);
    expect(site.kicks.flatMap(({ userIds = [] }) => userIds)).toEqual(["alice"]);
    // Sent again after more than a day, it must not end newer logins.
    await send(site, { iss: issuer, sub_id: undefined, events, iat: now - 90_000 });
    expect(site.kicks.filter(({ userIds }) => userIds !== undefined)).toHaveLength(1);
  });

  it.each([{ device: { format: "opaque", id: "d" } }, { session: { format: "email", email: "a@b.example" } }])(
    "does not end all logins of a user for less: %j",
    async (less) => {
      const sub_id = { format: "complex", user: subject(), ...less };
      const site = await openEvents();
      expect((await send(site, { sub_id })).status).toBe(202);
      expect(site.kicks).toEqual([]);
    },
  );

  it("spares logins after the event, if the event says when", async () => {
    const site = await openEvents();
    await send(site, { iat: now, events: { [REVOKED]: { event_timestamp: now - 500 } } });
    await send(site, { iat: now, events: { [REVOKED]: { event_timestamp: now + 500 } } });
    expect(site.kicks.map(({ options }) => options["authenticatedBefore"])).toEqual([now - 500, now]);
  });

  it.each([{ typ: "JWT" }, { typ: undefined }])(
    "accepts %j where typ was relaxed, and still no ID token",
    async (typ) => {
      const site = await open(provider({ securityEvents: {}, relax: { typ: true } }), parsers());
      expect((await push(site, await idp.sign(set(), typ))).status).toBe(202);
      const refused = await push(site, await idp.sign(set({ nonce: "n" }), typ));
      expect([refused.status, await refused.json()]).toEqual([
        400,
        { err: "invalid_request", description: RULES.nonce },
      ]);
      expect(site.kicks).toHaveLength(1);
    },
  );

  it("acts on an event of yesterday: transmitters repeat", async () => {
    const site = await openEvents();
    expect((await send(site, { iat: now - 86_400 })).status).toBe(202);
    expect(site.kicks).toHaveLength(1);
  });

  it.each<[string, () => Claims, object[]]>([
    [
      "the subject in the event",
      () => ({ sub_id: undefined, events: { [REVOKED]: { subject: subject() } } }),
      [{ sub: "alice" }],
    ],
    [
      "the older subject_type",
      () => ({
        sub_id: undefined,
        events: { [REVOKED]: { subject: { subject_type: "iss-sub", iss: idp.issuer, sub: "alice" } } },
      }),
      [{ sub: "alice" }],
    ],
    [
      "one session of a complex subject",
      () => ({ sub_id: { format: "complex", user: subject(), session: { format: "opaque", id: "session-1" } } }),
      [{ sid: "session-1" }],
    ],
    ["the user of a complex subject", () => ({ sub_id: { format: "complex", user: subject() } }), [{ sub: "alice" }]],
    [
      "aliases",
      () => ({ sub_id: { format: "aliases", identifiers: [{ format: "email", email: "a@b.example" }, subject()] } }),
      [{ sub: "alice" }],
    ],
  ])("finds %s", async (_what, more, keys) => {
    const site = await openEvents();
    expect((await send(site, more())).status).toBe(202);
    expect(site.kicks.map(({ key }) => key)).toEqual(keys.map((key) => ({ iss: idp.issuer, ...key })));
  });

  it.each<[string, Claims]>([
    ["an email", { format: "email", email: "a@b.example" }],
    ["a phone number", { format: "phone_number", phone_number: "+1" }],
    ["an opaque id", { format: "opaque", id: "x" }],
    ["a subject of another issuer", { format: "iss_sub", iss: "https://other.example", sub: "alice" }],
    ["a format that is not known", { format: "urn:unknown" }],
  ])("asks the app for the users of %s, and acknowledges what names none", async (_what, subjectId) => {
    const asked: unknown[] = [];
    const site = await openEvents({
      resolveSubject: (given) => {
        asked.push(given);
        return ["alice", 7];
      },
    });
    expect((await send(site, { sub_id: subjectId })).status).toBe(202);
    expect(asked).toEqual([subjectId]);
    expect(site.kicks).toEqual([{ userIds: ["alice", 7], options: BY_EVENT }]);

    const without = await openEvents();
    expect((await send(without, { sub_id: subjectId })).status).toBe(202);
    expect(without.kicks).toEqual([]);
  });

  it.each<[string, Claims]>([
    ["an event that ends nothing by default", { events: { [name("caep/event-type/credential-change")]: {} } }],
    ["an unknown event", { events: { "urn:unknown": {} } }],
    ["a verification", { events: { [name("ssf/event-type/verification")]: { state: "s" } } }],
    ["no subject", { sub_id: undefined }],
    ["a subject that is a text", { sub_id: "alice" }],
    ["an empty sub", { sub_id: { format: "iss_sub", iss: "x", sub: "" } }],
  ])("acknowledges %s", async (_what, more) => {
    const site = await openEvents();
    expect((await send(site, more)).status).toBe(202);
    expect(site.kicks).toEqual([]);
  });

  it("asks the app's policy which events end logins, but not for a verification", async () => {
    const asked: unknown[] = [];
    const credential = name("caep/event-type/credential-change");
    const site = await openEvents({
      policy: (event, payload) => {
        asked.push([event, payload]);
        return Promise.resolve(event === credential);
      },
    });
    await send(site, { events: { [credential]: { change_type: "revoke" }, [REVOKED]: {} } });
    await send(site, { events: { [name("ssf/event-type/verification")]: {} } });
    expect(asked).toEqual([
      [credential, { change_type: "revoke" }],
      [REVOKED, {}],
    ]);
    expect(site.kicks).toHaveLength(1);
  });

  it.each<[string, (site: ReceiverSite) => Promise<Response>, string, Rule | undefined]>([
    ["a logout token", async (site) => push(site, await idp.logoutToken()), "invalid_request", "typ"],
    ["no typ", async (site) => push(site, await idp.sign(set(), { typ: undefined })), "invalid_request", "typ"],
    ["another key", async (site) => push(site, await idp.sign(set(), JWT, stranger)), "invalid_key", "signature"],
    ["an unknown kid", async (site) => push(site, await idp.sign(set(), { ...JWT, kid: "x" })), "invalid_key", "key"],
    ["another issuer", (site) => send(site, { iss: "https://evil.example" }), "invalid_issuer", "iss"],
    ["another audience", (site) => send(site, { aud: "other" }), "invalid_audience", "aud"],
    ["no iat", (site) => send(site, { iat: undefined }), "invalid_request", "iat"],
    ["an iat in an hour", (site) => send(site, { iat: now + 3_600 }), "invalid_request", "ahead"],
    ["no jti", (site) => send(site, { jti: undefined }), "invalid_request", "jti"],
    ["no events", (site) => send(site, { events: undefined }), "invalid_request", "events"],
    ["empty events", (site) => send(site, { events: {} }), "invalid_request", "events"],
    ["events that are a list", (site) => send(site, { events: [REVOKED] }), "invalid_request", "events"],
    ["no token", (site) => push(site, "x"), "invalid_request", "shape"],
    ["65 kB", (site) => push(site, "x".repeat(66_000)), "invalid_request", "limits"],
    ["JSON", (site) => push(site, "{}", "application/json"), "invalid_request", undefined],
  ])("refuses %s", async (_what, act, err, rule) => {
    const site = await openEvents();
    const response = await act(site);
    expect([response.status, await response.json()]).toEqual([
      400,
      { err, description: rule === undefined ? "The body must be sent as application/secevent+jwt." : RULES[rule] },
    ]);
    expect(site.kicks).toEqual([]);
  });

  it.each<[string, SecurityEventOptions, boolean]>([
    ["the kick", {}, true],
    ["the app's policy", { policy: () => Promise.reject(new Error("no database")) }, false],
    ["the app's resolveSubject", { resolveSubject: () => Promise.reject(new Error("no database")) }, false],
  ])("answers 503 if %s failed, so that the event is sent again", async (_what, securityEvents, isKick) => {
    const site = await openEvents(securityEvents);
    if (isKick) site.instead = () => Promise.reject(new Error("no registry"));
    const response = await send(site, isKick ? {} : { sub_id: { format: "email", email: "a@b.example" } });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
  });
});

describe("the token revocation receiver", () => {
  const path = "/oidc/revocation";
  const openRevocation = (securityEvents?: SecurityEventOptions, more?: Partial<OidcOptions>): Promise<ReceiverSite> =>
    open(
      provider({
        routes: { tokenRevocation: path },
        postLogoutRedirectUri: "https://shop.example/bye",
        securityEvents,
        ...more,
      }),
    );
  const subject = (): Claims => ({ format: "iss_sub", iss: idp.issuer, sub: "alice" });
  const bearer = (more: Claims = {}): Claims => {
    const { iss, iat, exp, jti } = idp.logoutClaims();
    const all: Claims = { iss, sub: iss, iat, exp, jti, aud: `https://shop.example${path}`, ...more };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  };
  const typ = { typ: "global-token-revocation+jwt" };
  const send = async (
    site: ReceiverSite,
    { body = JSON.stringify({ sub_id: subject() }), claims = {}, header = typ, authorization, key }: Sent = {},
  ): Promise<Response> =>
    fetch(site.url + path, {
      method: "POST",
      body,
      headers: {
        "Content-Type": "application/json",
        Authorization: authorization ?? `Bearer ${await idp.sign(bearer(claims), header, key)}`,
      },
    });
  interface Sent {
    readonly body?: string;
    readonly claims?: Claims;
    readonly header?: Claims;
    readonly authorization?: string;
    readonly key?: Key;
  }

  it("joins the kick that is under way if the same request comes again", async () => {
    const site = await openRevocation();
    const authorization = `Bearer ${await idp.sign(bearer(), typ)}`;
    const body = JSON.stringify({ sub_id: { ...subject(), sub: "bob" } });
    const kicks = await kicksOf(
      site,
      () => send(site, { authorization }),
      () => send(site, { authorization, body }),
    );
    expect(kicks).toBe(2);
    await send(site, { authorization });
    expect(site.kicks).toHaveLength(3);
  });

  it("ends the logins of an issuer and subject", async () => {
    const site = await openRevocation();
    const response = await send(site, { claims: { iat: now } });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(site.kicks).toEqual([
      { key: { iss: idp.issuer, sub: "alice" }, options: { ...BY_EVENT, authenticatedBefore: now } },
    ]);
  });

  it.each<[unknown, boolean, number]>([
    ["application/global-token-revocation+jwt", false, 204],
    ["Global-Token-Revocation+JWT", false, 204],
    ["JWT", false, 401],
    [undefined, false, 401],
    ["", false, 401],
    ["logout+jwt", false, 401],
    ["secevent+jwt", false, 401],
    ["JWT", true, 204],
    [undefined, true, 204],
    ["", true, 401],
    ["logout+jwt", true, 401],
    ["at+jwt", true, 401],
  ])("typ %p, relaxed: %p, is answered %p", async (given, isRelaxed, status) => {
    const site = await openRevocation(undefined, { relax: { typ: isRelaxed } });
    const response = await send(site, { header: { typ: given } });
    expect([response.status, site.kicks.length]).toEqual([status, status === 204 ? 1 : 0]);
    const refused = { error: "invalid_token", error_description: RULES.typ };
    expect(await response.text()).toBe(status === 204 ? "" : JSON.stringify(refused));
  });

  it("asks the app for the users of an email", async () => {
    const site = await openRevocation({ resolveSubject: ({ email }) => (email === "a@b.example" ? ["alice"] : []) });
    const body = (email: string): string => JSON.stringify({ sub_id: { format: "email", email } });
    expect((await send(site, { body: body("a@b.example") })).status).toBe(204);
    expect((await send(site, { body: body("unknown@b.example") })).status).toBe(204);
    expect(site.kicks).toEqual([{ userIds: ["alice"], options: BY_EVENT }]);
  });

  it.each<[string, () => Sent, Rule]>([
    ["no token", () => ({ authorization: "" }), "bearer"],
    ["a token of another scheme", () => ({ authorization: "Basic YTpi" }), "bearer"],
    ["a token that is none", () => ({ authorization: "Bearer x" }), "shape"],
    ["another key", () => ({ key: stranger }), "signature"],
    ["another issuer", () => ({ claims: { iss: "https://evil.example" } }), "iss"],
    ["another host", () => ({ claims: { aud: `https://evil.example${path}` } }), "aud"],
    ["another address", () => ({ claims: { aud: "https://shop.example/other" } }), "aud"],
    ["the client id as audience, as ID tokens have it", () => ({ claims: { aud: "shop" } }), "aud"],
    ["no iat", () => ({ claims: { iat: undefined } }), "iat"],
    ["an old token", () => ({ claims: { iat: now - 360 } }), "old"],
    ["an expired token", () => ({ claims: { iat: now - 60, exp: now - 1 } }), "expired"],
    ["no exp", () => ({ claims: { exp: undefined } }), "exp"],
    ["no jti", () => ({ claims: { jti: undefined } }), "jti"],
    ["a nonce", () => ({ claims: { nonce: "n" } }), "nonce"],
  ])("refuses %s with 401", async (_what, sent, rule) => {
    const site = await openRevocation();
    const response = await send(site, sent());
    expect([response.status, await response.json()]).toEqual([
      401,
      { error: "invalid_token", error_description: RULES[rule] },
    ]);
    expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(site.kicks).toEqual([]);
  });

  it.each<[string, string, Rule]>([
    ["no JSON", "x", "unreadable"],
    ["no subject", "{}", "subjectFormat"],
    ["a subject that is a text", '{"sub_id":"alice"}', "subjectFormat"],
    ["an email without resolveSubject", '{"sub_id":{"format":"email","email":"a@b.example"}}', "subjectFormat"],
  ])("refuses %s with 400", async (_what, body, rule) => {
    const site = await openRevocation();
    const response = await send(site, { body });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: "invalid_request", error_description: RULES[rule] },
    ]);
  });

  it("answers 503 if the kick failed", async () => {
    const site = await openRevocation();
    site.instead = () => Promise.reject(new Error("no registry"));
    expect((await send(site)).status).toBe(503);
  });
});
