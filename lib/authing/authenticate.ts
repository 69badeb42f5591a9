import { LogoutError } from "../errors.js";
import {
  authorize,
  bearerIn,
  callerWith,
  deny,
  findToken,
  mustNameUserPool,
  unauthorized,
  type Caller,
} from "../http/authing-api/authenticate.js";
import type { HttpContext } from "../http/context.js";
import type { RouteRequest } from "../http/route-request.js";
import type { AdminContext } from "../options/admin.js";
import type { ResolvedKey } from "./options.js";
import { isSignedWith, parseSignature, type Signature } from "./signature.js";
import type { UserPool } from "./user-pool.js";

const USER_POOL = "userpool-id";
const CLOCK_WINDOW_MS = 300_000;
/** A request whose date is ahead is good for twice the window after it was first seen. A second more, for the rounding of dates. */
const NONCE_TTL_MS = 2 * CLOCK_WINDOW_MS + 1_000;
/** What is signed of a header lacks the white space around it, so a nonce with some could be used once for each variant. */
const NONCE = /^[!-~]{1,128}$/;

/**
 * Authenticates a caller by the token in `Authorization`: one of the configured ones, or an access token.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 401, 400, 403
 */
export async function authenticateToken(pool: UserPool, request: RouteRequest): Promise<Caller> {
  const [context] = pool.applications;
  const authorization = request.header("Authorization");
  const token = findToken(authorization, pool.options.tokens);
  const caller =
    token === undefined
      ? await ownerOfAccessToken(pool, authorization)
      : callerWith(context, request, pool.options, token);
  if (caller === undefined) throw unauthorized(context, request);
  const genauth = `x-genauth-${USER_POOL}`;
  const isGenauth = request.header(genauth) !== undefined;
  mustNameUserPool(context, request, caller, isGenauth ? genauth : `x-authing-${USER_POOL}`);
  return caller;
}

export interface SignedCall {
  readonly caller: Caller;
  /** The members of the JSON body. */
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * Authenticates a caller by the signature of the request, which can be used once, and within five minutes.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 401, 403, 413, 415; `ERR_REGISTRY_UNAVAILABLE` if the nonce cannot be remembered
 */
export async function authenticateSignature(pool: UserPool, request: RouteRequest): Promise<SignedCall> {
  const [context] = pool.applications;
  const signature = parseSignature(request.header("Authorization"));
  const key = pool.options.accessKeys.find(({ id }) => id === signature?.keyId);
  if (signature === undefined || key === undefined) {
    throw unsigned(
      context,
      request,
      "Authorization must carry the signature of an access key: authing <id>:<signature>.",
    );
  }
  const body = membersOf(await request.json());
  const { method, path, headers } = request.original;
  const caller = ownerOf(pool, key);
  if (!isSignedWith(key.secret, signature, { method, path, headers, parameters: body })) {
    throw unsigned(context, request, "The signature does not fit this request and the secret of its access key.");
  }
  mustBeRecent(context, request, caller);
  await mustBeNew(pool, request, signature, caller);
  if (request.header(signature.headers + USER_POOL) !== undefined) {
    mustNameUserPool(context, request, caller, signature.headers + USER_POOL);
  }
  return { caller, body };
}

/** Requires that a caller may do this in each of these applications. @throws LogoutError `ERR_REQUEST_INVALID` 403 */
export async function authorizeIn(
  applications: readonly HttpContext[],
  caller: Caller,
  request: RouteRequest,
  what: Pick<AdminContext, "action" | "userIds">,
): Promise<void> {
  for (const application of applications) await authorize(application, caller, request, what);
}

async function ownerOfAccessToken(pool: UserPool, authorization: string | undefined): Promise<Caller | undefined> {
  const key = await pool.accessTokens.verify(bearerIn(authorization));
  return key && ownerOf(pool, key);
}

function ownerOf({ options }: UserPool, { id, may }: ResolvedKey): Caller {
  const name = `access key ${id}`;
  return { admin: options, token: { name, may }, by: name };
}

function mustBeRecent(context: HttpContext, request: RouteRequest, { by }: Caller): void {
  const date = Date.parse(request.header("Date") ?? "");
  if (Math.abs(Date.now() - date) <= CLOCK_WINDOW_MS) return;
  throw unsigned(
    context,
    request,
    "Date must be the time of the request, within 5 minutes of this server's clock.",
    by,
  );
}

async function mustBeNew(pool: UserPool, request: RouteRequest, { headers }: Signature, { by }: Caller): Promise<void> {
  const [context] = pool.applications;
  const name = `${headers}signature-nonce`;
  const nonce = request.header(name) ?? "";
  if (!NONCE.test(nonce)) {
    throw unsigned(context, request, `${name} must be 1 to 128 ASCII characters without spaces, used once.`, by);
  }
  let isNew: boolean;
  try {
    // Of each key its own: another's request cannot use it up.
    isNew = await pool.rememberNonce(`${by}:${nonce}`, NONCE_TTL_MS);
  } catch (cause) {
    throw new LogoutError("ERR_REGISTRY_UNAVAILABLE", "rememberNonce failed, so a request was refused.", { cause });
  }
  if (!isNew) throw unsigned(context, request, `${name} was used before: each request needs a new one.`, by);
}

function unsigned(context: HttpContext, request: RouteRequest, message: string, by?: string): LogoutError {
  deny(context, request, { by, reason: "no valid signature" });
  const headers = { "WWW-Authenticate": 'authing realm="admin API"' };
  return new LogoutError("ERR_REQUEST_INVALID", message, { status: 401, headers });
}

function membersOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new LogoutError("ERR_REQUEST_INVALID", "The body must be a JSON object.");
}
