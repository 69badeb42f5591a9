import type { Request, Response } from "express";
import { LogoutError } from "../errors.js";
import { homeUrl } from "./addresses.js";
import { prefersJson, sendJson, sendNotice } from "./answer.js";
import type { Handler, HttpContext } from "./context.js";
import { textsOf } from "./frame.js";
import { mustBeSameOrigin } from "./origin.js";
import { resolveRedirect } from "./redirects.js";
import { requestKind } from "./request-kind.js";

/** `GET /login/profile/logout?redirect_uri=…`: the site sends the browser here. */
export const logoutByNavigation: Handler = async (context, req, res) => {
  if (req.method !== "GET" || !["navigation", "program"].includes(requestKind(req))) {
    const message = "A GET logs out only where the browser goes to this address. A script sends a POST.";
    throw new LogoutError("ERR_REQUEST", message, { status: 403 });
  }
  await logOut(context, req, res, 302);
};

/** `POST /login/profile/logout`: a form or a script of the site itself. */
export const logoutByPost: Handler = async (context, req, res) => {
  mustBeSameOrigin(req, "null is accepted");
  await logOut(context, req, res, 303);
};

async function logOut(context: HttpContext, req: Request, res: Response, status: number): Promise<void> {
  const { options, sessions } = context;
  const home = homeUrl(context, req);
  const redirect = resolveRedirect(redirectUri(req), options.redirectUris, home);
  await sessions.endLogin(req, res);
  if ("refusal" in redirect) {
    const texts = textsOf(context, req);
    sendNotice(context, req, res, 400, {
      title: texts.loggedOut,
      text: redirect.refusal,
      link: { href: home, label: texts.goOn },
    });
  } else if (prefersJson(req) && !acceptsAnything(req)) {
    sendJson(res, 200, "You are logged out", { redirectTo: redirect.to });
  } else {
    res.set("Cache-Control", "no-store").redirect(status, redirect.to);
  }
}

function redirectUri(req: Request): unknown {
  const body: unknown = req.body;
  const inBody = typeof body === "object" && body !== null && "redirect_uri" in body ? body.redirect_uri : undefined;
  return req.query["redirect_uri"] ?? inBody;
}

/** Only who asks for JSON by name gets it here: the way back is what this address is for. */
function acceptsAnything(req: Request): boolean {
  return !(req.get("Accept") ?? "*/*").includes("json");
}
