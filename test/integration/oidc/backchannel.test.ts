import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import express, { type RequestHandler } from "express";
import { exportJWK, generateKeyPair, type CryptoKey } from "jose";
import { oidc, type OidcMetadata, type OidcOptions } from "../../../lib/oidc/index.js";
import { RULES, type Rule } from "../../../lib/oidc/refusal.js";
import {
  BACKCHANNEL_EVENT,
  createKey,
  encrypted,
  forged,
  IdentityProvider,
  signedWithPublicKey,
  type Claims,
  type Key,
} from "../../support/identity-provider.js";
import { PROVIDER } from "../../../lib/util/provider.js";
import { Gate } from "../../support/gate.js";
import { useReceivers, type ReceiverSite } from "../../support/receiver.js";

const PATH = "/oidc/backchannel-logout";
const FORM = "application/x-www-form-urlencoded";
const open = useReceivers();

let idp: IdentityProvider;
/** A key that the provider does not have, under the `kid` of one that it has. */
let stranger: Key;
/** Another key of the provider, of another kind. */
let elliptic: Key;
let pss: Key;
let forEncryption: CryptoKey;
let now: number;

beforeAll(async () => {
  idp = await IdentityProvider.start();
  stranger = await createKey("first");
  elliptic = await createKey("elliptic", "ES256");
  pss = await createKey("pss", "PS256");
  const { publicKey } = await generateKeyPair("RSA-OAEP", { extractable: true });
  forEncryption = publicKey;
  idp.keys = [idp.key.jwk, elliptic.jwk, pss.jwk];
});

beforeEach(() => {
  now = Math.floor(Date.now() / 1_000);
});

afterAll(() => idp.close());

function options(more: Partial<OidcMetadata> & Partial<OidcOptions> = {}): OidcOptions {
  const { issuer, jwksUri } = idp;
  return { issuer, clientId: "shop", jwksUri, claims: () => undefined, ...more };
}

async function post(
  site: ReceiverSite,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(site.url + PATH, {
    method: "POST",
    body: body as BodyInit,
    headers: { "Content-Type": FORM, ...headers },
  });
}

const withToken = (token: string): string => new URLSearchParams({ logout_token: token }).toString();

/** The places of the receiver: before the app has read the body, and after. */
const PLACES: readonly (readonly [string, () => RequestHandler[]])[] = [
  ["before a body parser", () => []],
  ["after body parsers", () => [express.json(), express.urlencoded({ extended: true })]],
];

type Row = readonly [what: string, token: () => Promise<string>, rule: Rule];

/** A token that is right in everything but these claims. */
const claims = (what: string, more: () => Claims, rule: Rule): Row => [what, () => idp.logoutToken(more()), rule];
/** A token that is right in everything but its header. */
const header = (what: string, more: () => Claims, rule: Rule): Row => [what, () => idp.logoutToken({}, more()), rule];
const payload = (what: string, content: () => string | Uint8Array, rule: Rule): Row => [
  what,
  () => idp.sign(content()),
  rule,
];
const text = (what: string, token: () => string | Promise<string>, rule: Rule): Row => [
  what,
  () => Promise.resolve(token()),
  rule,
];
const parts = async (change: (parts: string[]) => string[]): Promise<string> =>
  change((await idp.logoutToken()).split(".")).join(".");
const again = (part = ""): string => Buffer.from(part, "base64url").toString();

