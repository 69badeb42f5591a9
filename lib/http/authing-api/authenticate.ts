import { createHash, timingSafeEqual } from "node:crypto";
import { LogoutError } from "../../errors.js";
import type { AdminContext, ResolvedAdmin } from "../../options/admin.js";
import type { HandlerContext } from "../context.js";
import type { RouteRequest } from "../route-request.js";

/** The header that names the user pool. */
const USER_POOL = "x-authing-userpool-id";

export const NO_APPLICATION = "Unknown application.";

/**
 * Authenticates a caller of the admin API, in the order of the contract: the token first. Without a valid token nothing else is
 * revealed.
 *
 * @returns the options of the API
 * @throws LogoutError `ERR_REQUEST_INVALID` 401, 400, 403, 404
 */
export function authenticate({ options }: HandlerContext, request: RouteRequest): ResolvedAdmin {
  const { admin } = options;
  if (admin === undefined || !isToken(request.header("Authorization"), admin.tokens)) {
    const message = "Authorization must carry the token of an administrator of the user pool.";
    throw new LogoutError("ERR_REQUEST_INVALID", message, { status: 401, headers: challenge(request) });
  }
  const userPoolId = request.header(USER_POOL);
  if (userPoolId === undefined || userPoolId === "") throw refused(400, `The header ${USER_POOL} is missing.`);
  if (userPoolId !== admin.userPoolId) throw refused(403, `The header ${USER_POOL} names another user pool.`);
  const { appId = options.appId } = request.params;
  if (appId !== options.appId) throw refused(404, NO_APPLICATION);
  return admin;
}

/** @throws LogoutError `ERR_REQUEST_INVALID` 403 */
export async function authorize(
  { options }: HandlerContext,
  { userPoolId, authorize: isAuthorized }: ResolvedAdmin,
  request: RouteRequest,
  what: Pick<AdminContext, "action" | "userIds">,
): Promise<void> {
  const { appId } = options;
  // An app in JavaScript may return anything: only `true` passes.
  const may: unknown = await isAuthorized(request.original, { appId, userPoolId, ...what });
  if (may !== true) {
    throw refused(403, "Forbidden.");
  }
}

/** Compares digests with every token, in constant time. Source: OWASP ASVS 5.0 11.2.4. */
function isToken(authorization: string | undefined, tokens: readonly string[]): boolean {
  const given = digest((authorization ?? "").replace(/^Bearer +/i, ""));
  return tokens.map((token) => timingSafeEqual(digest(token), given)).includes(true);
}

/** Returns the challenge, with a constant realm: without a token nothing about the application is revealed. Source: RFC 6750 section 3. */
function challenge(request: RouteRequest): Readonly<Record<string, string>> {
  const hasToken = !["", "bearer"].includes((request.header("Authorization") ?? "").trim().toLowerCase());
  return { "WWW-Authenticate": `Bearer realm="admin API"${hasToken ? ', error="invalid_token"' : ""}` };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refused(status: number, message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message, { status });
}
