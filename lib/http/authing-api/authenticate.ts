import { createHash, timingSafeEqual } from "node:crypto";
import type { Request } from "express";
import { LogoutError } from "../../errors.js";
import type { AdminContext } from "../../options.js";
import type { HttpContext } from "../context.js";

/** The header that names the user pool. */
const USER_POOL = "x-authing-userpool-id";

export const NO_APPLICATION = "There is no such application here.";

/**
 * Lets through who may use the admin API, in the order of the contract: the token first, and without it nothing is said of
 * anything else.
 *
 * @throws LogoutError `ERR_REQUEST` 401, 400, 403, 404
 */
export function authenticate({ options }: HttpContext, req: Request): void {
  if (!isToken(req.get("Authorization"), options.admin.tokens)) {
    const message = "Authorization must carry the token of an administrator of the user pool.";
    throw new LogoutError("ERR_REQUEST", message, { status: 401, headers: challenge(req) });
  }
  const userPoolId = req.get(USER_POOL);
  if (userPoolId === undefined || userPoolId === "") throw refused(400, `The header ${USER_POOL} is missing.`);
  if (userPoolId !== options.userPoolId) throw refused(403, `The header ${USER_POOL} names another user pool.`);
  const { appId = options.appId } = req.params;
  if (appId !== options.appId) throw refused(404, NO_APPLICATION);
}

/** @throws LogoutError `ERR_REQUEST` 403 */
export async function authorize(
  { options }: HttpContext,
  req: Request,
  what: Pick<AdminContext, "action" | "userIds">,
): Promise<void> {
  const { appId, userPoolId, admin } = options;
  // Of an app in JavaScript it may be anything: nothing but `true` lets through.
  const may: unknown = await admin.authorizeToken(req, { appId, userPoolId, ...what });
  if (may !== true) {
    throw refused(403, "This administrator may not do that.");
  }
}

/** Compares with every token, by digest, so that the time it takes tells nothing of any. Source: OWASP ASVS 5.0 11.2.4. */
function isToken(authorization: string | undefined, tokens: readonly string[]): boolean {
  const given = digest((authorization ?? "").replace(/^Bearer +/i, ""));
  return tokens.map((token) => timingSafeEqual(digest(token), given)).includes(true);
}

/** The realm is a constant: without a token nothing is said of the application. Source: RFC 6750 section 3. */
function challenge(req: Request): Readonly<Record<string, string>> {
  const hasToken = !["", "bearer"].includes((req.get("Authorization") ?? "").trim().toLowerCase());
  return { "WWW-Authenticate": `Bearer realm="admin API"${hasToken ? ', error="invalid_token"' : ""}` };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function refused(status: number, message: string): LogoutError {
  return new LogoutError("ERR_REQUEST", message, { status });
}
