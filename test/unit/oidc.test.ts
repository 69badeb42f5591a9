import { describe, expect, it, jest } from "@jest/globals";
import type { SessionData } from "express-session";
import { LogoutError } from "../../lib/index.js";
import jose from "../../lib/jose/jose.cjs";
import { keycloakClaims, oidc, oktaClaims, type IdTokenClaims, type OidcOptions } from "../../lib/oidc/index.js";
import type { ProviderParts } from "../../lib/types/login-provider.js";
import { PROVIDER } from "../../lib/util/provider.js";

const ISSUER = "https://idp.example";
const METADATA = { issuer: ISSUER, clientId: "shop", jwksUri: `${ISSUER}/jwks`, claims: () => undefined };
const session = {} as SessionData;

function thrownBy(options: unknown): LogoutError {
  try {
    oidc(options as OidcOptions);
  } catch (error) {
    if (LogoutError.is(error)) return error;
  }
  throw new Error("nothing was thrown");
}

const configuration = (server: object = {}, client: object = {}): object => ({
  serverMetadata: () => ({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks`, ...server }),
  clientMetadata: () => ({ client_id: "shop", ...client }),
});

describe("the options of oidc()", () => {
  it.each<[string, object, string]>([
    ["an unknown option", { ...METADATA, audience: "shop" }, "unknown option audience"],
    ["an unknown route", { ...METADATA, routes: { back: "/a" } }, "unknown option routes.back"],
    ["an unknown relaxation", { ...METADATA, relax: { iat: true } }, "unknown option relax.iat"],
    ["an unknown member", { ...METADATA, securityEvents: { subject: 1 } }, "unknown option securityEvents.subject"],
  ])("refuse %s", (_what, options, words) => {
    const error = thrownBy(options);
    expect(error.code).toBe("ERR_OPTION_UNKNOWN");
    expect(error.message).toContain(`oidc(): ${words}`);
  });

  it.each<[string, unknown, string]>([
    ["no options", undefined, "oidc(): the options must be"],
    ["no claims", { ...METADATA, claims: undefined }, "oidc(): claims must be"],
    ["claims that are async", { ...METADATA, claims: async () => Promise.resolve() }, "oidc(): claims must be"],
    ["no issuer", { ...METADATA, issuer: undefined }, "oidc(): issuer must be"],
    ["no client", { ...METADATA, clientId: undefined }, "oidc(): clientId must be"],
    ["an empty list of clients", { ...METADATA, clientId: [] }, "oidc(): clientId must be"],
    ["no address of keys", { ...METADATA, jwksUri: undefined }, "oidc(): jwksUri must be"],
    ["an address that is no URL", { ...METADATA, jwksUri: "/jwks" }, "oidc(): jwksUri must be"],
    ["an address of a file", { ...METADATA, jwksUri: "file:///keys" }, "oidc(): jwksUri must be"],
    ["alg none", { ...METADATA, algorithms: ["none"] }, "oidc(): algorithms must be asymmetric"],
    ["a shared secret", { ...METADATA, algorithms: ["RS256", "HS256"] }, "oidc(): algorithms must be asymmetric"],
    ["no algorithm", { ...METADATA, algorithms: [] }, "oidc(): algorithms must be asymmetric"],
    ["an algorithm as a text", { ...METADATA, algorithms: "RS256" }, "oidc(): algorithms must be asymmetric"],
    ["a relative return address", { ...METADATA, postLogoutRedirectUri: "/bye" }, "oidc(): postLogoutRedirectUri must"],
    ["a negative skew", { ...METADATA, issuerSkewMs: -1 }, "oidc(): issuerSkewMs must be"],
    ["a skew of an hour", { ...METADATA, issuerSkewMs: 3_600_000 }, "oidc(): issuerSkewMs must be"],
    ["a skew that is no number", { ...METADATA, issuerSkewMs: NaN }, "oidc(): issuerSkewMs must be"],
    ["a relative path", { ...METADATA, routes: { backchannel: "logout" } }, "oidc(): routes.backchannel must be"],
    ["a relaxation that is a text", { ...METADATA, relax: { typ: "JWT" } }, "oidc(): relax.typ must be"],
    [
      "events without options",
      { ...METADATA, routes: { securityEvents: "/a" } },
      "oidc(): securityEvents must be given",
    ],
    [
      "revocations without an address of the app",
      { ...METADATA, routes: { tokenRevocation: "/a" } },
      "oidc(): postLogoutRedirectUri must be given with routes.tokenRevocation",
    ],
    ["a configuration that is none", { configuration: {}, claims: () => undefined }, "oidc(): configuration must be"],
    [
      "a configuration and an issuer",
      { configuration: configuration(), issuer: ISSUER, claims: () => undefined },
      "oidc(): issuer must be left out with configuration",
    ],
    [
      "a configuration without keys",
      { configuration: configuration({ jwks_uri: undefined }), claims: () => undefined },
      "oidc(): configuration must be one that has",
    ],
    [
      "a client with a shared secret",
      { configuration: configuration({}, { id_token_signed_response_alg: "HS256" }), claims: () => undefined },
      "oidc(): id_token_signed_response_alg",
    ],
  ])("refuse %s", (_what, options, words) => {
    const error = thrownBy(options);
    expect(error.code).toBe("ERR_OPTION_INVALID");
    expect(error.message).toContain(words);
  });

  it("decide which paths there are", () => {
    const pathsOf = (more: Partial<OidcOptions>): string[] => {
      const { routes } = oidc({ ...METADATA, ...more })[PROVIDER];
      return routes.flatMap(({ paths, method }) => paths(undefined as never).map((path) => `${method} ${path}`));
    };
    const backchannel = ["post /oidc/backchannel-logout", "get /oidc/backchannel-logout"];
    expect(pathsOf({})).toEqual(backchannel);
    expect(pathsOf({ securityEvents: {} })).toEqual([...backchannel, "post /oidc/security-events"]);
    expect(pathsOf({ routes: { backchannel: false } })).toEqual([]);
    expect(pathsOf({ routes: { backchannel: ["/a", "/b"], frontchannel: "/c" } })).toEqual([
      ...["post /a", "post /b", "get /a", "get /b", "get /c"],
    ]);
  });
});

describe("the keys of a login", () => {
  const keysOf = (claims: unknown): ReturnType<ProviderParts["keysOf"]> =>
    oidc({ ...METADATA, claims: () => claims as IdTokenClaims })[PROVIDER].keysOf(session);

  it("are the user, and the session or that there is none", () => {
    expect(keysOf({ iss: ISSUER, sub: "alice", sid: "s", iat: 7.9 })).toEqual([
      { key: { iss: ISSUER, sub: "alice" }, since: 7 },
      { key: { iss: ISSUER, sid: "s" }, since: 7 },
    ]);
    expect(keysOf({ iss: ISSUER, sub: "alice" })).toEqual([
      { key: { iss: ISSUER, sub: "alice" } },
      { key: { iss: ISSUER, sub: "alice", without: "sid" } },
    ]);
  });

  it.each([undefined, null])("are none where claims returns %s", (claims) => {
    expect(keysOf(claims)).toEqual([]);
  });

  it("are found where jose cannot be loaded: only logout tokens need it", () => {
    const load = jest.spyOn(jose, "load").mockImplementation(() => {
      throw new Error("a broken installation");
    });
    try {
      expect(keysOf({ iss: ISSUER, sub: "alice", sid: "s", iat: 7 })).toHaveLength(2);
      expect(load).toHaveBeenCalled();
    } finally {
      load.mockRestore();
    }
  });

  it("are none for another issuer", () => {
    expect(keysOf({ iss: `${ISSUER}/`, sub: "alice" })).toEqual([]);
  });

  it("warn once of an issuer that differs by a slash or letter case, and not of another one", () => {
    const emitted = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    let iss = "https://other.example";
    const { keysOf: bind } = oidc({ ...METADATA, claims: () => ({ iss, sub: "alice" }) })[PROVIDER];
    bind(session);
    expect(emitted).not.toHaveBeenCalled();
    for (iss of [`${ISSUER}/`, ISSUER.toUpperCase()]) bind(session);
    expect(emitted.mock.calls.map(([, options]) => options)).toEqual([
      { type: "ExpressLogoutWarning", code: "EXPRESS_LOGOUT_OIDC_ISSUER" },
    ]);
    emitted.mockRestore();
  });

  it("differ for all texts that claims may have", () => {
    const texts = ["sid", "none", '","sid":"', "a", ISSUER, '{"iss":"a"}'];
    const found = texts.flatMap((sub) =>
      [undefined, ...texts].flatMap((sid) => keysOf({ iss: ISSUER, sub, sid }).map(({ key }) => key)),
    );
    const kinds = new Set(found.map((key) => Object.keys(key).sort().join()));
    expect(kinds).toEqual(new Set(["iss,sub", "iss,sid", "iss,sub,without"]));
    // One for each user and for each session, and one more for a user without.
    expect(new Set(found.map((key) => JSON.stringify(key))).size).toBe(3 * texts.length);
  });

  it.each<[string, unknown]>([
    ["a promise", Promise.resolve()],
    ["a text", "alice"],
    ["no sub", { iss: ISSUER }],
    ["an empty sub", { iss: ISSUER, sub: "" }],
    ["a long sub", { iss: ISSUER, sub: "a".repeat(256) }],
    ["an empty sid", { iss: ISSUER, sub: "alice", sid: "" }],
    ["an iat that is a date", { iss: ISSUER, sub: "alice", iat: new Date() }],
    ["an iat in milliseconds", { iss: ISSUER, sub: "alice", iat: 1_700_000_000_000 }],
    ["an iat that is no number", { iss: ISSUER, sub: "alice", iat: NaN }],
  ])("fail the save where claims returns %s", (_what, claims) => {
    expect(() => keysOf(claims)).toThrow("oidc(): claims must return");
  });
});

describe("the address of a logout at the provider", () => {
  const options = {
    ...METADATA,
    endSessionEndpoint: `${ISSUER}/end?realm=a`,
    postLogoutRedirectUri: "https://shop.example/return",
    claims: () => ({ iss: ISSUER, sub: "alice" }),
  };
  const request = { state: "s t", uiLocales: ["de-CH", "de"] };
  const endSession = (more: object = {}): string | undefined =>
    oidc({ ...options, ...more })[PROVIDER].endSession?.(session, request);

  it("has what the provider needs", () => {
    const url = new URL(endSession({ idToken: () => "e30.e30.YQ" }) ?? "");
    expect(url.origin + url.pathname).toBe(`${ISSUER}/end`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      realm: "a",
      id_token_hint: "e30.e30.YQ",
      client_id: "shop",
      post_logout_redirect_uri: "https://shop.example/return",
      state: "s t",
      ui_locales: "de-CH de",
    });
  });

  it("names no client if there are several and the ID token has one", () => {
    const clientId = ["shop", "app"];
    expect(endSession({ clientId, idToken: () => "e30.e30.YQ" })).not.toContain("client_id");
    expect(endSession({ clientId })).toContain("client_id=shop");
  });

  it("has no hint without the option idToken: the provider asks", () => {
    expect(endSession()).not.toContain("id_token_hint");
  });

  it.each<[string, object]>([
    ["without an ID token", { idToken: () => undefined }],
    ["for a login that came from elsewhere", { claims: () => undefined }],
    ["for a login of another issuer", { claims: () => ({ iss: "https://other.example", sub: "alice" }) }],
  ])("is none %s", (_what, more) => {
    expect(endSession(more)).toBeUndefined();
  });

  it.each([{ endSessionEndpoint: undefined }, { postLogoutRedirectUri: undefined }])(
    "is none, for every session, with %j",
    (more) => {
      expect(oidc({ ...options, ...more })[PROVIDER].endSession).toBeUndefined();
    },
  );

  it("is that of a configuration", () => {
    const { claims, postLogoutRedirectUri } = options;
    const given = {
      configuration: configuration({ end_session_endpoint: `${ISSUER}/out` }),
      claims,
      postLogoutRedirectUri,
    };
    expect(oidc(given as OidcOptions)[PROVIDER].endSession?.(session, request)).toContain(
      `${ISSUER}/out?client_id=shop`,
    );
  });
});

describe("claims that other packages keep", () => {
  const claims = { iss: ISSUER, sub: "alice", sid: "s", iat: 7, name: "Alice" };
  const idToken = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.YQ`;
  const expected = { iss: ISSUER, sub: "alice", sid: "s", iat: 7 };
  const inOkta = (user: unknown): SessionData => ({ passport: { user } }) as unknown as SessionData;
  const inKeycloak = (grant: unknown): SessionData => ({ "keycloak-token": grant }) as unknown as SessionData;

  it("are found in a session of @okta/oidc-middleware", () => {
    expect(oktaClaims(inOkta({ userinfo: {}, tokens: { id_token: idToken } }))).toEqual(expected);
  });

  it("are found in a session of keycloak-connect", () => {
    expect(keycloakClaims(inKeycloak(JSON.stringify({ access_token: "a", id_token: idToken })))).toEqual(expected);
  });

  it.each([
    ["no session of theirs", session],
    ["no tokens", inOkta({ userinfo: {} })],
    ["a user that is an id", inOkta(7)],
    ["no ID token", inOkta({ tokens: {} })],
    ["an ID token that is none", inOkta({ tokens: { id_token: "x" } })],
    ["an ID token without claims", inOkta({ tokens: { id_token: "e30.e30.YQ" } })],
    ["a grant that is no JSON", inKeycloak("x")],
    ["a grant without an ID token", inKeycloak("{}")],
  ])("are none with %s", (_what, given) => {
    expect([oktaClaims(given), keycloakClaims(given)]).toEqual([undefined, undefined]);
  });
});
