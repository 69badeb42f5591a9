import { timingSafeEqual } from "node:crypto";
import type { AuditedEvent } from "../../audit/audit.js";
import { LogoutError } from "../../errors.js";
import type { AdminContext, ResolvedAdmin } from "../../options/admin.js";
import { digestOf, type ResolvedToken } from "../../options/admin-tokens.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { HandlerContext } from "../context.js";
import type { RouteRequest } from "../route-request.js";

/** The header that names the user pool. */
const USER_POOL = "x-authing-userpool-id";

export const NO_APPLICATION = "Unknown application.";

/** A back end that has proved who it is. */
export interface Caller {
  readonly admin: Pick<ResolvedAdmin, "userPoolId" | "authorize">;
  readonly token: Pick<ResolvedToken, "name" | "may">;
  /** For events and the audit log. */
  readonly by: string;
}

/**
 * Authenticates a caller of the admin API, in the order of the contract: the token first. Without a valid token nothing else is
 * revealed.
 *
 * @throws LogoutError `ERR_REQUEST_INVALID` 401, 400, 403, 404
 */
export function authenticate(context: HandlerContext, request: RouteRequest): Caller {
  const { options } = context;
  const { admin } = options;
  const token = admin && findToken(request.header("Authorization"), admin.tokens);
  if (admin === undefined || token === undefined) throw unauthorized(context, request);
  const caller = callerWith(context, request, admin, token);
  mustNameUserPool(context, request, caller);
  const { appId = options.appId } = request.params;
  if (appId !== options.appId) throw refused(404, NO_APPLICATION);
  return caller;
}

/** Returns the owner of a token. @throws LogoutError `ERR_REQUEST_INVALID` 401 for a token that has expired */
export function callerWith(
  context: HandlerContext,
  request: RouteRequest,
  admin: Caller["admin"],
  token: ResolvedToken,
): Caller {
  const by = token.name === undefined ? "admin API" : `token ${token.name}`;
  if (token.until <= Date.now()) throw unauthorized(context, request, { by, reason: "token expired" });
  return { admin, token, by };
}

/** Records that a caller did not prove who they are, and returns the error. */
export function unauthorized(
  context: HandlerContext,
  request: RouteRequest,
  why: Pick<AuditedEvent, "by" | "reason"> = { reason: "no valid token" },
): LogoutError {
  deny(context, request, why);
  const message = "Authorization must carry the token of an administrator of the user pool.";
  return new LogoutError("ERR_REQUEST_INVALID", message, { status: 401, headers: challenge(request) });
}

/**
 * Requires that a request names the user pool of its caller.
 *
 * @param header - the header that names it
 * @throws LogoutError `ERR_REQUEST_INVALID` 400, 403
 */
export function mustNameUserPool(
  context: HandlerContext,
  request: RouteRequest,
  { admin, by }: Caller,
  header = USER_POOL,
): void {
  const userPoolId = request.header(header);
  if (userPoolId === undefined || userPoolId === "") throw refused(400, `The header ${header} is missing.`);
  if (userPoolId === admin.userPoolId) return;
  deny(context, request, { by, reason: "another user pool" });
  throw refused(403, `The header ${header} names another user pool.`);
}

/** @throws LogoutError `ERR_REQUEST_INVALID` 403 */
export async function authorize(
  context: HandlerContext,
  { admin, token, by }: Caller,
  request: RouteRequest,
  what: Pick<AdminContext, "action" | "userIds">,
): Promise<void> {
  const { appId } = context.options;
  const { userPoolId, authorize: isAuthorized } = admin;
  const userId = what.userIds?.length === 1 ? what.userIds[0] : undefined;
  if (!token.may.includes(what.action)) {
    deny(context, request, { by, userId, reason: `the token may not ${what.action}` });
    throw refused(403, `This token may not ${what.action}.`);
  }
  // An app in JavaScript may return anything: only `true` passes.
  const may: unknown = await isAuthorized(request.original, { appId, userPoolId, token: token.name, ...what });
  if (may !== true) {
    deny(context, request, { by, userId, reason: `admin.authorize refused ${what.action}` });
    throw refused(403, "Forbidden.");
  }
}

/** Records that a request was refused. */
export function deny(
  { audit }: HandlerContext,
  request: RouteRequest,
  why: Pick<AuditedEvent, "by" | "userId" | "reason">,
): void {
  const device = deviceInfoOf(request.original);
  audit.note({ action: "denied", outcome: "failure", code: "ERR_REQUEST_INVALID", ...why, ...device });
}

/** Finds the token, comparing digests with every token in constant time. Source: OWASP ASVS 5.0 11.2.4. */
export function findToken(
  authorization: string | undefined,
  tokens: readonly ResolvedToken[],
): ResolvedToken | undefined {
  const given = digestOf(bearerIn(authorization));
  // Each is compared: a search that stops would take less time for the first one.
  const [token] = tokens.filter(({ digest }) => timingSafeEqual(digest, given));
  return token;
}

/** Returns the token in `Authorization`, which may stand there without its scheme. */
export function bearerIn(authorization = ""): string {
  return authorization.replace(/^Bearer +/i, "");
}

/** Returns the challenge, with a constant realm: without a token nothing about the application is revealed. Source: RFC 6750 section 3. */
function challenge(request: RouteRequest): Readonly<Record<string, string>> {
  const hasToken = !["", "bearer"].includes((request.header("Authorization") ?? "").trim().toLowerCase());
  return { "WWW-Authenticate": `Bearer realm="admin API"${hasToken ? ', error="invalid_token"' : ""}` };
}

export function refused(status: number, message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message, { status });
}
