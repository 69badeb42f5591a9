import type { Request, Response } from "express";
import { LogoutError } from "../../errors.js";
import { homeUrl } from "../addresses.js";
import { acceptsPage, sendJson, sendNotice } from "../responses.js";
import { readOptionalForm } from "../body.js";
import type { Handler, HttpContext } from "../context.js";
import { queryOf } from "../fields.js";
import { textsOf } from "../pages/page-context.js";
import { mustBeSameOrigin } from "../origin.js";
import { resolveRedirect } from "./redirects.js";
import { requestKind } from "../request-kind.js";

/** `GET /login/profile/logout?redirect_uri=…`: the site sends the browser here. */
export const logoutByNavigation: Handler = async (context, req, res) => {
  if (req.method !== "GET" || !["navigation", "program"].includes(requestKind(req))) {
    const message = "A GET logs out only where the browser goes to this address. A script sends a POST.";
    throw new LogoutError("ERR_REQUEST_INVALID", message, { status: 403 });
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
  await sessions.logout(req, res);
  const redirect = resolveRedirect(await redirectUri(req, res), options.redirects.allow, home);
  if ("refusal" in redirect) {
    const texts = textsOf(context, req);
    sendNotice(context, req, res, 400, {
      title: texts.loggedOut,
      text: redirect.refusal,
      link: { href: home, label: texts.continue_ },
    });
  } else if (!acceptsPage(req) && !acceptsAnything(req)) {
    sendJson(res, 200, "You are logged out", { redirectTo: redirect.to });
  } else {
    res.set("Cache-Control", "no-store").redirect(status, redirect.to);
  }
}

/** What the address says, else the form: a text, or several where it is given several times. */
async function redirectUri(req: Request, res: Response): Promise<unknown> {
  const inQuery = queryOf(req)("redirect_uri");
  const given =
    inQuery.length > 0 || req.method === "GET" ? inQuery : (await readOptionalForm(req, res))("redirect_uri");
  return given.length > 1 ? given : given[0];
}

/** Only who asks for JSON by name gets it here: the way back is what this address is for. */
function acceptsAnything(req: Request): boolean {
  return !(req.get("Accept") ?? "*/*").includes("json");
}
