import type { RequestHandler } from "express";
import { sendNotice } from "./answer.js";
import type { HttpContext } from "./context.js";
import { showsAnswer } from "./fetch-metadata.js";

/**
 * Refuses the requests of kicked logins: 401 with the reason, which is kept until an answer that somebody will see. The login
 * page is never refused: it sees an anonymous session.
 */
export function createGuard({ options, sessions }: HttpContext): RequestHandler {
  const { loginUrl, onKicked } = options;
  const loginPath = samePath(loginUrl);

  const guard = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    const ended = sessions.ended(req);
    if (ended === undefined || samePath(req.originalUrl) === loginPath) {
      next();
      return;
    }
    if (showsAnswer(req)) await sessions.told(req, res);
    if (onKicked !== undefined) {
      await onKicked(req, res, next, ended);
      return;
    }
    sessions.withhold(req);
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

/** The path of an address in the one spelling in which it can be compared; Express takes `/Login/` for `/login`. */
function samePath(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/)[0] ?? "");
  return path.toLowerCase().replace(/(.)\/$/, "$1");
}
