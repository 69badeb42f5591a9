import { createHash, timingSafeEqual } from "node:crypto";
import type { AuditedEvent } from "../../audit/audit.js";
import { LogoutError } from "../../errors.js";
import type { AdminContext, ResolvedAdmin } from "../../options/admin.js";
import type { ResolvedToken } from "../../options/admin-tokens.js";
import { deviceInfoOf } from "../../util/device-info.js";
import type { HandlerContext } from "../context.js";
import type { RouteRequest } from "../route-request.js";

/** The header that names the user pool. */
const USER_POOL = "x-authing-userpool-id";

export const NO_APPLICATION = "Unknown application.";

/** A back end that has sent a valid token. */
export interface Caller {
  readonly admin: ResolvedAdmin;
  readonly token: ResolvedToken;
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
  const token = admin && tokenOf(request.header("Authorization"), admin.tokens);
  if (admin === undefined || token === undefined || token.until <= Date.now()) {
    const by = token && callerOf(token);
    deny(context, request, { by, reason: token === undefined ? "no valid token" : "token expired" });
    const message = "Authorization must carry the token of an administrator of the user pool.";
    throw new LogoutError("ERR_REQUEST_INVALID", message, { status: 401, headers: challenge(request) });
  }
  const by = callerOf(token);
  const userPoolId = request.header(USER_POOL);
  if (userPoolId === undefined || userPoolId === "") throw refused(400, `The header ${USER_POOL} is missing.`);
  if (userPoolId !== admin.userPoolId) {
    deny(context, request, { by, reason: "another user pool" });
    throw refused(403, `The header ${USER_POOL} names another user pool.`);
  }
  const { appId = options.appId } = request.params;
  if (appId !== options.appId) throw refused(404, NO_APPLICATION);
  return { admin, token, by };
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
function tokenOf(authorization: string | undefined, tokens: readonly ResolvedToken[]): ResolvedToken | undefined {
  const given = createHash("sha256")
    .update((authorization ?? "").replace(/^Bearer +/i, ""))
    .digest();
  // Each is compared: a search that stops would take less time for the first one.
  const [token] = tokens.filter(({ digest }) => timingSafeEqual(digest, given));
  return token;
}

function callerOf({ name }: ResolvedToken): string {
  return name === undefined ? "admin API" : `token ${name}`;
}

/** Returns the challenge, with a constant realm: without a token nothing about the application is revealed. Source: RFC 6750 section 3. */
function challenge(request: RouteRequest): Readonly<Record<string, string>> {
  const hasToken = !["", "bearer"].includes((request.header("Authorization") ?? "").trim().toLowerCase());
  return { "WWW-Authenticate": `Bearer realm="admin API"${hasToken ? ', error="invalid_token"' : ""}` };
}

function refused(status: number, message: string): LogoutError {
  return new LogoutError("ERR_REQUEST_INVALID", message, { status });
}
