import { LogoutError } from "../../errors.js";
import type { Handler, HandlerContext } from "../context.js";
import { noticeReply } from "../notice-reply.js";
import { mustBeSameOrigin } from "../origin.js";
import { jsonReply, redirectReply, type Reply } from "../reply.js";
import type { RouteRequest } from "../route-request.js";
import { providerLogout } from "./provider-logout.js";
import { resolveRedirect, type WayBack } from "./redirects.js";

const NAME = "redirect_uri";

/** `GET /login/profile/logout?redirect_uri=…`: the site sends the browser here. */
export const logoutByNavigation: Handler = async (context, request) => {
  mustBeNavigation(request);
  return logOut(context, request, 302, () => ({ name: NAME, given: oneOf(request.query(NAME)) }));
};

/** `POST /login/profile/logout`: a form or a script of the site itself. */
export const logoutByPost: Handler = async (context, request) => {
  mustBeSameOrigin(request, "null is accepted");
  return logOut(context, request, 303, async () => ({ name: NAME, given: await redirectUri(request) }));
};

/** @throws LogoutError `ERR_REQUEST_INVALID` 403 */
export function mustBeNavigation({ method, kind }: RouteRequest): void {
  if (method === "GET" && ["navigation", "program"].includes(kind)) return;
  const message = "A GET logs out only where the browser goes to this address. A script sends a POST.";
  throw new LogoutError("ERR_REQUEST_INVALID", message, { status: 403 });
}

/**
 * Logs the browser out, and sends it on.
 *
 * @param wayBack - read after the logout: a body that cannot be read must not keep the login
 */
export async function logOut(
  context: HandlerContext,
  request: RouteRequest,
  status: 302 | 303,
  wayBack: () => WayBack | Promise<WayBack>,
): Promise<Reply> {
  const { home } = request.addresses;
  const atProvider = providerLogout(request);
  await request.logout();
  const asked = await wayBack();
  const redirect = resolveRedirect(asked, context.options.redirects.allow, home);
  // The session at the provider must end all the same: else the next login is silent.
  if ("refusal" in redirect && atProvider === undefined) {
    const { texts } = request;
    const link = { href: home, label: texts.continue_ };
    // Developers read JSON, users read pages.
    const text = request.acceptsPage ? texts.noWayBack : redirect.refusal;
    return noticeReply(context, request, 400, { title: texts.loggedOut, text, link });
  }
  const to = atProvider?.to ?? ("to" in redirect ? redirect.to : home);
  const cookies = atProvider?.cookiesFor("to" in redirect ? asked : undefined);
  // Only clients that name JSON get it: the way back is what this address is for.
  if (request.namesJson) {
    return { ...jsonReply(200, "You are logged out", { redirectTo: to }), cookies };
  }
  return { ...redirectReply(to, status), cookies };
}

/** What the address says, else the form. */
async function redirectUri(request: RouteRequest): Promise<unknown> {
  const inQuery = request.query(NAME);
  return oneOf(inQuery.length > 0 ? inQuery : (await request.optionalForm())(NAME));
}

/** The value of a parameter, or all of them where it is given several times. */
export function oneOf(given: readonly string[]): unknown {
  return given.length > 1 ? given : given[0];
}