const HOSTILE: readonly Row[] = [
  // typ
  header("typ JWT", () => ({ typ: "JWT" }), "typ"),
  header("no typ", () => ({ typ: undefined }), "typ"),
  header("an empty typ", () => ({ typ: "" }), "typ"),
  header("typ application/", () => ({ typ: "application/" }), "typ"),
  header("typ at+jwt", () => ({ typ: "at+jwt" }), "typ"),
  header("typ secevent+jwt", () => ({ typ: "secevent+jwt" }), "typ"),
  header("typ logout+jwt with a parameter", () => ({ typ: "logout+jwt; a=b" }), "typ"),
  header("typ application/application/logout+jwt", () => ({ typ: "application/application/logout+jwt" }), "typ"),
  text(
    "a typ that is a number",
    () => parts(([, body = "", sig = ""]) => withHeader({ alg: "RS256", typ: 1 }, body, sig)),
    "typ",
  ),
  text(
    "a typ that is a list",
    () => parts(([, body = "", sig = ""]) => withHeader({ alg: "RS256", typ: ["logout+jwt"] }, body, sig)),
    "typ",
  ),

  // alg
  text("alg none, unsigned", () => forged({ alg: "none", typ: "logout+jwt" }, idp.logoutClaims(), ""), "shape"),
  text("alg none, with a signature", () => forged({ alg: "none", typ: "logout+jwt" }, idp.logoutClaims(), "YQ"), "alg"),
  text("alg None", () => forged({ alg: "None", typ: "logout+jwt" }, idp.logoutClaims(), "YQ"), "alg"),
  text("no alg", () => forged({ typ: "logout+jwt" }, idp.logoutClaims(), "YQ"), "alg"),
  text("an alg that is a list", () => forged({ alg: ["RS256"], typ: "logout+jwt" }, idp.logoutClaims(), "YQ"), "alg"),
  text("HS256 with the public key as secret", () => signedWithPublicKey(idp.logoutClaims(), idp.key), "alg"),
  ["ES256, a key of the provider", () => idp.logoutToken({}, { alg: "ES256" }, elliptic), "alg"],
  ["PS256, a key of the provider", () => idp.logoutToken({}, { alg: "PS256" }, pss), "alg"],
  text("alg rs256", () => forged({ alg: "rs256", typ: "logout+jwt" }, idp.logoutClaims(), "YQ"), "alg"),

  // Keys and signatures
  ["another key under the same kid", () => idp.logoutToken({}, {}, stranger), "signature"],
  ["another key and no kid", () => idp.logoutToken({}, { kid: undefined }, stranger), "signature"],
  ["an unknown kid", () => idp.logoutToken({}, { kid: "unknown" }), "key"],
  ["a kid that is a path", () => idp.logoutToken({}, { kid: "../../etc/passwd" }), "key"],
  ["a kid that is an address", () => idp.logoutToken({}, { kid: `${idp.issuer}/other` }), "key"],
  ["the kid of a key of another kind", () => idp.logoutToken({}, { kid: "elliptic" }), "key"],
  [
    "its own key as jwk",
    async () => idp.logoutToken({}, { jwk: await exportJWK(stranger.publicKey), kid: undefined }, stranger),
    "signature",
  ],
  ["the address of other keys as jku", () => idp.logoutToken({}, { jku: `${idp.issuer}/evil` }, stranger), "signature"],
  [
    "the address of a certificate as x5u",
    () => idp.logoutToken({}, { x5u: `${idp.issuer}/evil` }, stranger),
    "signature",
  ],
  ["a certificate as x5c", () => idp.logoutToken({}, { x5c: ["MIIB"] }, stranger), "signature"],
  text("the signature of another token", async () => parts(([h = "", b = ""]) => [h, b, "AAAA"]), "signature"),
  text(
    "claims that were changed",
    () =>
      parts(([h = "", b = "", s = ""]) => [
        h,
        Buffer.from(again(b).replace("alice", "carol")).toString("base64url"),
        s,
      ]),
    "signature",
  ),
  text(
    "a header that was changed",
    () =>
      parts(([h = "", b = "", s = ""]) => [Buffer.from(again(h).replace("}", ',"a":1}')).toString("base64url"), b, s]),
    "signature",
  ),
  text("a signature cut short", () => parts(([h = "", b = "", s = ""]) => [h, b, s.slice(0, -8)]), "signature"),

  // crit
  text(
    "crit exp",
    () => parts(([, b = "", s = ""]) => withHeader({ alg: "RS256", typ: "logout+jwt", crit: ["exp"] }, b, s)),
    "crit",
  ),
  text(
    "an empty crit",
    () => parts(([, b = "", s = ""]) => withHeader({ alg: "RS256", typ: "logout+jwt", crit: [] }, b, s)),
    "crit",
  ),
  text(
    "crit null",
    () => parts(([, b = "", s = ""]) => withHeader({ alg: "RS256", typ: "logout+jwt", crit: null }, b, s)),
    "crit",
  ),
  header("crit of an extension, signed", () => ({ crit: ["urn:unknown"], "urn:unknown": 1 }), "crit"),
  text(
    "crit b64",
    () =>
      parts(([, b = "", s = ""]) => withHeader({ alg: "RS256", typ: "logout+jwt", crit: ["b64"], b64: false }, b, s)),
    "crit",
  ),

  // Shape
  text("no token at all", () => "x", "shape"),
  text("an empty token", () => "", "shape"),
  text("one part", () => "e30", "shape"),
  text("two parts", () => "e30.e30", "shape"),
  text("four parts", () => "e30.e30.e30.e30", "shape"),
  text("an empty header", () => parts(([, b = "", s = ""]) => ["", b, s]), "shape"),
  text("an empty payload", () => parts(([h = "", , s = ""]) => [h, "", s]), "shape"),
  text("padding", () => parts(([h = "", b = "", s = ""]) => [h, b, `${s}==`]), "shape"),
  text("the other Base64 alphabet", () => parts(([h = "", b = ""]) => [h, b, "ab+/"]), "shape"),
  text("a space", () => parts(([h = "", b = "", s = ""]) => [h, ` ${b}`, s]), "shape"),
  text("a line break at the end", () => parts(([h = "", b = "", s = ""]) => [h, b, `${s}\n`]), "shape"),
  text("JSON serialization", () => JSON.stringify({ payload: "e30", signatures: [] }), "shape"),
  text("a header that is no JSON", () => `${Buffer.from("x").toString("base64url")}.e30.YQ`, "header"),
  text("a header that is a list", () => `${Buffer.from("[]").toString("base64url")}.e30.YQ`, "header"),
  text("a header that is null", () => `${Buffer.from("null").toString("base64url")}.e30.YQ`, "header"),
  text("a header that is no UTF-8", () => `${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.e30.YQ`, "header"),
  text(
    "an encrypted token, where none was agreed",
    async () => encrypted(await idp.logoutToken(), forEncryption),
    "encrypted",
  ),
  payload("a payload that is no JSON", () => "logout", "payload"),
  payload("a payload that is a list", () => "[]", "payload"),
  payload("a payload that is null", () => "null", "payload"),
  payload("a payload that is a text", () => '"logout"', "payload"),
  payload("a payload that is no UTF-8", () => Buffer.from([0x7b, 0xff, 0x7d]), "payload"),

  // iss
  claims("no iss", () => ({ iss: undefined }), "iss"),
  claims("another iss", () => ({ iss: "https://evil.example" }), "iss"),
  claims("the iss with a slash at the end", () => ({ iss: `${idp.issuer}/` }), "iss"),
  claims("the iss in capitals", () => ({ iss: idp.issuer.toUpperCase() }), "iss"),
  claims("a list of the iss", () => ({ iss: [idp.issuer] }), "iss"),

  // aud, azp
  claims("no aud", () => ({ aud: undefined }), "aud"),
  claims("another aud", () => ({ aud: "other" }), "aud"),
  claims("an empty list as aud", () => ({ aud: [] }), "aud"),
  claims("a list of others as aud", () => ({ aud: ["other", "another"] }), "aud"),
  claims("an aud that begins like the client id", () => ({ aud: "shop2" }), "aud"),
  claims("the aud in capitals", () => ({ aud: "SHOP" }), "aud"),
  claims("an aud that is an object", () => ({ aud: { shop: true } }), "aud"),
  claims("a list in a list as aud", () => ({ aud: [["shop"]] }), "aud"),
  claims("a list with a number as aud", () => ({ aud: ["shop", 1] }), "aud"),
  claims("the azp of another client", () => ({ azp: "other" }), "azp"),
  claims("an azp that is a list", () => ({ azp: ["shop"] }), "azp"),
  claims("an azp that is null", () => ({ azp: null }), "azp"),

  // iat, exp, nbf
  claims("no iat", () => ({ iat: undefined }), "iat"),
  claims("an iat that is a text", () => ({ iat: String(now) }), "iat"),
  claims("an iat that is null", () => ({ iat: null }), "iat"),
  claims("an iat of 6 minutes ago", () => ({ iat: now - 360, exp: now + 120 }), "old"),
  claims("an iat of 0", () => ({ iat: 0 }), "old"),
  claims("a negative iat", () => ({ iat: -1 }), "old"),
  claims("an iat in 2 minutes", () => ({ iat: now + 120, exp: now + 240 }), "ahead"),
  claims("an iat in milliseconds", () => ({ iat: now * 1_000, exp: now * 1_000 + 120 }), "ahead"),
  payload("an iat beyond numbers", () => JSON.stringify(idp.logoutClaims()).replace(/"iat":\d+/, '"iat":1e999'), "iat"),
  claims("no exp", () => ({ exp: undefined }), "exp"),
  claims("an exp that is a text", () => ({ exp: String(now + 120) }), "exp"),
  claims("an exp that is null", () => ({ exp: null }), "exp"),
  claims("an exp a minute ago", () => ({ iat: now - 120, exp: now - 60 }), "expired"),
  claims("an exp before the iat", () => ({ iat: now + 50, exp: now + 40 }), "expired"),
  claims("an exp 11 minutes after the iat", () => ({ exp: now + 660 }), "longLived"),
  claims("an exp in a century", () => ({ exp: now + 3e9 }), "longLived"),
  claims("an nbf in an hour", () => ({ nbf: now + 3_600 }), "nbf"),
  claims("an nbf that is a text", () => ({ nbf: "now" }), "nbf"),

  // jti, events, nonce
  claims("no jti", () => ({ jti: undefined }), "jti"),
  claims("an empty jti", () => ({ jti: "" }), "jti"),
  claims("a jti that is a number", () => ({ jti: 1 }), "jti"),
  claims("no events", () => ({ events: undefined }), "events"),
  claims("empty events", () => ({ events: {} }), "events"),
  claims("events that are a list", () => ({ events: [BACKCHANNEL_EVENT] }), "events"),
  claims("events that are a text", () => ({ events: BACKCHANNEL_EVENT }), "events"),
  claims("the event with a text", () => ({ events: { [BACKCHANNEL_EVENT]: "" } }), "events"),
  claims("the event with null", () => ({ events: { [BACKCHANNEL_EVENT]: null } }), "events"),
  claims("the event with a list", () => ({ events: { [BACKCHANNEL_EVENT]: [] } }), "events"),
  claims("another event", () => ({ events: { "https://schemas.openid.net/event/backchannel-logout": {} } }), "events"),
  claims("a nonce", () => ({ nonce: "n" }), "nonce"),
  claims("a nonce that is null", () => ({ nonce: null }), "nonce"),
  claims("an empty nonce", () => ({ nonce: "" }), "nonce"),
  claims("an ID token of the provider", () => ({ events: undefined, nonce: "n", auth_time: now }), "events"),

  // sub, sid
  claims("neither sub nor sid", () => ({ sub: undefined, sid: undefined }), "subject"),
  claims("an empty sub", () => ({ sub: "", sid: undefined }), "sub"),
  claims("an empty sub beside a sid", () => ({ sub: "" }), "sub"),
  claims("a sub that is null", () => ({ sub: null }), "sub"),
  claims("a sub that is a number", () => ({ sub: 7 }), "sub"),
  claims("a sub that is an object", () => ({ sub: { toString: "alice" } }), "sub"),
  claims("a sub that is a list", () => ({ sub: ["alice"] }), "sub"),
  claims("a sub of 256 characters", () => ({ sub: "a".repeat(256) }), "sub"),
  claims("an empty sid", () => ({ sid: "" }), "sid"),
  claims("a sid that is null", () => ({ sid: null }), "sid"),
  claims("a sid that is a number", () => ({ sid: 7 }), "sid"),
  claims("a sid that is a list", () => ({ sid: ["session-1"] }), "sid"),
  claims("a sid of 256 characters", () => ({ sid: "s".repeat(256) }), "sid"),
  payload(
    "sub and sid as members of __proto__ alone",
    () =>
      JSON.stringify(idp.logoutClaims({ sub: undefined, sid: undefined })).replace(
        "{",
        '{"__proto__":{"sub":"alice","sid":"session-1"},',
      ),
    "subject",
  ),
];

