import type { Request, RequestHandler } from "express";
import { LogoutError } from "../errors.js";
import type { LogoutControls } from "../controls.js";
import { isDuration } from "../options/checks.js";
import { resolveFreshLogin, type FreshLoginOptions } from "../options/fresh-logins.js";
import { loginRequired, type HttpContext } from "./context.js";
import { ExpressRequest } from "./express-request.js";
import { requireFresh } from "./pages/require-fresh.js";
import { requireLogin } from "./pages/require-login.js";
import { isReply } from "./reply.js";
import { send } from "./send.js";

type FreshLoginControls = Pick<LogoutControls, "confirmLogin" | "isFresh" | "requireFresh">;

/** The controls of step-up authentication. */
export function freshLoginControls(context: HttpContext): FreshLoginControls {
  const { sessions } = context;
  return {
    confirmLogin: async (req) => {
      if (req.res?.headersSent === true) {
        throw new LogoutError(
          "ERR_ARGUMENT_INVALID",
          "confirmLogin(req): the response has been sent, so the browser cannot get the new session id.",
        );
      }
      if (!(await sessions.confirm(req))) throw loginRequired("confirmLogin(req)");
    },
    isFresh: (req, maxAgeMs) => {
      if (isDuration(maxAgeMs)) return sessions.isFresh(req, maxAgeMs);
      throw new LogoutError("ERR_ARGUMENT_INVALID", "isFresh(req, maxAgeMs): pass a number of milliseconds above 0.");
    },
    requireFresh: (options) => createRequireFresh(context, resolveFreshLogin("requireFresh.", options)),
  };
}

/** Lets requests of fresh logins through. Asks the registry for no others than those that it does not let through. */
function createRequireFresh(context: HttpContext, options: FreshLoginOptions): RequestHandler {
  return function logoutRequireFresh(req, res, next) {
    if (context.sessions.check(req) && context.sessions.isFresh(req, options.maxAgeMs)) next();
    else refuse(context, options, req, res, next).catch(next);
  };
}

async function refuse(
  context: HttpContext,
  options: FreshLoginOptions,
  ...[req, res, next]: Parameters<RequestHandler>
): Promise<void> {
  const request = new ExpressRequest(context, req as Request, res);
  const login = await requireLogin(context, request);
  const reply = isReply(login) ? login : requireFresh(context, request, options);
  if (reply === undefined) next();
  else await send(context, res, reply);
}
