import type { PageContext } from "../../pages/layout.js";
import { toUserView } from "../../pages/user-view.js";
import type { HandlerContext } from "../context.js";
import { warnOfCsrfBefore } from "../middleware-order.js";
import type { RouteRequest } from "../route-request.js";

/** Returns the frame of a page without a user. */
export function pageContext({ options, assets }: HandlerContext, { texts, addresses }: RouteRequest): PageContext {
  const frame = { texts, brandName: options.pages.brandName };
  if (options.routes.assets === undefined) return frame;
  const folder = addresses.mount + options.routes.assets;
  return { ...frame, assets: { style: `${folder}/${assets.style.name}`, script: `${folder}/${assets.script.name}` } };
}

/** Returns the frame of a logged-in user's page, with their menu. */
export async function userPageContext(
  context: HandlerContext,
  request: RouteRequest,
  userId: string,
): Promise<PageContext> {
  // Its pages have forms.
  warnOfCsrfBefore(context, request.original);
  const person = toUserView(userId, await context.options.pages.describeUser(userId));
  const logoutUrl = logoutUrlOf(context, request);
  const frame = pageContext(context, request);
  return logoutUrl === undefined ? frame : { ...frame, user: { person, logoutUrl } };
}

/** A part of a page, below the page's path: which may be the root. */
export function joinPath(path: string, part: string): string {
  return part === "" ? path : path.replace(/\/$/, "") + part;
}

/** Where the menu's Logout goes: to the personal center, which has a page to end on, else to the logout route. */
function logoutUrlOf({ options }: HandlerContext, { addresses }: RouteRequest): string | undefined {
  const { personalCenter, logout } = options.routes;
  const [path] = personalCenter.length > 0 ? personalCenter.map((center) => joinPath(center, "/logout")) : logout;
  return path === undefined ? undefined : addresses.mount + path;
}