function withHeader(head: Claims, body: string, signature: string): string[] {
  return [Buffer.from(JSON.stringify(head)).toString("base64url"), body, signature];
}

interface Sent {
  readonly body: () => Promise<string | Buffer>;
  readonly headers?: Record<string, string>;
}
type Transport = readonly [what: string, sent: Sent, rule: Rule];
const good = async (): Promise<string> => withToken(await idp.logoutToken());

/** What is wrong is the request: the token is right. */
const REQUESTS: readonly Transport[] = [
  ["no body", { body: () => Promise.resolve("") }, "parameter"],
  ["no logout_token", { body: () => Promise.resolve("a=b") }, "parameter"],
  ["two tokens", { body: async () => `${await good()}&${await good()}` }, "parameter"],
  ["the same token twice", { body: () => good().then((form) => `${form}&${form}`) }, "parameter"],
  [
    "the name in capitals",
    { body: () => good().then((form) => form.replace("logout_token", "LOGOUT_TOKEN")) },
    "parameter",
  ],
  [
    "the token as a member",
    { body: () => good().then((form) => form.replace("logout_token", "logout_token[a]")) },
    "parameter",
  ],
  ["21 parameters", { body: () => good().then((form) => `${form}${"&a=1".repeat(20)}`) }, "limits"],
  ["65 kB", { body: () => good().then((form) => `${form}&a=${"a".repeat(66_000)}`) }, "limits"],
  [
    "JSON",
    {
      body: async () => JSON.stringify({ logout_token: await idp.logoutToken() }),
      headers: { "Content-Type": "application/json" },
    },
    "form",
  ],
  ["a token as plain text", { body: () => idp.logoutToken(), headers: { "Content-Type": "text/plain" } }, "form"],
  [
    "a token as logout+jwt",
    { body: () => idp.logoutToken(), headers: { "Content-Type": "application/logout+jwt" } },
    "form",
  ],
  ["a form in parts", { body: () => good(), headers: { "Content-Type": "multipart/form-data; boundary=x" } }, "form"],
];

