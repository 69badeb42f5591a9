import { LogoutError } from "../errors.js";
import {
  check,
  invalid,
  isBoolean,
  isFunction,
  isHttpUrl,
  isListOf,
  isObject,
  isRoute,
  isSyncFunction,
  isText,
  type Check,
  type Checks,
} from "../options/checks.js";
import { resolvePaths } from "../options/routes.js";
import type {
  OidcCommonOptions,
  OidcConfiguration,
  OidcMetadata,
  OidcOptions,
  OidcRelaxations,
  OidcRoutes,
  SecurityEventOptions,
} from "./options.js";

/** {@link OidcOptions} with every default filled in. */
export interface ResolvedOidc {
  readonly provider: Provider;
  readonly claims: OidcCommonOptions["claims"];
  readonly idToken: OidcCommonOptions["idToken"];
  readonly postLogoutRedirectUri: string | undefined;
  readonly routes: Readonly<Record<keyof OidcRoutes, readonly string[]>>;
  readonly issuerSkewSeconds: number;
  readonly relax: OidcRelaxations;
  readonly decrypt: OidcCommonOptions["decrypt"];
  readonly securityEvents: SecurityEventOptions;
}

/** The provider, however it was given. */
export interface Provider {
  readonly issuer: string;
  readonly clientIds: readonly [string, ...string[]];
  readonly jwksUri: string;
  readonly endSessionEndpoint: string | undefined;
  readonly algorithms: readonly string[];
}

const CALL = "oidc()";
const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;
const ALGORITHMS = "asymmetric signature algorithms, such as RS256, PS256, ES256 or EdDSA";
/** More would hide a wrong clock, and end logins that came after a logout. */
const LONGEST_SKEW_MS = 300_000;

const isMetadata: Check = (value) =>
  isObject(value) &&
  isFunction((value as Partial<OidcConfiguration>).serverMetadata) &&
  isFunction((value as Partial<OidcConfiguration>).clientMetadata);
const isListOfText: Check = (value) => Array.isArray(value) && value.length > 0 && isListOf(isText)(value);
const isAlgorithm: Check = (value) => typeof value === "string" && ASYMMETRIC.test(value);

type Metadata = Omit<OidcMetadata, "configuration">;

const METADATA: Checks<Metadata> = {
  issuer: ["the provider's issuer, exactly as its metadata has it", isText],
  clientId: ["a client id, or an array of them", (value) => isText(value) || isListOfText(value)],
  jwksUri: ["the address of the provider's keys, jwks_uri in its metadata", isHttpUrl],
  endSessionEndpoint: ["an http(s) URL, end_session_endpoint in the provider's metadata", isHttpUrl],
};
const COMMON: Checks<OidcCommonOptions> = {
  claims: ["a function that is not async: (session) => the claims of the ID token", isSyncFunction],
  idToken: ["a function that is not async: (session) => the ID token", isSyncFunction],
  postLogoutRedirectUri: ["an http(s) URL, as registered with the provider", isHttpUrl],
  routes: ["an object: { backchannel, frontchannel, securityEvents, tokenRevocation }", isObject],
  issuerSkewMs: [
    `a number from 0 to ${String(LONGEST_SKEW_MS)}`,
    (value) => typeof value === "number" && value >= 0 && value <= LONGEST_SKEW_MS,
  ],
  relax: ["an object: { typ, exp }", isObject],
  algorithms: [ALGORITHMS, (value) => isListOfText(value) && isListOf(isAlgorithm)(value)],
  decrypt: ["a function: async (jwe) => the signed token", isFunction],
  securityEvents: ["an object: { resolveSubject, policy }", isObject],
};
const ALL: Checks<OidcCommonOptions & Partial<Metadata> & { readonly configuration?: unknown }> = {
  configuration: ["the configuration of an openid-client 6 client", isMetadata],
  ...METADATA,
  ...COMMON,
};
const PATH = "a path, an array of paths, or false";
const ROUTES: Checks<OidcRoutes> = {
  backchannel: [PATH, isRoute],
  frontchannel: [PATH, isRoute],
  securityEvents: [PATH, isRoute],
  tokenRevocation: [PATH, isRoute],
};
const RELAX: Checks<OidcRelaxations> = { typ: ["true or false", isBoolean], exp: ["true or false", isBoolean] };
const SECURITY_EVENTS: Checks<SecurityEventOptions> = {
  resolveSubject: ["a function: (subject) => user ids", isFunction],
  policy: ["a function: (event, payload) => whether it ends logins", isFunction],
};

