import type { Request, RequestHandler } from "express";
import { sendNotice } from "./answer.js";
import { sendAsset } from "./assets.js";
import { isBare, refuseBare } from "./bare.js";
import type { EndedLogin } from "../login.js";
import type { HttpContext } from "./context.js";
import { hostOf, showsAnswer } from "./fetch-metadata.js";
import { textsOf } from "./frame.js";

/**
 * Refuses the requests of kicked logins: 401 with the reason, which is kept until an answer that somebody will see. The login
 * page is never refused: it sees an anonymous session. It also has the files that its page needs, wherever it is mounted.
 */
export function createGuard(context: HttpContext): RequestHandler {
  const { options, sessions } = context;
  const { loginUrl, onKicked } = options;
  const loginPath = loginUrl === false ? undefined : samePath(loginUrl);
  const loginHost = loginUrl !== false && URL.canParse(loginUrl) ? new URL(loginUrl).host : undefined;

  // Users may log in on another host, whose paths say nothing of this app's.
  const isLoginPage = (req: Request): boolean =>
    samePath(req.originalUrl) === loginPath && (loginHost === undefined || loginHost === hostOf(req));

  const refuse = async (ended: EndedLogin, ...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    if (isBare(req)) {
      sessions.withhold(req, res);
      refuseBare(req, res, ended);
      return;
    }
    if (showsAnswer(req)) await sessions.told(req, res);
    if (onKicked !== undefined) {
      await onKicked(req, res, next, ended);
      return;
    }
    sessions.withhold(req, res);
    const texts = textsOf(context, req);
    sendNotice(context, req, res, 401, {
      title: texts.haveBeenLoggedOut,
      text: ended.reason,
      at: ended.at,
      link: loginUrl === false ? undefined : { href: loginUrl, label: texts.logInAgain },
    });
  };

  return function logoutGuard(req, res, next) {
    if (!isBare(req) && sendAsset(context, req, res)) return;
    const ended = sessions.ended(req);
    if (ended === undefined || (!isBare(req) && isLoginPage(req))) next();
    else refuse(ended, req, res, next).catch(next);
  };
}

/** The path of an address in the one spelling in which it can be compared; Express takes `/Login/` for `/login`. */
function samePath(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : (url.split(/[?#]/)[0] ?? "");
  return path.toLowerCase().replace(/(.)\/$/, "$1");
}
