import { LogoutError } from "../../errors.js";
import type { Handler, HandlerContext } from "../context.js";
import { noticeReply } from "../notice-reply.js";
import { mustBeSameOrigin } from "../origin.js";
import { jsonReply, redirectReply, type Reply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";
import { providerLogout } from "./provider-logout.js";
import { resolveRedirect } from "./redirects.js";

/** `GET /login/profile/logout?redirect_uri=…`: the site sends the browser here. */
export const logoutByNavigation: Handler = async (context, request) => {
  if (request.method !== "GET" || !["navigation", "program"].includes(request.kind)) {
    const message = "A GET logs out only where the browser goes to this address. A script sends a POST.";
    throw new LogoutError("ERR_REQUEST_INVALID", message, { status: 403 });
  }
  return logOut(context, request, 302);
};

/** `POST /login/profile/logout`: a form or a script of the site itself. */
export const logoutByPost: Handler = async (context, request) => {
  mustBeSameOrigin(request, "null is accepted");
  return logOut(context, request, 303);
};

async function logOut(context: HandlerContext, request: RouteRequest, status: number): Promise<Reply> {
  const { home } = request.addresses;
  const atProvider = providerLogout(request);
  await request.logout();
  const redirect = resolveRedirect(await redirectUri(request), context.options.redirects.allow, home);
  // The session at the provider must end all the same: else the next login is silent.
  if ("refusal" in redirect && atProvider === undefined) {
    const { texts } = request;
    const link = { href: home, label: texts.continue_ };
    // Developers read JSON, users read pages.
    const text = request.acceptsPage ? texts.noWayBack : redirect.refusal;
    return noticeReply(context, request, 400, { title: texts.loggedOut, text, link });
  }
  const target = "to" in redirect ? redirect.to : home;
  const to = atProvider?.to ?? target;
  const cookies = atProvider?.cookiesFor(target);
  // Only clients that name JSON get it: the way back is what this address is for.
  if (request.namesJson) {
    return { ...jsonReply(200, "You are logged out", { redirectTo: to }), cookies };
  }
  return { ...redirectReply(to, status), cookies };
}

/** What the address says, else the form: a text, or several where it is given several times. */
async function redirectUri(request: RouteRequest): Promise<unknown> {
  const inQuery = request.query("redirect_uri");
  const isInQuery = inQuery.length > 0 || request.method === "GET";
  const given = isInQuery ? inQuery : (await request.optionalForm())("redirect_uri");
  return given.length > 1 ? given : given[0];
}