/** @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID` */
export function resolveOidc(options: OidcOptions): ResolvedOidc {
  if (!isObject(options)) throw invalid("", "an object: oidc({ configuration, claims })", CALL);
  check("", options, ALL, ["claims"], CALL);
  const { relax = {}, securityEvents, postLogoutRedirectUri } = options;
  check("relax.", relax, RELAX, [], CALL);
  check("securityEvents.", securityEvents ?? {}, SECURITY_EVENTS, [], CALL);
  const routes = resolveRoutes(options.routes, securityEvents !== undefined);
  if (routes.tokenRevocation.length > 0 && postLogoutRedirectUri === undefined) {
    const words = "given with routes.tokenRevocation: a revocation names the address of this app";
    throw invalid("postLogoutRedirectUri", words, CALL);
  }
  return Object.freeze<ResolvedOidc>({
    provider: Object.freeze(resolveProvider(options)),
    claims: options.claims,
    idToken: options.idToken,
    postLogoutRedirectUri,
    routes,
    issuerSkewSeconds: (options.issuerSkewMs ?? 0) / 1_000,
    relax,
    decrypt: options.decrypt,
    securityEvents: securityEvents ?? {},
  });
}

function resolveRoutes(options: OidcRoutes = {}, hasSecurityEvents: boolean): ResolvedOidc["routes"] {
  check("routes.", options, ROUTES, [], CALL);
  if (!hasSecurityEvents && options.securityEvents !== undefined && options.securityEvents !== false) {
    throw invalid("securityEvents", "given with routes.securityEvents: an object, which may be empty", CALL);
  }
  return {
    backchannel: resolvePaths(options.backchannel, ["/oidc/backchannel-logout"]),
    frontchannel: resolvePaths(options.frontchannel, []),
    securityEvents: hasSecurityEvents ? resolvePaths(options.securityEvents, ["/oidc/security-events"]) : [],
    tokenRevocation: resolvePaths(options.tokenRevocation, []),
  };
}

function resolveProvider(options: OidcOptions): Provider {
  if (options.configuration !== undefined) return ofConfiguration(options, options.configuration);
  const { issuer, clientId, jwksUri, endSessionEndpoint, algorithms = ["RS256"] } = options;
  check("", { issuer, clientId, jwksUri, endSessionEndpoint }, METADATA, ["issuer", "clientId", "jwksUri"], CALL);
  const clientIds = [clientId].flat() as [string, ...string[]];
  return { issuer, clientIds, jwksUri, endSessionEndpoint, algorithms };
}

function ofConfiguration(options: OidcCommonOptions, configuration: OidcConfiguration): Provider {
  const both = Object.keys(METADATA).find((name) => (options as object as Record<string, unknown>)[name] !== undefined);
  if (both !== undefined) throw invalid(both, "left out with configuration, which has it", CALL);
  const { issuer, jwks_uri: jwksUri = "", end_session_endpoint: endSessionEndpoint } = configuration.serverMetadata();
  const { client_id: clientId, id_token_signed_response_alg: algorithm = "RS256" } = configuration.clientMetadata();
  if (!isText(issuer) || !isText(clientId) || !isHttpUrl(jwksUri)) {
    throw invalid("configuration", "one that has an issuer, a jwks_uri and a client_id", CALL);
  }
  if (options.algorithms === undefined && !isAlgorithm(algorithm)) {
    throw new LogoutError(
      "ERR_OPTION_INVALID",
      `oidc(): id_token_signed_response_alg of the client must be one of the ${ALGORITHMS}.`,
    );
  }
  return {
    issuer,
    clientIds: [clientId],
    jwksUri,
    endSessionEndpoint: isHttpUrl(endSessionEndpoint) ? endSessionEndpoint : undefined,
    algorithms: options.algorithms ?? [algorithm],
  };
}
