import type { Request, RequestHandler, Response } from "express";
import { LOCALES, type Texts } from "../pages/texts/index.js";
import { isLoginRoute } from "./addresses.js";
import { sendAsset } from "./assets.js";
import { ExpressRequest } from "./express-request.js";
import { noticeReply } from "./notice-reply.js";
import { send } from "./send.js";
import { isBare, sendBareError } from "./bare.js";
import type { LoginEnd } from "../types/login.js";
import type { HttpContext } from "./context.js";
import { isRead, requestKind, type RequestKind } from "./request-kind.js";
import { ignored } from "../util/debug.js";

/** The kinds of requests whose response a person sees, or a program reads. */
const SEEN: ReadonlySet<RequestKind> = new Set(["navigation", "call", "program"]);

/**
 * Rejects the requests of kicked logins with a 401 and the reason, which is kept until a response that is seen. Login routes, and the
 * files that a login page needs, continue with an anonymous session. Also sends the files of this package's pages, wherever it is
 * mounted.
 *
 * The middleware and the app may both call the guard for one request: a login route that has passed passes again.
 *
 * @throws LogoutError as the middleware does, if session() is not mounted as it must be.
 */
export function createGuard(context: HttpContext): RequestHandler {
  const passed = new WeakSet<Request>();
  return function logoutGuard(req, res, next) {
    if (!isBare(res) && sendAsset(context, req, res)) return;
    const ended = context.sessions.check(req) ? context.sessions.rejectionOf(req) : undefined;
    if (ended === undefined || passed.has(req)) next();
    else handleRejected(context, ended, passed, [req, res, next]).catch(next);
  };
}

async function handleRejected(
  context: HttpContext,
  ended: LoginEnd,
  passed: WeakSet<Request>,
  [req, res, next]: Parameters<RequestHandler>,
): Promise<void> {
  const { options, sessions } = context;
  const kind = requestKind(req);
  if (isLoginRoute(context, req)) {
    passed.add(req);
    // The login page can show the reason. Without the cookie its form may post to any route. A failing store does not block the login.
    if (kind === "navigation" && req.method === "GET") {
      await sessions.clearRejection(req, res).catch(ignored("the reason of a kick was not removed at a login route"));
    }
    next();
  } else if (kind === "subresource" && isRead(req)) {
    sessions.withhold(req, res);
    next();
  } else {
    if (isSeen(kind, req, res)) await sessions.clearRejection(req, res);
    if (options.onRejected === undefined || isBare(res)) await reject(context, ended, req, res);
    else await options.onRejected(req, res, next, ended);
  }
}

function isSeen(kind: RequestKind, req: Request, res: Response): boolean {
  const isGone = (req as Partial<Request>).socket?.destroyed === true || res.destroyed;
  // Clients of live connections, such as that of socket.io, keep the answer to themselves.
  const isKeptToItself = (kind === "call" || kind === "program") && isBare(res);
  return req.method !== "HEAD" && SEEN.has(kind) && !isGone && !isKeptToItself;
}

async function reject(context: HttpContext, ended: LoginEnd, req: Request, res: Response): Promise<void> {
  context.sessions.withhold(req, res);
  if (isBare(res)) {
    const { locale = "en", texts: byLocale } = context.options.pages;
    const bareTexts = byLocale[locale];
    const { haveBeenLoggedOut } = bareTexts;
    const reason = reasonOf(ended, bareTexts);
    sendBareError(req, res, 401, reason === undefined ? haveBeenLoggedOut : `${haveBeenLoggedOut}: ${reason}`);
    return;
  }
  const request = new ExpressRequest(context, req, res);
  const { texts, addresses } = request;
  const href = addresses.login;
  const link = href === false ? undefined : { href, label: texts.logInAgain };
  const notice = { title: texts.haveBeenLoggedOut, text: reasonOf(ended, texts), at: ended.at, link };
  // A frame of the same origin shows the page, and uses the reason up.
  await send(context, res, noticeReply(context, request, 401, notice, { frameAncestors: "'self'" }));
}

/** Returns the reason that the user sees: that of the app, or else the rule that has ended the login. */
function reasonOf({ cause, reason }: LoginEnd, texts: Texts): string | undefined {
  // The admin API has one reason, which is kept as it was sent: in English.
  if (reason === LOCALES.en.forcedByAdministrator) return texts.forcedByAdministrator;
  if (reason !== undefined) return reason;
  if (cause === "limit") return texts.endedByLimit;
  return cause === "lifetime" ? texts.endedByLifetime : undefined;
}
