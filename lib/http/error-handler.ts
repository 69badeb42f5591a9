import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from "express";
import { isOwnCopy, LogoutError } from "../errors.js";
import { warn } from "../util/warning.js";
import type { Texts } from "../pages/texts/index.js";
import type { HttpContext } from "./context.js";
import { ExpressRequest } from "./express-request.js";
import { noticeReply } from "./notice-reply.js";
import { OwnPaths } from "./own-paths.js";
import { errorReply, type Reply } from "./reply.js";
import type { Route } from "./route.js";
import type { RouteRequest } from "./route-request.js";
import { send } from "./send.js";

const CSRF_FIRST =
  "A CSRF middleware refused a request to a route of express-logout. Mount auth before it: app.use(auth, csrf).";

/** Runs the handler of a route. Express 4 loses a rejected promise, so no handler's promise is left to Express. */
export function handle(context: HttpContext, { handler, caller }: Route): RequestHandler {
  return function logoutRoute(req, res, next) {
    respond(context, errorReplyFor(caller), (request) => handler(context, request), [req, res, next]).catch(next);
  };
}

/** What an error becomes that the caller can act on. */
export type ErrorReply = (context: HttpContext, request: RouteRequest, error: LogoutError) => Reply;

/** Programs get JSON; a person gets a page. */
export function errorReplyFor(caller: Route["caller"]): ErrorReply {
  return caller === "browser" ? errorNotice : (_context, request, error) => errorReply(request.header("Accept"), error);
}

/** Sends a reply. An error that the caller can act on is sent too; every other error is for the app. */
export async function respond(
  context: HttpContext,
  toReply: ErrorReply,
  reply: (request: RouteRequest) => Promise<Reply>,
  [req, res, next]: Parameters<RequestHandler>,
): Promise<void> {
  const request = new ExpressRequest(context, req, res);
  try {
    await send(context, res, await reply(request));
  } catch (error) {
    const own = ownError(error);
    if (own === undefined || !isOwnError(own) || res.headersSent) next(error);
    else await send(context, res, toReply(context, request, own));
  }
}

/** Responds to the errors of this package, wherever in the app they come up. */
export function createErrorHandler(context: HttpContext): ErrorRequestHandler {
  const paths = new OwnPaths(context);
  const reported = new Set<string>();
  return function logoutErrorHandler(error: unknown, req: Request, res: Response, next: NextFunction) {
    const own = ownError(error) ?? (isCsrfError(error) && paths.has(req) ? csrfFirst(error) : undefined);
    if (own === undefined || res.headersSent) {
      next(error);
      return;
    }
    // Answered here, it does not reach the log of Express.
    if (!isOwnError(own) && !reported.has(own.code)) {
      reported.add(own.code);
      warn(own.code, own.message);
    }
    send(context, res, errorNotice(context, new ExpressRequest(context, req, res), own)).catch(next);
  };
}

function errorNotice(context: HttpContext, request: RouteRequest, error: LogoutError): Reply {
  // As Express has it: what is wrong with the app itself is said to its developers alone.
  const isPublic = isOwnError(error) || request.original.app.get("env") !== "production";
  const { texts, addresses } = request;
  const title = titleOf(error.status, texts);
  if (!request.acceptsPage) {
    const shown = isPublic ? error : { status: error.status, message: title };
    return { ...errorReply(request.header("Accept"), shown), vary: "Accept" };
  }
  const reply = noticeReply(context, request, error.status, {
    title,
    // The errors of this package are in English; a page in another language says what it can in its own.
    text: isPublic && texts.language === "en" ? error.message : undefined,
    link: { href: addresses.home, label: texts.continue_ },
  });
  return { ...reply, headers: { ...error.headers, ...reply.headers } };
}

/** Whether the client caused the error, or can repeat the request. Other errors are the app's own. */
function isOwnError({ status }: LogoutError): boolean {
  return status < 500 || status === 503;
}

function titleOf(status: number, texts: Texts): string {
  if (status === 403) return texts.requestNotAllowed;
  if (status === 404) return texts.pageNotFound;
  if (status === 409) return texts.tooManyLogins;
  return status === 503 ? texts.tryAgainLater : texts.somethingWrong;
}

/** An error of this package, also of another copy of it: ESM and CommonJS have a class each. */
function ownError(error: unknown): LogoutError | undefined {
  if (isOwnCopy(error)) return error;
  if (!LogoutError.is(error) || !(error.status >= 400 && error.status <= 599)) return undefined;
  return new LogoutError(error.code, error.message, { status: error.status, cause: error });
}

/** csurf, csrf-csrf and csrf-sync have a code in common; lusca has a message alone. */
function isCsrfError(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === "EBADCSRFTOKEN" || (typeof message === "string" && /^csrf token (missing|mismatch)$/i.test(message));
}

function csrfFirst(cause: unknown): LogoutError {
  return new LogoutError("ERR_SESSION_ORDER", CSRF_FIRST, { cause });
}
