import type { Request } from "express";
import type { LogoutMiddleware } from "../controls.js";
import { httpContextOf, type HttpContext } from "../http/context.js";
import type { AdminContext, ResolvedAdmin } from "../options/admin.js";
import {
  ALL_ACTIONS,
  isToken,
  MAY,
  resolveTokens,
  type AdminAction,
  type AdminToken,
  type ResolvedToken,
} from "../options/admin-tokens.js";
import {
  check,
  invalid,
  isFunction,
  isHttpUrl,
  isListOf,
  isObject,
  isText,
  type Check,
  type Checks,
} from "../options/checks.js";
import { resolveRoutes, ROUTE_NAMES, type AuthingRoutes, type ResolvedPaths } from "./paths.js";

/** The function that takes the options, for messages. */
export const CALL = "authing()";

/** A key that signs requests, and whose secret is exchanged for access tokens. */
export interface AccessKey {
  /** The id: `accessKeyId` of `authing-node-sdk`. In Authing, the id of the user pool is one. */
  readonly id: string;
  /** The secret, random, 16 characters or more: `accessKeySecret` of `authing-node-sdk`, `secret` of `authing-js-sdk`. */
  readonly secret: string;
  /** What the key may do. Default: everything. */
  readonly may?: readonly AdminAction[] | undefined;
}

/** Options of `authing()`. */
export interface AuthingOptions {
  /** What `logout()` returned, once for each application of the user pool. */
  readonly applications: readonly LogoutMiddleware[];
  /** The id of the user pool, which clients name in `x-authing-userpool-id` or `x-genauth-userpool-id`. */
  readonly userPoolId: string;
  /** Tokens of back ends that send them in `Authorization` themselves, as in `admin.tokens`. Default: none. */
  readonly tokens?: readonly (string | AdminToken)[] | undefined;
  /** Keys for the SDKs. Default: none. With one, `jose` 6 must be installed. */
  readonly accessKeys?: readonly AccessKey[] | undefined;
  /**
   * Signs the access tokens that a secret is exchanged for: 32 bytes or more, the same in every process. Default: random, so that
   * access tokens are good in this process alone, until it ends. Source: RFC 7518 section 3.2.
   */
  readonly signingKey?: string | undefined;
  /**
   * Remembers the nonce of a signed request for `ttlMs` milliseconds: returns `true` if it was new. For several processes, `SET NX` of
   * Redis. An exception rejects the request. Default: in the memory of this process.
   */
  readonly rememberNonce?: ((nonce: string, ttlMs: number) => boolean | Promise<boolean>) | undefined;
  /**
   * The origins of other sites, such as `https://www.example.com`, whose scripts may log their visitors out here, with cookies
   * (CORS). The session cookie must be `SameSite=None; Secure` for that. Default: none.
   */
  readonly origins?: readonly string[] | undefined;
  /** Decides whether a caller may do this, as `admin.authorize` does. Called for each application. Default: always. */
  readonly authorize?: ((req: Request, context: AdminContext) => boolean | Promise<boolean>) | undefined;
  /** The paths. `false` leaves a call out. */
  readonly routes?: AuthingRoutes | undefined;
}

export interface ResolvedKey {
  readonly id: string;
  readonly secret: string;
  readonly may: readonly AdminAction[];
}

export interface ResolvedAuthing {
  /** By their ids. */
  readonly applications: ReadonlyMap<string, HttpContext>;
  readonly userPoolId: string;
  readonly tokens: readonly ResolvedToken[];
  readonly accessKeys: readonly ResolvedKey[];
  readonly signingKey: string | undefined;
  readonly rememberNonce: AuthingOptions["rememberNonce"];
  readonly origins: readonly string[];
  readonly authorize: ResolvedAdmin["authorize"];
  readonly routes: ResolvedPaths;
}

const isOrigin: Check = (value) => isHttpUrl(value) && new URL(String(value)).origin === value;

const CHECKS: Checks<AuthingOptions> = {
  applications: [
    "an array of what logout() returned, at least one",
    (value) => isListOf((each) => httpContextOf(each) !== undefined)(value) && (value as unknown[]).length > 0,
  ],
  userPoolId: ["a non-empty string", isText],
  tokens: ["an array of tokens, none empty (is an environment variable not set?)", isListOf(isToken)],
  accessKeys: ["an array of objects: { id, secret }", isListOf(isObject)],
  signingKey: [
    "a string of at least 32 bytes (is an environment variable not set?)",
    (value) => typeof value === "string" && Buffer.byteLength(value) >= 32,
  ],
  rememberNonce: ["a function: (nonce, ttlMs) => boolean", isFunction],
  origins: [
    "an array of origins such as https://www.example.com, without a path or a slash at the end",
    isListOf(isOrigin),
  ],
  authorize: ["a function: (req, context) => boolean", isFunction],
  routes: [`an object: { ${ROUTE_NAMES.join(", ")} }`, isObject],
};
const KEY_CHECKS: Checks<AccessKey> = {
  id: [
    "a text of 1 to 100 characters, without a colon",
    (value) => isText(value) && /^[^:]{1,100}$/.test(String(value)),
  ],
  secret: [
    "a string of at least 16 characters (is an environment variable not set?)",
    (value) => typeof value === "string" && value.length >= 16,
  ],
  may: MAY,
};

/** @throws LogoutError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID` */
export function resolveAuthing(options: AuthingOptions): ResolvedAuthing {
  if (!isObject(options)) throw invalid("", "an object", CALL);
  check("", options, CHECKS, ["applications", "userPoolId"], CALL);
  const { userPoolId, tokens = [], accessKeys = [], authorize = () => true, routes = {} } = options;
  return {
    applications: applicationsOf(options.applications),
    userPoolId,
    tokens: resolveTokens(tokens, "tokens", CALL),
    accessKeys: resolveKeys(accessKeys),
    signingKey: options.signingKey,
    rememberNonce: options.rememberNonce,
    origins: options.origins ?? [],
    authorize,
    routes: resolveRoutes(routes, CALL),
  };
}

function applicationsOf(middlewares: readonly LogoutMiddleware[]): ReadonlyMap<string, HttpContext> {
  const contexts = middlewares.flatMap((each) => httpContextOf(each) ?? []);
  const byId = new Map(contexts.map((context) => [context.options.appId, context]));
  if (byId.size < contexts.length) throw invalid("applications", "an array without two of the same appId", CALL);
  return byId;
}

function resolveKeys(keys: readonly AccessKey[]): readonly ResolvedKey[] {
  for (const [position, key] of keys.entries()) {
    check(`accessKeys[${String(position)}].`, key, KEY_CHECKS, ["id", "secret"], CALL);
  }
  const ids = new Set(keys.map(({ id }) => id));
  if (ids.size < keys.length) throw invalid("accessKeys", "an array without two of the same id", CALL);
  return keys.map(({ id, secret, may = ALL_ACTIONS }) => ({ id, secret, may: [...may] }));
}