it("has at least 90 hostile tokens and requests", () => {
  expect(HOSTILE.length + REQUESTS.length).toBeGreaterThanOrEqual(90);
});

describe.each(PLACES)("the back-channel receiver, %s", (_place, parsers) => {
  const receiver = (more: Parameters<typeof options>[0] = {}): Promise<ReceiverSite> =>
    open(oidc(options(more)), parsers());

  async function expectRefusal(response: Response, rule: Rule, site: ReceiverSite): Promise<void> {
    const body = (await response.json()) as object;
    expect({ status: response.status, ...body }).toEqual({
      status: 400,
      error: "invalid_request",
      error_description: RULES[rule],
    });
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(site.kicks).toEqual([]);
  }

  it.each(HOSTILE)("refuses %s", async (_what, token, rule) => {
    const site = await receiver();
    const before = idp.requests.length;
    await expectRefusal(await post(site, withToken(await token())), rule, site);
    // No address in a token is ever asked.
    expect(new Set(idp.requests.slice(before))).toEqual(new Set(idp.requests.length > before ? ["/jwks"] : []));
  });

  it.each(REQUESTS)("refuses a request with %s", async (_what, { body, headers = {} }, rule) => {
    const site = await receiver();
    await expectRefusal(await post(site, await body(), headers), rule, site);
  });

  it("refuses a token in the address", async () => {
    const site = await receiver();
    const response = await fetch(`${site.url}${PATH}?${await good()}`);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ error: "invalid_request", error_description: RULES.method });
    await expectRefusal(await post({ ...site, url: site.url }, "", {}), "parameter", site);
  });

  const AT_PROVIDER = { by: "oidc", reason: "Logged out at the identity provider" };

  it("ends one session for a sid, and every login without a sid of the sub beside it", async () => {
    const site = await receiver();
    const response = await post(site, withToken(await idp.logoutToken({ iat: now })));
    expect(response.status).toBe(204);
    expect(await response.text()).toBe("");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const kick = { ...AT_PROVIDER, authenticatedBefore: now };
    expect(site.kicks).toEqual([
      { key: { iss: idp.issuer, sid: "session-1" }, options: kick },
      { key: { iss: idp.issuer, sub: "alice", without: "sid" }, options: kick },
    ]);
  });

  it.each<[string, Claims, object[]]>([
    ["sid alone", { sub: undefined }, [{ sid: "session-1" }]],
    ["sub alone", { sid: undefined }, [{ sub: "alice" }]],
    ["a sub of 255 characters", { sid: undefined, sub: "a".repeat(255) }, [{ sub: "a".repeat(255) }]],
  ])("ends the logins of %s", async (_what, more, keys) => {
    const site = await receiver();
    expect((await post(site, withToken(await idp.logoutToken(more)))).status).toBe(204);
    expect(site.kicks.map(({ key }) => key)).toEqual(keys.map((key) => ({ iss: idp.issuer, ...key })));
  });

  it.each<[string, () => Promise<string>, Parameters<typeof options>[0]]>([
    ["application/logout+jwt", () => idp.logoutToken({}, { typ: "application/logout+jwt" }), {}],
    ["typ in capitals", () => idp.logoutToken({}, { typ: "Logout+JWT" }), {}],
    ["no kid, where one key fits", () => idp.logoutToken({}, { kid: undefined }), {}],
    ["a list as aud", () => idp.logoutToken({ aud: ["other", "shop"], azp: "shop" }), {}],
    ["the second of two clients", () => idp.logoutToken({ aud: "shop2" }), { clientId: ["shop", "shop2"] }],
    ["an iat of 4 minutes ago", () => idp.logoutToken({ iat: now - 240, exp: now + 60 }), {}],
    ["an iat in half a minute", () => idp.logoutToken({ iat: now + 30, exp: now + 150 }), {}],
    ["members that are not known", () => idp.logoutToken({ trace: "t", toe: 1 }), {}],
    ["more events", () => idp.logoutToken({ events: { [BACKCHANNEL_EVENT]: { a: 1 }, "urn:other": {} } }), {}],
    ["PS256 where it was agreed", () => idp.logoutToken({}, { alg: "PS256" }, pss), { algorithms: ["PS256"] }],
    [
      "ES256 where it was agreed",
      () => idp.logoutToken({}, { alg: "ES256" }, elliptic),
      { algorithms: ["RS256", "ES256"] },
    ],
    ["typ JWT where it was relaxed", () => idp.logoutToken({}, { typ: "JWT" }), { relax: { typ: true } }],
    ["no typ where it was relaxed", () => idp.logoutToken({}, { typ: undefined }), { relax: { typ: true } }],
    ["no exp where it was relaxed", () => idp.logoutToken({ exp: undefined }), { relax: { exp: true } }],
  ])("accepts %s", async (_what, token, more) => {
    const site = await receiver(more);
    const response = await post(site, withToken(await token()));
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(site.kicks).toHaveLength(2);
  });

  it.each<[string, () => Promise<string>, Rule]>([
    ["typ at+jwt", () => idp.logoutToken({}, { typ: "at+jwt" }), "typ"],
    ["a nonce", () => idp.logoutToken({ nonce: "n" }, { typ: "JWT" }), "nonce"],
    ["an exp of a minute ago", () => idp.logoutToken({ iat: now - 120, exp: now - 60 }), "expired"],
  ])("refuses %s where typ and exp were relaxed", async (_what, token, rule) => {
    const site = await receiver({ relax: { typ: true, exp: true } });
    await expectRefusal(await post(site, withToken(await token())), rule, site);
  });

  it("uses the algorithm of the client's metadata", async () => {
    const { issuer, jwksUri } = idp;
    const configuration = {
      serverMetadata: () => ({ issuer, jwks_uri: jwksUri }),
      clientMetadata: () => ({ client_id: "shop", id_token_signed_response_alg: "ES256" }),
    };
    const site = await open(oidc({ configuration, claims: () => undefined }), parsers());
    await expectRefusal(await post(site, withToken(await idp.logoutToken())), "alg", site);
    const token = await idp.logoutToken({}, { alg: "ES256" }, elliptic);
    expect((await post(site, withToken(token))).status).toBe(204);
  });

  it.each(["ES256", "HS256"])("uses algorithms, where they are beside a client with %s", async (ofClient) => {
    const { issuer, jwksUri } = idp;
    const configuration = {
      serverMetadata: () => ({ issuer, jwks_uri: jwksUri }),
      clientMetadata: () => ({ client_id: "shop", id_token_signed_response_alg: ofClient }),
    };
    const site = await open(oidc({ configuration, algorithms: ["RS256"], claims: () => undefined }), parsers());
    await expectRefusal(
      await post(site, withToken(await idp.logoutToken({}, { alg: "ES256" }, elliptic))),
      "alg",
      site,
    );
    expect((await post(site, withToken(await idp.logoutToken()))).status).toBe(204);
  });

  it("decrypts a token with the app's function, and verifies what was in it", async () => {
    const signed = await idp.logoutToken();
    const site = await receiver({ decrypt: () => Promise.resolve(signed) });
    expect((await post(site, withToken(await encrypted(signed, forEncryption)))).status).toBe(204);

    const other = await idp.logoutToken({}, {}, stranger);
    const wrong = await receiver({ decrypt: () => Promise.resolve(other) });
    await expectRefusal(await post(wrong, withToken(await encrypted(other, forEncryption))), "signature", wrong);

    const nested = await encrypted(signed, forEncryption);
    const twice = await receiver({ decrypt: () => Promise.resolve(nested) });
    await expectRefusal(await post(twice, withToken(nested)), "shape", twice);

    const failing = await receiver({ decrypt: () => Promise.reject(new Error("no key")) });
    await expectRefusal(await post(failing, withToken(nested)), "decryption", failing);
  });

  it("adds the skew of the provider's clocks", async () => {
    const site = await receiver({ issuerSkewMs: 2_500 });
    await post(site, withToken(await idp.logoutToken({ iat: now, sid: undefined })));
    expect(site.kicks[0]?.options["authenticatedBefore"]).toBe(now + 2);
  });

  it("answers a repeated token in the same way", async () => {
    const site = await receiver();
    const form = await good();
    expect([(await post(site, form)).status, (await post(site, form)).status]).toEqual([204, 204]);
    expect(site.kicks[0]).toEqual(site.kicks[2]);
  });

  it("answers 400 if the kick failed, and acts on the same token later", async () => {
    const site = await receiver();
    const form = await good();
    site.instead = () => Promise.reject(new Error("no registry"));
    const response = await post(site, form);
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: "temporarily_unavailable", error_description: "The logout did not finish. Send the token again." },
    ]);
    site.instead = undefined;
    expect((await post(site, form)).status).toBe(204);
  });

  it("joins the kick that is under way if its token comes again", async () => {
    const site = await receiver();
    const gate = new Gate();
    site.instead = async () => {
      await gate.pass();
      return { users: 1, logins: 1 };
    };
    const form = withToken(await idp.logoutToken({ sid: undefined }));
    const earlier = withToken(await idp.logoutToken({ sid: undefined, iat: now - 1 }));
    const first = post(site, form);
    await gate.reached;
    const rest = [post(site, form), post(site, earlier)];
    await gate.reachedBy(2);
    // The repeated one is verified by then, and waits.
    await sleep(200);
    gate.open();
    expect((await Promise.all([first, ...rest])).map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(site.kicks).toHaveLength(2);
    expect((await post(site, form)).status).toBe(204);
    expect(site.kicks).toHaveLength(3);
  });

  it("answers within 1.5 seconds if the kick takes longer", async () => {
    const site = await receiver();
    let finish: (result: { users: number; logins: number }) => void = () => undefined;
    site.instead = () => new Promise((resolve) => (finish = resolve));
    const form = await good();
    const start = performance.now();
    expect((await post(site, form)).status).toBe(400);
    expect(performance.now() - start).toBeLessThan(1_500);
    finish({ users: 0, logins: 0 });
  });
});

