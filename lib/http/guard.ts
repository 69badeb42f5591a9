import type { Request, RequestHandler } from "express";
import { sendNotice } from "./answer.js";
import type { HttpContext } from "./context.js";
import { showsAnswer } from "./fetch-metadata.js";

/**
 * Refuses the requests of kicked logins: 401 with the reason, which is kept until an answer that somebody will see. The login
 * page is never refused: it sees an anonymous session.
 */
export function createGuard({ options, sessions }: HttpContext): RequestHandler {
  const { loginUrl, onKicked } = options;
  const loginPath = pathOf(loginUrl);

  const guard = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    const ended = sessions.ended(req);
    if (ended === undefined || pathOf(req.originalUrl) === loginPath) {
      next();
      return;
    }
    if (showsAnswer(req)) await sessions.told(req, res);
    if (onKicked !== undefined) {
      onKicked(req, res, next, ended);
      return;
    }
    withoutSession(req);
    sendNotice(req, res, 401, {
      title: "You have been logged out",
      text: ended.reason,
      at: ended.at,
      link: { href: loginUrl, label: "Log in again" },
    });
  };

  return function logoutGuard(req, res, next) {
    guard(req, res, next).catch(next);
  };
}

/** The answer must not begin a new session: its cookie would stand beside the one that is cleared. */
function withoutSession(req: Request): void {
  delete (req as { session?: unknown }).session;
}

function pathOf(url: string): string {
  const { pathname } = new URL(url, "http://localhost");
  return pathname.length > 1 ? pathname.replace(/\/+$/, "") : pathname;
}