describe("a body that only the receiver can read", () => {
  it("is refused if it unpacks to more than 64 kB", async () => {
    const site = await open(oidc(options()));
    const packed = gzipSync(`${await good()}&a=${"a".repeat(1_000_000)}`);
    const response = await post(site, packed, { "Content-Encoding": "gzip" });
    expect([response.status, (await response.json()) as object]).toEqual([
      400,
      { error: "invalid_request", error_description: RULES.limits },
    ]);
  });

  it("is refused in an unknown encoding", async () => {
    const site = await open(oidc(options()));
    const response = await post(site, await good(), { "Content-Encoding": "zstd-or-so" });
    expect(response.status).toBe(400);
    expect(site.kicks).toEqual([]);
  });

  it("is refused if the app has read it and kept nothing", async () => {
    const drain: RequestHandler = (req, _res, next) => {
      req.resume().once("end", () => {
        next();
      });
    };
    const site = await open(oidc(options()), [drain]);
    const response = await post(site, await good());
    expect([response.status, (await response.json()) as object]).toEqual([
      400,
      { error: "invalid_request", error_description: RULES.unreadable },
    ]);
  });
});

describe("the keys of the provider", () => {
  const refusedFor = async (site: ReceiverSite, token: string): Promise<unknown> => {
    const response = await post(site, withToken(token));
    return response.status === 204 ? 204 : ((await response.json()) as { error_description: string }).error_description;
  };

  it("are fetched once for many tokens", async () => {
    const own = await IdentityProvider.start();
    const site = await open(oidc({ ...options(), issuer: own.issuer, jwksUri: own.jwksUri } as OidcOptions));
    const tokens = await Promise.all(Array.from({ length: 5 }, () => own.logoutToken()));
    await Promise.all(tokens.map((token) => refusedFor(site, token)));
    expect(await refusedFor(site, await own.logoutToken())).toBe(204);
    expect(own.requests).toEqual(["/jwks"]);
    await own.close();
    // The provider is down, and its keys are known.
    expect(await refusedFor(site, await own.logoutToken())).toBe(204);
  });

  it("are fetched ahead at a login", async () => {
    const own = await IdentityProvider.start();
    const claimsOfAlice = { iss: own.issuer, sub: "alice", sid: "session-1", iat: 1 };
    const metadata = { issuer: own.issuer, clientId: "shop", jwksUri: own.jwksUri, claims: () => claimsOfAlice };
    const provider = oidc(metadata);
    provider[PROVIDER].keysOf({} as never);
    provider[PROVIDER].keysOf({} as never);
    const site = await open(provider);
    expect(await refusedFor(site, await own.logoutToken())).toBe(204);
    expect(own.requests).toEqual(["/jwks"]);
    await own.close();
  });

  it("are not asked for again in 30 seconds for an unknown kid", async () => {
    const own = await IdentityProvider.start();
    const site = await open(oidc({ ...options(), issuer: own.issuer, jwksUri: own.jwksUri } as OidcOptions));
    for (let count = 0; count < 10; count++) {
      expect(await refusedFor(site, await own.logoutToken({}, { kid: String(count) }))).toBe(RULES.key);
    }
    expect(own.requests).toEqual(["/jwks"]);
    await own.close();
  });

  it.each<[string, (idp: IdentityProvider) => Promise<void> | void]>([
    ["is down", (own) => own.close()],
    ["answers 500", (own) => void (own.instead = (end) => end(500, "{}"))],
    ["answers with no JSON", (own) => void (own.instead = (end) => end(200, "keys"))],
    ["answers with no key set", (own) => void (own.instead = (end) => end(200, "[]"))],
    ["redirects", (own) => void (own.instead = (end) => end(302, "", { Location: `${own.issuer}/other` }))],
    ["does not answer", (own) => void (own.instead = () => undefined)],
  ])("refuse every token if no key is known and the provider %s", async (_what, fail) => {
    const own = await IdentityProvider.start();
    const site = await open(oidc({ ...options(), issuer: own.issuer, jwksUri: own.jwksUri } as OidcOptions));
    await fail(own);
    const form = withToken(await own.logoutToken());
    const start = performance.now();
    const response = await post(site, form);
    expect(performance.now() - start).toBeLessThan(1_500);
    expect([response.status, (await response.json()) as object]).toEqual([
      400,
      { error: "temporarily_unavailable", error_description: RULES.keys },
    ]);
    expect(site.kicks).toEqual([]);
    expect(own.requests).not.toContain("/other");
    await own.close();
  });

  it.each([
    [500, "{}"],
    [200, "[]"],
    [200, "keys"],
  ])("are asked for at most once in 2 seconds after the answer %i %s", async (status, body) => {
    const own = await IdentityProvider.start();
    own.instead = (end) => end(status, body);
    const site = await open(oidc({ ...options(), issuer: own.issuer, jwksUri: own.jwksUri } as OidcOptions));
    for (let count = 0; count < 5; count++) expect(await refusedFor(site, await own.logoutToken())).toBe(RULES.keys);
    expect(own.requests).toHaveLength(1);
    await own.close();
  });
});
